//! Floods of flags: counted, never lost, never doubled, and no queue of false concerns.

use crate::harm::{EPOCH, committed, deliver, limit, others_deliver};
use pastoral_collector::metering::Limited;
use pastoral_keywords::Topic;
use pastoral_proto::{Epoch, FlagId, Record, Repeats, encode_record, limits};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::poll::comes_true;
use pastoral_support::records::{flag, is_committed};
use std::collections::BTreeSet;
use std::time::Duration;

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
            last_at_ms: now_ms(),
            further,
            first_at_ms: now_ms() - 1_000,
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
            last_at_ms: now_ms(),
            further: false,
            first_at_ms: now_ms(),
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
    comes_true("what a person allows", async || {
        committed(&deliver(&mut stream, 0, flood.clone()).await) == flood.len()
    })
    .await;
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
