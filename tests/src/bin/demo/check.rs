//! What a person would look at, looked at by a real browser.

use crate::at;
use crate::steps::Steps;
use crate::world::{SEARCH, World};
use anyhow::{Context, Result, ensure};
use pastoral_support::{poll, school};
use pastoral_tests::browser::Browser;

/// The safeguarding lead's browser, with the queue open.
pub(crate) struct Eyes {
    browser: Browser,
}

impl Eyes {
    /// Signs the lead in, with her password and her phone's code.
    pub(crate) fn open(world: &World, steps: &mut Steps) -> Result<Self> {
        let browser = at(
            "starting the lead's browser",
            Browser::start(&world.folder, 1280, 1000),
        )?;
        let lead = &world.staff.lead;
        at(
            "the lead's signing in",
            sign_in(&browser, &world.collector.url(), lead),
        )?;
        at("the lead's queue", browser.arrive("/queue"))?;
        ensure!(
            browser.texts(".app-card")?.is_empty(),
            "the queue is not empty before the search"
        );
        steps.done(
            "the safeguarding lead has signed in by a browser, with password and code; her queue is empty",
        );
        Ok(Self { browser })
    }

    /// The concern appears without a reload; its page shows the words marked, and the procedure.
    pub(crate) fn see_the_concern(&self, steps: &mut Steps) -> Result<()> {
        let name = school::PUPIL.name();
        let appeared = || {
            self.browser
                .texts(".app-card")
                .is_ok_and(|cards| cards.iter().any(|card| card.contains(&name)))
        };
        at(
            "the concern on the open page",
            poll::until_so("the concern to appear without a reload", appeared),
        )?;
        steps.done("the concern appeared on her open page without a reload");
        at("opening the concern", self.browser.click(".app-card a"))?;
        let mut marked = Vec::new();
        poll::until_so("the matched words to be marked", || {
            marked = self.browser.texts(".app-seen__text mark").unwrap_or_default();
            marked.iter().any(|words| words == SEARCH)
        })
        .with_context(|| format!("marked are {marked:?}"))?;
        let text = self.browser.text()?;
        ensure!(
            text.contains("Typed"),
            "the page does not say that the words were typed"
        );
        let must_not = self.browser.texts(".app-procedure__not li")?;
        let at_once = self.browser.texts(".app-procedure ol li")?;
        ensure!(!at_once.is_empty(), "the page does not show the procedure");
        steps.done(&format!(
            "its page marks the words, says who wrote them, and shows the procedure ({} must-nots, {} at once)",
            must_not.len(),
            at_once.len()
        ));
        Ok(())
    }
}

/// The mail names no pupil and quotes nothing.
pub(crate) fn mail(world: &World, steps: &mut Steps) -> Result<()> {
    let message = at("the mail", world.mail.message_to(school::LEAD.email))?;
    for secret in [school::PUPIL.given, school::PUPIL.family, SEARCH, "die"] {
        let said = message.text.to_lowercase().contains(&secret.to_lowercase());
        ensure!(!said, "the mail says `{secret}`, which no notice may");
    }
    ensure!(
        message.text.contains(&world.collector.url()),
        "the mail does not say where the console is"
    );
    steps.done("the mail names no pupil and quotes nothing");
    Ok(())
}

fn sign_in(browser: &Browser, console: &str, person: &pastoral_tests::reader::Reader) -> Result<()> {
    browser.visit(&format!("{console}/sign-in"))?;
    browser.fill("email", person.person.email)?;
    browser.fill("password", &person.password)?;
    browser.fill("code", &person.code()?)?;
    browser.press("Sign in")
}
