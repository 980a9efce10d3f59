//! What is delivered arrives once, in the right concern, sealed; and what is bad harms only itself.

use pastoral_proto::device::{
    Account, AudienceQuestion, Health, RefusalReason, Standing, answer, collector_message::Message as Down,
    device_message::Message as Up,
};
use pastoral_proto::{Epoch, FlagId, Gap, Record, Repeats, limits};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, Stream};
use pastoral_support::records::{flag, is_committed, start};

const EPOCH: [u8; 16] = [7; 16];

fn quarantined(outcome: &Option<answer::Outcome>) -> &str {
    match outcome {
        Some(answer::Outcome::Quarantined(quarantined)) => &quarantined.reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_flag_makes_a_concern_with_readers_and_further_ones_join_it() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let answers = stream
        .deliver(&[
            (0, &start(None)),
            (1, &flag("1001", "one", 3)),
            (2, &flag("1001", "two", 5)),
            (3, &flag("1002", "x", 2)),
        ])
        .await;
    assert!(answers.iter().all(is_committed), "{answers:?}");
    assert_eq!(collector.count("SELECT count(*) FROM concern").await, 2);
    assert_eq!(
        collector
            .count("SELECT flag_count FROM concern WHERE severity = 5")
            .await,
        2
    );
    assert_eq!(collector.count("SELECT count(*) FROM concern_reader").await, 2);
    assert_eq!(collector.count("SELECT delivered FROM epoch").await, 4);
    assert!(collector.count("SELECT count(*) FROM outbox").await >= 1);
}

#[tokio::test]
async fn what_is_delivered_twice_counts_once() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let record = flag("1001", "one", 3);
    let mut stream = device.connect(&collector, EPOCH).await;
    assert!(
        stream
            .deliver(&[(0, &record), (0, &record)])
            .await
            .iter()
            .all(is_committed)
    );
    assert!(stream.deliver(&[(0, &record)]).await.iter().all(is_committed));
    let mut again = device.connect(&collector, EPOCH).await;
    assert!(
        again
            .deliver(&[(0, &record), (1, &flag("1001", "two", 3))])
            .await
            .iter()
            .all(is_committed)
    );
    assert_eq!(collector.count("SELECT count(*) FROM flag").await, 2);
    assert_eq!(collector.count("SELECT flag_count FROM concern").await, 2);
    assert_eq!(
        collector
            .count("SELECT count(*) FROM device WHERE cloned_at IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn a_cloned_device_is_told_apart_by_content_and_its_flag_is_kept() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    stream.deliver(&[(0, &flag("1001", "of the first", 3))]).await;
    let other = flag("1001", "of its clone", 3);
    let answers = stream.deliver(&[(0, &other)]).await;
    assert!(is_committed(&answers[0]));
    assert!(is_committed(&stream.deliver(&[(0, &other)]).await[0]));
    assert_eq!(collector.count("SELECT count(*) FROM flag").await, 2);
    assert_eq!(
        collector
            .count("SELECT count(*) FROM flag WHERE conflicting = 1")
            .await,
        1
    );
    let (code, said) = collector.try_run(&["check"]);
    assert_eq!(code, Some(3));
    assert!(
        said.contains("two devices use one identity") && said.contains("laptop-7"),
        "{said}"
    );
}

#[tokio::test]
async fn two_devices_that_take_turns_with_one_identity_are_both_told_and_audited_once() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let (ours, theirs) = ([1; 16], [2; 16]);
    assert!(!welcomed(&mut device.connect(&collector, ours).await).await.cloned);
    // A restarted service looks just the same.
    assert!(
        !welcomed(&mut device.connect(&collector, theirs).await)
            .await
            .cloned
    );
    assert!(welcomed(&mut device.connect(&collector, ours).await).await.cloned);
    assert!(
        welcomed(&mut device.connect(&collector, theirs).await)
            .await
            .cloned
    );
    collector
        .until("SELECT count(*) FROM audit WHERE action = 'device-cloned'", 1)
        .await;
    // Nobody comes in between, and it is still known.
    assert!(
        welcomed(&mut device.connect(&collector, theirs).await)
            .await
            .cloned
    );
    assert!(
        welcomed(&mut device.connect(&collector, [3; 16]).await)
            .await
            .cloned
    );
    collector
        .until("SELECT count(*) FROM device WHERE cloned_at IS NOT NULL", 1)
        .await;
    assert_eq!(
        collector
            .count("SELECT count(*) FROM audit WHERE action = 'device-cloned'")
            .await,
        1
    );
}

async fn welcomed(stream: &mut Stream) -> Standing {
    stream
        .until(|message| match message {
            Down::Welcome(welcome) => welcome.standing,
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_bad_record_is_put_aside_alone() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let good = |text| pastoral_proto::encode_record(&flag("1001", text, 3));
    let mut not_utf8 = good("abcdef");
    let at = not_utf8.windows(6).position(|bytes| bytes == b"abcdef").unwrap();
    not_utf8[at] = 0xff;
    let answers = stream
        .deliver_bytes(vec![
            (0, good("first")),
            (1, b"\xff\xff\xff nonsense".to_vec()),
            (2, not_utf8),
            (3, vec![0; limits::RECORD + 1]),
            (4, good("last")),
        ])
        .await;
    assert!(
        is_committed(&answers[0]) && is_committed(&answers[4]),
        "{answers:?}"
    );
    assert!(quarantined(&answers[1].outcome).contains("record"));
    assert!(quarantined(&answers[2].outcome).contains("UTF-8"));
    assert!(quarantined(&answers[3].outcome).contains("too long"));
    assert_eq!(collector.count("SELECT count(*) FROM quarantine").await, 3);
    assert_eq!(collector.count("SELECT count(*) FROM flag").await, 2);
    // The device deletes what was put aside; if it asks again, nothing is doubled.
    let answers = stream
        .deliver_bytes(vec![(1, b"\xff\xff\xff nonsense".to_vec())])
        .await;
    assert!(is_committed(&answers[0]));
    assert_eq!(collector.count("SELECT count(*) FROM quarantine").await, 3);
}

#[tokio::test]
async fn a_malformed_or_oversized_message_ends_that_stream_and_no_other() {
    let collector = Collector::start();
    let (bad, good) = (Device::joined(&collector).await, Device::joined(&collector).await);
    let mut stays = good.connect(&collector, EPOCH).await;
    assert!(matches!(stays.next().await, Down::Welcome(_)));
    let mut goes = bad.connect(&collector, EPOCH).await;
    goes.say(Up::Envelopes(pastoral_proto::device::Envelopes {
        envelopes: vec![pastoral_proto::device::Envelope::default(); limits::ENVELOPES + 1],
    }))
    .await;
    let reason = goes
        .until(|message| match message {
            Down::Refusal(refusal) => Some(refusal.reason),
            _ => None,
        })
        .await;
    assert_eq!(reason, i32::from(RefusalReason::Malformed));
    let mut huge = bad.connect(&collector, EPOCH).await;
    huge.say(Up::Health(Health {
        troubles: vec!["x".repeat(limits::GRPC_MESSAGE)],
        ..Health::default()
    }))
    .await;
    while let Ok(Some(_)) = huge.down.message().await {}
    assert!(is_committed(
        &stays.deliver(&[(0, &flag("1001", "text", 3))]).await[0]
    ));
}

#[tokio::test]
async fn repeats_gaps_and_missing_records_are_counted() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let gap = Record::Gap(Gap {
        account: None,
        cause: "spool-full".into(),
        count: 12,
        highest_severity: None,
        from_ms: now_ms() - 1000,
        to_ms: now_ms(),
    });
    let repeats = Record::Repeats(Repeats {
        of: FlagId {
            epoch: Epoch(EPOCH),
            sequence: 1,
        },
        count: 4,
        last_at_ms: now_ms(),
        further: false,
        first_at_ms: now_ms(),
    });
    stream
        .deliver(&[
            (0, &start(None)),
            (1, &flag("1001", "text", 3)),
            (2, &repeats),
            (3, &gap),
        ])
        .await;
    assert_eq!(collector.count("SELECT repeats FROM flag").await, 4);
    assert_eq!(
        collector
            .count("SELECT count FROM gap WHERE cause = 'spool-full'")
            .await,
        12
    );
    // The next run says that ten were given out before it; only four arrived.
    let mut next = device.connect(&collector, [8; 16]).await;
    let previous = FlagId {
        epoch: Epoch(EPOCH),
        sequence: 9,
    };
    next.deliver(&[(0, &start(Some(previous)))]).await;
    let database = collector.database().await;
    sqlx::query("UPDATE epoch SET first_seen_at = first_seen_at - 600000")
        .execute(&database)
        .await
        .unwrap();
    let store = pastoral_collector::store::Store::open(&collector.data_dir.join("collector.db"))
        .await
        .unwrap();
    let school_id: String = sqlx::query_scalar("SELECT school_id FROM school")
        .fetch_one(&database)
        .await
        .unwrap();
    let reckon = async || {
        let mut tx = store.write().await.unwrap();
        pastoral_collector::store::ingest::reckon_missing(&mut tx, &school_id, now_ms())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    reckon().await;
    assert_eq!(
        collector
            .count("SELECT count FROM gap WHERE cause = 'records-missing'")
            .await,
        6
    );
    let mut late = device.connect(&collector, EPOCH).await;
    let records: Vec<_> = (4..10)
        .map(|sequence| (sequence, flag("1001", "late", 2)))
        .collect();
    let records: Vec<_> = records
        .iter()
        .map(|(sequence, record)| (*sequence, record))
        .collect();
    late.deliver(&records).await;
    reckon().await;
    assert_eq!(
        collector
            .count("SELECT count(*) FROM gap WHERE cause = 'records-missing'")
            .await,
        0
    );
}

#[tokio::test]
async fn the_database_s_files_hold_no_content() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let secret = "quite unmistakable words";
    let mut damaged = pastoral_proto::encode_record(&flag("1001", secret, 3));
    damaged.push(0xff);
    let answers = stream.deliver_bytes(vec![(0, damaged)]).await;
    quarantined(&answers[0].outcome);
    let answers = stream.deliver(&[(1, &flag("1001", secret, 5))]).await;
    assert!(is_committed(&answers[0]));
    for name in ["collector.db", "collector.db-wal"] {
        let bytes = std::fs::read(collector.data_dir.join(name)).unwrap();
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes()),
            "{name}"
        );
    }
    assert!(!collector.log().contains("unmistakable"));
}

#[tokio::test]
async fn an_account_s_audience_comes_from_the_school_s_people() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let file = collector.data_dir.join("users.csv");
    std::fs::write(
        &file,
        "sourcedId,status,enabledUser,givenName,familyName,role,username,email,grades\n\
         p1,active,true,Robin,Invented,student,y5-robin,,05\n\
         t1,active,true,Tess,Applegarth,teacher,tapple,tess@oak.example,\n",
    )
    .unwrap();
    collector.run(&["people", "import", "--yes", file.to_str().unwrap()]);
    let mut stream = device.connect(&collector, EPOCH).await;
    let mut ask = async |name: &str| {
        let account = Account {
            authority: "local".into(),
            stable_id: "1001".into(),
            name: name.into(),
        };
        stream
            .say(Up::AudienceQuestion(AudienceQuestion {
                account: Some(account),
            }))
            .await;
        stream
            .until(|message| match message {
                Down::AudienceAnswer(answer) => Some(answer.audience),
                _ => None,
            })
            .await
    };
    assert_eq!(ask("y5-robin").await, "ks2");
    assert_eq!(ask("tapple").await, "staff");
    assert_eq!(ask("nobody-knows").await, "");
}

/// A laptop that is set up anew gives its accounts' numbers to others.
#[tokio::test]
async fn a_number_that_another_account_has_now_is_another_person_s_and_the_past_stays_where_it_is() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let file = collector.data_dir.join("users.csv");
    std::fs::write(
        &file,
        "sourcedId,status,enabledUser,givenName,familyName,role,username,email,grades\n\
         p1,active,true,Robin,Invented,student,robin,,05\n\
         p2,active,true,Sky,Invented,student,sky,,06\n",
    )
    .unwrap();
    collector.run(&["people", "import", "--yes", file.to_str().unwrap()]);
    let mut stream = device.connect(&collector, EPOCH).await;
    let named = |name: &str, text: &str| match flag("1001", text, 3) {
        Record::Flag(mut flag) => {
            flag.account.name = name.into();
            Record::Flag(flag)
        }
        other => other,
    };
    stream.deliver(&[(0, &named("robin", "one"))]).await;
    stream.deliver(&[(1, &named("sky", "two"))]).await;
    let of =
        "SELECT count(*) FROM concern JOIN person USING (school_id, person_id) WHERE given_name = 'Robin'";
    assert_eq!(collector.count(of).await, 1);
    let of = "SELECT count(*) FROM concern JOIN person USING (school_id, person_id) WHERE given_name = 'Sky'";
    assert_eq!(collector.count(of).await, 1);
}

/// Which accounts are known, and how many are not, is shown to technicians: it must not be those that were flagged.
#[tokio::test]
async fn accounts_are_written_down_when_they_log_in_so_that_the_list_tells_of_no_flag() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    for number in [1, 2, 1] {
        let account = Account {
            authority: "local".into(),
            stable_id: number.to_string(),
            name: format!("pupil-{number}"),
        };
        let question = AudienceQuestion {
            account: Some(account),
        };
        stream.say(Up::AudienceQuestion(question)).await;
        let answered = |down| matches!(down, Down::AudienceAnswer(_)).then_some(());
        stream.until(answered).await;
    }
    assert_eq!(collector.count("SELECT count(*) FROM account").await, 2);
    let Record::Flag(mut flagged) = flag("1", "one", 3) else {
        unreachable!()
    };
    flagged.account.name = "pupil-1".into();
    stream.deliver(&[(0, &Record::Flag(flagged))]).await;
    assert_eq!(collector.count("SELECT count(*) FROM account").await, 2);
    let said = collector.run(&["people", "accounts"]);
    assert!(said.contains("pupil-1") && said.contains("pupil-2"), "{said}");
}

#[tokio::test]
async fn health_is_written_down() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    assert!(matches!(stream.next().await, Down::Welcome(_)));
    let health = Health {
        troubles: vec!["no helper".into()],
        device_time_ms: now_ms(),
        ..Health::default()
    };
    stream.say(Up::Health(health)).await;
    collector
        .until("SELECT count(*) FROM device WHERE health LIKE '%no helper%'", 1)
        .await;
}

/// INVARIANT 4: at once when it joins, not when somebody is next granted something.
#[tokio::test]
async fn what_joins_a_concern_and_names_a_reader_counts_for_the_whole_concern_at_once() {
    let collector = Collector::start();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    stream.deliver(&[(0, &flag("1001", "one", 3))]).await;
    let readers = "SELECT count(*) FROM concern_reader";
    assert_eq!(collector.count(readers).await, 1);
    let mut page = flag("1001", "Mr Dunstan - staff of the school", 3);
    if let Record::Flag(flag) = &mut page {
        flag.provenance = pastoral_keywords::Provenance::Page;
    }
    stream.deliver(&[(1, &page)]).await;
    assert_eq!(collector.count("SELECT count(*) FROM concern").await, 1);
    assert_eq!(
        collector.count(readers).await,
        2,
        "the chair reads it beside the headteacher"
    );
    assert_eq!(
        collector
            .count("SELECT count(*) FROM concern_reader WHERE doubtful")
            .await,
        1
    );
    assert_eq!(
        collector
            .count("SELECT count(*) FROM data_key WHERE reader_group = 'head'")
            .await,
        1
    );
    // Typed, it is kept apart: the headteacher keeps the first.
    stream
        .deliver(&[(2, &flag("1001", "i hate mr dunstan", 3))])
        .await;
    assert_eq!(collector.count("SELECT count(*) FROM concern").await, 2);
    assert_eq!(collector.count(readers).await, 3);
}
