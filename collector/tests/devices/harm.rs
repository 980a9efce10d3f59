//! What somebody with root on one laptop, or its stolen certificate, can do: so much a day, while others go on
//! delivering. The limits are in `metering/limited.rs`.

use pastoral_collector::metering::Limited;
use pastoral_proto::device::{
    Answer, RefusalReason, RenewRequest, answer, collector_message::Message as Down, renew_reply,
};
use pastoral_proto::{Account, Epoch, FlagId, Gap, Record, encode_record, limits};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, Stream};
use pastoral_support::poll::comes_true;
use pastoral_support::records::{flag, is_committed, start};

pub(crate) const EPOCH: [u8; 16] = [5; 16];
const OTHER: [u8; 16] = [6; 16];

pub(crate) fn limit(what: Limited) -> usize {
    usize::try_from(what.a_day(false)).unwrap()
}

pub(crate) fn pause(answer: &Answer) -> Option<u32> {
    match &answer.outcome {
        Some(answer::Outcome::NotNow(not_now)) => Some(not_now.retry_after_ms),
        _ => None,
    }
}

fn gap() -> Record {
    Record::Gap(Gap {
        account: None,
        cause: "helper-gone".into(),
        count: u64::MAX,
        highest_severity: None,
        from_ms: now_ms(),
        to_ms: now_ms(),
    })
}

/// Delivers records from a sequence on, in messages that are not too large, and gives the answers.
pub(crate) async fn deliver(stream: &mut Stream, first: u64, records: Vec<Vec<u8>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    let numbered: Vec<_> = (first..).zip(records).collect();
    for message in numbered.chunks(limits::ENVELOPES) {
        answers.extend(stream.deliver_bytes(message.to_vec()).await);
    }
    answers
}

pub(crate) fn committed(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| is_committed(answer)).count()
}

/// Another device goes on delivering.
pub(crate) async fn others_deliver(collector: &Collector, other: &Device, sequence: u64) {
    let mut stream = other.connect(collector, OTHER).await;
    let answers = stream.deliver(&[(sequence, &flag("2001", "text", 2))]).await;
    assert!(is_committed(&answers[0]), "{answers:?}");
}

/// Sets what a device used on the day it is, as if it had gone on for long, and starts the collector anew.
async fn used(collector: &mut Collector, device: &Device, what: Limited, used: i64) {
    let any = "SELECT count(*) > 0 FROM device_use";
    let mut stream = device.connect(collector, EPOCH).await;
    assert!(is_committed(&stream.deliver(&[(0, &start(None))]).await[0]));
    collector.until(any, 1).await;
    sqlx::query(
        "INSERT INTO device_use (school_id, device_id, day, what, used)
         SELECT school_id, device_id, day, ?1, ?2 FROM device_use WHERE device_id = ?3 LIMIT 1
         ON CONFLICT (school_id, device_id, day, what) DO UPDATE SET used = excluded.used",
    )
    .bind(what.code())
    .bind(used)
    .bind(&device.device_id)
    .execute(&collector.database().await)
    .await
    .unwrap();
    collector.kill();
    collector.serve();
}

#[tokio::test]
async fn a_clock_that_asks_for_certificates_without_end_gets_a_day_s_and_a_person_decides() {
    let collector = Collector::start();
    let (device, other) = (Device::joined(&collector).await, Device::joined(&collector).await);
    let mut client = device.client(&collector).await;
    let mut issued = 0;
    let mut refused = None;
    for _ in 0..100 {
        let request = RenewRequest {
            csr_der: device.csr(),
        };
        match client.renew(request).await.unwrap().into_inner().outcome {
            Some(renew_reply::Outcome::Issued(_)) => issued += 1,
            Some(renew_reply::Outcome::Refusal(refusal)) => refused = Some(refusal),
            None => panic!("no answer"),
        }
    }
    // One was issued when it joined, and one is let in an hour.
    assert_eq!(issued, limit(Limited::Certificates));
    let refused = refused.unwrap();
    assert_eq!(refused.reason(), RefusalReason::Busy);
    assert!(refused.advice.contains("more certificates"), "{}", refused.advice);
    others_deliver(&collector, &other, 0).await;
    collector
        .until(
            "SELECT count(*) FROM device_use WHERE held_back_at IS NOT NULL",
            1,
        )
        .await;
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("held back"), "{said}");
    collector.run(&["device", "allow", &device.device_id]);
    let (_, said) = collector.try_run(&["check"]);
    assert!(
        said.contains("no device did more than a laptop does in a day"),
        "{said}"
    );
    comes_true("what a person allows", async || {
        let request = RenewRequest {
            csr_der: device.csr(),
        };
        let reply = client.renew(request).await.unwrap().into_inner();
        matches!(reply.outcome, Some(renew_reply::Outcome::Issued(_)))
    })
    .await;
}

#[tokio::test]
async fn starts_and_gaps_without_end_are_held_back_and_what_matters_still_comes_in() {
    let collector = Collector::start();
    let (device, other) = (Device::joined(&collector).await, Device::joined(&collector).await);
    let mut stream = device.connect(&collector, EPOCH).await;
    let starts = (0..400_u32).map(|number| {
        let mut before = [0; 16];
        before[..4].copy_from_slice(&number.to_be_bytes());
        encode_record(&start(Some(FlagId {
            epoch: Epoch(before),
            sequence: u64::MAX >> 1,
        })))
    });
    let answers = deliver(&mut stream, 0, starts.collect()).await;
    assert_eq!(committed(&answers), limit(Limited::Starts));
    let rows = i64::try_from(2 * limit(Limited::Starts)).unwrap();
    assert!(collector.count("SELECT count(*) FROM epoch").await <= rows);

    let gaps = (0..1_700).map(|_| encode_record(&gap())).collect();
    let answers = deliver(&mut stream, 1_000, gaps).await;
    assert_eq!(committed(&answers), limit(Limited::Gaps));
    let pauses: Vec<_> = answers.iter().filter_map(pause).collect();
    assert!(pauses.first() < pauses.last(), "the pause grows: {pauses:?}");
    // Nothing was dropped: the same come in another day. And flags come in all the while.
    let answers = stream.deliver(&[(5_000, &flag("1001", "text", 1))]).await;
    assert!(is_committed(&answers[0]), "{answers:?}");
    others_deliver(&collector, &other, 0).await;
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3), "{said}");
}

#[tokio::test]
async fn records_that_cannot_be_read_are_kept_up_to_a_bound_and_then_stay_on_the_device() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let answers = deliver(&mut stream, 0, vec![b"nonsense".to_vec(); 600]).await;
    let held_back = answers.iter().filter(|answer| pause(answer).is_some()).count();
    assert_eq!(held_back, 600 - limit(Limited::Unreadable));
    let kept = i64::try_from(limit(Limited::Unreadable)).unwrap();
    assert_eq!(collector.count("SELECT count(*) FROM quarantine").await, kept);
    assert_eq!(collector.count("SELECT count(*) FROM delivered").await, kept);
}

#[tokio::test]
async fn one_device_makes_only_so_many_accounts_and_the_most_severe_of_a_few_more_come_in() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let of = |number: usize, severity| encode_record(&flag(&format!("{number}"), "text", severity));
    let accounts = (0..250).map(|number: usize| {
        let Record::Gap(gap) = gap() else { unreachable!() };
        let account = Account {
            authority: "local".into(),
            stable_id: number.to_string(),
            name: number.to_string(),
        };
        encode_record(&Record::Gap(Gap {
            account: Some(account),
            ..gap
        }))
    });
    let answers = deliver(&mut stream, 0, accounts.collect()).await;
    assert_eq!(committed(&answers), limit(Limited::Accounts));
    let severe = (1_000..1_100).map(|number| of(number, 5)).collect();
    let answers = deliver(&mut stream, 1_000, severe).await;
    assert_eq!(committed(&answers), 20, "bounded, too");
    let known = deliver(&mut stream, 2_000, vec![of(7, 2)]).await;
    assert_eq!(committed(&known), 1, "who was there before is not kept out");
}

#[tokio::test]
async fn beyond_its_bytes_a_device_waits_except_for_the_most_severe_of_others_until_a_person_allows_more() {
    let mut collector = Collector::start();
    let (device, other) = (Device::joined(&collector).await, Device::joined(&collector).await);
    used(
        &mut collector,
        &device,
        Limited::Bytes,
        Limited::Bytes.a_day(false),
    )
    .await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let answers = stream
        .deliver(&[
            (1, &flag("1001", "by who floods", 4)),
            (2, &flag("1002", "by another", 5)),
        ])
        .await;
    assert!(pause(&answers[0]).is_some(), "{answers:?}");
    assert!(is_committed(&answers[1]), "{answers:?}");
    let flood: Vec<_> = (0..50)
        .map(|number| encode_record(&flag("1003", &format!("flood {number}"), 5)))
        .collect();
    assert_eq!(committed(&deliver(&mut stream, 100, flood).await), 5);
    others_deliver(&collector, &other, 0).await;
    collector
        .until(
            "SELECT count(*) FROM device_use WHERE held_back_at IS NOT NULL",
            1,
        )
        .await;
    collector.run(&["device", "allow", &device.device_id]);
    comes_true("what a person allows", async || {
        is_committed(&stream.deliver(&[(1, &flag("1001", "by who floods", 4))]).await[0])
    })
    .await;
}

#[tokio::test]
async fn a_device_that_connects_without_end_is_let_in_once_a_minute() {
    let mut collector = Collector::start();
    let (device, other) = (Device::joined(&collector).await, Device::joined(&collector).await);
    let most = Limited::Connections.a_day(false);
    used(&mut collector, &device, Limited::Connections, most).await;
    let mut first = device.connect(&collector, EPOCH).await;
    assert!(matches!(first.next().await, Down::Welcome(_)));
    for _ in 0..5 {
        match device.connect(&collector, EPOCH).await.next().await {
            Down::Refusal(refusal) => assert_eq!(refusal.reason(), RefusalReason::Busy),
            other => panic!("{other:?}"),
        }
    }
    // The stream that was let in is not put out by those that were not.
    assert!(is_committed(
        &first.deliver(&[(7, &flag("1001", "text", 5))]).await[0]
    ));
    others_deliver(&collector, &other, 0).await;
}
