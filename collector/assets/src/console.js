import { Button, CharacterCount, ErrorSummary, PasswordInput, ServiceNavigation, SkipLink, createAll } from "./govuk-frontend.js";

for (const component of [Button, CharacterCount, ErrorSummary, PasswordInput, ServiceNavigation, SkipLink]) createAll(component);

// The queue updates itself. When the connection is lost, or the session has ended, the reader is told so in words.
const state = document.querySelector("[data-live-state]");
const say = (words, lost) => {
  if (!state || state.textContent === words) return;
  state.textContent = words;
  state.classList.toggle("app-live--lost", lost);
};
document.body.addEventListener("htmx:sse:after:connection", () => say("Updates by itself.", false));
document.body.addEventListener("htmx:sse:error", () => say("Not updating at the moment. Reload the page to see what is new.", true));
document.body.addEventListener("signed-out", () => location.reload());
