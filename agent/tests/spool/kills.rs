//! A process that keeps flags is killed at random moments; what it was told is kept must be there, once.

use super::{everything, flag, open, text_of};
use pastoral_agent::spool::{Keeper, KeeperSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD: &str = "PASTORAL_TEST_SPOOL";
const ROUNDS: u32 = 60;

/// Not a test of its own: what the test below runs and kills.
#[test]
fn child_that_keeps_flags_until_it_is_killed() {
    let Ok(state) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(keep_for_ever(Path::new(&state)));
}

async fn keep_for_ever(state: &Path) {
    let (spool, _thread) = Keeper::start(KeeperSettings::new(state.to_owned(), 1 << 26)).unwrap();
    let run = std::process::id();
    for number in 0.. {
        let mut answers = Vec::new();
        for part in 0..=number % 4 {
            let text = format!("{run}-{number}-{part}");
            let answer = spool.keep(flag(1, 1 + (number % 5) as u8, &text)).await;
            answers.push((text, answer));
        }
        for (text, answer) in answers {
            answer.await.unwrap().unwrap();
            println!("\nkept {text}");
            std::io::stdout().flush().unwrap();
        }
    }
}

#[test]
fn what_was_kept_survives_a_kill_at_any_moment_and_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = BTreeSet::new();
    for round in 0..ROUNDS {
        // From in the middle of opening to after some dozens of commits.
        let after = (round * 7) % 23;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "kills::child_that_keeps_flags_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let mut seen = 0;
        let mut note = |line: String| {
            let text = line.strip_prefix("kept ").map(ToOwned::to_owned);
            text.is_some_and(|text| told.insert(text))
        };
        while seen < after {
            seen += u32::from(note(lines.next().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines {
            note(line);
        }
    }
    let mut spool = open(folder.path(), 1 << 26);
    let kept = spool.read(&everything()).unwrap();
    let mut times: BTreeMap<String, u32> = BTreeMap::new();
    for text in kept.iter().filter_map(text_of) {
        *times.entry(text).or_default() += 1;
    }
    assert!(told.len() > 400, "{}", told.len());
    assert!(times.values().all(|times| *times == 1), "a flag is there twice");
    let missing: Vec<_> = told.iter().filter(|text| !times.contains_key(*text)).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    let mut sequences: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
    for kept in &kept {
        assert!(
            sequences
                .entry(kept.id.epoch)
                .or_default()
                .insert(kept.id.sequence),
            "a number was given twice"
        );
    }
    for numbers in sequences.values() {
        assert_eq!(
            numbers.last().unwrap() + 1,
            numbers.len() as u64,
            "a number is missing"
        );
    }
}
