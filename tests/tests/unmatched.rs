//! INVARIANT 1: what does not match leaves nothing, neither on the wire nor in any file. The real helper, service and
//! collector, as many titles and searches as an hour of hard use makes, a capture of all that passes between them, and a
//! look at every file any of them could have written.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::poll;
use pastoral_support::process::output_of;
use pastoral_tests::capture::Capture;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::leftovers::files_with;
use pastoral_tests::site::{SEVERE, Site};
use pastoral_tests::store::Store;
use pastoral_tests::window::Window;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Words that stand nowhere else on this machine.
const TITLE: &str = "zephyrmarmalade";
const SEARCH: &str = "quokkatrombone";
/// The control: it stands in a search that matches.
const MATCHED: &str = "walrusbassoon";
/// An hour of use with something new every three seconds, half of it searches, as fast as the desktop takes it.
const HOUR: u64 = 1200;
/// Titles between two looks at whether they were seen: events are taken together, so a burst may be seen as its last.
const STRIDE: u64 = 4;
/// Health and keeping a connection alive, over a minute.
const HEARTBEAT_BYTES: u64 = 4096;
/// After the last change, the device has done what follows a delivery.
const AT_REST: Duration = Duration::from_secs(8);
/// What the collector writes of a device by itself: how it is, and when it was heard.
const HEALTH: [&str; 1] = ["device"];

/// Every file below a folder, as it is.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.insert(path, bytes);
        }
    }
    found
}

/// The files once nothing has changed in them for some seconds: an empty spool gets a new key, a moment after the last
/// delivery.
fn contents_at_rest(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut last, mut since) = (contents(folder), Instant::now());
    poll::until("the device's files to be at rest", || {
        let now = contents(folder);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        (since.elapsed() >= AT_REST).then(|| last.clone())
    })
    .unwrap()
}

/// Every value of every table of the collector's, but for devices' health.
fn tables(store: &Store) -> BTreeMap<String, Vec<Vec<u8>>> {
    let tables = store.tables().unwrap().into_iter();
    let tables = tables.filter(|table| !HEALTH.contains(&table.as_str()));
    tables
        .map(|table| {
            let values = store.values(&table).unwrap();
            (table, values)
        })
        .collect()
}

fn titles(status: &Value) -> u64 {
    status["detail"]["counters"]["titles"]
        .as_u64()
        .unwrap_or_default()
}

/// An hour's titles and searches, none of which matches.
fn use_for_an_hour(site: &Site, window: &mut Window) {
    for number in 0..HOUR / 2 {
        window
            .set(&format!("{TITLE} {number} of Wales - Chromium"))
            .unwrap();
        window.search(&format!("{SEARCH} {number} near me")).unwrap();
        if number % STRIDE == 0 {
            let before = titles(&site.laptop.status().unwrap());
            window.search(&format!("{SEARCH} again {number}")).unwrap();
            site.laptop
                .until_status("a title to be seen", |status| titles(status) > before)
                .unwrap();
        }
    }
}

#[test]
fn unmatched_titles_and_searches_leave_no_trace_on_the_wire_or_in_any_file() {
    let site = Site::start("unmatched").unwrap();
    let desktop = Desktop::start(&site.pupil, &site.folder).unwrap();
    let _helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
    let mut window = Window::open(&desktop, &site.pupil, &site.folder).unwrap();
    // What is asked once per account has been asked.
    window.set("Rivers of Wales - Chromium").unwrap();
    site.laptop
        .until_status("the first title", |status| titles(status) > 0)
        .unwrap();
    site.laptop.until_delivered().unwrap();

    let port = site.collector.devices.port();
    let capture = Capture::start(port, &site.folder).unwrap();
    let store = site.store().unwrap();
    let (device, collector) = (contents_at_rest(site.laptop.state_dir()), tables(&store));
    let seen = titles(&site.laptop.status().unwrap());
    let began = Instant::now();
    use_for_an_hour(&site, &mut window);
    let during = capture.bytes().unwrap();
    let took = began.elapsed();
    let seen = titles(&site.laptop.status().unwrap()) - seen;
    assert!(seen >= HOUR / 4, "only {seen} titles of {HOUR} were seen");
    // The same time without titles.
    let patience = took + Duration::from_secs(60);
    let quiet = poll::within(patience, "an equally long quiet time", || {
        (began.elapsed() >= 2 * took).then(|| capture.bytes().unwrap() - during)
    })
    .unwrap();
    assert!(
        during <= quiet + HEARTBEAT_BYTES,
        "an hour's titles made {during} bytes, where silence made {quiet}"
    );
    assert!(
        contents(site.laptop.state_dir()) == device,
        "the laptop's files are not what they were"
    );
    for (table, values) in tables(&store) {
        assert!(
            collector[&table] == values,
            "the collector's table {table} is not what it was"
        );
    }

    // The control: a search that matches is noticed by all of this.
    window.search(&format!("{SEVERE} {MATCHED}")).unwrap();
    poll::until_so("the flag", || store.flags().unwrap() == 1).unwrap();
    let flagged = capture.bytes().unwrap() - during - quiet;
    assert!(
        flagged > 300,
        "a flag passed in {flagged} bytes: the capture sees nothing"
    );
    site.laptop.until_delivered().unwrap();
    assert!(contents(site.laptop.state_dir()) != device);
    assert!(tables(&store) != collector);
    let captured = capture.stop().unwrap();
    for word in [TITLE, SEARCH, MATCHED] {
        let plain = output_of(Command::new("grep").args(["-ca", word]).arg(&captured));
        assert!(plain.is_err(), "`{word}` is in the capture");
    }
    let users = [&site.pupil, site.laptop.user(), site.collector.user()];
    let written = |word: &str| files_with(word, &site.folder, &[], &users).unwrap();
    for word in [TITLE, SEARCH] {
        assert_eq!(written(word), "", "`{word}` was written");
    }
    // What looks for files would find one.
    fs::write(site.folder.path().join("planted"), TITLE).unwrap();
    assert!(written(TITLE).contains("planted"));
}
