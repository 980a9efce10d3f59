//! A laptop by itself: its service, its helper and what it says about them.

use nix::sys::signal::Signal;
use pastoral_support::process::{Folder, output_of};
use pastoral_support::users::User;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use serde_json::json;
use std::process::Command;

#[test]
fn a_device_that_has_not_joined_says_so_and_what_to_do() {
    let folder = Folder::new("laptop").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let status = laptop.status().unwrap();
    assert_eq!(
        (&status["protected"], &status["detail"]["connection"]),
        (&json!(false), &json!("not-joined"))
    );
    let to_do = status["detail"]["troubles"].to_string();
    assert!(to_do.contains("pastoral-agent enrol"), "{to_do}");
}

#[test]
fn an_ordinary_user_is_told_whether_the_device_is_protected_and_nothing_else() {
    let folder = Folder::new("laptop").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let binary = folder.path().join("pastoral-agent");
    let mut ask = pupil.command(binary);
    let output = ask
        .args(["status", "--json", "--run-dir"])
        .arg(laptop.run_dir())
        .output()
        .unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["protected"], json!(false));
    assert_eq!(status.get("detail"), None);
}

#[test]
fn a_pupil_s_own_process_cannot_open_the_helpers_socket() {
    let folder = Folder::new("laptop").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let open = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])";
    let mut connect = pupil.command("/usr/bin/python3");
    let refused = output_of(connect.args(["-c", open]).arg(laptop.session_socket())).unwrap_err();
    assert!(refused.to_string().contains("Permission denied"), "{refused}");
}

#[test]
fn a_helper_that_is_killed_or_frozen_is_reported_in_plain_words() {
    let folder = Folder::new("laptop").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let desktop = Desktop::start(&pupil, &folder).unwrap();
    let helper = |state: &str| {
        let state = state.to_owned();
        move |status: &serde_json::Value| status["detail"]["helpers"][0]["state"] == state
    };
    let mut first = laptop.helper(&desktop, &pupil).unwrap();
    laptop
        .until_status("a helper at work", helper("working"))
        .unwrap();
    first.kill().unwrap();
    let gone = laptop
        .until_status("the helper to be missed", |status| !helper("working")(status))
        .unwrap();
    assert!(
        gone["detail"]["helpers"][0]["state"]
            .as_str()
            .unwrap()
            .contains("not running"),
        "{gone}"
    );
    let second = laptop.helper(&desktop, &pupil).unwrap();
    laptop
        .until_status("a helper at work again", helper("working"))
        .unwrap();
    second.signal(Signal::SIGSTOP).unwrap();
    let frozen = laptop
        .until_status("the helper's silence to be noticed", |status| {
            !helper("working")(status)
        })
        .unwrap();
    assert_ne!(frozen["detail"]["helpers"][0]["state"], "working");
    second.signal(Signal::SIGCONT).unwrap();
    laptop
        .until_status("the helper at work after all", helper("working"))
        .unwrap();
}

#[test]
fn the_helper_cannot_be_traced_or_have_its_memory_read_by_its_user() {
    let folder = Folder::new("laptop").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    laptop.start().unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let desktop = Desktop::start(&pupil, &folder).unwrap();
    let helper = laptop.helper(&desktop, &pupil).unwrap();
    let mut peek = pupil.command("cat");
    let refused = output_of(peek.arg(format!("/proc/{}/environ", helper.id()))).unwrap_err();
    assert!(refused.to_string().contains("Permission denied"), "{refused}");
    let mut trace = pupil.command("strace");
    let refused = output_of(trace.args(["-p", &helper.id().to_string()])).unwrap_err();
    assert!(refused.to_string().contains("not permitted"), "{refused}");
    output_of(Command::new("kill").args(["-0", &helper.id().to_string()])).unwrap();
}
