//! A device that is turned away is told why, and `status` says what to do about it.

use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::Folder;
use serde_json::json;

#[test]
fn a_device_that_has_not_joined_says_how_to_join() {
    let folder = Folder::new("refusals").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let status = laptop.status().unwrap();
    assert_eq!(status["protected"], json!(false));
    assert!(
        status["detail"]["troubles"]
            .to_string()
            .contains("pastoral-agent enrol")
    );
}
