//! The helper runs as the pupil, who may end it, freeze it, or speak in its place.

use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::Folder;
use pastoral_tests::speaker::Speaker;
use pastoral_tests::users::User;

#[test]
fn a_message_that_is_none_ends_its_own_connection_and_no_other() {
    let folder = Folder::new("helpers").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let mut good = Speaker::start(&laptop, &pupil, &folder).unwrap();
    let mut bad = Speaker::start(&laptop, &pupil, &folder).unwrap();
    bad.title(&"x".repeat(20_000)).unwrap();
    good.search("i want to die").unwrap();
    let kept = |status: &serde_json::Value| status["detail"]["spool_records"] == 2;
    laptop.until_status("the other's flag on disk", kept).unwrap();
    assert!(good.process().runs());
}
