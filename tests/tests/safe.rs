//! The school safe in a real browser: from the printed sheet to the words on the screen, with every reader told by mail.

use pastoral_support::{poll, school};
use pastoral_tests::browser::Browser;
use pastoral_tests::looks::Looks;
use pastoral_tests::whole_school::WholeSchool;

#[test]
fn the_chair_s_sheet_brings_an_unreadable_record_to_a_reader_s_screen_and_every_reader_is_mailed() {
    let school = WholeSchool::start("safe").unwrap();
    school
        .send_unreadable(b"\x01\xff\xfe i want to disappear <b>now</b>")
        .unwrap();
    let browser = Browser::start(&school.folder, 1280, 900).unwrap();
    let mut looks = Looks::new(&browser, &school.collector.url()).unwrap();
    looks.signed_in_as(&school.staff.lead).unwrap();
    looks.page("safe-closed", "/safe", "The school safe").unwrap();
    let [heads, chairs] = &school.collector.sheets();
    browser.fill("sheet", heads).unwrap();
    browser.press("Open the safe").unwrap();
    looks.refused("safe-refused", "The school safe").unwrap();
    assert!(
        !browser.text().unwrap().contains("pupil "),
        "what was typed does not come back"
    );
    browser.fill("sheet", chairs).unwrap();
    browser.press("Open the safe").unwrap();
    looks.here("safe-open", "The school safe").unwrap();
    browser.click("[href^='/safe/records/']").unwrap();
    looks
        .here("safe-record-reason", "A record that could not be read")
        .unwrap();
    assert!(!browser.text().unwrap().contains("disappear"));
    browser.press("Show it").unwrap();
    looks
        .refused("safe-record-refused", "A record that could not be read")
        .unwrap();
    browser
        .fill("words", "It may be a child who needs help.")
        .unwrap();
    browser.press("Show it").unwrap();
    looks
        .here("safe-record", "A record that could not be read")
        .unwrap();
    let text = browser.text().unwrap();
    assert!(text.contains("i want to disappear <b>now</b>"), "{text}");
    assert!(text.contains("It may be a child who needs help."));
    for reader in [school::LEAD, school::DEPUTY, school::HEADTEACHER, school::CHAIR] {
        poll::until_so("the mail that the safe was opened", || {
            let messages = school.mail.messages().unwrap_or_default();
            messages.iter().any(|message| {
                message.to.contains(reader.email) && message.text.contains("typed in the printed sheet")
            })
        })
        .unwrap();
    }
    looks.signed_in_as(&school.staff.chair).unwrap();
    looks.page("audit-chair", "/audit", "Audit log").unwrap();
    browser
        .script(
            "document.querySelectorAll('details').forEach(one => one.open = true)",
            vec![],
        )
        .unwrap();
    looks.here("audit-heads", "Audit log").unwrap();
    assert!(browser.text().unwrap().contains("opened the school safe"));
    looks.page("health-chair", "/health", "Health").unwrap();
    assert!(looks.faults.is_empty(), "{}", looks.faults.join("\n"));
}
