//! Laptops that are silent, and those that a person has retired.

use pastoral_proto::device::{
    Health, Refusal, RefusalReason, collector_message::Message as Down, device_message::Message as Up,
};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;

const EPOCH: [u8; 16] = [9; 16];
const HOUR_MS: i64 = 60 * 60 * 1000;

fn health() -> Up {
    Up::Health(Health {
        device_time_ms: now_ms(),
        ..Health::default()
    })
}

async fn refused(device: &Device, collector: &Collector) -> Option<Refusal> {
    let mut stream = device.connect(collector, EPOCH).await;
    match stream.next().await {
        Down::Refusal(refusal) => Some(refusal),
        _ => None,
    }
}

fn verdict(collector: &Collector) -> String {
    let listed: serde_json::Value =
        serde_json::from_str(&collector.run(&["device", "list", "--json"])).unwrap();
    listed[0]["verdict"].as_str().unwrap().to_owned()
}

/// Puts when the one device was last heard back by so many days.
async fn heard_ago(collector: &Collector, days: i64) {
    let at = now_ms() - days * 24 * HOUR_MS;
    sqlx::query("UPDATE device SET connected = 0, last_seen_at = ?1, health = json_object('at', ?1)")
        .bind(at)
        .execute(&collector.database().await)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_silent_is_not_heard_for_the_list_and_the_check_whatever_its_stream_says() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    assert_eq!(verdict(&collector), "not-heard", "nobody knows yet");
    let stream = device.connect(&collector, EPOCH).await;
    stream.say(health()).await;
    collector.until("SELECT count(*) FROM device_day", 1).await;
    assert_eq!(verdict(&collector), "protected");
    // A stream that is held open and says nothing is no sign of life.
    sqlx::query("UPDATE device SET health = json_object('at', ?)")
        .bind(now_ms() - HOUR_MS)
        .execute(&collector.database().await)
        .await
        .unwrap();
    assert_eq!(verdict(&collector), "not-heard");
    drop(stream);
    collector
        .until("SELECT count(*) FROM device WHERE connected = 0", 1)
        .await;
    heard_ago(&collector, 15).await;
    assert_eq!(verdict(&collector), "not-heard");
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(
        said.contains("nobody knows whether they are protected: laptop-7"),
        "{said}"
    );
}

#[tokio::test]
async fn a_retired_laptop_counts_nowhere_may_not_connect_and_can_be_brought_back() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    heard_ago(&collector, 15).await;
    collector.run(&["device", "retire", &device.device_id]);
    assert_eq!(verdict(&collector), "retired");
    let (_, said) = collector.try_run(&["check"]);
    assert!(!said.contains("laptop-7"), "{said}");
    let told = refused(&device, &collector).await.unwrap();
    assert_eq!(told.reason(), RefusalReason::Revoked);
    assert!(told.advice.contains("device bring-back"), "{}", told.advice);
    assert_eq!(
        collector
            .count("SELECT count(*) FROM device_certificate WHERE revoked_at IS NULL")
            .await,
        0
    );
    // Just retired, it is still on; an hour later somebody uses it.
    let speaking = "SELECT count(*) FROM device WHERE retired_heard_at IS NOT NULL";
    assert_eq!(collector.count(speaking).await, 0);
    sqlx::query("UPDATE device SET retired_at = retired_at - 3700000")
        .execute(&collector.database().await)
        .await
        .unwrap();
    sqlx::query("UPDATE device_certificate SET revoked_at = revoked_at - 3700000")
        .execute(&collector.database().await)
        .await
        .unwrap();
    assert!(refused(&device, &collector).await.is_some());
    assert_eq!(collector.count(speaking).await, 1);
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("speaking all the same"), "{said}");
    collector.run(&["device", "bring-back", &device.device_id]);
    assert!(
        refused(&device, &collector).await.is_none(),
        "it may connect again"
    );
}

#[tokio::test]
async fn what_was_cut_off_does_not_come_back_by_being_retired() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    collector.run(&["device", "revoke", &device.device_id]);
    for act in ["retire", "bring-back"] {
        let (code, said) = collector.try_run(&["device", act, &device.device_id]);
        assert_ne!(code, Some(0), "{said}");
    }
    assert_eq!(verdict(&collector), "cut-off");
    assert!(refused(&device, &collector).await.is_some());
}

#[tokio::test]
async fn a_retired_laptop_can_be_cut_off_for_good_and_earlier_revoked_certificates_stay_so() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    sqlx::query("UPDATE device_certificate SET revoked_at = 5")
        .execute(&collector.database().await)
        .await
        .unwrap();
    collector.run(&["device", "retire", &device.device_id]);
    collector.run(&["device", "bring-back", &device.device_id]);
    assert!(
        refused(&device, &collector).await.is_some(),
        "it was revoked before"
    );
    collector.run(&["device", "retire", &device.device_id]);
    collector.run(&["device", "revoke", &device.device_id]);
    assert_eq!(verdict(&collector), "cut-off");
    let (code, _) = collector.try_run(&["device", "bring-back", &device.device_id]);
    assert_ne!(code, Some(0));
}
