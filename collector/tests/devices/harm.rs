//! What somebody with root on one laptop, or its stolen certificate, can do: so much a day, while others go on
//! delivering. The limits are in `devices/limited.rs`.

use crate::collector::Collector;
use crate::device::{Device, Stream, flag, is_committed, now, start};
use pastoral_collector::devices::limited::Limited;
use pastoral_keywords::Topic;
use pastoral_proto::device::{
    Answer, RefusalReason, RenewRequest, answer, collector_message::Message as Down, renew_reply,
};
use pastoral_proto::{Account, Epoch, FlagId, Gap, Record, Repeats, encode_record, limits};
use std::collections::BTreeSet;
use std::time::Duration;

const EPOCH: [u8; 16] = [5; 16];
const OTHER: [u8; 16] = [6; 16];

fn limit(what: Limited) -> usize {
    usize::try_from(what.a_day(false)).unwrap()
}

fn pause(answer: &Answer) -> Option<u32> {
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
        from_ms: now(),
        to_ms: now(),
    })
}

/// Delivers records from a sequence on, in messages that are not too large, and gives the answers.
async fn deliver(stream: &mut Stream, first: u64, records: Vec<Vec<u8>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    let numbered: Vec<_> = (first..).zip(records).collect();
    for message in numbered.chunks(limits::ENVELOPES) {
        answers.extend(stream.deliver_bytes(message.to_vec()).await);
    }
    answers
}

fn committed(answers: &[Answer]) -> usize {
    answers.iter().filter(|answer| is_committed(answer)).count()
}

/// Another device goes on delivering.
async fn others_deliver(collector: &Collector, other: &Device, sequence: u64) {
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
    tokio::time::timeout(crate::device::PATIENCE, async {
        loop {
            let request = RenewRequest {
                csr_der: device.csr(),
            };
            let reply = client.renew(request).await.unwrap().into_inner();
            if matches!(reply.outcome, Some(renew_reply::Outcome::Issued(_))) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("what a person allows does not come");
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
    tokio::time::timeout(crate::device::PATIENCE, async {
        while !is_committed(&stream.deliver(&[(1, &flag("1001", "by who floods", 4))]).await[0]) {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("what a person allows does not come");
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

#[tokio::test]
async fn a_flood_of_severe_flags_by_one_account_is_one_concern_with_a_count() {
    let mut collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let flood: Vec<_> = (0..1_200)
        .map(|number| encode_record(&flag("1001", &format!("flood {number}"), 4)))
        .collect();
    let answers = deliver(&mut stream, 0, flood.clone()).await;
    assert_eq!(committed(&answers), 1_200, "the device lets go of all of them");
    let kept = "SELECT count(*) FROM flag";
    let further = "SELECT coalesce(sum(further), 0) FROM flag";
    assert_eq!(
        (collector.count(kept).await, collector.count(further).await),
        (500, 700)
    );
    assert_eq!(collector.count("SELECT flag_count FROM concern").await, 500);
    // Delivered twice it counts once, also after a power cut.
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, EPOCH).await;
    assert_eq!(committed(&deliver(&mut stream, 0, flood).await), 1_200);
    assert_eq!(
        (collector.count(kept).await, collector.count(further).await),
        (500, 700)
    );
    // One that is worse, and another account's, are kept in full; another of the flood is counted.
    let answers = stream
        .deliver(&[
            (2_000, &flag("1001", "worse", 5)),
            (2_001, &flag("1002", "another's", 4)),
            (2_002, &flag("1001", "flood again", 4)),
        ])
        .await;
    assert_eq!(committed(&answers), 3);
    assert_eq!(
        (collector.count(kept).await, collector.count(further).await),
        (502, 701)
    );
    assert_eq!(collector.count("SELECT count(*) FROM concern").await, 2);
    // What the device tells of one that was counted, and what it counted itself, is counted too.
    let told = |sequence, further| {
        Record::Repeats(Repeats {
            of: FlagId {
                epoch: Epoch(EPOCH),
                sequence,
            },
            count: 10,
            last_at_ms: now(),
            further,
            first_at_ms: now() - 1_000,
        })
    };
    let answers = stream
        .deliver(&[(3_000, &told(1_100, false)), (3_001, &told(2_001, true))])
        .await;
    assert_eq!(committed(&answers), 2);
    assert_eq!(collector.count(further).await, 721);
    assert_eq!(collector.count("SELECT sum(repeats) FROM flag").await, 0);
    let backwards = "SELECT count(*) FROM flag WHERE further > 0 AND further_from_at > further_to_at";
    assert_eq!(collector.count(backwards).await, 0);
}

#[tokio::test]
async fn a_device_that_lies_about_times_does_not_make_a_queue_of_one_account() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let flags = (0..390_i64).map(|day| {
        let Record::Flag(mut made) = flag("1001", "text", 4) else {
            unreachable!()
        };
        made.observed_at_ms -= day * 24 * 60 * 60 * 1000;
        encode_record(&Record::Flag(made))
    });
    let answers = deliver(&mut stream, 0, flags.collect()).await;
    assert_eq!(committed(&answers), 390);
    let concerns = collector.count("SELECT count(*) FROM concern").await;
    assert!(concerns <= 24, "{concerns}");
    assert_eq!(
        collector.count("SELECT count(*) FROM flag").await,
        390,
        "none is lost"
    );
}

/// A flag as a copied certificate would make them: of an account, a kind and a time.
fn invented(account: usize, topic: Topic, days_ago: i64, severity: u8) -> Record {
    let Record::Flag(mut made) = flag(&account.to_string(), "text", severity) else {
        unreachable!()
    };
    made.matches[0].topic = topic;
    made.observed_at_ms -= days_ago * 24 * 60 * 60 * 1000;
    Record::Flag(made)
}

const TOPICS: [Topic; 4] = [Topic::SelfHarm, Topic::Bullying, Topic::Extremism, Topic::Drugs];
const CONCERNS: &str = "SELECT count(*) FROM concern";

#[tokio::test]
async fn a_copied_certificate_opens_so_many_concerns_a_day_and_nothing_is_lost() {
    let mut collector = Collector::start();
    let (device, other) = (Device::joined(&collector).await, Device::joined(&collector).await);
    let mut stream = device.connect(&collector, EPOCH).await;
    let mut flood = Vec::new();
    for account in 0..10 {
        for topic in TOPICS {
            for days_ago in [0, 40, 80, 120, 160] {
                flood.push(encode_record(&invented(account, topic, days_ago, 3)));
            }
        }
    }
    let answers = deliver(&mut stream, 0, flood.clone()).await;
    let most = limit(Limited::Concerns);
    assert_eq!(committed(&answers), most, "each would be a concern of its own");
    assert_eq!(collector.count(CONCERNS).await, i64::try_from(most).unwrap());
    // What joins a concern comes in; what does not stays, also when it comes twice in one message, and what is told of it.
    let joins = encode_record(&invented(0, TOPICS[0], 0, 4));
    let opens = encode_record(&invented(9, TOPICS[3], 0, 4));
    let told = |sequence| {
        encode_record(&Record::Repeats(Repeats {
            of: FlagId {
                epoch: Epoch(EPOCH),
                sequence,
            },
            count: 7,
            last_at_ms: now(),
            further: false,
            first_at_ms: now(),
        }))
    };
    let message = vec![
        (1_000, joins),
        (1_001, opens.clone()),
        (1_001, opens.clone()),
        (1_002, told(1_001)),
        (1_003, told(1_000)),
    ];
    let answers = stream.deliver_bytes(message.clone()).await;
    let came: Vec<_> = answers.iter().map(is_committed).collect();
    assert_eq!(came, [true, false, false, false, true]);
    // The most severe come in all the same, a few of each of a few accounts.
    let mut severe = Vec::new();
    for account in 100..130 {
        for days_ago in [0, 40, 80, 120, 160, 200, 240] {
            severe.push(encode_record(&invented(account, TOPICS[0], days_ago, 5)));
        }
    }
    let answers = deliver(&mut stream, 2_000, severe.clone()).await;
    assert_eq!(committed(&answers), 100);
    assert_eq!(
        collector.count(CONCERNS).await,
        160,
        "what a copied certificate can do in a day"
    );
    others_deliver(&collector, &other, 0).await;
    // A restart begins nothing anew.
    let written = "SELECT count(*) FROM device_use WHERE what = 'concerns' AND held_back_at IS NOT NULL";
    collector.until(written, 1).await;
    drop(stream);
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, EPOCH).await;
    let answers = deliver(&mut stream, 0, flood.clone()).await;
    assert_eq!(committed(&answers), most);
    // A person decides, and everything comes in once.
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    let held_back = said.lines().find(|line| line.contains("held back for"));
    assert!(held_back.is_some_and(|line| !line.contains("concern")), "{said}");
    collector.run(&["device", "allow", &device.device_id]);
    tokio::time::timeout(crate::device::PATIENCE, async {
        while committed(&deliver(&mut stream, 0, flood.clone()).await) < flood.len() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("what a person allows does not come");
    let answers = stream.deliver_bytes(message).await;
    assert_eq!(committed(&answers), 5);
    let answers = deliver(&mut stream, 2_000, severe.clone()).await;
    assert_eq!(committed(&answers), severe.len());
    let all = i64::try_from(flood.len() + severe.len() + 2).unwrap();
    assert_eq!(collector.count("SELECT count(*) FROM flag").await, all + 1);
    assert_eq!(
        collector.count("SELECT sum(repeats) FROM flag").await,
        14,
        "what was told of what came late counts"
    );
    let counted = "SELECT sum(delivered) - (SELECT count(*) FROM delivered) FROM epoch";
    assert_eq!(collector.count(counted).await, 0);
}

/// INVARIANTS 1 and 2: the collector ends at any moment of a flood that is counted.
#[tokio::test]
async fn a_collector_killed_in_the_middle_of_a_counted_batch_counts_nothing_twice_and_loses_nothing() {
    const ROUNDS: u64 = 6;
    const ROUND: u64 = 400;
    let mut collector = Collector::start();
    let device = Device::joined(&collector).await;
    let flood = |from: u64, count: u64| {
        let one = |number| {
            let made = flag("1001", &format!("flood {number}"), 4);
            (number, encode_record(&made))
        };
        (from..from + count).map(one).collect::<Vec<_>>()
    };
    let mut stream = device.connect(&collector, EPOCH).await;
    let mut all = flood(0, 600);
    for message in all.chunks(limits::ENVELOPES) {
        assert_eq!(
            committed(&stream.deliver_bytes(message.to_vec()).await),
            message.len()
        );
    }
    let mut moments = BTreeSet::new();
    for round in 0..ROUNDS {
        let mut stream = device.connect(&collector, EPOCH).await;
        let more = flood(600 + round * ROUND, ROUND);
        all.extend(more.clone());
        let delivering = async {
            for message in more.chunks(limits::ENVELOPES / 4) {
                stream.deliver_bytes(message.to_vec()).await;
            }
        };
        // The moment of the power cut, not a wait for anything.
        let _cut = tokio::time::timeout(Duration::from_millis(1 + round * 8), delivering).await;
        collector.kill();
        collector.serve();
        moments.insert(collector.count("SELECT count(*) FROM delivered").await);
        let mut stream = device.connect(&collector, EPOCH).await;
        // With what was committed before the round, too.
        let again = all[all.len() - more.len() - 50..].chunks(limits::ENVELOPES);
        for message in again {
            let answers = stream.deliver_bytes(message.to_vec()).await;
            assert_eq!(committed(&answers), message.len());
        }
        let sent = i64::try_from(all.len()).unwrap();
        let counted = "SELECT count(*) + sum(further) FROM flag";
        assert_eq!(collector.count(counted).await, sent, "round {round}");
        assert_eq!(collector.count("SELECT count(*) FROM delivered").await, sent);
        assert_eq!(collector.count("SELECT sum(delivered) FROM epoch").await, sent);
        assert_eq!(collector.count("SELECT count(*) FROM flag").await, 500);
        assert_eq!(collector.count("SELECT sum(flag_count) FROM concern").await, 500);
    }
    println!("delivered when the power went: {moments:?}");
}
