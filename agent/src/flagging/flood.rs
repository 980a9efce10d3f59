//! How many flags of little severity one account may raise: beyond that they are counted, not kept. Pure.

use pastoral_keywords::Severity;
use pastoral_proto::Account;
use std::collections::HashMap;

/// Flags of an account that are kept at once.
const BURST: i64 = 120;
/// Then one in this time.
const EVERY_MS: i64 = 1000;
const ACCOUNTS: usize = 1024;

/// A bucket per account.
#[derive(Debug, Default)]
pub(super) struct Flood {
    buckets: HashMap<Account, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: i64,
    filled_at_ms: i64,
}

impl Flood {
    /// Whether a flag may be kept. INVARIANT 8: what is severe always is.
    pub(super) fn lets_through(&mut self, account: &Account, severity: Severity, now_ms: i64) -> bool {
        if severity.get() >= crate::spool::SEVERE {
            return true;
        }
        if self.buckets.len() >= ACCOUNTS && !self.buckets.contains_key(account) {
            // Those whose bucket is full again are no different from new ones.
            self.buckets.retain(|_, bucket| bucket.at(now_ms).left < BURST);
            if self.buckets.len() >= ACCOUNTS {
                self.buckets.clear();
            }
        }
        let full = Bucket {
            left: BURST,
            filled_at_ms: now_ms,
        };
        let bucket = self.buckets.entry(account.clone()).or_insert(full);
        *bucket = bucket.at(now_ms);
        let through = bucket.left > 0;
        bucket.left -= i64::from(through);
        through
    }
}

impl Bucket {
    fn at(self, now_ms: i64) -> Self {
        let passed_ms = now_ms - self.filled_at_ms;
        if passed_ms < 0 {
            return Self {
                left: self.left,
                filled_at_ms: now_ms,
            };
        }
        let drops = passed_ms / EVERY_MS;
        Self {
            left: (self.left + drops).min(BURST),
            filled_at_ms: self.filled_at_ms + drops * EVERY_MS,
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

    fn severity(value: u8) -> Severity {
        Severity::try_from(value).unwrap()
    }

    proptest! {
        #[test]
        fn a_flood_hides_neither_others_nor_what_is_severe(
            seen in proptest::collection::vec((1u8..=5, 0i64..20), 1..2000),
        ) {
            let mut flood = Flood::default();
            let mut now_ms = 0;
            let mut notes = 0;
            for (level, pause_ms) in seen {
                now_ms += pause_ms;
                let through = flood.lets_through(&account(1), severity(level), now_ms);
                prop_assert!(through || level < 4);
                notes += i64::from(through && level < 4);
            }
            prop_assert!(notes <= BURST + now_ms / EVERY_MS + 1);
            prop_assert!(flood.lets_through(&account(2), severity(1), now_ms));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut flood = Flood::default();
        for number in 0..5000 {
            assert!(flood.lets_through(&account(number), severity(1), 0));
        }
        assert!(flood.buckets.len() <= ACCOUNTS);
    }
}
