//! How many flags one account may raise: the first are kept in full, what comes beyond is counted. Pure.
//!
//! INVARIANT 8: a flood hides neither another account's flags nor a severe one of its own. Notes beyond the bound are
//! counted as a gap. What is severe is counted on a flag that is kept, of the same account, topic, severity and
//! provenance: a rise of severity, another topic, what was typed beside what a page wrote, and the first of each term are
//! always kept in full.
//!
//! | bound | why |
//! |---|---|
//! | [`BURST`] notes at once, then one a second | a lesson of quick typing stays below it |
//! | [`SEVERE_BURST`] severe ones of a sort at once, then one a minute | nobody reads more of the same; a page can write a thousand titles a second |
//! | [`TERMS`] terms of a sort, once each | the words of a list, and not a list of lists |

use super::dedupe::Same;
use pastoral_keywords::{Provenance, Severity, Topic};
use pastoral_proto::Account;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;

/// Notes of an account that are kept at once.
const BURST: i64 = 120;
/// Then one in this time.
const EVERY_MS: i64 = 1000;
/// Severe flags of an account and sort that are kept at once.
const SEVERE_BURST: i64 = 200;
/// Then one in this time.
const SEVERE_EVERY_MS: i64 = 60_000;
const ACCOUNTS: usize = 1024;
/// Accounts and sorts of severe flags.
const SORTS: usize = 2048;
/// Terms of a sort that are remembered as kept.
const TERMS: usize = 256;

/// What is to become of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is kept in full. What was counted on this one before is told now.
    Keep(Option<Same>),
    /// It is counted on this one, which is kept.
    CountOn(Same),
    /// A note: it is counted as a gap.
    Drop,
}

/// A flag, as far as floods go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) account: &'a Account,
    pub(super) severity: Severity,
    pub(super) topic: Topic,
    pub(super) provenance: Provenance,
    /// The winning term.
    pub(super) term: (&'a str, &'a str),
    pub(super) same: Same,
    pub(super) at_ms: i64,
}

/// A bucket per account, and per sort of severe flags.
#[derive(Debug, Default)]
pub(super) struct Flood {
    notes: HashMap<Account, Bucket>,
    severe: HashMap<Sort, Severe>,
}

/// Severe flags that count as the same flood.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sort {
    account: Account,
    topic: Topic,
    severity: Severity,
    provenance: Provenance,
}

#[derive(Debug)]
struct Severe {
    bucket: Bucket,
    /// The last that was kept.
    last: Same,
    terms: HashSet<(String, String)>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: i64,
    filled_at_ms: i64,
}

/// How much a bucket holds, and how fast it fills.
#[derive(Debug, Clone, Copy)]
struct Size {
    burst: i64,
    every_ms: i64,
}

const NOTES: Size = Size {
    burst: BURST,
    every_ms: EVERY_MS,
};
const SEVERE: Size = Size {
    burst: SEVERE_BURST,
    every_ms: SEVERE_EVERY_MS,
};

impl Flood {
    /// What is to become of a flag.
    pub(super) fn take(&mut self, seen: &Candidate<'_>) -> Fate {
        if seen.severity.get() >= crate::spool::SEVERE {
            return self.take_severe(seen);
        }
        make_room(&mut self.notes, seen.account, ACCOUNTS, |bucket| {
            bucket.is_full(NOTES, seen.at_ms)
        });
        let bucket = self
            .notes
            .entry(seen.account.clone())
            .or_insert(Bucket::full(NOTES, seen.at_ms));
        if bucket.take(NOTES, seen.at_ms) {
            Fate::Keep(None)
        } else {
            Fate::Drop
        }
    }

    /// A flag that was to be kept was not, or the one it was to be counted on is closed: it is kept in full.
    pub(super) fn keep(&mut self, seen: &Candidate<'_>) {
        if let Some(severe) = self.severe.get_mut(&Sort::of(seen)) {
            severe.last = seen.same;
        }
    }

    fn take_severe(&mut self, seen: &Candidate<'_>) -> Fate {
        let sort = Sort::of(seen);
        make_room(&mut self.severe, &sort, SORTS, |severe| {
            severe.bucket.is_full(SEVERE, seen.at_ms)
        });
        let severe = self.severe.entry(sort).or_insert_with(|| Severe {
            bucket: Bucket::full(SEVERE, seen.at_ms),
            last: seen.same,
            terms: HashSet::new(),
        });
        let had_room = severe.bucket.take(SEVERE, seen.at_ms);
        let term = (seen.term.0.to_owned(), seen.term.1.to_owned());
        let is_first = severe.terms.len() < TERMS && severe.terms.insert(term);
        if severe.bucket.is_full(SEVERE, seen.at_ms) {
            severe.terms.clear();
        }
        if had_room || is_first {
            let before = std::mem::replace(&mut severe.last, seen.same);
            Fate::Keep((before != seen.same).then_some(before))
        } else {
            Fate::CountOn(severe.last)
        }
    }
}

/// Makes room for a new entry: those whose bucket is full again are no different from new ones.
fn make_room<K: Eq + Hash, V>(
    entries: &mut HashMap<K, V>,
    new: &K,
    most: usize,
    is_full: impl Fn(&V) -> bool,
) {
    if entries.len() >= most && !entries.contains_key(new) {
        entries.retain(|_, entry| !is_full(entry));
        if entries.len() >= most {
            entries.clear();
        }
    }
}

impl Sort {
    fn of(seen: &Candidate<'_>) -> Self {
        Self {
            account: seen.account.clone(),
            topic: seen.topic,
            severity: seen.severity,
            provenance: seen.provenance,
        }
    }
}

impl Bucket {
    const fn full(size: Size, now_ms: i64) -> Self {
        Self {
            left: size.burst,
            filled_at_ms: now_ms,
        }
    }

    fn is_full(&self, size: Size, now_ms: i64) -> bool {
        self.at(size, now_ms).left >= size.burst
    }

    /// Takes one, if there is one.
    fn take(&mut self, size: Size, now_ms: i64) -> bool {
        *self = self.at(size, now_ms);
        let some = self.left > 0;
        self.left -= i64::from(some);
        some
    }

    fn at(self, size: Size, now_ms: i64) -> Self {
        let passed_ms = now_ms - self.filled_at_ms;
        if passed_ms < 0 {
            return Self {
                left: self.left,
                filled_at_ms: now_ms,
            };
        }
        let drops = passed_ms / size.every_ms;
        Self {
            left: (self.left + drops).min(size.burst),
            filled_at_ms: self.filled_at_ms + drops * size.every_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn account(number: u32) -> Account {
        Account {
            authority: "local".into(),
            stable_id: number.to_string(),
            name: String::new(),
        }
    }

    fn same(account: &Account, text: &str) -> Same {
        Same::of(account, "list", "term", text)
    }

    fn seen<'a>(account: &'a Account, severity: u8, text: &str, at_ms: i64) -> Candidate<'a> {
        Candidate {
            account,
            severity: Severity::try_from(severity).unwrap(),
            topic: Topic::SelfHarm,
            provenance: Provenance::Page,
            term: ("list", "term"),
            same: same(account, text),
            at_ms,
        }
    }

    fn is_kept(verdict: Fate) -> bool {
        matches!(verdict, Fate::Keep(_))
    }

    proptest! {
        #[test]
        fn a_flood_hides_no_others_and_what_is_severe_is_kept_or_counted_on_what_is(
            flood in proptest::collection::vec((1u8..=5, 0i64..20), 1..2000),
        ) {
            let (one, other) = (account(1), account(2));
            let (mut buckets, mut kept) = (Flood::default(), HashSet::new());
            let (mut now_ms, mut notes) = (0, 0);
            for (number, (level, pause_ms)) in flood.into_iter().enumerate() {
                now_ms += pause_ms;
                let flag = seen(&one, level, &number.to_string(), now_ms);
                match buckets.take(&flag) {
                    Fate::Keep(_) => {
                        kept.insert(flag.same);
                        notes += i64::from(level < 4);
                    }
                    Fate::CountOn(on) => prop_assert!(level >= 4 && kept.contains(&on)),
                    Fate::Drop => prop_assert!(level < 4),
                }
            }
            prop_assert!(notes <= BURST + now_ms / EVERY_MS + 1);
            for level in 1..=5 {
                prop_assert!(is_kept(buckets.take(&seen(&other, level, "other", now_ms))));
            }
        }
    }

    #[test]
    fn of_a_hundred_thousand_severe_titles_the_first_are_kept_and_another_sort_always_is() {
        let (one, mut flood) = (account(1), Flood::default());
        let kept: Vec<_> = (0..100_000_i64)
            .filter(|number| is_kept(flood.take(&seen(&one, 4, &number.to_string(), number / 100))))
            .collect();
        assert_eq!(kept, (0..SEVERE_BURST).collect::<Vec<_>>());
        let flag = seen(&one, 4, "another", 1000);
        let rises = seen(&one, 5, "worse", 1000);
        let other_topic = Candidate {
            topic: Topic::Bullying,
            ..flag
        };
        let typed = Candidate {
            provenance: Provenance::Typed,
            ..flag
        };
        let other_term = Candidate {
            term: ("list", "noose"),
            ..flag
        };
        assert!(!is_kept(flood.take(&flag)));
        for other in [rises, other_topic, typed, other_term] {
            assert!(is_kept(flood.take(&other)), "{other:?}");
        }
        let a_minute_later = seen(&one, 4, "later", 1000 + SEVERE_EVERY_MS);
        assert!(matches!(flood.take(&a_minute_later), Fate::Keep(Some(_))));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut flood = Flood::default();
        for number in 0..5000 {
            for level in [1, 4] {
                assert!(is_kept(flood.take(&seen(&account(number), level, "", 0))));
            }
        }
        assert!(flood.notes.len() <= ACCOUNTS && flood.severe.len() <= SORTS);
    }
}
