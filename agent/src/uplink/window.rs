//! What is on its way to the collector and not answered yet. Pure.

use crate::spool::{Kept, Key, SEVERE, Wanted};
use pastoral_keywords::Severity;
use pastoral_proto::{FlagId, limits};
use std::collections::{BTreeMap, HashMap};

/// Records on their way at once.
const WINDOW: usize = 1024;
/// Beyond the window, for severe records only: a backlog never keeps them waiting.
const RESERVE: usize = 256;
/// Bytes of records in one message.
const MESSAGE_BYTES: usize = 1024 * 1024 - 64 * 1024;
/// A collector that leaves a record unanswered for longer has lost it.
const PATIENCE_MS: i64 = 60_000;

/// The records on their way.
#[derive(Debug, Default)]
pub(super) struct Window {
    sent: BTreeMap<Key, Sent>,
    keys: HashMap<FlagId, Key>,
    deferred: usize,
}

#[derive(Debug, Clone, Copy)]
enum Sent {
    At(i64),
    /// To be sent again at this time.
    Deferred(FlagId, i64),
}

impl Window {
    /// What may be sent next; none while there is no room.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let (room, at_least) = if self.sent.len() < WINDOW {
            (WINDOW - self.sent.len(), Severity::MIN)
        } else {
            let severe = Severity::try_from(SEVERE).unwrap_or(Severity::MAX);
            ((WINDOW + RESERVE).saturating_sub(self.sent.len()), severe)
        };
        (room > 0).then(|| Wanted {
            most: room.min(limits::ENVELOPES),
            most_bytes: MESSAGE_BYTES,
            at_least,
            except: self.sent.keys().copied().collect(),
        })
    }

    pub(super) fn sent(&mut self, kept: &Kept, now_ms: i64) {
        self.sent.insert(kept.key, Sent::At(now_ms));
        self.keys.insert(kept.id, kept.key);
    }

    /// The collector has it, or never will: where it stood.
    pub(super) fn answered(&mut self, id: FlagId) -> Option<Key> {
        let key = self.keys.remove(&id)?;
        if let Some(Sent::Deferred(..)) = self.sent.remove(&key) {
            self.deferred -= 1;
        }
        Some(key)
    }

    /// The collector cannot take it now.
    pub(super) fn not_now(&mut self, id: FlagId, again_at_ms: i64) {
        if let Some(sent) = self.keys.get(&id).and_then(|key| self.sent.get_mut(key))
            && matches!(sent, Sent::At(..))
        {
            *sent = Sent::Deferred(id, again_at_ms);
            self.deferred += 1;
        }
    }

    /// Lets go of what is to be sent again now; says whether there is any.
    pub(super) fn due(&mut self, now_ms: i64) -> bool {
        if self.deferred == 0 {
            return false;
        }
        let due: Vec<FlagId> = self
            .sent
            .values()
            .filter_map(|sent| match sent {
                // A clock that was set back must not make it wait for ever.
                Sent::Deferred(id, at_ms) if *at_ms <= now_ms || at_ms - now_ms > 10 * PATIENCE_MS => {
                    Some(*id)
                }
                _ => None,
            })
            .collect();
        for id in &due {
            self.answered(*id);
        }
        !due.is_empty()
    }

    /// Whether the collector has left a record unanswered for too long.
    pub(super) fn is_stuck(&self, now_ms: i64) -> bool {
        self.sent
            .values()
            .any(|sent| matches!(sent, Sent::At(at_ms) if now_ms - at_ms > PATIENCE_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pastoral_proto::Epoch;

    fn kept(severity: u8, sequence: u64) -> Kept {
        let mut key = [0; 17];
        key[0] = 5 - severity;
        key[9..].copy_from_slice(&sequence.to_be_bytes());
        Kept {
            key: Key(key),
            id: FlagId {
                epoch: Epoch([1; 16]),
                sequence,
            },
            bytes: Vec::new(),
        }
    }

    #[test]
    fn a_full_window_still_has_room_for_what_is_severe_and_is_bounded() {
        let mut window = Window::default();
        (0..WINDOW as u64).for_each(|sequence| window.sent(&kept(1, sequence), 0));
        let wanted = window.wanted().unwrap();
        assert_eq!((wanted.at_least.get(), wanted.most), (SEVERE, RESERVE));
        (0..RESERVE as u64).for_each(|sequence| window.sent(&kept(5, 5000 + sequence), 0));
        assert!(window.wanted().is_none());
        assert!(window.answered(kept(1, 3).id).is_some());
        assert!(window.wanted().is_some());
    }

    #[test]
    fn what_was_not_taken_is_sent_again_when_its_time_has_come() {
        let mut window = Window::default();
        window.sent(&kept(2, 7), 0);
        window.not_now(kept(2, 7).id, 1000);
        assert!(!window.due(999) && !window.is_stuck(70_000));
        assert!(window.due(1000));
        assert!(window.wanted().unwrap().except.is_empty());
        assert!(window.answered(kept(2, 7).id).is_none());
    }

    #[test]
    fn a_record_left_unanswered_shows() {
        let mut window = Window::default();
        window.sent(&kept(2, 7), 0);
        assert!(!window.is_stuck(PATIENCE_MS));
        assert!(window.is_stuck(PATIENCE_MS + 1));
    }
}
