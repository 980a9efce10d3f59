//! Counts what was not kept or not watched, until it is told.

use super::Dropped;
use pastoral_keywords::Severity;
use pastoral_proto::{Account, Gap};
use std::collections::BTreeMap;

/// Accounts and causes counted apart; beyond that they are counted together.
const ENTRIES: usize = 1024;
/// Between two reports, at first; doubled while the causes go on.
const INTERVAL_MS: i64 = 10_000;
const LONGEST_INTERVAL_MS: i64 = 3_600_000;

/// What is counted and not told yet. Telling is spaced out, so that a flood of what is dropped is not one of gaps.
#[derive(Debug)]
pub struct GapLedger {
    open: BTreeMap<(Option<Account>, String), Gap>,
    told_at_ms: Option<i64>,
    interval_ms: i64,
}

impl Default for GapLedger {
    fn default() -> Self {
        Self {
            open: BTreeMap::new(),
            told_at_ms: None,
            interval_ms: INTERVAL_MS,
        }
    }
}

impl GapLedger {
    /// Counts a record that was dropped.
    pub fn dropped(&mut self, dropped: Dropped, now_ms: i64) {
        self.count(Gap {
            account: dropped.account,
            cause: dropped.cause.into(),
            count: dropped.count,
            highest_severity: dropped.severity,
            from_ms: now_ms,
            to_ms: now_ms,
        });
    }

    /// Counts a gap, together with others of its account and cause.
    pub fn count(&mut self, mut gap: Gap) {
        if self.open.len() >= ENTRIES && !self.open.contains_key(&(gap.account.clone(), gap.cause.clone())) {
            gap.account = None;
        }
        let key = (gap.account.clone(), gap.cause.clone());
        match self.open.get_mut(&key) {
            Some(open) => {
                open.count = open.count.saturating_add(gap.count);
                open.highest_severity = highest(open.highest_severity, gap.highest_severity);
                open.from_ms = open.from_ms.min(gap.from_ms);
                open.to_ms = open.to_ms.max(gap.to_ms);
            }
            None => {
                self.open.insert(key, gap);
            }
        }
    }

    /// Whether anything waits to be told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// What is to be told now: nothing while the last telling is too recent.
    pub fn due(&mut self, now_ms: i64) -> Vec<Gap> {
        if self.open.is_empty() {
            return Vec::new();
        }
        if let Some(told_at_ms) = self.told_at_ms {
            let since = now_ms - told_at_ms;
            // A clock set back must not silence the ledger.
            if (0..self.interval_ms).contains(&since) {
                return Vec::new();
            }
            let quiet = since > 2 * self.interval_ms;
            self.interval_ms = if quiet {
                INTERVAL_MS
            } else {
                (self.interval_ms * 2).min(LONGEST_INTERVAL_MS)
            };
        }
        self.told_at_ms = Some(now_ms);
        self.all()
    }

    /// Everything that waits to be told, at once.
    pub fn all(&mut self) -> Vec<Gap> {
        std::mem::take(&mut self.open).into_values().collect()
    }
}

fn highest(one: Option<Severity>, other: Option<Severity>) -> Option<Severity> {
    one.max(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped(severity: u8) -> Dropped {
        Dropped {
            account: None,
            severity: Severity::try_from(severity).ok(),
            count: 1,
            cause: "spool-full",
        }
    }

    #[test]
    fn what_is_dropped_is_counted_together_with_its_highest_severity() {
        let mut ledger = GapLedger::default();
        ledger.dropped(dropped(2), 1);
        ledger.dropped(dropped(4), 5);
        ledger.dropped(dropped(1), 9);
        let gaps = ledger.due(10);
        assert_eq!(gaps.len(), 1);
        assert_eq!((gaps[0].count, gaps[0].from_ms, gaps[0].to_ms), (3, 1, 9));
        assert_eq!(gaps[0].highest_severity, Severity::try_from(4).ok());
    }

    #[test]
    fn a_flood_of_what_is_dropped_is_not_a_flood_of_gaps() {
        let mut ledger = GapLedger::default();
        let told: u64 = (0..100_000_i64)
            .map(|second| {
                ledger.dropped(dropped(1), second * 1000);
                ledger.due(second * 1000).len() as u64
            })
            .sum();
        assert!(told < 50, "{told}");
        assert!(!ledger.is_empty());
    }
}
