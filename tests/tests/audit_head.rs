//! Invariant 5: the head of the audit chain leaves the machine by mail, and can be compared later.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::collector::Collector;
use pastoral_support::mail::Mail;
use pastoral_support::process::{self, Folder};
use pastoral_support::{poll, school};
use std::path::Path;
use std::process::Command;

/// What `audit verify` says of a file and a number: its exit code and its words.
fn says(file: &Path, number: &str) -> (Option<i32>, String) {
    // Another computer: neither configuration nor school.
    let output = Command::new(process::program("pastoral-collector").unwrap())
        .args(["audit", "verify", "--head", number])
        .arg(file)
        .env_clear()
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), words)
}

#[test]
fn the_number_in_the_mail_is_found_in_the_record_and_another_is_not() {
    let folder = Folder::new("audit").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let collector = Collector::of_school(&folder, &mail, &[]).unwrap();
    let number = poll::until("the mail about the audit record", || {
        let messages = mail.messages().ok()?;
        let mut to_chair = messages
            .iter()
            .filter(|message| message.to.contains(school::CHAIR.email));
        let number = |text: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix("Number  ").map(str::to_owned))
        };
        let line = to_chair.find_map(|message| number(&message.text))?;
        Some(line.trim().to_owned())
    })
    .unwrap();
    assert_eq!(number.split(' ').count(), 8, "{number}");
    let (export, backups) = (
        collector.data_dir.join("export.jsonl"),
        collector.data_dir.join("backups"),
    );
    for arguments in [
        ["audit", "export", export.to_str().unwrap()].as_slice(),
        &["backup", "--to", backups.to_str().unwrap()],
    ] {
        let done = collector.command(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    let backup = std::fs::read_dir(&backups)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let last = if number.ends_with('A') { "B" } else { "A" };
    let other = format!("{}{last}", &number[..number.len() - 1]);
    for file in [export.as_path(), backup.as_path()] {
        let (code, words) = says(file, &number.to_lowercase());
        assert_eq!(code, Some(0), "{words}");
        let (code, words) = says(file, &other);
        assert!(code == Some(3) && words.contains("is not in it"), "{words}");
    }
    let text = std::fs::read_to_string(&export).unwrap();
    for name in [school::CHAIR.email, "concern-", "person", "signed-in", "joined"] {
        assert!(!text.contains(name), "{name} is in the export");
    }
    assert_eq!(says(&folder.path().join("nothing"), &number).0, Some(1));
}
