//! A flood of severe titles by one account, through the real flagging and the real spool.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use arc_swap::ArcSwap;
use pastoral_agent::audience::Audiences;
use pastoral_agent::flagging::Flagging;
use pastoral_agent::rules::Rules;
use pastoral_agent::spool::{Keeper, KeeperSettings, Wanted};
use pastoral_agent::watch::Observation;
use pastoral_keywords::{Audience, Engine, KeywordList, Provenance, Severity, Source};
use pastoral_proto::{Account, Flag, Record, Repeats, decode_record};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const FLOOD: u64 = 100_000;
/// Far less than the flood, far more than what is kept of it.
const FEW: u64 = 1_000;

const LIST: &str = r#"
id = "invented"
version = 1
title = "Invented"
language = "en"
author = "A test"
date = 2026-01-01

[[term]]
id = "four"
text = ["zorbling deep"]
topic = "self-harm"
severity = 4
reason = "An invented word for a high severity"

[[term]]
id = "other-four"
text = ["quandle one"]
topic = "self-harm"
severity = 4
reason = "Another one of the same sort"

[[term]]
id = "five"
text = ["fimbul three"]
topic = "suicide"
severity = 5
reason = "An invented word for the highest severity"
"#;

fn rules() -> Rules {
    let list = KeywordList::parse(LIST, "list.toml").unwrap();
    Rules {
        engine: Engine::build(&[list]).unwrap(),
        lists: Vec::new(),
        policy: None,
        unknown_audience: Audience::Ks2,
        health_interval_s: 60,
        canary_interval_s: 0,
        lowest_user_id: 0,
    }
}

fn account(uid: u32) -> Account {
    Account {
        authority: "local".into(),
        stable_id: uid.to_string(),
        name: "invented".into(),
    }
}

fn title(uid: u32, text: &str, at_ms: i64) -> Observation {
    Observation {
        account: account(uid),
        source: Source::Search,
        provenance: Provenance::Typed,
        text: text.into(),
        program: "browser".into(),
        site: "Example".into(),
        observed_at_ms: at_ms,
    }
}

/// What is on the disk.
struct Left {
    flags: Vec<Flag>,
    repeats: Vec<Repeats>,
    bytes: u64,
}

/// Lets the flagging see titles, stops it as the service does, and reads the spool.
async fn after(folder: &Path, titles: impl Iterator<Item = Observation>) -> Left {
    let settings = || KeeperSettings::new(folder.to_owned(), 64 << 20);
    let (spool, thread) = Keeper::start(settings()).unwrap();
    let audiences = Arc::new(Audiences::load(folder));
    let rules = Arc::new(ArcSwap::from_pointee(rules()));
    let flagging = Flagging::new(rules, audiences, spool.clone());
    let (sender, observations) = mpsc::channel(256);
    let stop = CancellationToken::new();
    let running = tokio::spawn(flagging.run(observations, stop.clone()));
    for title in titles {
        sender.send(title).await.unwrap();
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    let bytes = spool.standing().borrow().usage.bytes;
    let wanted = Wanted {
        most: usize::MAX,
        most_bytes: 64 << 20,
        at_least: Severity::MIN,
        except: BTreeSet::new(),
    };
    let (mut flags, mut repeats) = (Vec::new(), Vec::new());
    for kept in spool.read(wanted).await {
        match decode_record(&kept.bytes).unwrap() {
            Record::Flag(flag) => flags.push(flag),
            Record::Repeats(told) => repeats.push(told),
            Record::EpochStart(_) | Record::Gap(_) => {}
        }
    }
    spool.stop().await;
    thread.join().unwrap();
    Left {
        flags,
        repeats,
        bytes,
    }
}

#[tokio::test]
async fn a_hundred_thousand_severe_titles_leave_the_first_in_full_a_count_and_another_account_s_flag() {
    let folder = tempfile::tempdir().unwrap();
    let start_ms = pastoral_agent::clock::now_ms();
    let at = |number: u64| start_ms + i64::try_from(number / 100).unwrap();
    let flood = (0..FLOOD).map(|number| title(1001, &format!("zorbling deep {number}"), at(number)));
    let own = [
        title(1001, "fimbul three, worse than the flood", at(FLOOD)),
        title(1001, "quandle one, another term of the same sort", at(FLOOD)),
    ];
    let others = [title(1002, "zorbling deep, by another", at(FLOOD))];
    let left = after(folder.path(), flood.chain(own).chain(others)).await;

    let flooded = |flag: &&Flag| flag.account == account(1001) && flag.text.starts_with("zorbling");
    let kept: Vec<_> = left.flags.iter().filter(flooded).collect();
    let count = kept.len() as u64;
    assert!((100..FEW).contains(&count), "{count}");
    for number in 0..100 {
        let text = format!("zorbling deep {number}");
        assert!(
            kept.iter().any(|flag| flag.text == text),
            "the first are kept in full"
        );
    }
    let further = left.repeats.iter().filter(|repeats| repeats.further);
    let counted: u64 = further.clone().map(|repeats| u64::from(repeats.count)).sum();
    assert_eq!(count + counted, FLOOD, "every one is kept or counted");
    for repeats in further {
        assert!(repeats.first_at_ms <= repeats.last_at_ms && repeats.last_at_ms <= at(FLOOD));
    }
    for text in [
        "fimbul three, worse than the flood",
        "quandle one, another term of the same sort",
    ] {
        assert!(left.flags.iter().any(|flag| flag.text == text), "{text}");
    }
    let other = left.flags.iter().filter(|flag| flag.account == account(1002));
    assert_eq!(other.count(), 1, "another account's flag is untouched");
    assert!(left.bytes < 1 << 20, "{} bytes", left.bytes);
}
