//! A full disk: nothing acknowledged is lost, what is severe still gets out, it is said, and it ends by itself.

use pastoral_support::poll;
use pastoral_tests::site::{SEVERE, SLIGHT, Site};

#[test]
fn a_device_with_a_full_disk_loses_nothing_it_kept_still_flags_what_is_severe_and_recovers() {
    let mut site = Site::on_small_disks("full", Some(48), None).unwrap();
    let mut speaker = site.speaker().unwrap();
    site.collector.stop();
    for number in 0..10 {
        speaker.search(&format!("{SLIGHT} {number}")).unwrap();
    }
    poll::until_so("ten flags on disk", || site.laptop.flags_on_disk().len() == 10).unwrap();
    site.device_disk.as_ref().unwrap().fill().unwrap();
    // It is the next write that finds the disk full.
    for number in 0..30 {
        speaker.search(&format!("{SLIGHT} while full {number}")).unwrap();
        speaker.search(&format!("{SEVERE} {number}")).unwrap();
    }
    site.until_trouble("disk is full").unwrap();
    let severe = || site.laptop.status().unwrap()["detail"]["spool_records"].as_u64() >= Some(10 + 30);
    poll::until_so("the severe flags on disk", severe).unwrap();
    site.laptop.kill().unwrap();
    site.laptop.start().unwrap();
    site.collector.serve();
    site.laptop.until_delivered().unwrap();
    let store = site.store().unwrap();
    let count = |severity: &str| {
        store
            .number(&format!("SELECT count(*) FROM flag WHERE severity {severity}"))
            .unwrap()
    };
    assert_eq!(count("= 5"), 30, "a severe flag is lost");
    assert!(count("< 4") >= 10, "a flag is lost that was kept before");
    let said = site.laptop.status().unwrap();
    assert_eq!(said["protected"], false, "{said}");
    site.device_disk.as_ref().unwrap().free().unwrap();
    let well =
        |status: &serde_json::Value| status["detail"]["troubles"].as_array().is_some_and(Vec::is_empty);
    site.laptop
        .until_status("the disk to be well again", well)
        .unwrap();
    let mut speaker = site.speaker().unwrap();
    speaker.search(&format!("{SLIGHT} after all")).unwrap();
    let before = count("< 4");
    poll::until_so("slight flags to be taken again", || count("< 4") > before).unwrap();
}

#[test]
fn a_device_says_how_many_flags_a_full_disk_cost() {
    let mut site = Site::on_small_disks("full", Some(48), None).unwrap();
    let mut speaker = site.speaker().unwrap();
    site.device_disk.as_ref().unwrap().fill().unwrap();
    for number in 0..60 {
        speaker.search(&format!("{SLIGHT} {number}")).unwrap();
    }
    site.until_trouble("disk is full").unwrap();
    let seen = |status: &serde_json::Value| status["detail"]["counters"]["titles"].as_u64() >= Some(60);
    site.laptop.until_status("all titles to be seen", seen).unwrap();
    site.device_disk.as_ref().unwrap().free().unwrap();
    let store = site.store().unwrap();
    let told = "SELECT (SELECT count(*) FROM flag) + coalesce((SELECT sum(count) FROM gap WHERE cause = 'disk-full'), 0)";
    poll::until_so("every flag to have arrived or to be counted", || {
        store.number(told).unwrap() >= 60
    })
    .unwrap();
    assert_eq!(store.number(told).unwrap(), 60);
    assert!(site.laptop.process().unwrap().runs());
}

#[test]
fn a_collector_with_a_full_disk_takes_what_is_severe_leaves_the_rest_on_the_device_and_recovers() {
    let site = Site::on_small_disks("full", None, Some(72)).unwrap();
    let mut speaker = site.speaker().unwrap();
    speaker.search(&format!("{SEVERE} before")).unwrap();
    let store = site.store().unwrap();
    poll::until_so("the first flag", || store.flags().unwrap() == 1).unwrap();
    site.collector_disk.as_ref().unwrap().fill().unwrap();
    for number in 0..20 {
        speaker.search(&format!("{SLIGHT} {number}")).unwrap();
    }
    let told = site.until_trouble("collector cannot store").unwrap();
    assert!(told.contains("what is flagged here is kept"), "{told}");
    speaker.search(&format!("{SEVERE} now")).unwrap();
    let severe = || {
        store
            .number("SELECT count(*) FROM flag WHERE severity = 5")
            .unwrap()
    };
    poll::until_so("the severe flag", || severe() == 2).unwrap();
    let check = site.collector.command(&["check"]).output().unwrap();
    let check = String::from_utf8_lossy(&check.stdout).into_owned();
    assert!(check.contains("LOOK  disk"), "{check}");
    site.collector_disk.as_ref().unwrap().free().unwrap();
    site.laptop.until_delivered().unwrap();
    assert_eq!(store.flags().unwrap(), 22);
    let well =
        |status: &serde_json::Value| status["detail"]["troubles"].as_array().is_some_and(Vec::is_empty);
    site.laptop.until_status("nothing to be wrong", well).unwrap();
}
