//! A full disk: nothing acknowledged is lost, what is severe still gets out, it is said, and it ends by itself.

use pastoral_tests::disk::SmallDisk;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::Folder;
use pastoral_tests::users::User;

#[test]
fn a_device_whose_disk_is_full_says_so_and_recovers_by_itself() {
    let folder = Folder::new("full").unwrap();
    let disk = SmallDisk::mount(&folder.path().join("disk"), 40).unwrap();
    let user = User::system("pastoral", &folder).unwrap();
    let state = folder.of("disk/state", &user, 0o700).unwrap();
    let mut laptop = Laptop::install_with(&folder, user, state).unwrap();
    disk.fill().unwrap();
    laptop.start().unwrap();
    let said = |status: &serde_json::Value| status["detail"]["troubles"].to_string().contains("disk is full");
    laptop.until_status("the full disk to be told", said).unwrap();
    disk.free().unwrap();
    laptop
        .until_status("the disk to be well again", |status| !said(status))
        .unwrap();
}
