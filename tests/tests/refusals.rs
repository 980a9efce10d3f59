//! A device that is turned away is told why, and `status` says what to do about it: the real agent at the real
//! collector. That every reason has words of its own is tried on either side by itself.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::authority::Authority;
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::mail::Mail;
use pastoral_support::poll;
use pastoral_support::process::{Folder, output_of};
use pastoral_support::users::User;
use pastoral_tests::forged;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::site::{SEVERE, Site};
use serde_json::{Value, json};
use std::fs;

/// A collector, and a laptop that has not joined.
fn unjoined() -> (Collector, Laptop, Mail, Folder) {
    let folder = Folder::new("refusals").unwrap();
    let mail = Mail::start(&folder).unwrap();
    let collector = Collector::of_school(&folder, &mail, &[]).unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    (collector, laptop, mail, folder)
}

fn connection(state: &str) -> impl Fn(&Value) -> bool {
    let state = state.to_owned();
    move |status| status["detail"]["connection"] == state
}

/// To an ordinary user it says that the device is not protected, and nothing that is the technician's.
fn assert_says_little(laptop: &Laptop, folder: &Folder) {
    let pupil = User::ordinary("pupil", folder).unwrap();
    let mut ask = pupil.command(folder.path().join("pastoral-agent"));
    let output = ask
        .args(["status", "--json", "--run-dir"])
        .arg(laptop.run_dir())
        .output()
        .unwrap();
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["protected"], json!(false));
    assert_eq!(status.as_object().unwrap().len(), 2, "{status}");
}

#[test]
fn a_wrong_token_and_one_that_is_used_up_are_told_apart() {
    let (collector, laptop, _mail, folder) = unjoined();
    let token = collector.open_token();
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    parts[1] = "0123456789abcdef".into();
    let refused = laptop
        .enrol(&collector, &parts.join("."))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("does not know the enrolment token"), "{refused}");
    let told = laptop.status().unwrap()["detail"]["troubles"].to_string();
    assert!(
        told.contains("does not know the enrolment token") && told.contains("pastoral-collector token"),
        "{told}"
    );
    assert_says_little(&laptop, &folder);
    let once = ["token", "create", "--group", "pupils", "--approve-automatically"];
    let once = collector.run(&once).trim().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(Device::joined_by(&collector, &once));
    let refused = laptop.enrol(&collector, &once).unwrap_err().to_string();
    assert!(refused.contains("was used as often as it may be"), "{refused}");
    assert!(laptop.enrol(&collector, &token).is_ok());
    laptop
        .until_status("the connection", connection("connected"))
        .unwrap();
}

#[test]
fn a_device_that_nobody_has_approved_waits_shows_its_code_and_comes_in_when_somebody_does() {
    let (collector, laptop, _mail, folder) = unjoined();
    let token = collector.token();
    let file = folder.path().join("token");
    fs::write(&file, &token).unwrap();
    output_of(std::process::Command::new("chmod").arg("600").arg(&file)).unwrap();
    let address = format!("https://localhost:{}", collector.devices.port());
    let enrol = [
        "enrol",
        "--collector",
        &address,
        "--token-file",
        &file.to_string_lossy(),
    ];
    laptop.run(&enrol).unwrap();
    let waits = laptop
        .until_status("the wait for approval", connection("awaiting-approval"))
        .unwrap();
    let code = waits["detail"]["confirm_code"].as_str().unwrap().to_owned();
    assert!(
        waits["reason"]
            .as_str()
            .unwrap()
            .contains("has not approved it yet"),
        "{waits}"
    );
    assert!(collector.run(&["device", "list"]).contains(&code));
    assert_says_little(&laptop, &folder);
    collector.run(&["device", "approve", &code]);
    laptop
        .until_status("the connection", connection("connected"))
        .unwrap();
}

#[test]
fn a_revoked_device_is_told_so_at_once_and_keeps_what_it_flags() {
    let site = Site::start("refusals").unwrap();
    let id = site.laptop.status().unwrap()["detail"]["device_id"]
        .as_str()
        .unwrap()
        .to_owned();
    site.collector.run(&["device", "revoke", &id]);
    let told = site.until_trouble("was revoked on the collector").unwrap();
    assert!(told.contains("make a new token and enrol it again"), "{told}");
    let mut speaker = site.speaker().unwrap();
    speaker.search(SEVERE).unwrap();
    poll::until_so("the flag on disk", || site.laptop.flags_on_disk().len() == 1).unwrap();
    assert_eq!(site.store().unwrap().flags().unwrap(), 0);
    site.laptop
        .enrol(&site.collector, &site.collector.open_token())
        .unwrap();
    site.laptop.until_delivered().unwrap();
    assert_eq!(site.store().unwrap().flags().unwrap(), 1);
}

#[test]
fn a_forged_certificate_is_refused_and_status_says_so() {
    let mut site = Site::start("refusals").unwrap();
    site.laptop.stop().unwrap();
    let stranger = Authority::invented();
    forged::certify(&stranger, &site.laptop, forged::IN_FORCE).unwrap();
    site.laptop.start().unwrap();
    let told = site
        .until_trouble("does not know this device's certificate")
        .unwrap();
    assert!(told.contains("enrol this device again"), "{told}");
    assert!(!connection("connected")(&site.laptop.status().unwrap()));
}

#[test]
fn an_expired_certificate_renews_by_itself() {
    let mut site = Site::start("refusals").unwrap();
    site.laptop.stop().unwrap();
    let school = Authority::of(&site.collector.data_dir.join("ca"));
    let expired = forged::certify(&school, &site.laptop, forged::EXPIRED).unwrap();
    forged::enter(&site, &expired, forged::EXPIRED).unwrap();
    site.laptop.start().unwrap();
    let renewed = |status: &Value| {
        connection("connected")(status) && status["detail"]["certificate_until_ms"].as_i64() > Some(now_ms())
    };
    site.laptop
        .until_status("the renewed certificate", renewed)
        .unwrap();
    let mut speaker = site.speaker().unwrap();
    speaker.search(SEVERE).unwrap();
    let store = site.store().unwrap();
    poll::until_so("the flag", || store.flags().unwrap() == 1).unwrap();
}

#[test]
fn two_devices_with_one_identity_are_both_told_and_shown_to_the_technician() {
    let mut site = Site::start("refusals").unwrap();
    site.laptop.stop().unwrap();
    let other = Folder::new("refusals").unwrap();
    let mut copy = Laptop::install(&other).unwrap();
    let from = format!("{}/.", site.laptop.state_dir().display());
    output_of(
        std::process::Command::new("cp")
            .args(["-r", &from])
            .arg(copy.state_dir()),
    )
    .unwrap();
    let owner = format!("{0}:{0}", copy.user().name);
    output_of(
        std::process::Command::new("chown")
            .args(["-R", &owner])
            .arg(copy.state_dir()),
    )
    .unwrap();
    site.laptop.start().unwrap();
    copy.start().unwrap();
    let told = site
        .until_trouble("another device uses this device's identity")
        .unwrap();
    assert!(told.contains("enrol the copy again"), "{told}");
    let copied = |status: &Value| {
        status["detail"]["troubles"]
            .to_string()
            .contains("another device uses")
    };
    copy.until_status("the copy to be told", copied).unwrap();
    let check = || {
        let check = site.collector.command(&["check"]).output().unwrap();
        String::from_utf8_lossy(&check.stdout).contains("two devices use one identity")
    };
    poll::until_so("`check` to name it", check).unwrap();
}
