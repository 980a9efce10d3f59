//! Invariant 5: the head of the audit chain leaves the machine by mail, and can be compared later.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_tests::collector::Collector;
use pastoral_tests::mail::Mail;
use pastoral_tests::process::Folder;
use pastoral_tests::{poll, school};

/// What `check` says of a number.
fn says(collector: &Collector, number: &str) -> (bool, String) {
    let output = collector
        .command(&["check", "--json", "--audit-head", number])
        .output();
    let said: serde_json::Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    let findings = said["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|finding| finding["what"] == "audit head")
        .unwrap();
    (
        found["good"].as_bool().unwrap(),
        found["says"].as_str().unwrap().into(),
    )
}

#[test]
fn the_number_in_the_mail_is_found_in_the_record_and_another_is_not() {
    let folder = Folder::new("audit").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let collector = Collector::start(&folder, &mail, &[]).unwrap();
    let number = poll::until("the mail about the audit record", || {
        let messages = mail.messages().ok()?;
        let text = messages
            .iter()
            .find(|message| message.to.contains(school::CHAIR.email))?;
        let line = text.text.lines().find_map(|line| line.strip_prefix("Number  "))?;
        Some(line.trim().to_owned())
    })
    .unwrap();
    assert_eq!(number.len(), 64, "{number}");
    let (good, words) = says(&collector, &number);
    assert!(good, "{words}");
    let last = if number.ends_with('0') { "1" } else { "0" };
    let (good, words) = says(&collector, &format!("{}{last}", &number[..63]));
    assert!(!good && words.contains("not in the record"), "{words}");
}
