//! The console in a real browser for who cannot use a mouse, and for a browser that runs no scripts.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is wrong"
)]

use pastoral_support::poll;
use pastoral_tests::browser::Browser;
use pastoral_tests::whole_school::{Seen, WholeSchool};
use thirtyfour::Key;

const SEVERE: Seen<'static> = Seen {
    on_staff_device: false,
    account: "ibbotson",
    text: "i want to die",
    term: "i want to die",
    topic: "suicide",
    severity: 5,
    by_page: false,
};

/// Presses Tab until the keyboard is where this script says; every stop on the way must show that it has it.
fn tab_to(browser: &Browser, what: &str, is_there: &str) {
    for _ in 0..60 {
        browser.keys(Key::Tab).unwrap();
        let script = format!(
            "const here = document.activeElement, looks = getComputedStyle(here); const seen = looks.outlineStyle !== \
             'none' || looks.boxShadow !== 'none'; return [{is_there}, seen, here.outerHTML.slice(0, 200)]"
        );
        let answer = browser.script(&script, vec![]).unwrap();
        // Past the last stop the keyboard is at the browser itself.
        let outside = answer[2].as_str().unwrap().starts_with("<body");
        assert!(
            outside || answer[1] == true,
            "nobody sees that {} has the keyboard",
            answer[2]
        );
        if answer[0] == true {
            return;
        }
    }
    panic!("the keyboard never gets to {what}: {}", browser.text().unwrap());
}

fn until_heading(browser: &Browser, heading: &str) {
    let is_there = || {
        browser
            .texts("h1")
            .is_ok_and(|texts| texts.len() == 1 && texts[0].starts_with(heading))
    };
    let waited = poll::until_so(heading, is_there);
    assert!(
        waited.is_ok(),
        "no page `{heading}` but: {}",
        browser.text().unwrap()
    );
}

#[test]
fn a_concern_is_found_and_acknowledged_with_the_keyboard_alone() {
    let school = WholeSchool::start("keyboard").unwrap();
    school.flag(&SEVERE).unwrap();
    let lead = &school.staff.lead;
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    browser
        .visit(&format!("{}/sign-in", school.collector.url()))
        .unwrap();
    tab_to(
        &browser,
        "the way past the menu",
        "here.textContent === 'Skip to main content'",
    );
    tab_to(&browser, "the address", "here.name === 'email'");
    browser.keys(lead.person.email).unwrap();
    tab_to(&browser, "the password", "here.name === 'password'");
    browser.keys(lead.password.as_str()).unwrap();
    tab_to(&browser, "the code", "here.name === 'code'");
    browser.keys(lead.code().unwrap()).unwrap();
    browser.keys(Key::Enter).unwrap();
    until_heading(&browser, "Concerns");
    tab_to(
        &browser,
        "the concern",
        "here.textContent.startsWith('Pip Ibbotson')",
    );
    browser.keys(Key::Enter).unwrap();
    until_heading(&browser, "Pip Ibbotson");
    tab_to(&browser, "the button", "here.textContent === 'Acknowledge'");
    browser.keys(Key::Enter).unwrap();
    poll::until_so("the acknowledgement", || {
        browser
            .text()
            .is_ok_and(|text| text.contains("You are dealing with this concern now"))
    })
    .unwrap();
    tab_to(&browser, "the way to sign out", "here.textContent === 'Sign out'");
}

#[test]
fn the_main_way_works_in_a_browser_without_scripts() {
    let school = WholeSchool::start("scripts").unwrap();
    let lead = &school.staff.lead;
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    browser.without_scripts().unwrap();
    browser
        .visit(&format!("{}/sign-in", school.collector.url()))
        .unwrap();
    browser.fill("email", lead.person.email).unwrap();
    browser.fill("password", &lead.password).unwrap();
    browser.fill("code", &lead.code().unwrap()).unwrap();
    browser.click("main button[type=submit]").unwrap();
    until_heading(&browser, "Concerns");
    assert!(
        browser
            .text()
            .unwrap()
            .contains("Reload the page to see what is new")
    );
    school.flag(&SEVERE).unwrap();
    browser
        .visit(&format!("{}/queue", school.collector.url()))
        .unwrap();
    browser.press("Pip Ibbotson").unwrap();
    until_heading(&browser, "Pip Ibbotson");
    browser.press("Acknowledge").unwrap();
    poll::until_so("the acknowledgement", || {
        browser
            .text()
            .is_ok_and(|text| text.contains("You are dealing with this concern now"))
    })
    .unwrap();
    browser.press("Write a note").unwrap();
    browser.fill("words", "Pip is with me.").unwrap();
    browser.press("Save the note").unwrap();
    poll::until_so("the note", || {
        browser.text().is_ok_and(|text| text.contains("Pip is with me."))
    })
    .unwrap();
    browser.keep_screenshot("concern-without-scripts").unwrap();
    browser.press("Sign out").unwrap();
    until_heading(&browser, "Sign in");
}
