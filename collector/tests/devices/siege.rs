//! Devices under attack: one source takes all the connections it can get, and theirs is behind the same router.

use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::records::{flag, is_committed, start};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More than the listener has places for, for one source and for all without a certificate.
const MANY: usize = 1_200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_one_source_takes_all_it_can_devices_deliver_and_join() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, [1; 16]).await;
    let mut held = Vec::new();
    for n in 0..MANY {
        let mut connection = TcpStream::connect(collector.devices).await.unwrap();
        if n % 2 == 0 {
            // Half a handshake.
            let _may_be_closed = connection.write_all(b"\x16\x03\x01\x02\x00\x01").await;
        }
        held.push(connection);
    }
    let answers = stream
        .deliver(&[(1, &start(None)), (2, &flag("sam", "text", 5))])
        .await;
    assert!(
        answers.iter().all(is_committed),
        "the stream that was there before"
    );
    let other = Device::joined(&collector).await;
    let mut stream = other.connect(&collector, [2; 16]).await;
    let answers = stream
        .deliver(&[(1, &start(None)), (2, &flag("kim", "text", 5))])
        .await;
    assert!(
        answers.iter().all(is_committed),
        "one that came while they were held"
    );
    let mut first = [0; 1];
    let ended = tokio::time::timeout(Duration::from_secs(30), held[0].read(&mut first)).await;
    assert!(
        matches!(ended, Ok(Ok(0) | Err(_))),
        "who has been silent longest had to go"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_shaken_hands_and_asks_nothing_gives_way_too() {
    let mut collector = Collector::start();
    collector.kill();
    collector.serve_with_files(700);
    let stranger = Device::stranger();
    let mut held = Vec::new();
    // More than one source has places for, where there are so few files.
    for _ in 0..40 {
        held.push(stranger.client(&collector).await);
    }
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, [1; 16]).await;
    assert!(is_committed(&stream.deliver(&[(1, &start(None))]).await[0]));
    collector.until_logged("had to give way").await;
    assert!(!collector.log().contains("panicked"), "{}", collector.log());
}

#[tokio::test]
async fn a_device_that_connects_again_and_again_is_kept_waiting_and_others_are_not() {
    let collector = Collector::start();
    let (mad, other) = (Device::joined(&collector).await, Device::joined(&collector).await);
    let mut let_in = 0;
    for _ in 0..60 {
        let_in += usize::from(mad.is_let_in(&collector).await);
    }
    assert!((1..60).contains(&let_in), "{let_in}");
    let mut stream = other.connect(&collector, [1; 16]).await;
    assert!(is_committed(&stream.deliver(&[(1, &start(None))]).await[0]));
}

/// Proxies are for the console: here every one is its peer, also where the console's proxy is named.
#[tokio::test]
async fn whoever_guesses_tokens_is_kept_from_the_store_whomever_they_say_they_connect_for() {
    let mut collector = Collector::start();
    collector.kill();
    collector.add_config("proxy = [\"127.0.0.1\"]\n");
    collector.serve();
    let stranger = Device::stranger();
    let mut told = Vec::new();
    for n in 0..80 {
        let mut client = stranger.client(&collector).await;
        let invented = format!("192.0.2.{n}");
        told.push(stranger.guess_a_token(&mut client, &invented).await);
    }
    assert_eq!(told[0], pastoral_proto::device::RefusalReason::TokenUnknown);
    assert_eq!(told[79], pastoral_proto::device::RefusalReason::Busy);
}

#[tokio::test]
async fn too_few_files_and_what_the_profile_asks_for_and_nothing_does_are_said() {
    let collector = Collector::start();
    let (code, said) = collector.run_with_files(700, &["check"]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("only 700 files") && said.contains("LimitNOFILE="),
        "{said}"
    );
    assert!(
        said.contains("not done yet: lock_after_minutes (30 of pupils"),
        "{said}"
    );
    collector.until_logged("not done yet: lock_after_minutes").await;
}
