//! The school safe's key in a session: for a quarter of an hour, and for what its reader has given a reason for.

use crate::seal::GroupPrivateKey;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long the key stays.
pub const OPEN_MS: i64 = 15 * 60 * 1000;

/// Where a session keeps the safe's key.
#[derive(Default)]
pub struct Unlocked(Mutex<Option<Open>>);

struct Open {
    key: GroupPrivateKey,
    since: i64,
    /// What a reason was given for.
    given: HashSet<String>,
}

impl Unlocked {
    /// Takes the key, in place of one that was there.
    pub fn open(&self, key: GroupPrivateKey, now_ms: i64) {
        *self.lock() = Some(Open {
            key,
            since: now_ms,
            given: HashSet::new(),
        });
    }

    /// Forgets the key.
    pub fn close(&self) {
        *self.lock() = None;
    }

    /// The key, while its time is not over; forgets it otherwise, also when the clock has jumped.
    #[must_use]
    pub fn key(&self, now_ms: i64) -> Option<GroupPrivateKey> {
        self.present(now_ms).as_ref().map(|open| open.key.clone())
    }

    /// Since when the key is here; none once its time is over.
    #[must_use]
    pub fn since(&self, now_ms: i64) -> Option<i64> {
        self.present(now_ms).as_ref().map(|open| open.since)
    }

    /// A reason was given for opening this.
    pub fn give_reason(&self, what: &str, now_ms: i64) {
        if let Some(open) = self.present(now_ms).as_mut() {
            open.given.insert(what.to_owned());
        }
    }

    /// The key, where a reason was given for opening this.
    #[must_use]
    pub fn key_for(&self, what: &str, now_ms: i64) -> Option<GroupPrivateKey> {
        let open = self.present(now_ms);
        let open = open.as_ref().filter(|open| open.given.contains(what))?;
        Some(open.key.clone())
    }

    fn present(&self, now_ms: i64) -> MutexGuard<'_, Option<Open>> {
        let mut open = self.lock();
        if open
            .as_ref()
            .is_some_and(|open| !(open.since..open.since.saturating_add(OPEN_MS)).contains(&now_ms))
        {
            *open = None;
        }
        open
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_safe_s_key_goes_after_a_quarter_of_an_hour_and_opens_only_what_a_reason_was_given_for() {
        let (key, _) = GroupPrivateKey::generate();
        let safe = Unlocked::default();
        safe.give_reason("c1", 1_000);
        assert!(safe.key(1_000).is_none());
        safe.open(key.clone(), 1_000);
        safe.give_reason("c1", 1_000);
        assert!(safe.key_for("c1", 2_000).is_some() && safe.key_for("c2", 2_000).is_none());
        assert!(safe.key(1_000 + OPEN_MS - 1).is_some());
        assert!(safe.key(1_000 + OPEN_MS).is_none(), "over");
        assert!(safe.key(2_000).is_none(), "it is forgotten, not hidden");
        safe.open(key, 1_000);
        assert!(safe.key_for("c1", 1_000).is_none(), "reasons are given anew");
        assert!(safe.key(999).is_none(), "the clock has jumped");
    }
}
