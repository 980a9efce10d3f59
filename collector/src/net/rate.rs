//! How often something may happen for each of many: some at once, then one more in every while.
//!
//! Kept as one time for each key (the generic cell rate algorithm): when what was taken will have been earned.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Some at once, then one more in every while.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// How many at once.
    pub at_once: u32,
    /// After how long there is one more, in milliseconds.
    pub every_ms: i64,
}

impl Rate {
    fn all_ms(self) -> i64 {
        i64::from(self.at_once) * self.every_ms
    }
}

/// What each of many has taken of its rate.
#[derive(Debug)]
pub struct Rates<K> {
    rate: Rate,
    most_keys: usize,
    earned_at: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq + Clone> Rates<K> {
    /// Nothing is taken yet. INVARIANT 8: of at most so many keys it is known; then those are forgotten that have
    /// taken least.
    #[must_use]
    pub fn new(rate: Rate, most_keys: usize) -> Self {
        Self {
            rate,
            most_keys,
            earned_at: Mutex::default(),
        }
    }

    /// Takes one, if there is one to be had.
    pub fn take(&self, key: &K, now_ms: i64) -> bool {
        let mut earned_at = self.lock();
        let full = now_ms.saturating_add(self.rate.all_ms());
        // A clock that was set back leaves nobody waiting for longer than all of it takes.
        let taken_until = earned_at.get(key).map_or(now_ms, |at| (*at).clamp(now_ms, full));
        let then = taken_until + self.rate.every_ms;
        if then > full {
            if let Some(at) = earned_at.get_mut(key) {
                *at = taken_until;
            }
            return false;
        }
        if earned_at.len() >= self.most_keys && !earned_at.contains_key(key) {
            forget(&mut earned_at, now_ms, self.most_keys);
        }
        earned_at.insert(key.clone(), then);
        true
    }

    /// Gives one back that was taken.
    pub fn give_back(&self, key: &K) {
        if let Some(at) = self.lock().get_mut(key) {
            *at -= self.rate.every_ms;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, i64>> {
        // Nothing between lock and unlock leaves the map half changed.
        self.earned_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// All that is earned again; where that is little, half of the rest, so that it is not done for each new key.
fn forget<K: Hash + Eq>(earned_at: &mut HashMap<K, i64>, now_ms: i64, most: usize) {
    earned_at.retain(|_, at| *at > now_ms);
    if earned_at.len() > most / 2 {
        let mut times: Vec<_> = earned_at.values().copied().collect();
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        let median = *median;
        let mut to_go = middle;
        earned_at.retain(|_, at| {
            let goes = *at <= median && to_go > 0;
            to_go -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        at_once: 3,
        every_ms: 1_000,
    };

    #[test]
    fn some_at_once_and_then_one_in_every_while() {
        let rates = Rates::new(RATE, 10);
        let taken = |now| rates.take(&"a", now);
        assert!(taken(0) && taken(0) && taken(0) && !taken(0) && !taken(999));
        assert!(taken(1_000) && !taken(1_000));
        assert!(rates.take(&"b", 0), "each has its own");
        rates.give_back(&"a");
        assert!(taken(1_000) && !taken(1_000));
    }

    #[test]
    fn a_clock_that_is_set_back_leaves_nobody_waiting_for_long() {
        let rates = Rates::new(RATE, 10);
        let year = 365 * 24 * 3_600_000;
        while rates.take(&"a", year) {}
        assert!(
            !rates.take(&"a", 0),
            "all of it is taken, as far as anybody knows"
        );
        assert!(rates.take(&"a", 1_000) && !rates.take(&"a", 1_000));
    }

    #[test]
    fn however_many_there_are_the_table_stays_small_and_the_worst_are_remembered() {
        let rates = Rates::new(RATE, 100);
        while rates.take(&0, 0) {}
        for key in 1..10_000 {
            assert!(rates.take(&key, 0), "{key}");
            assert!(rates.lock().len() <= 100);
        }
        assert!(!rates.take(&0, 0));
    }
}
