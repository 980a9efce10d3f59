//! What does not match leaves nothing: not on the wire, not in any file.

use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::{Folder, output_of};
use pastoral_tests::speaker::Speaker;
use pastoral_tests::users::User;
use std::process::Command;

#[test]
fn a_title_that_does_not_match_is_in_no_file() {
    let folder = Folder::new("unmatched").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let mut speaker = Speaker::start(&laptop, &pupil, &folder).unwrap();
    speaker.search("marmalade zeppelin").unwrap();
    let seen = |status: &serde_json::Value| status["detail"]["counters"]["titles"] == 1;
    laptop.until_status("the title to be seen", seen).unwrap();
    laptop.stop().unwrap();
    let found = output_of(Command::new("grep").args(["-rl", "zeppelin"]).arg(folder.path()));
    assert!(found.is_err(), "{found:?}");
}
