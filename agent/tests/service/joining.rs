//! Joining a school: approval, restarts, refusals, and an address that is not the collector's.

use crate::collector;
use crate::collector::Collector;
use crate::device::Device;
use pastoral_proto::device::RefusalReason;
use pastoral_support::authority::Authority;
use pastoral_support::poll::comes_true;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::Arc;

#[tokio::test]
async fn a_device_waits_for_approval_over_a_restart_and_then_is_connected() {
    let collector = collector().await;
    collector.approved.send_replace(false);
    let mut device = Device::new();
    device.start();
    let status = device.status();
    assert_eq!(status["detail"]["connection"], "not-joined");
    assert!(
        status["detail"]["troubles"][0]["to_do"]
            .as_str()
            .unwrap()
            .contains("pastoral-agent enrol")
    );
    device.enrol(&collector);
    let waiting = |status: &serde_json::Value| status["detail"]["confirm_code"] == "plum-otter-42";
    let status = device.until_status("waiting", waiting).await;
    assert_eq!(
        status["reason"],
        "this device is not protected: the school has not approved it yet"
    );
    device.stop();
    device.start();
    device.until_status("waiting again", waiting).await;
    comes_true("asked again", async || {
        collector.see(|script| script.enrolled.len()) == 2
    })
    .await;
    collector.see(|script| assert_eq!(script.enrolled[0].csr_der, script.enrolled[1].csr_der));
    collector.approved.send_replace(true);
    let status = device
        .until_status("protected", |status| status["protected"] == true)
        .await;
    assert_eq!(status["reason"], "this device is protected");
    assert_eq!(status["detail"]["school_name"], "An Invented School");
    assert!(!device.state().join("enrolment.json").exists());
}

#[tokio::test]
async fn enrol_can_wait_and_shows_the_confirm_code_and_the_result() {
    let collector = collector().await;
    collector.approved.send_replace(false);
    let mut device = Device::new();
    device.start();
    let address = collector.address();
    let mut enrolling = device
        .command(&["enrol", "--collector", &address, "--token-file", "-", "--wait"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    enrolling
        .stdin
        .take()
        .unwrap()
        .write_all(collector.token().as_bytes())
        .unwrap();
    let mut lines = BufReader::new(enrolling.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let (code, lines) = tokio::task::spawn_blocking(move || {
        (lines.by_ref().find(|line| line.contains("Confirm code")), lines)
    })
    .await
    .unwrap();
    assert!(code.unwrap().contains("plum-otter-42"));
    collector.approved.send_replace(true);
    let last = tokio::task::spawn_blocking(move || lines.last()).await.unwrap();
    assert!(last.unwrap().contains("joined, as device-1"));
    assert!(enrolling.wait().unwrap().success());
}

#[tokio::test]
async fn every_refused_token_is_said_with_what_to_do_and_a_new_one_mends_it() {
    let collector = collector().await;
    let mut device = Device::new();
    device.start();
    for (reason, what, to_do) in [
        (
            RefusalReason::TokenUnknown,
            "does not know the enrolment token",
            "pastoral-collector token",
        ),
        (RefusalReason::TokenUsedUp, "used as often", "make another"),
        (RefusalReason::TokenExpired, "expired", "make another"),
        (RefusalReason::Rejected, "rejected", "new token"),
    ] {
        collector.set(|script| script.enrol_refusal = Some(reason));
        device.enrol(&collector);
        let said = |status: &serde_json::Value| {
            let troubles = status["detail"]["troubles"].as_array().unwrap();
            troubles.iter().any(|trouble| {
                trouble["what"].as_str().unwrap().contains(what)
                    && trouble["to_do"].as_str().unwrap().contains(to_do)
            })
        };
        device.until_status(what, said).await;
        let stored = std::fs::read_to_string(device.state().join("enrolment.json")).unwrap();
        assert!(stored.contains("refused") && stored.contains("\"token_secret\": \"\""));
        device.stop();
        device.start();
        device.until_status(what, said).await;
    }
    collector.set(|script| script.enrol_refusal = None);
    device.enrol(&collector);
    device
        .until_status("connected", |status| {
            status["detail"]["connection"] == "connected"
        })
        .await;
}

#[tokio::test]
async fn a_collector_with_another_certificate_authority_is_not_trusted() {
    let honest = collector().await;
    let other = Collector::start(Arc::new(Authority::invented()), -1..365).await;
    let mut device = Device::new();
    device.start();
    let arguments = ["enrol", "--collector", &other.address(), "--token-file", "-"];
    assert!(device.run(&arguments, &honest.token()).status.success());
    device
        .until_status("not trusted", |status| {
            let troubles = status["detail"]["troubles"].to_string();
            troubles.contains("not the school's collector") && troubles.contains("check the address")
        })
        .await;
    other.see(|script| {
        assert!(
            script.enrolled.is_empty(),
            "the token's secret was given to a stranger"
        )
    });
}

#[tokio::test]
async fn enrol_that_waits_ends_where_something_else_answers_and_says_what_to_do() {
    let honest = collector().await;
    let other = Collector::start(Arc::new(Authority::invented()), -1..365).await;
    let web = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web_address = format!("https://localhost:{}", web.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = web.accept().await {
            let _ =
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let mut device = Device::new();
    device.start();
    for address in [other.address(), web_address] {
        let arguments = ["enrol", "--collector", &address, "--token-file", "-", "--wait"];
        let ended = device.run_to_its_end(&arguments, &honest.token()).await;
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(
            said.contains("not the school's collector") && said.contains("check the address"),
            "{said}"
        );
    }
    // Asked with the right address, it joins.
    device.enrol(&honest);
    device
        .until_status("connected", |status| {
            status["detail"]["connection"] == "connected"
        })
        .await;
}

#[test]
fn a_token_is_never_an_argument_and_a_bad_one_is_refused_at_once() {
    let device = Device::new();
    let output = device.run(
        &["enrol", "--collector", "https://localhost:1", "--token-file", "-"],
        "pst1.cut",
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("not whole"),
        "{output:?}"
    );
    let output = device.run(&["enrol", "--collector", "localhost", "--token-file", "-"], "x");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("pst1."),
        "{output:?}"
    );
}

#[test]
fn what_is_stored_for_joining_can_be_read_by_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let device = Device::new();
    let token = format!("pst1.t.c2VjcmV0.{}", "ab".repeat(32));
    let output = device.run(
        &["enrol", "--collector", "https://localhost:1", "--token-file", "-"],
        &token,
    );
    assert!(output.status.success(), "{output:?}");
    let mode = |name: &str| {
        std::fs::metadata(device.state().join(name))
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode("enrolment.json"), 0o600);
    assert_eq!(mode("."), 0o700);
}
