//! INVARIANT 1: what does not match leaves nothing, neither on the wire nor in any file. The real helper, service and
//! collector, a capture of all that passes between them, and a look at every file any of them could have written.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_tests::capture::Capture;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::poll;
use pastoral_tests::process::output_of;
use pastoral_tests::site::{SEVERE, Site};
use pastoral_tests::window::Window;
use std::process::Command;
use std::time::{Duration, Instant};

/// Words that stand nowhere else on this machine.
const TITLE: &str = "zephyrmarmalade";
const SEARCH: &str = "quokkatrombone";
/// The control: it stands in a search that matches.
const MATCHED: &str = "walrusbassoon";
const TITLES: usize = 400;
/// Health and keeping a connection alive, over a minute.
const HEARTBEAT_BYTES: u64 = 4096;

/// The files under what the site wrote to, and those of its users in the folders everybody may write to, that hold a
/// word.
fn files_with(word: &str, site: &Site) -> String {
    let mut found = String::new();
    let mut look = Command::new("grep");
    look.args(["-rla", word]).arg(site.folder.path());
    found.push_str(&String::from_utf8_lossy(&look.output().unwrap().stdout));
    for user in [
        &site.pupil.name,
        &site.laptop.user().name,
        &site.collector.user().name,
    ] {
        let mut look = Command::new("find");
        look.args([
            "/tmp", "/var/tmp", "/dev/shm", "-xdev", "-user", user, "-type", "f",
        ]);
        look.args(["-exec", "grep", "-la", word, "{}", "+"]);
        found.push_str(&String::from_utf8_lossy(&look.output().unwrap().stdout));
    }
    found
}

#[test]
fn unmatched_titles_and_searches_leave_no_trace_on_the_wire_or_in_any_file() {
    let site = Site::start("unmatched").unwrap();
    let desktop = Desktop::start(&site.pupil, &site.folder).unwrap();
    let _helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
    let mut window = Window::open(&desktop, &site.pupil, &site.folder).unwrap();
    // What is asked once per account has been asked.
    window.set("Rivers of Wales - Chromium").unwrap();
    site.laptop.until_status("the first title", seen(1)).unwrap();
    site.laptop.until_delivered().unwrap();

    let port = site.collector.devices().port();
    let capture = Capture::start(port, &site.folder).unwrap();
    let began = Instant::now();
    let before = site.laptop.status().unwrap()["detail"]["counters"]["titles"]
        .as_u64()
        .unwrap();
    for number in 0..TITLES / 2 {
        window
            .set(&format!("{TITLE} {number} of Wales - Chromium"))
            .unwrap();
        window.search(&format!("{SEARCH} {number} near me")).unwrap();
    }
    site.laptop
        .until_status("the titles to be seen", seen(before + 2))
        .unwrap();
    window.search(&format!("{SEARCH} the last")).unwrap();
    let during = capture.bytes().unwrap();
    let took = began.elapsed();
    // The same time without titles.
    let quiet = poll::within(
        took + Duration::from_secs(60),
        "an equally long quiet time",
        || (began.elapsed() >= 2 * took).then(|| capture.bytes().unwrap() - during),
    )
    .unwrap();
    assert!(
        during <= quiet + HEARTBEAT_BYTES,
        "{TITLES} titles made {during} bytes, where silence made {quiet}"
    );
    assert_eq!(site.store().unwrap().flags().unwrap(), 0);

    // The control: a search that matches is noticed by all of this.
    window.search(&format!("{SEVERE} {MATCHED}")).unwrap();
    let store = site.store().unwrap();
    poll::until_so("the flag", || store.flags().unwrap() == 1).unwrap();
    let flagged = capture.bytes().unwrap() - during - quiet;
    assert!(
        flagged > 300,
        "a flag passed in {flagged} bytes: the capture sees nothing"
    );
    site.laptop.until_delivered().unwrap();
    let captured = capture.stop().unwrap();
    for word in [TITLE, SEARCH, MATCHED] {
        let plain = output_of(Command::new("grep").args(["-ca", word]).arg(&captured));
        assert!(plain.is_err(), "`{word}` is in the capture");
    }
    for word in [TITLE, SEARCH] {
        assert_eq!(files_with(word, &site), "", "`{word}` was written");
    }
    // What looks for files would find one.
    let planted = site.folder.path().join("planted");
    std::fs::write(&planted, TITLE).unwrap();
    assert!(files_with(TITLE, &site).contains("planted"));
}

fn seen(titles: u64) -> impl Fn(&serde_json::Value) -> bool {
    move |status| status["detail"]["counters"]["titles"].as_u64() >= Some(titles)
}
