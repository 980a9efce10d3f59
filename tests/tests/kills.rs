//! Power cuts: the service, the helper or the collector ends at any moment of a stream of flags, and every flag that
//! was on the device's disk is at the collector once.

use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::Folder;
use pastoral_tests::speaker::Speaker;
use pastoral_tests::users::User;

#[test]
fn what_a_killed_service_had_on_disk_is_there_when_it_starts_again() {
    let folder = Folder::new("kills").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let mut speaker = Speaker::start(&laptop, &pupil, &folder).unwrap();
    let before = laptop.status().unwrap()["detail"]["spool_records"]
        .as_u64()
        .unwrap();
    speaker.search("i want to die").unwrap();
    let kept = |status: &serde_json::Value| status["detail"]["spool_records"].as_u64() == Some(before + 1);
    laptop.until_status("the flag on disk", kept).unwrap();
    laptop.kill().unwrap();
    laptop.start().unwrap();
    // One more: the start of this run.
    let after = laptop.status().unwrap()["detail"]["spool_records"].as_u64();
    assert_eq!(after, Some(before + 2));
}
