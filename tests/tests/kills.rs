//! Power cuts: the service, the helper or the collector ends at any moment of a stream of flags, and every flag that
//! was on the device's disk is at the collector once.
//!
//! The moments come from a seed that is printed; `PASTORAL_SEED=n` plays them again.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_tests::site::{SERIOUS, SEVERE, SLIGHT, Site};
use pastoral_tests::speaker::Speaker;
use pastoral_tests::store::Store;
use pastoral_tests::window::Window;
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

/// Power cuts of the service and the collector.
const ROUNDS: u64 = 45;
/// Kills of the helper.
const HELPER_ROUNDS: u64 = 10;

/// Numbers that look random and are the same for the same seed (xorshift).
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let given = std::env::var("PASTORAL_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(std::process::id()) * 7919 + 1);
        println!("PASTORAL_SEED={seed}");
        Self(seed.max(1))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Titles that are all flagged, none like another.
struct Flags(u64);

impl Flags {
    fn batch(&mut self, count: u64) -> String {
        let mut lines = String::new();
        for _ in 0..count {
            self.0 += 1;
            let phrase = if self.0.is_multiple_of(3) { SERIOUS } else { SEVERE };
            lines.push_str(&format!("{phrase} {} - Google Search - Chromium\n", self.0));
        }
        lines
    }
}

/// For each start of the service, the flags that its log says were on disk.
fn on_disk_by_start(log: &str) -> Vec<BTreeSet<i64>> {
    let starts = log.split(" running").skip(1);
    let sequence = |line: &str| -> Option<i64> {
        let (_, rest) = line.split_once("sequence=")?;
        rest.split(|character: char| !character.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    starts
        .map(|run| {
            let lines = run.lines().filter(|line| line.contains("a flag is on disk"));
            lines.filter_map(sequence).collect()
        })
        .collect()
}

/// The collector's epochs, oldest first, by the chain that each one's first record makes.
fn chain(store: &Store) -> Vec<i64> {
    let first =
        store.numbers("SELECT epoch_no FROM epoch WHERE previous_epoch IS NULL OR previous_epoch = x''");
    let mut chain = first.unwrap();
    assert_eq!(chain.len(), 1, "one epoch, and no more, has none before it");
    while let Some(last) = chain.last() {
        let next = format!(
            "SELECT next.epoch_no FROM epoch AS next JOIN epoch AS last ON next.previous_epoch = last.epoch
             WHERE last.epoch_no = {last}"
        );
        let next = store.numbers(&next).unwrap();
        assert!(next.len() <= 1, "two epochs follow {last}");
        let Some(next) = next.first() else { break };
        chain.push(*next);
    }
    chain
}

/// Everything that was given a number is there once, and everything that was said to be on disk is a flag, or is counted
/// on one where one account floods.
fn assert_exactly_once(store: &Store, log: &str) -> usize {
    let epochs = chain(store);
    assert_eq!(
        store.number("SELECT count(*) FROM epoch").unwrap(),
        i64::try_from(epochs.len()).unwrap(),
        "an epoch is outside the chain"
    );
    let missing =
        "SELECT count(*) FROM epoch AS next JOIN epoch AS before ON next.previous_epoch = before.epoch
         WHERE next.previous_last_sequence + 1 <>
               (SELECT count(DISTINCT d.sequence) FROM delivered AS d WHERE d.epoch_no = before.epoch_no)";
    assert_eq!(
        store.number(missing).unwrap(),
        0,
        "records of an epoch are missing"
    );
    let holes = "SELECT count(*) FROM (SELECT epoch_no FROM delivered GROUP BY epoch_no
         HAVING count(*) <> max(sequence) + 1 OR min(sequence) <> 0)";
    assert_eq!(
        store.number(holes).unwrap(),
        0,
        "a record is missing or came twice"
    );
    let twice =
        "SELECT count(*) FROM (SELECT epoch_no FROM flag GROUP BY epoch_no, sequence HAVING count(*) > 1)";
    assert_eq!(store.number(twice).unwrap(), 0, "a flag is there twice");
    assert_eq!(
        store
            .number("SELECT count(*) FROM flag WHERE conflicting")
            .unwrap(),
        0
    );
    assert_eq!(store.number("SELECT count(*) FROM quarantine").unwrap(), 0);
    let lost = "SELECT count(*) FROM gap WHERE cause IN ('records-missing', 'spool-damaged', 'disk-full')";
    assert_eq!(store.number(lost).unwrap(), 0, "a loss was reported");
    let starts = on_disk_by_start(log);
    assert_eq!(starts.len(), epochs.len(), "each start is an epoch");
    let mut kept = 0;
    for (said, epoch) in starts.iter().zip(&epochs) {
        let there = store
            .numbers(&format!(
                "SELECT sequence FROM delivered WHERE epoch_no = {epoch}"
            ))
            .unwrap();
        let there: BTreeSet<_> = there.into_iter().collect();
        let gone: Vec<_> = said.difference(&there).collect();
        assert!(
            gone.is_empty(),
            "on disk, and not at the collector: {gone:?} of epoch {epoch}"
        );
        kept += said.len();
    }
    let flags = store
        .number("SELECT count(*) + coalesce(sum(further), 0) FROM flag")
        .unwrap();
    assert!(
        flags >= i64::try_from(kept).unwrap(),
        "{kept} flags were on disk, and the collector counts {flags}"
    );
    kept
}

/// Feeds until the service is gone or all is said; a helper whose service has ended cannot go on.
fn feed(speaker: &mut Speaker, flags: &mut Flags, batches: u64, pause: Duration) {
    for _ in 0..batches {
        if speaker.titles(flags.batch(6).as_bytes()).is_err() {
            return;
        }
        // The stream's own pace, not a wait for anything.
        thread::sleep(pause);
    }
}

#[test]
fn every_flag_on_disk_arrives_exactly_once_whatever_is_killed_and_when() {
    let mut site = Site::start("kills").unwrap();
    let mut moments = Moments::new();
    let mut flags = Flags(0);
    let mut speaker = site.speaker().unwrap();
    for _ in 0..ROUNDS {
        let pause = Duration::from_micros(moments.below(12_000));
        feed(&mut speaker, &mut flags, 1 + moments.below(8), pause);
        let victim = moments.below(10);
        if victim >= 6 {
            site.collector.kill();
        }
        if victim < 8 {
            site.laptop.kill().unwrap();
            site.laptop.start().unwrap();
            speaker = site.speaker().unwrap();
        }
        if victim >= 6 {
            feed(&mut speaker, &mut flags, 1, Duration::ZERO);
            site.collector.serve();
        }
    }
    site.laptop.until_delivered().unwrap();
    let kept = assert_exactly_once(&site.store().unwrap(), &site.laptop.log());
    let said = usize::try_from(flags.0).unwrap();
    println!(
        "{said} titles, {kept} said to be on disk, {} at the collector",
        site.store().unwrap().flags().unwrap()
    );
    assert!(
        kept > said / 20,
        "hardly anything was on disk when the power went: {kept} of {said}"
    );
}

#[test]
fn a_killed_helper_loses_no_flag_and_its_successor_is_heard() {
    let mut site = Site::start("kills").unwrap();
    let mut moments = Moments::new();
    let desktop = pastoral_tests::desktop::Desktop::start(&site.pupil, &site.folder).unwrap();
    let mut window = Window::open(&desktop, &site.pupil, &site.folder).unwrap();
    for round in 0..HELPER_ROUNDS {
        let mut helper = site.laptop.helper(&desktop, &site.pupil).unwrap();
        for title in 0..1 + moments.below(20) {
            window.search(&format!("{SEVERE} {round} {title}")).unwrap();
        }
        helper.kill().unwrap();
    }
    let _last = site.laptop.helper(&desktop, &site.pupil).unwrap();
    let before = site.laptop.flags_on_disk().len();
    window.search(&format!("{SEVERE} once more")).unwrap();
    pastoral_support::poll::until_so("the last helper to be heard", || {
        site.laptop.flags_on_disk().len() > before
    })
    .unwrap();
    site.laptop.until_delivered().unwrap();
    let kept = assert_exactly_once(&site.store().unwrap(), &site.laptop.log());
    assert!(kept > 0);
    assert!(site.laptop.process().unwrap().runs());
}

#[test]
fn while_the_collector_is_away_the_device_keeps_on_and_then_delivers_severity_five_first() {
    // Fewer than one account may raise of a sort before the rest is counted.
    const BACKLOG: u64 = 190;
    let mut site = Site::start("kills").unwrap();
    let mut speaker = site.speaker().unwrap();
    site.collector.kill();
    for number in 0..BACKLOG {
        speaker.search(&format!("{SERIOUS} {number}")).unwrap();
    }
    speaker.search(&format!("{SLIGHT} slight")).unwrap();
    speaker.search(&format!("{SEVERE} severe")).unwrap();
    let kept = |status: &serde_json::Value| status["detail"]["spool_records"].as_u64() >= Some(BACKLOG + 2);
    let status = site.laptop.until_status("everything to be kept", kept).unwrap();
    assert_eq!(status["detail"]["connection"], "away");
    site.collector.serve();
    site.laptop.until_delivered().unwrap();
    let store = site.store().unwrap();
    let severities = store
        .numbers("SELECT severity FROM flag ORDER BY flag_id")
        .unwrap();
    assert_eq!(severities.len() as u64, BACKLOG + 2);
    assert!(
        severities.is_sorted_by(|earlier, later| earlier >= later),
        "{severities:?}"
    );
    assert_eq!(severities.first(), Some(&5));
}
