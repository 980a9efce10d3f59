//! Who takes how much of the spool, and what has to go for a new record. Pure.

use pastoral_keywords::Severity;
use std::collections::HashMap;

/// Bytes and records by account tag and severity.
#[derive(Debug, Default)]
pub(super) struct Room {
    bound: u64,
    used: HashMap<u64, [u64; 5]>,
    bytes: u64,
    records: u64,
}

/// What has to go before a record fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing.
    Fits,
    /// So many bytes, of this account or of any, of at most this severity.
    Evict {
        tag: Option<u64>,
        bytes: u64,
        up_to: Severity,
    },
    /// All that is kept is worth more: the new one has to go itself.
    Refuse,
}

/// The tag of what concerns the whole device (starts, gaps): small, spaced out, and never evicted.
pub(super) const DEVICE: u64 = 0;

impl Room {
    pub(super) fn new(bound: u64) -> Self {
        Self {
            bound,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, tag: u64, severity: Severity, bytes: u64) {
        self.used.entry(tag).or_default()[index(severity)] += bytes;
        self.bytes += bytes;
        self.records += 1;
    }

    pub(super) fn take(&mut self, tag: u64, severity: Severity, bytes: u64) {
        if let Some(used) = self.used.get_mut(&tag) {
            used[index(severity)] = used[index(severity)].saturating_sub(bytes);
            if used.iter().all(|bytes| *bytes == 0) {
                self.used.remove(&tag);
            }
        }
        self.bytes = self.bytes.saturating_sub(bytes);
        self.records = self.records.saturating_sub(1);
    }

    pub(super) fn usage(&self) -> super::Usage {
        super::Usage {
            records: self.records,
            bytes: self.bytes,
        }
    }

    /// INVARIANT 8: an account beyond its quota makes room by its own records, so that it never hides another's.
    pub(super) fn plan(&self, tag: u64, severity: Severity, bytes: u64) -> Plan {
        // A quarter: three accounts that flood together still leave room for a fourth.
        let quota = self.bound / 4;
        let own: u64 = self.used.get(&tag).map_or(0, |used| used.iter().sum());
        if tag != DEVICE && own + bytes > quota {
            return self.evict(Some(tag), severity, own + bytes - quota);
        }
        if self.bytes + bytes > self.bound {
            return self.evict(None, severity, self.bytes + bytes - self.bound);
        }
        Plan::Fits
    }

    fn evict(&self, tag: Option<u64>, severity: Severity, bytes: u64) -> Plan {
        let at_hand: u64 = self
            .used
            .iter()
            .filter(|(owner, _)| tag.map_or(**owner != DEVICE, |tag| tag == **owner))
            .map(|(_, used)| used[..=index(severity)].iter().sum::<u64>())
            .sum();
        if at_hand < bytes {
            return Plan::Refuse;
        }
        // A little more than needed, so that a full spool is not searched for every record.
        Plan::Evict {
            tag,
            bytes: (bytes + self.bound / 64).min(at_hand),
            up_to: severity,
        }
    }
}

fn index(severity: Severity) -> usize {
    usize::from(severity.get() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn severity(value: u8) -> Severity {
        Severity::try_from(value).unwrap()
    }

    proptest! {
        #[test]
        fn a_flood_by_one_account_never_evicts_another_account(
            sizes in proptest::collection::vec((1u8..=5, 1u64..200), 1..400),
        ) {
            let mut room = Room::new(4000);
            room.add(7, severity(1), 100);
            for (level, bytes) in sizes {
                let level = severity(level);
                match room.plan(9, level, bytes) {
                    Plan::Fits => room.add(9, level, bytes),
                    Plan::Evict { tag, up_to, .. } => {
                        prop_assert_eq!(tag, Some(9));
                        prop_assert!(up_to <= level);
                    }
                    Plan::Refuse => {}
                }
                prop_assert!(room.usage().bytes <= 4000);
            }
        }
    }

    #[test]
    fn a_note_never_displaces_something_severe() {
        let mut room = Room::new(400);
        room.add(9, severity(5), 100);
        assert_eq!(room.plan(9, severity(1), 10), Plan::Refuse);
        assert!(matches!(
            room.plan(9, severity(5), 10),
            Plan::Evict { tag: Some(9), .. }
        ));
    }
}
