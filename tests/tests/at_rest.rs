//! INVARIANTS 9 and 10: what lies on the disks, and what is logged, says nothing of what was read, searched or noted;
//! and no core dump will.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::poll;
use pastoral_support::process::Process;
use pastoral_support::school;
use pastoral_tests::reader::Reader;
use pastoral_tests::site::{SERIOUS, SEVERE, Site};
use std::fs;
use std::path::Path;
use std::process::Command;

/// A word of what was searched.
const SEARCHED: &str = "walrusbassoon";
/// A word of what a reader notes.
const NOTED: &str = "ocelotpiccolo";

/// The files below a folder that hold these bytes.
fn files_with(word: &str, folder: &Path) -> String {
    let output = Command::new("grep")
        .args(["-rlaF", word])
        .arg(folder)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn flags_and_notes_can_be_read_in_no_file_of_the_device_or_the_collector() {
    let mut site = Site::start("at-rest").unwrap();
    let head = Reader::join(
        &site.collector.url(),
        school::HEADTEACHER,
        &site.collector.invited(&site.mail, &school::HEADTEACHER),
    )
    .unwrap();
    let mut speaker = site.speaker().unwrap();
    speaker.search(&format!("{SEVERE} {SEARCHED}")).unwrap();
    let store = site.store().unwrap();
    poll::until_so("the flag", || store.flags().unwrap() == 1).unwrap();
    let concern = store.texts("SELECT concern_id FROM concern").unwrap().remove(0);
    let page = format!("/concerns/{concern}");
    let shown = head.visit(&page).unwrap();
    assert!(
        shown.text().contains(SEARCHED),
        "the reader does not see it: {}",
        shown.text()
    );
    let noted = head.submit(&page, "/note", &[("words", NOTED)]).unwrap();
    assert!(noted.text().contains(NOTED), "{}", noted.text());
    // One flag more that stays on the device.
    site.collector.stop();
    speaker.search(&format!("{SERIOUS} {SEARCHED}")).unwrap();
    poll::until_so("two flags on disk", || site.laptop.flags_on_disk().len() == 2).unwrap();
    for word in [SEARCHED, NOTED] {
        assert_eq!(files_with(word, site.folder.path()), "", "`{word}` can be read");
    }
    for table in store.tables().unwrap() {
        for value in store.values(&table).unwrap() {
            let value = String::from_utf8_lossy(&value).to_lowercase();
            for word in [SEVERE, SERIOUS, SEARCHED, NOTED] {
                assert!(!value.contains(word), "`{word}` stands in the table {table}");
            }
        }
    }
    for log in [site.laptop.log(), site.collector.log()] {
        assert!(!log.contains(SEVERE) && !log.contains(SERIOUS), "{log}");
    }
    // The school's names stand in no log either, and in no address of a notice.
    let names = [school::PUPIL.family, school::HEADTEACHER.family];
    for log in [site.laptop.log(), site.collector.log()] {
        assert!(!names.iter().any(|name| log.contains(name)), "{log}");
    }
    // The same look finds what is there.
    fs::write(site.folder.path().join("planted"), NOTED).unwrap();
    assert!(files_with(NOTED, site.folder.path()).contains("planted"));
}

fn core_limit(process: &Process) -> String {
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    line.split_whitespace()
        .skip(4)
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn neither_service_nor_helper_nor_collector_leaves_a_core_dump() {
    let mut site = Site::start("at-rest").unwrap();
    let desktop = pastoral_tests::desktop::Desktop::start(&site.pupil, &site.folder).unwrap();
    let helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
    assert_eq!(core_limit(&helper), "0 0");
    assert_eq!(core_limit(site.laptop.process().unwrap()), "0 0");
    assert_eq!(core_limit(site.collector.process()), "0 0");
}
