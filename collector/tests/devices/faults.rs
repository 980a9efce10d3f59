//! Power cuts and full disks: nothing acknowledged is lost, and it goes on by itself.

use pastoral_proto::Record;
use pastoral_proto::device::{
    Envelope, Envelopes, answer, collector_message::Message as Down, device_message::Message as Up,
};
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::disk::SmallDisk;
use pastoral_support::poll::{PATIENCE, comes_true};
use pastoral_support::records::{flag, is_committed, start};
use std::collections::BTreeSet;
use std::time::Duration;

const ROUNDS: u8 = 12;

#[tokio::test]
async fn a_power_cut_at_any_moment_loses_nothing_acknowledged_and_doubles_nothing() {
    let mut collector = Collector::start();
    let device = Device::joined(&collector).await;
    let epoch = [9; 16];
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    for round in 0..ROUNDS {
        let mut stream = device.connect(&collector, epoch).await;
        // Everything that was not answered is sent again, as a device does.
        let delay = Duration::from_millis(u64::from(round) * 17);
        let mut killer = None;
        loop {
            let sequences: Vec<u64> = (0..next)
                .filter(|sequence| !acknowledged.contains(sequence))
                .chain(next..next + 20)
                .collect();
            next += 20;
            let envelopes = sequences.iter().map(|sequence| Envelope {
                epoch: epoch.to_vec(),
                sequence: *sequence,
                severity: 2,
                bytes: pastoral_proto::encode_record(&numbered(*sequence)),
            });
            stream
                .say(Up::Envelopes(Envelopes {
                    envelopes: envelopes.collect(),
                }))
                .await;
            let answered = stream.until(|message| match message {
                Down::Answers(answers) => Some(answers.answers),
                _ => None,
            });
            let cut = async {
                match &mut killer {
                    Some(killer) => std::pin::Pin::as_mut(killer).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cut => break,
                answers = answered => {
                    acknowledged.extend(answers.iter().filter(|answer| is_committed(answer)).map(|answer| answer.sequence));
                    killer.get_or_insert_with(|| Box::pin(tokio::time::sleep(delay)));
                }
            }
        }
        collector.kill();
        collector.serve();
    }
    let database = collector.database().await;
    let stored: Vec<i64> = sqlx::query_scalar("SELECT sequence FROM flag")
        .fetch_all(&database)
        .await
        .unwrap();
    let distinct: BTreeSet<u64> = stored
        .iter()
        .map(|sequence| u64::try_from(*sequence).unwrap())
        .collect();
    assert_eq!(stored.len(), distinct.len(), "something was doubled");
    assert!(
        acknowledged.is_subset(&distinct),
        "something acknowledged was lost"
    );
    assert!(
        acknowledged.len() >= usize::from(ROUNDS),
        "hardly anything was acknowledged, so this shows nothing"
    );
    assert_eq!(
        collector
            .count("SELECT (SELECT count(*) FROM flag) - (SELECT sum(flag_count) FROM concern)")
            .await,
        0,
        "flags and concerns were not written together"
    );
    assert_eq!(
        collector
            .count("SELECT count(*) FROM flag WHERE data_key_id NOT IN (SELECT data_key_id FROM data_key)")
            .await,
        0
    );
    let (_, said) = collector.try_run(&["check"]);
    assert!(said.contains("unbroken"), "{said}");
}

/// The same bytes for the same sequence, as a spool holds them. Of many accounts, so that all are kept in full.
fn numbered(sequence: u64) -> Record {
    let account = (1001 + sequence % 50).to_string();
    let Record::Flag(mut made) = flag(&account, "text", 2) else {
        unreachable!()
    };
    made.observed_at_ms = 1_795_000_000_000 + i64::try_from(sequence).unwrap();
    Record::Flag(made)
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_acknowledged_that_is_not_kept_severe_flags_get_through_and_it_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::mount(folder.path(), 64).unwrap();
    let collector = Collector::alone(|_| folder.path().join("data"), true);
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, [3; 16]).await;
    assert!(is_committed(&stream.deliver(&[(0, &start(None))]).await[0]));
    disk.fill().unwrap();
    let mut sequence = 0;
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            sequence += 1;
            let answers = stream.deliver(&[(sequence, &flag("1001", "text", 2))]).await;
            match &answers[0].outcome {
                Some(answer::Outcome::NotNow(not_now)) => return not_now.reason.clone(),
                Some(answer::Outcome::Committed(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    });
    assert!(refused.await.unwrap().contains("disk"));
    let severe = stream
        .deliver(&[
            (10_000, &flag("1002", "text", 5)),
            (10_001, &flag("1002", "text", 2)),
        ])
        .await;
    assert!(is_committed(&severe[0]), "{severe:?}\n{}", collector.log());
    assert!(
        matches!(severe[1].outcome, Some(answer::Outcome::NotNow(_))),
        "{severe:?}"
    );
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(said.contains("make room"), "{said}");
    disk.free().unwrap();
    comes_true("its recovery", async || {
        is_committed(&stream.deliver(&[(10_001, &flag("1002", "text", 2))]).await[0])
    })
    .await;
    let stored: i64 = collector
        .count("SELECT count(*) FROM flag WHERE sequence < 10000")
        .await;
    assert_eq!(stored, i64::try_from(sequence - 1).unwrap());
}
