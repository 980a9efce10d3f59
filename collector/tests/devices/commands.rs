//! What a device is asked to do once.

use pastoral_proto::device::command_answer::Outcome;
use pastoral_proto::device::{
    Command, CommandAnswer, CommandFailed, Health, collector_message::Message as Down, command::What,
    device_message::Message as Up,
};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, Stream};
use pastoral_support::process::ended;

const EPOCH: [u8; 16] = [7; 16];

async fn asked(stream: &mut Stream) -> Command {
    let command = |message| match message {
        Down::Command(command) => Some(command),
        _ => None,
    };
    stream.until(command).await
}

async fn answer(stream: &Stream, id: &[u8], outcome: Outcome) {
    let answer = CommandAnswer {
        id: id.to_vec(),
        outcome: Some(outcome),
    };
    stream.say(Up::CommandAnswer(answer)).await;
}

fn health(fault: &str) -> Outcome {
    Outcome::Health(Health {
        device_time_ms: now_ms(),
        fault: fault.into(),
        ..Health::default()
    })
}

/// Asks by the command line while the device is connected.
fn ask(collector: &Collector, device: &Device) -> std::process::Child {
    collector.begin(&["device", "ask", &device.device_id])
}

#[tokio::test]
async fn a_device_is_asked_once_and_its_answer_is_shown_written_down_and_audited() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let asking = ask(&collector, &device);
    let command = asked(&mut stream).await;
    assert!(matches!(command.what, Some(What::SayHowYouAre(_))));
    assert_eq!((command.id.len(), command.time_limit_ms), (16, 60_000));
    // Another's id, and then its own, and once more.
    answer(&stream, &[0; 16], health("")).await;
    answer(&stream, &command.id, health("not-watched")).await;
    answer(&stream, &command.id, health("")).await;
    let (code, said) = ended(asking).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("does not protect"), "{said}");
    let done =
        "SELECT count(*) FROM device_command WHERE state = 'done' AND answer LIKE '%does not protect%'";
    assert_eq!(collector.count(done).await, 1);
    let audited =
        "SELECT count(*) FROM audit WHERE action = 'device-commanded' AND detail LIKE '%say-how-it-is%'";
    assert_eq!(collector.count(audited).await, 1);
    drop(stream);
    // Sent at most once: a new connection is not asked again.
    let mut again = device.connect(&collector, [8; 16]).await;
    again.say(Up::Health(Health::default())).await;
    let asking = ask(&collector, &device);
    assert_ne!(asked(&mut again).await.id, command.id);
    let id = "SELECT count(*) FROM device_command WHERE state = 'sent'";
    collector.until(id, 1).await;
    let open: Vec<u8> = sqlx::query_scalar("SELECT command_id FROM device_command WHERE state = 'sent'")
        .fetch_one(&collector.database().await)
        .await
        .unwrap();
    let failed = Outcome::Failed(CommandFailed {
        reason: "its disk is full".into(),
    });
    answer(&again, &open, failed).await;
    let (code, said) = ended(asking).await;
    assert_eq!(code, Some(3));
    assert!(said.contains("its disk is full"), "{said}");
}

#[tokio::test]
async fn a_device_that_may_not_connect_or_has_not_answered_is_not_asked_without_end() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let asking: Vec<_> = (0..4).map(|_| ask(&collector, &device)).collect();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(asked(&mut stream).await.id);
    }
    let (code, said) = collector.try_run(&["device", "ask", &device.device_id]);
    assert_eq!(code, Some(1));
    assert!(said.contains("has not answered yet"), "{said}");
    for id in &ids {
        answer(&stream, id, health("")).await;
    }
    for asking in asking {
        assert_eq!(ended(asking).await.0, Some(0));
    }
    collector.run(&["device", "retire", &device.device_id]);
    let (code, said) = collector.try_run(&["device", "ask", &device.device_id]);
    assert_eq!(code, Some(1));
    assert!(said.contains("may not connect"), "{said}");
}

#[tokio::test]
async fn what_is_not_answered_in_time_is_said_so_and_an_answer_that_comes_later_changes_nothing() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let asking = ask(&collector, &device);
    let command = asked(&mut stream).await;
    collector
        .until("SELECT count(*) FROM device_command WHERE state = 'sent'", 1)
        .await;
    // Its time is over.
    sqlx::query("UPDATE device_command SET ends_at = asked_at - 1")
        .execute(&collector.database().await)
        .await
        .unwrap();
    let (code, said) = ended(asking).await;
    assert_eq!(code, Some(3));
    assert!(said.contains("not answered in time"), "{said}");
    answer(&stream, &command.id, health("")).await;
    collector.until("SELECT count(*) FROM device_day", 1).await;
    let done = "SELECT count(*) FROM device_command WHERE state = 'done'";
    assert_eq!(collector.count(done).await, 0);
}
