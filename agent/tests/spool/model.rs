//! Random operations on the spool and on a model of it must agree.

use super::{everything, flag, open, severity, text_of};
use pastoral_agent::spool::{Key, Wanted};
use pastoral_proto::{Epoch, Record, decode_record};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

const NOW_MS: i64 = 1_700_000_000_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

#[derive(Debug, Clone)]
enum Operation {
    Append(Vec<(u8, u8)>),
    Deliver(usize),
    Settle,
    Restart,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        4 => proptest::collection::vec((0u8..3, 1u8..=5), 1..6).prop_map(Operation::Append),
        3 => (0usize..8).prop_map(Operation::Deliver),
        1 => Just(Operation::Settle),
        1 => Just(Operation::Restart),
    ];
    proptest::collection::vec(operation, 1..25)
}

/// What the spool should hold, in the order of delivery: flags by their text, starts of epochs without one.
#[derive(Default)]
struct Model {
    run: u64,
    given_out: u64,
    records: BTreeMap<(u8, u64, u64), Option<String>>,
}

impl Model {
    fn add(&mut self, level: u8, text: Option<String>) {
        self.records.insert((5 - level, self.run, self.given_out), text);
        self.given_out += 1;
    }

    fn begin(&mut self) {
        self.run += 1;
        self.given_out = 0;
        self.add(1, None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_spool_delivers_what_the_model_says_severity_five_first(operations in operations()) {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = open(folder.path(), 1 << 26);
        let mut model = Model::default();
        let mut epochs = 1u8;
        spool.begin(Epoch([epochs; 16]), None, NOW_MS).unwrap();
        model.begin();
        let mut texts = 0;
        for operation in operations {
            match operation {
                Operation::Append(flags) => {
                    let mut new = Vec::new();
                    for (owner, level) in flags {
                        texts += 1;
                        new.push(flag(owner, level, &format!("text {texts}")));
                        model.add(level, Some(format!("text {texts}")));
                    }
                    let appended = spool.append(&new, NOW_MS).unwrap();
                    prop_assert!(appended.dropped.is_empty() && appended.ids.iter().all(Option::is_some));
                }
                Operation::Deliver(most) => {
                    let kept = spool.read(&Wanted { most, ..everything() }).unwrap();
                    let keys: Vec<Key> = kept.iter().map(|kept| kept.key).collect();
                    let expected: Vec<_> = model.records.iter().take(most).map(|(k, v)| (*k, v.clone())).collect();
                    prop_assert_eq!(kept.len(), expected.len());
                    for (kept, (place, text)) in kept.iter().zip(&expected) {
                        prop_assert_eq!(&text_of(kept), text);
                        prop_assert_eq!(kept.id.sequence, place.2);
                    }
                    spool.remove(&keys).unwrap();
                    expected.iter().for_each(|(place, _)| drop(model.records.remove(place)));
                }
                Operation::Settle => drop(spool.settle(NOW_MS).unwrap()),
                Operation::Restart => {
                    let last = (spool.numbers().epoch, model.given_out - 1);
                    drop(spool);
                    spool = open(folder.path(), 1 << 26);
                    epochs += 1;
                    spool.begin(Epoch([epochs; 16]), None, NOW_MS).unwrap();
                    model.begin();
                    let kept = spool.read(&everything()).unwrap();
                    let start = kept.iter().rfind(|kept| text_of(kept).is_none()).unwrap();
                    let Record::EpochStart(start) = decode_record(&start.bytes).unwrap() else { panic!("no start") };
                    prop_assert_eq!(start.previous.map(|id| (id.epoch, id.sequence)), Some(last));
                }
            }
            prop_assert_eq!(spool.usage().records, model.records.len() as u64);
        }
    }

    #[test]
    fn a_full_spool_stays_within_its_bound_and_counts_what_goes_least_severe_first(
        flags in proptest::collection::vec((0u8..6, 1u8..=5, 10usize..900), 50..160),
    ) {
        const BOUND: u64 = 32 * 1024;
        let folder = tempfile::tempdir().unwrap();
        let mut spool = open(folder.path(), BOUND);
        spool.begin(Epoch([1; 16]), None, NOW_MS).unwrap();
        let (mut given, mut dropped) = (0_u64, 0_u64);
        let mut highest_gone: HashMap<String, u8> = HashMap::new();
        for (owner, level, length) in flags {
            let appended = spool.append(&[flag(owner, level, &"x".repeat(length))], NOW_MS).unwrap();
            given += 1;
            for gone in appended.dropped {
                dropped += gone.count;
                let severity = gone.severity.unwrap().get();
                prop_assert!(severity <= level);
                let owner = gone.account.unwrap().stable_id;
                let highest = highest_gone.entry(owner).or_default();
                *highest = severity.max(*highest);
            }
            prop_assert!(spool.usage().bytes <= BOUND + 200);
        }
        let kept = spool.read(&everything()).unwrap();
        prop_assert_eq!(kept.len() as u64 - 1 + dropped, given);
    }
}

#[test]
fn a_flood_of_notes_by_one_account_leaves_its_severe_flags_and_all_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path(), 64 * 1024);
    spool.begin(Epoch([1; 16]), None, NOW_MS).unwrap();
    spool
        .append(
            &[flag(1, 1, "another's note"), flag(2, 4, "its own severe one")],
            NOW_MS,
        )
        .unwrap();
    for number in 0..400 {
        spool
            .append(
                &[flag(2, 2, &format!("flood {number} {}", "x".repeat(200)))],
                NOW_MS,
            )
            .unwrap();
    }
    let texts: Vec<_> = spool
        .read(&everything())
        .unwrap()
        .iter()
        .filter_map(text_of)
        .collect();
    assert!(texts.contains(&"another's note".to_owned()) && texts.contains(&"its own severe one".to_owned()));
    assert!(texts.iter().any(|text| text.starts_with("flood 399")));
    assert!(!texts.iter().any(|text| text.starts_with("flood 0 ")));
}

#[test]
fn the_key_is_changed_when_the_spool_is_empty_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let key = || std::fs::read(folder.path().join("spool.key")).unwrap();
    let mut spool = open(folder.path(), 1 << 20);
    spool.begin(Epoch([1; 16]), None, NOW_MS).unwrap();
    spool.append(&[flag(1, 3, "kept")], NOW_MS).unwrap();
    let first = key();
    spool.settle(NOW_MS).unwrap();
    assert_eq!(key(), first);
    let keys: Vec<Key> = spool
        .read(&everything())
        .unwrap()
        .iter()
        .map(|kept| kept.key)
        .collect();
    spool.remove(&keys).unwrap();
    spool.settle(NOW_MS).unwrap();
    assert_ne!(key(), first);
    let second = key();
    spool.settle(NOW_MS).unwrap();
    assert_eq!(key(), second, "an unused key needs no change");
    spool.append(&[flag(1, 3, "after")], NOW_MS).unwrap();
    drop(spool);
    let kept = open(folder.path(), 1 << 20).read(&everything()).unwrap();
    assert_eq!(kept.iter().filter_map(text_of).collect::<Vec<_>>(), ["after"]);
}

#[test]
fn nothing_is_kept_longer_than_400_days_and_what_goes_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path(), 1 << 20);
    spool.begin(Epoch([1; 16]), None, NOW_MS).unwrap();
    spool.append(&[flag(1, 3, "old")], NOW_MS).unwrap();
    spool.append(&[flag(1, 3, "new")], NOW_MS + 399 * DAY_MS).unwrap();
    assert!(spool.settle(NOW_MS + 399 * DAY_MS).unwrap().is_empty());
    let gone = spool.settle(NOW_MS + 401 * DAY_MS).unwrap();
    assert_eq!(
        gone.iter()
            .filter(|gone| gone.severity == Some(severity(3)))
            .count(),
        1
    );
    assert!(gone.iter().all(|gone| gone.cause == "spool-too-old"));
    let kept = spool.read(&everything()).unwrap();
    assert_eq!(kept.iter().filter_map(text_of).collect::<Vec<_>>(), ["new"]);
}

#[test]
fn no_text_and_no_name_stands_in_any_file_of_the_spool() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path(), 1 << 20);
    spool.begin(Epoch([1; 16]), None, NOW_MS).unwrap();
    spool
        .append(&[flag(1, 5, "a very particular sentence")], NOW_MS)
        .unwrap();
    drop(spool);
    let mut folders = vec![folder.path().to_owned()];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            read += 1;
            for secret in ["particular", "invented", "1001"] {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "{secret} stands in {}", path.display());
            }
        }
    }
    assert!(read >= 3);
}

#[test]
fn a_record_that_was_swapped_for_another_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path(), 1 << 20);
    spool.begin(Epoch([1; 16]), None, NOW_MS).unwrap();
    spool
        .append(&[flag(1, 1, "a note"), flag(1, 5, "severe")], NOW_MS)
        .unwrap();
    drop(spool);
    let db = sled::Config::new()
        .path(folder.path().join("spool"))
        .open()
        .unwrap();
    let records: Vec<_> = db.range(..vec![5]).map(Result::unwrap).collect();
    let (severe, note) = (&records[0], &records[2]);
    db.insert(&severe.0, &note.1).unwrap();
    drop(db);
    let mut spool = open(folder.path(), 1 << 20);
    let texts: Vec<_> = spool
        .read(&everything())
        .unwrap()
        .iter()
        .filter_map(text_of)
        .collect();
    assert_eq!(texts, ["a note"]);
    let lost = spool.settle(NOW_MS).unwrap();
    assert_eq!(
        lost.iter().map(|lost| lost.cause).collect::<Vec<_>>(),
        ["spool-unreadable"]
    );
}
