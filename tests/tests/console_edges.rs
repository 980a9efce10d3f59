//! The console at its edges: many concerns, mail that cannot be delivered, guessing, and a session that is over.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::{poll, school};
use pastoral_tests::browser::Browser;
use pastoral_tests::looks::Looks;
use pastoral_tests::shifted::Shifted;
use pastoral_tests::whole_school::{Seen, WholeSchool};

/// Concerns that the queue shows at once.
const SHOWN: usize = 100;
/// Tries to sign in that are too many in a minute.
const TRIES: usize = 10;

fn seen(account: &str, severity: u8) -> Seen<'_> {
    Seen {
        on_staff_device: false,
        account,
        text: "marigold and larkspur",
        term: "marigold",
        topic: "suicide",
        severity,
        by_page: false,
    }
}

#[test]
fn a_long_queue_shows_the_most_urgent_and_says_how_many_more_there_are() {
    let school = WholeSchool::start("edges").unwrap();
    // More things than a laptop tells of in a day.
    let listed = school.collector.run(&["device", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    for device in listed.as_array().unwrap() {
        let device_id = device["device_id"].as_str().unwrap();
        school.collector.run(&["device", "allow", device_id]);
    }
    for number in 0..SHOWN + 5 {
        let account = format!("guest-{number}");
        school.flag(&seen(&account, 3)).unwrap();
    }
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    let mut looks = Looks::new(&browser, &school.collector.url()).unwrap();
    looks.signed_in_as(&school.staff.lead).unwrap();
    looks.page("queue-long", "/queue", "Concerns").unwrap();
    assert!(looks.faults.is_empty(), "{}", looks.faults.join("\n"));
    // A card may be drawn anew while it is read.
    let cards = || browser.texts(".app-card").unwrap_or_default();
    poll::until_so("all cards", || cards().len() == SHOWN).unwrap();
    assert!(browser.text().unwrap().contains("Concerns 1 to 100 of 105."));
    // The last to come is the first to be seen, in the open page.
    school.flag(&seen("ibbotson", 5)).unwrap();
    let name = school::PUPIL.name();
    poll::until_so("the severe concern on top", || {
        cards().first().is_some_and(|card| card.contains(&name))
    })
    .unwrap();
    poll::until_so("all cards", || cards().len() == SHOWN).unwrap();
    poll::until_so("the count of the others", || {
        browser
            .text()
            .is_ok_and(|text| text.contains("Concerns 1 to 100 of 106."))
    })
    .unwrap();
}

#[test]
fn a_notice_that_the_mail_server_refuses_for_good_is_shown_to_those_who_can_tell_instead() {
    let mut school = WholeSchool::start("edges").unwrap();
    school.mail.refuse_for_good().unwrap();
    school.flag(&seen("ibbotson", 5)).unwrap();
    let store = school.store().unwrap();
    let tried = "SELECT count(*) FROM outbox WHERE concern_id IS NOT NULL AND attempts > 0";
    poll::until_so("the first try", || store.number(tried).unwrap() > 0).unwrap();
    school.staff.lead.sign_in().unwrap();
    school.staff.technician.sign_in().unwrap();
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    let mut looks = Looks::new(&browser, &school.collector.url()).unwrap();
    looks.signed_in_as(&school.staff.lead).unwrap();
    looks.page("health-undelivered", "/health", "Health").unwrap();
    let page = browser.text().unwrap();
    for words in [
        "tell these people yourself",
        "and again",
        "code 550",
        &school::LEAD.name(),
    ] {
        assert!(page.contains(words), "no `{words}` in: {page}");
    }
    browser.click(".govuk-table a").unwrap();
    looks
        .here("health-undelivered-concern", &school::PUPIL.name())
        .unwrap();
    assert!(looks.faults.is_empty(), "{}", looks.faults.join("\n"));
    // P41: who keeps the mail running learns why, and not of whom or how much.
    let technician = || school.staff.technician.visit("/health").unwrap().text();
    // Once is nothing to see to: it is said after a few tries.
    poll::until_so("the technician to be told", || {
        let page = technician();
        page.contains("Some mail could not be delivered") && page.contains("code 550")
    })
    .unwrap();
    let page = technician();
    for secret in [
        school::LEAD.family,
        school::PUPIL.family,
        "and again",
        "concern is new",
    ] {
        assert!(!page.contains(secret), "the technician reads `{secret}`: {page}");
    }
}

#[test]
fn who_tries_to_sign_in_too_often_is_told_to_wait() {
    let school = WholeSchool::start("edges").unwrap();
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    let mut looks = Looks::new(&browser, &school.collector.url()).unwrap();
    // While one page gives way to the next there is nothing to read.
    let too_many = || {
        browser.texts("h1").is_ok_and(|headings| {
            headings
                .iter()
                .any(|heading| heading.contains("Too many attempts"))
        })
    };
    for _ in 0..TRIES {
        browser
            .visit(&format!("{}/sign-in", school.collector.url()))
            .unwrap();
        browser.fill("email", school::LEAD.email).unwrap();
        browser.fill("password", "a guess at it 1").unwrap();
        browser.fill("code", "000000").unwrap();
        browser.click("main button[type=submit]").unwrap();
        poll::until_so("an answer", || {
            too_many()
                || browser
                    .texts(".govuk-error-summary")
                    .is_ok_and(|problems| !problems.is_empty())
        })
        .unwrap();
        if too_many() {
            break;
        }
    }
    looks.here("too-many-attempts", "Too many attempts").unwrap();
    assert!(looks.faults.is_empty(), "{}", looks.faults.join("\n"));
    assert!(browser.text().unwrap().contains("Wait a minute"));
}

#[test]
fn a_session_that_nobody_used_for_half_an_hour_is_over_and_its_form_changes_nothing() {
    let mut school = WholeSchool::start("edges").unwrap();
    let clock = Shifted::new(&school.folder).unwrap();
    school.collector.stop();
    school.collector.add_environment(clock.environment());
    school.collector.serve();
    school.staff.lead.sign_in().unwrap();
    let lead = &school.staff.lead;
    let page = lead.visit("/concerns/new").unwrap();
    let form = pastoral_tests::forms::Form::with_action(&page.html, "/concerns/new").unwrap();
    let form = form.choosing("person", &school::OTHER_PUPIL.name()).unwrap();
    let form = form.choosing("kind", "Hate").unwrap().with("severity", "3");
    let form = form.with("words", "Quin was shouted at by the gate.");
    clock.shift("+31m").unwrap();
    lead.send(&form).unwrap();
    let store = school.store().unwrap();
    assert_eq!(store.number("SELECT count(*) FROM concern").unwrap(), 0);
    let asked = lead.visit("/queue").unwrap();
    assert!(asked.html.contains("action=\"/sign-in\""), "{}", asked.text());
    clock.shift("+0").unwrap();
    school.staff.lead.sign_in().unwrap();
    let page = school.staff.lead.visit("/queue").unwrap();
    assert!(
        page.text().contains("Nothing is waiting for you"),
        "{}",
        page.text()
    );
}
