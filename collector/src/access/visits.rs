//! Which lists a session has open, so that a visit is recorded once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A list that was not shown for so long is visited anew.
const VISIT_MS: i64 = 10 * 60 * 1000;
/// Lists remembered at most; beyond it they are visited anew.
const MOST: usize = 200;

/// When a session was last shown which list.
#[derive(Default)]
pub struct Visits(Mutex<HashMap<String, i64>>);

impl Visits {
    /// Whether a visit to this list goes on, by being shown again now.
    #[must_use]
    pub fn goes_on(&self, list: &str, now_ms: i64) -> bool {
        let mut lists = self.lock();
        let Some(last) = lists.get_mut(list) else {
            return false;
        };
        let goes_on = now_ms.abs_diff(*last) < VISIT_MS.unsigned_abs();
        *last = now_ms;
        goes_on
    }

    /// A visit was recorded.
    pub fn begin(&self, list: String, now_ms: i64) {
        let mut lists = self.lock();
        if lists.len() >= MOST {
            lists.clear();
        }
        lists.insert(list, now_ms);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_goes_on_while_the_list_is_shown_and_ends_ten_minutes_later() {
        let visits = Visits::default();
        assert!(!visits.goes_on("open", 0));
        visits.begin("open".into(), 0);
        for at in (0..10).map(|times| times * (VISIT_MS - 1)) {
            assert!(visits.goes_on("open", at), "{at}");
        }
        assert!(!visits.goes_on("closed 1", 0));
        visits.begin("open".into(), 0);
        assert!(!visits.goes_on("open", VISIT_MS));
        visits.begin("open".into(), 365 * 24 * VISIT_MS);
        assert!(!visits.goes_on("open", 0), "the clock has come back");
    }
}
