//! The same account, term and text again within ten minutes is one flag with a count. Of a flood, further flags are
//! counted on one that is kept, see [`super::flood`]. Pure.

use pastoral_proto::{Account, FlagId, Repeats};
use ring::digest::{Context, SHA256};
use std::collections::{HashMap, VecDeque};

/// How long the same again is counted instead of flagged.
pub(super) const WINDOW_MS: i64 = 10 * 60 * 1000;
/// Flags that are remembered; beyond that the oldest window is closed early. They fill a hash table of 4096 places.
const OPEN: usize = 3584;

/// One account, term and text, as a digest: what was seen is not kept for longer than it takes to flag it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Same([u8; 16]);

impl Same {
    /// Of an account, a term of a list, and a text.
    #[must_use]
    pub(super) fn of(account: &Account, list_id: &str, term_id: &str, text: &str) -> Self {
        let mut context = Context::new(&SHA256);
        for part in [&account.authority, &account.stable_id, list_id, term_id, text] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(digest)
    }
}

/// What is open.
#[derive(Debug, Default)]
pub(super) struct Dedupe {
    open: HashMap<Same, Open>,
    /// The same, in the order of opening.
    order: VecDeque<(i64, Same)>,
}

#[derive(Debug)]
struct Open {
    /// None until it is durable.
    flag: Option<FlagId>,
    count: u32,
    last_at_ms: i64,
    further: Further,
}

/// Flags of a flood that were counted on one that is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Further {
    pub(super) count: u32,
    pub(super) first_at_ms: i64,
    pub(super) last_at_ms: i64,
}

impl Dedupe {
    /// Counts what was seen. True: it is new, and to be flagged. What closes thereby is added to `closed`.
    pub(super) fn is_new(&mut self, same: Same, now_ms: i64, closed: &mut Vec<Repeats>) -> bool {
        self.close(now_ms, closed);
        if let Some(open) = self.open.get_mut(&same) {
            open.count = open.count.saturating_add(1);
            open.last_at_ms = now_ms;
            return false;
        }
        if self.open.len() >= OPEN {
            self.close_oldest(closed);
        }
        self.open.insert(
            same,
            Open {
                flag: None,
                count: 0,
                last_at_ms: now_ms,
                further: Further::default(),
            },
        );
        self.order.push_back((now_ms, same));
        true
    }

    /// Counts a flag of a flood on one that is kept. False: that one's window has closed.
    pub(super) fn count_further(&mut self, on: Same, now_ms: i64) -> bool {
        let Some(open) = self.open.get_mut(&on) else {
            return false;
        };
        let further = &mut open.further;
        if further.count == 0 {
            further.first_at_ms = now_ms;
        }
        further.count = further.count.saturating_add(1);
        further.last_at_ms = now_ms;
        true
    }

    /// Tells what was counted on a flag so far: from now on it is counted on another.
    pub(super) fn tell_further(&mut self, on: Same, told: &mut Vec<Repeats>) {
        if let Some(open) = self.open.get_mut(&on)
            && let Some(of) = open.flag
        {
            told.extend(std::mem::take(&mut open.further).of(of));
        }
    }

    /// The flag is durable.
    pub(super) fn kept(&mut self, same: Same, flag: FlagId) {
        if let Some(open) = self.open.get_mut(&same) {
            open.flag = Some(flag);
        }
    }

    /// The flag was not kept: the next of the same is a flag again. Gives what was counted on it.
    pub(super) fn lost(&mut self, same: Same) -> Further {
        let Some(open) = self.open.remove(&same) else {
            return Further::default();
        };
        // Nearly always the newest.
        if let Some(at) = self.order.iter().rposition(|(_, other)| *other == same) {
            self.order.remove(at);
        }
        open.further
    }

    /// Closes the windows that have ended.
    pub(super) fn close(&mut self, now_ms: i64, closed: &mut Vec<Repeats>) {
        while let Some((opened_at_ms, _)) = self.order.front() {
            // A clock that was set back ends windows too: nothing may be counted for longer than the window.
            if (*opened_at_ms..opened_at_ms + WINDOW_MS).contains(&now_ms) {
                break;
            }
            self.close_oldest(closed);
        }
    }

    /// Closes every window.
    pub(super) fn close_all(&mut self, closed: &mut Vec<Repeats>) {
        while !self.order.is_empty() {
            self.close_oldest(closed);
        }
    }

    /// When the next window ends.
    #[must_use]
    pub(super) fn next_close_ms(&self) -> Option<i64> {
        self.order
            .front()
            .map(|(opened_at_ms, _)| opened_at_ms + WINDOW_MS)
    }

    fn close_oldest(&mut self, closed: &mut Vec<Repeats>) {
        let Some((_, same)) = self.order.pop_front() else {
            return;
        };
        if let Some(Open {
            flag: Some(of),
            count,
            last_at_ms,
            further,
        }) = self.open.remove(&same)
        {
            if count > 0 {
                closed.push(Repeats {
                    of,
                    count,
                    last_at_ms,
                    further: false,
                    first_at_ms: last_at_ms,
                });
            }
            closed.extend(further.of(of));
        }
    }
}

impl Further {
    /// What is told of them, if there are any.
    fn of(self, of: FlagId) -> Option<Repeats> {
        (self.count > 0).then_some(Repeats {
            of,
            count: self.count,
            last_at_ms: self.last_at_ms,
            further: true,
            first_at_ms: self.first_at_ms,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pastoral_proto::Epoch;
    use proptest::prelude::*;

    fn same(number: u8) -> Same {
        Same([number; 16])
    }

    fn flag(sequence: u64) -> FlagId {
        FlagId {
            epoch: Epoch([0; 16]),
            sequence,
        }
    }

    proptest! {
        #[test]
        fn every_sighting_is_a_flag_or_counted_once(
            seen in proptest::collection::vec((0u8..5, 0i64..200_000), 1..300),
        ) {
            let (mut dedupe, mut closed) = (Dedupe::default(), Vec::new());
            let (mut now_ms, mut flags) = (0, 0_u64);
            let total = seen.len() as u64;
            for (number, pause_ms) in seen {
                now_ms += pause_ms;
                if dedupe.is_new(same(number), now_ms, &mut closed) {
                    dedupe.kept(same(number), flag(flags));
                    flags += 1;
                }
            }
            dedupe.close_all(&mut closed);
            let repeated: u64 = closed.iter().map(|repeats| u64::from(repeats.count)).sum();
            prop_assert_eq!(flags + repeated, total);
            prop_assert!(dedupe.open.is_empty() && dedupe.order.is_empty());
        }

        #[test]
        fn the_same_is_flagged_at_most_once_in_ten_minutes(pauses in proptest::collection::vec(0i64..400_000, 1..200)) {
            let (mut dedupe, mut closed) = (Dedupe::default(), Vec::new());
            let (mut now_ms, mut last_flag_ms) = (0, None);
            for pause_ms in pauses {
                now_ms += pause_ms;
                if dedupe.is_new(same(1), now_ms, &mut closed) {
                    prop_assert!(last_flag_ms.is_none_or(|last| now_ms - last >= WINDOW_MS));
                    last_flag_ms = Some(now_ms);
                }
            }
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_goes_is_told() {
        let (mut dedupe, mut closed) = (Dedupe::default(), Vec::new());
        for number in 0..OPEN as u64 + 10 {
            let mut digest = [0; 16];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            assert!(dedupe.is_new(Same(digest), 1, &mut closed));
            dedupe.kept(Same(digest), flag(number));
            assert!(!dedupe.is_new(Same(digest), 1, &mut closed));
        }
        assert_eq!((dedupe.open.len(), closed.len()), (OPEN, 10));
    }

    #[test]
    fn what_was_not_kept_is_flagged_when_it_comes_again() {
        let (mut dedupe, mut closed) = (Dedupe::default(), Vec::new());
        assert!(dedupe.is_new(same(1), 1, &mut closed));
        dedupe.lost(same(1));
        assert!(dedupe.is_new(same(1), 2, &mut closed));
    }

    #[test]
    fn a_flood_of_what_is_not_kept_is_not_remembered() {
        let (mut dedupe, mut closed) = (Dedupe::default(), Vec::new());
        for number in 0..100_000_u64 {
            let mut digest = [0; 16];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            assert!(dedupe.is_new(Same(digest), 1, &mut closed));
            dedupe.lost(Same(digest));
        }
        assert!(dedupe.open.is_empty() && dedupe.order.is_empty());
    }

    #[test]
    fn further_flags_are_told_once_with_their_times_and_apart_from_the_same_text_again() {
        let (mut dedupe, mut told) = (Dedupe::default(), Vec::new());
        assert!(dedupe.is_new(same(1), 1, &mut told));
        dedupe.kept(same(1), flag(7));
        assert!(!dedupe.is_new(same(1), 2, &mut told));
        assert!((3..103).all(|now_ms| dedupe.count_further(same(1), now_ms)));
        dedupe.tell_further(same(1), &mut told);
        assert!(dedupe.count_further(same(1), 200));
        dedupe.close_all(&mut told);
        let further: Vec<_> = told.iter().filter(|repeats| repeats.further).collect();
        assert_eq!(
            (further[0].count, further[0].first_at_ms, further[0].last_at_ms),
            (100, 3, 102)
        );
        assert_eq!((further[1].count, further[1].first_at_ms), (1, 200));
        assert_eq!(told.len() - further.len(), 1);
        assert!(!dedupe.count_further(same(1), 300), "its window has closed");
    }

    #[test]
    fn what_was_counted_on_a_flag_that_was_not_kept_is_given_back() {
        let (mut dedupe, mut told) = (Dedupe::default(), Vec::new());
        assert!(dedupe.is_new(same(1), 1, &mut told));
        assert!(dedupe.count_further(same(1), 2) && dedupe.count_further(same(1), 3));
        assert_eq!(dedupe.lost(same(1)).count, 2);
    }

    #[test]
    fn a_clock_set_back_does_not_keep_a_window_open() {
        let (mut dedupe, mut closed) = (Dedupe::default(), Vec::new());
        assert!(dedupe.is_new(same(1), WINDOW_MS * 9, &mut closed));
        assert!(dedupe.is_new(same(1), WINDOW_MS, &mut closed));
    }
}
