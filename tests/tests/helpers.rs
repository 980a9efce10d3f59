//! The helper runs as the pupil, who may end it, freeze it, or speak in its place: the collector hears of it, and
//! nobody else's flags are touched. What its socket refuses is tried byte by byte with the service itself.

use nix::sys::signal::Signal;
use pastoral_support::poll;
use pastoral_support::users::User;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::site::{SEVERE, SLIGHT, Site};
use pastoral_tests::speaker::Speaker;

/// Whether the collector knows of a helper that does not live.
const DEAD: &str = "SELECT count(*) FROM device, json_each(json_extract(health, '$.helpers')) AS helper
     WHERE json_extract(helper.value, '$.alive') = 0";

#[test]
fn a_killed_helper_is_reported_to_the_collector_as_a_gap() {
    let site = Site::start("helpers").unwrap();
    let desktop = Desktop::start(&site.pupil, &site.folder).unwrap();
    let mut helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
    helper.kill().unwrap();
    let store = site.store().unwrap();
    let gaps = "SELECT count(*) FROM gap WHERE cause LIKE '%helper%' AND account_id IS NOT NULL";
    poll::until_so("the gap", || store.number(gaps).unwrap() > 0).unwrap();
    assert_eq!(site.laptop.status().unwrap()["protected"], false);
}

#[test]
fn a_frozen_helper_is_reported_and_its_awakening_too() {
    let site = Site::start("helpers").unwrap();
    let desktop = Desktop::start(&site.pupil, &site.folder).unwrap();
    let helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
    let works = |status: &serde_json::Value| status["detail"]["helpers"][0]["state"] == "working";
    site.laptop.until_status("a helper at work", works).unwrap();
    assert_eq!(site.laptop.status().unwrap()["protected"], true);
    helper.signal(Signal::SIGSTOP).unwrap();
    site.laptop
        .until_status("its silence to be noticed", |status| !works(status))
        .unwrap();
    assert_eq!(site.laptop.status().unwrap()["protected"], false);
    helper.signal(Signal::SIGCONT).unwrap();
    site.laptop
        .until_status("the helper at work again", works)
        .unwrap();
    let store = site.store().unwrap();
    let gaps = "SELECT count(*) FROM gap WHERE cause LIKE '%helper%' AND to_at > from_at";
    poll::until_so("the gap", || store.number(gaps).unwrap() > 0).unwrap();
    assert_eq!(store.number(DEAD).unwrap(), 0);
}

#[test]
fn a_message_that_is_none_ends_its_own_connection_and_no_other() {
    let site = Site::start("helpers").unwrap();
    let mut good = site.speaker().unwrap();
    let mut bad = site.speaker().unwrap();
    bad.title(&"x".repeat(20_000)).unwrap();
    let mut worse = site.speaker().unwrap();
    worse.titles(b"\xff\xfe\xfd i want to die\n").unwrap();
    good.search(SEVERE).unwrap();
    let store = site.store().unwrap();
    poll::until_so("both flags", || store.flags().unwrap() == 2).unwrap();
    let counters = site.laptop.status().unwrap()["detail"]["counters"].clone();
    assert_eq!(counters["titles_not_utf8"], 1, "{counters}");
    assert!(good.process().runs());
}

#[test]
fn ten_thousand_titles_a_second_of_one_account_hide_neither_another_s_nor_a_severe_one_of_its_own() {
    const FLOOD: i64 = 10_000;
    let mut site = Site::start("helpers").unwrap();
    let mut flooding = site.speaker().unwrap();
    let other = User::ordinary("pupil", &site.folder).unwrap();
    let mut quiet = Speaker::start(&site.laptop, &other, &site.folder).unwrap();
    let store = site.store().unwrap();
    let mut titles = String::new();
    for number in 0..FLOOD {
        if number == FLOOD / 2 {
            titles.push_str(&format!("{SEVERE} - Google Search - Chromium\n"));
        }
        titles.push_str(&format!("{SLIGHT} {number} - Google Search - Chromium\n"));
    }
    let feeding = std::thread::spawn(move || {
        flooding.titles(titles.as_bytes()).unwrap();
        flooding
    });
    quiet.search(&format!("{SLIGHT} of the other")).unwrap();
    let others = format!(
        "SELECT count(*) FROM flag JOIN account USING (account_id) WHERE account.stable_id = '{}'",
        other.uid
    );
    poll::until_so("the other's flag", || store.number(&others).unwrap() == 1).unwrap();
    let severe = "SELECT count(*) FROM flag WHERE severity = 5";
    poll::until_so("the severe flag", || store.number(severe).unwrap() == 1).unwrap();
    let _flooding = feeding.join().unwrap();
    let all = |status: &serde_json::Value| status["detail"]["counters"]["titles"].as_i64() >= Some(FLOOD + 2);
    site.laptop.until_status("every title to be taken", all).unwrap();
    // Counts are told from time to time, and at the latest when the service ends.
    site.laptop.stop().unwrap();
    site.laptop.start().unwrap();
    site.laptop.until_delivered().unwrap();
    let told = "SELECT (SELECT count(*) FROM flag WHERE severity < 4)
         + (SELECT coalesce(sum(count), 0) FROM gap WHERE cause = 'flood')";
    assert_eq!(store.number(told).unwrap(), FLOOD + 1);
    assert!(
        store.flags().unwrap() < FLOOD / 2,
        "nothing was dropped, so nothing was tried"
    );
}
