//! What `status` and `explain` say: to root, to anybody else, for each refusal, and about time and certificates.

use crate::collector::Answering;
use crate::collector::Collector;
use crate::device::Device;
use crate::{collector, collector_with_policy};
use pastoral_proto::Record;
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::device::{RefusalReason, Standing};
use pastoral_support::authority::Authority;
use pastoral_support::poll::comes_true;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;

const DAY_MS: i64 = 24 * 3600 * 1000;

#[tokio::test]
async fn every_refusal_is_shown_with_what_to_do() {
    let collector = collector().await;
    let mut device = Device::joined(&collector).await;
    for (reason, what, to_do) in [
        (RefusalReason::Revoked, "was revoked", "enrol it again"),
        (RefusalReason::NotApproved, "nobody has approved", "confirm code"),
        (
            RefusalReason::CertificateUnknown,
            "does not know this device's certificate",
            "enrol",
        ),
        (
            RefusalReason::Cloned,
            "another device uses this device's identity",
            "enrol the copy again",
        ),
        (RefusalReason::Malformed, "did not understand", "same version"),
        (RefusalReason::Busy, "busy", "by itself"),
    ] {
        device.stop();
        collector.set(|script| script.hello_refusal = Some(reason));
        device.start();
        let status = device
            .until_status(what, |status| {
                let troubles = status["detail"]["troubles"].to_string();
                troubles.contains(what) && troubles.contains(to_do)
            })
            .await;
        assert_eq!(
            status["reason"],
            "this device is not protected: it cannot reach the school"
        );
    }
    device.stop();
    collector.set(|script| script.hello_refusal = None);
    device.start();
    device
        .until_status("well again", |status| status["protected"] == true)
        .await;
}

#[tokio::test]
async fn a_cloned_device_is_not_protected_until_the_collector_says_it_is_alone_again() {
    let collector = collector().await;
    collector.set(|script| script.cloned = true);
    let device = Device::joined(&collector).await;
    let status = device
        .until_status("cloned", |status| {
            let troubles = status["detail"]["troubles"].to_string();
            troubles.contains("another device uses this device's identity")
        })
        .await;
    assert_eq!(
        status["reason"],
        "this device is not protected: something on it does not work; tell your technician"
    );
    let alone = Standing {
        group: String::new(),
        cloned: false,
    };
    collector.send(Down::Standing(alone)).await;
    let status = device
        .until_status("alone again", |status| status["protected"] == true)
        .await;
    assert_eq!(status["detail"]["troubles"], serde_json::json!([]));
}

#[tokio::test]
async fn a_clock_a_day_off_is_said_with_how_much() {
    let collector = collector().await;
    collector.set(|script| {
        script.hello_refusal = Some(RefusalReason::ClockWrong);
        script.clock_off_ms = -3 * DAY_MS;
    });
    let mut device = Device::new();
    device.start();
    device.enrol(&collector);
    device
        .until_status("clock", |status| {
            let troubles = status["detail"]["troubles"].to_string();
            troubles.contains("clock is wrong by 3 days (ahead") && troubles.contains("NTP")
        })
        .await;
}

#[tokio::test]
async fn a_wrong_clock_that_stops_nothing_is_said_all_the_same() {
    let collector = collector().await;
    collector.set(|script| script.clock_off_ms = DAY_MS);
    let mut device = Device::new();
    device.start();
    device.enrol(&collector);
    device
        .until_status("clock", |status| {
            let troubles = status["detail"]["troubles"].to_string();
            troubles.contains("clock is wrong by 24 hours (behind")
                || troubles.contains("clock is wrong by 23 hours")
        })
        .await;
    device
        .until_status("delivered", |status| {
            status["protected"] == true && status["detail"]["spool_records"] == 0
        })
        .await;
}

#[tokio::test]
async fn a_collector_certificate_out_of_time_is_told_from_a_wrong_clock_and_gets_no_records() {
    let authority = Arc::new(Authority::invented());
    let collector = Collector::start(Arc::clone(&authority), -1..365).await;
    let mut device = Device::joined(&collector).await;
    device
        .until_status("empty", |status| status["detail"]["spool_records"] == 0)
        .await;
    collector.stop();
    device.stop();
    let expired = Collector::start_at(Arc::clone(&authority), -30..-2, collector.port).await;
    device.start();
    device
        .until_status("expired", |status| {
            status["detail"]["troubles"]
                .to_string()
                .contains("collector's certificate has expired")
        })
        .await;
    device.stop();
    expired.set(|script| script.clock_off_ms = -5 * DAY_MS);
    device.start();
    device
        .until_status("clock", |status| {
            status["detail"]["troubles"]
                .to_string()
                .contains("wrong by 5 days")
        })
        .await;
    expired.see(|script| assert!(script.severities.is_empty() && !script.hellos.is_empty()));
}

#[tokio::test]
async fn an_expired_certificate_renews_by_itself() {
    let collector = collector().await;
    collector.set(|script| script.device_days = -100..-1);
    let device = Device::joined(&collector).await;
    assert_eq!(
        collector.see(|script| (script.renewals, script.hellos.len())),
        (1, 1)
    );
    let status = device
        .until_status("protected", |status| status["protected"] == true)
        .await;
    assert!(status["detail"]["certificate_until_ms"].as_i64().unwrap() > pastoral_agent::clock::now_ms());
}

/// As seen by a device whose clock is 100 days ahead, every certificate that is issued has expired.
#[tokio::test]
async fn a_clock_far_ahead_asks_for_one_certificate_and_goes_on_delivering() {
    let collector = collector_with_policy().await;
    collector.set(|script| {
        script.device_days = -190..-100;
        script.renewed_days = -100..-10;
        script.clock_off_ms = -100 * DAY_MS;
    });
    let device = Device::joined(&collector).await;
    device
        .until_status("policy in force", |status| status["detail"]["policy"] == "1.1")
        .await;
    let mut helper = device.helper();
    helper.title("how to go zorbling deep - Google Search - Chromium");
    comes_true("delivered", async || {
        collector.see(|script| {
            let flag = |record: &Record| matches!(record, Record::Flag(_));
            script.records.iter().any(flag)
        })
    })
    .await;
    assert_eq!(collector.see(|script| script.renewals), 1);
}

#[tokio::test]
async fn a_certificate_is_renewed_past_two_thirds_of_its_life_and_when_the_collector_asks() {
    let collector = collector().await;
    collector.set(|script| script.device_days = -90..10);
    let device = Device::joined(&collector).await;
    comes_true("renewed", async || {
        collector.see(|script| script.renewals == 1 && script.hellos.len() == 2)
    })
    .await;
    collector
        .send(Down::RenewNow(pastoral_proto::device::RenewNow {}))
        .await;
    comes_true("asked", async || {
        collector.see(|script| script.renewals == 2 && script.hellos.len() == 3)
    })
    .await;
    let stored = || std::fs::read_to_string(device.state().join("identity.json")).unwrap();
    comes_true("the old pair is gone", async || {
        stored().matches("\"key\"").count() == 1
    })
    .await;
}

/// What another user of the machine is answered.
fn as_anybody(device: &Device, arguments: &[&str]) -> Option<std::process::Output> {
    std::fs::set_permissions(device.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(
        device.folder.path().join("run"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let program = device.folder.path().join("copy");
    std::fs::copy(env!("CARGO_BIN_EXE_pastoral-agent"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(program);
    command
        .arg("--run-dir")
        .arg(device.folder.path().join("run"))
        .args(arguments);
    let output = command.output().ok()?;
    pastoral_agent::platform::is_root().then_some(output)
}

#[tokio::test]
async fn an_ordinary_user_learns_whether_the_device_is_protected_and_nothing_of_flags() {
    let collector = collector_with_policy().await;
    let device = Device::joined(&collector).await;
    device
        .until_status("policy", |status| status["detail"]["policy"] == "1.1")
        .await;
    let Some(before) = as_anybody(&device, &["status", "--json"]) else {
        eprintln!("not tried: being another user needs root");
        return;
    };
    let answer: serde_json::Value = serde_json::from_slice(&before.stdout).unwrap();
    assert_eq!(
        answer,
        serde_json::json!({ "protected": true, "reason": "this device is protected" })
    );
    assert_eq!(before.status.code(), Some(0));
    collector.set(|script| script.answering = Answering::NotNow);
    let mut helper = device.helper();
    helper.title("zorbling deep - Google Search - Chromium");
    device
        .until_status("kept", |status| {
            status["detail"]["spool_records"].as_u64() > Some(0)
        })
        .await;
    let after = as_anybody(&device, &["status", "--json"]).unwrap();
    assert_eq!(after.stdout, before.stdout, "a flag shows");
    let refused = as_anybody(&device, &["explain", "zorbling deep"]).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("only root"));
}

#[tokio::test]
async fn explain_says_what_a_text_would_raise_and_why() {
    let mut device = Device::new();
    device.start();
    let output = device.run(
        &["explain", "--audience", "ks2", "--json"],
        "how to kill myself\n",
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (
            answer["flagged"].as_bool(),
            answer["found"][0]["severity"].as_u64()
        ),
        (Some(true), Some(5))
    );
    assert!(!answer["found"][0]["reason"].as_str().unwrap().is_empty());
    let output = device.run(&["explain"], "long division with remainders");
    assert!(String::from_utf8_lossy(&output.stdout).contains("would not be flagged"));
    let output = device.run(&["explain", "--audience", "year5"], "x");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("ks2"),
        "{output:?}"
    );
}

#[test]
fn without_the_service_status_says_so_and_how_to_start_it() {
    let output = Device::new().run(&["status"], "");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("not protected: the service is not running") && said.contains("systemctl start"),
        "{said}"
    );
}
