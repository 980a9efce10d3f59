// Before anything is drawn, so that nothing jumps: says that scripts run here.
document.body.classList.add("js-enabled", "govuk-frontend-supported");
