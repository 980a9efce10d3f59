//! What lies on the disks says nothing of what was read or searched.

use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::{Folder, output_of};
use pastoral_tests::speaker::Speaker;
use pastoral_tests::users::User;
use std::process::Command;

#[test]
fn a_flag_that_waits_on_the_device_is_readable_in_no_file() {
    let folder = Folder::new("at-rest").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let mut speaker = Speaker::start(&laptop, &pupil, &folder).unwrap();
    speaker.search("i want to die zeppelin").unwrap();
    let kept = |status: &serde_json::Value| status["detail"]["spool_records"] == 2;
    laptop.until_status("the flag on disk", kept).unwrap();
    laptop.stop().unwrap();
    let found = output_of(Command::new("grep").args(["-rl", "zeppelin"]).arg(folder.path()));
    assert!(found.is_err(), "{found:?}");
}
