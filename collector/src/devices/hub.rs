//! The devices that are connected now, and what their streams have learnt and not yet written down.
//!
//! A heartbeat never writes by itself: what was learnt is written together once a second, and the time a device was
//! last heard at most once a minute.

use crate::store::devices as rows;
use pastoral_proto::device::{self, Refusal, RefusalReason, SignedPolicy};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// How long `last_seen_at` may lag in the store.
const LAST_SEEN_LAG_MS: i64 = 60_000;
/// Epochs whose streams were replaced by another, remembered per device to tell a clone.
const REPLACED: usize = 8;

/// What a stream is told from elsewhere.
#[derive(Debug, Clone)]
pub(super) enum Told {
    /// Say this and close.
    Close(Box<Refusal>),
    /// A policy came into force.
    Policy(Arc<SignedPolicy>),
    /// Do this once, and answer.
    Do(Box<device::Command>),
}

#[derive(Default)]
struct Present {
    stream: Option<(u64, mpsc::Sender<Told>)>,
    group: String,
    epoch: Vec<u8>,
    replaced: VecDeque<Vec<u8>>,
    seen: rows::DeviceSeen,
    dirty: bool,
    written_at: i64,
}

/// The devices that are connected now.
#[derive(Default)]
pub(super) struct Hub {
    devices: Mutex<HashMap<String, Present>>,
    next_stream: std::sync::atomic::AtomicU64,
}

/// What became of a stream that was entered.
pub(super) struct Entered {
    /// Names the stream when it leaves.
    pub(super) stream: u64,
    /// What it is told.
    pub(super) told: mpsc::Receiver<Told>,
    /// Two devices use this identity in turn.
    pub(super) cloned: bool,
}

impl Hub {
    /// A device's stream begins, and replaces the one before.
    ///
    /// A restarted service comes with a new epoch while its old connection may linger, which proves nothing. The old
    /// epoch coming back after that does: two services live with the same identity.
    pub(super) fn enter(&self, device_id: &str, group: &str, epoch: &[u8]) -> Entered {
        let (sender, told) = mpsc::channel(8);
        let stream = self
            .next_stream
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut devices = self.lock();
        let present = devices.entry(device_id.to_owned()).or_default();
        device_id.clone_into(&mut present.seen.device_id);
        group.clone_into(&mut present.group);
        let again = present.epoch == epoch;
        let cloned = !again && present.replaced.iter().any(|replaced| replaced == epoch);
        if let Some((_, before)) = present.stream.replace((stream, sender)) {
            // Each of two clones is told so when the other takes its place; neither is kept from delivering.
            let reason = if cloned {
                RefusalReason::Cloned
            } else {
                RefusalReason::Busy
            };
            let _ends_anyway = before.try_send(Told::Close(Box::new(super::refusal::refusal(reason))));
        }
        if !again && !present.epoch.is_empty() {
            let before = std::mem::take(&mut present.epoch);
            present.replaced.push_back(before);
            while present.replaced.len() > REPLACED {
                present.replaced.pop_front();
            }
        }
        epoch.clone_into(&mut present.epoch);
        present.seen.connected = true;
        if cloned {
            present.seen.cloned = Some(true);
        }
        present.dirty = true;
        Entered { stream, told, cloned }
    }

    pub(super) fn leave(&self, device_id: &str, stream: u64) {
        let mut devices = self.lock();
        if let Some(present) = devices.get_mut(device_id)
            && present.stream.as_ref().is_some_and(|(now, _)| *now == stream)
        {
            present.stream = None;
            present.seen.connected = false;
            present.dirty = true;
        }
    }

    pub(super) fn heard(&self, device_id: &str, now_ms: i64) {
        if let Some(present) = self.lock().get_mut(device_id) {
            present.seen.last_seen_at = now_ms;
        }
    }

    /// Something was learnt about a device that is connected.
    pub(super) fn learn(&self, device_id: &str, learn: impl FnOnce(&mut rows::DeviceSeen)) {
        if let Some(present) = self.lock().get_mut(device_id) {
            learn(&mut present.seen);
            present.dirty = true;
        }
    }

    /// What has to be written down now. Taken: call [`Hub::put_back`] when it could not be written.
    pub(super) fn take_unwritten(&self, now_ms: i64) -> Vec<rows::DeviceSeen> {
        let mut taken = Vec::new();
        for present in self.lock().values_mut() {
            if present.dirty
                || (present.seen.last_seen_at - present.written_at > LAST_SEEN_LAG_MS
                    && present.stream.is_some())
            {
                present.dirty = false;
                present.written_at = now_ms;
                let unlearnt = rows::DeviceSeen {
                    device_id: present.seen.device_id.clone(),
                    connected: present.seen.connected,
                    last_seen_at: present.seen.last_seen_at,
                    ..rows::DeviceSeen::default()
                };
                taken.push(std::mem::replace(&mut present.seen, unlearnt));
            }
        }
        taken
    }

    /// It could not be written; it is tried again with what comes after, which is newer.
    pub(super) fn put_back(&self, unwritten: Vec<rows::DeviceSeen>) {
        let mut devices = self.lock();
        for seen in unwritten {
            if let Some(present) = devices.get_mut(&seen.device_id) {
                let newer = &mut present.seen;
                newer.clock_offset_ms = newer.clock_offset_ms.or(seen.clock_offset_ms);
                newer.facts = newer.facts.take().or(seen.facts);
                newer.health = newer.health.take().or(seen.health);
                newer.policy = newer.policy.take().or(seen.policy);
                newer.cloned = newer.cloned.or(seen.cloned);
                present.dirty = true;
            }
        }
    }

    /// Says something to a device, if it is connected. False where it is not, or listens to nothing any more.
    pub(super) fn tell(&self, device_id: &str, told: Told) -> bool {
        let devices = self.lock();
        let present = devices.get(device_id);
        let stream = present.and_then(|present| present.stream.as_ref());
        stream.is_some_and(|(_, stream)| stream.try_send(told).is_ok())
    }

    /// The groups of the devices that are connected.
    pub(super) fn groups(&self) -> Vec<String> {
        let devices = self.lock();
        let mut groups: Vec<_> = devices
            .values()
            .filter(|present| present.stream.is_some())
            .map(|present| present.group.clone())
            .collect();
        groups.sort();
        groups.dedup();
        groups
    }

    /// Says something to every device of a group that is connected.
    pub(super) fn tell_group(&self, group: &str, told: &Told) {
        for present in self.lock().values().filter(|present| present.group == group) {
            if let Some((_, stream)) = &present.stream {
                let _full_means_ending = stream.try_send(told.clone());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Present>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_service_is_no_clone_but_two_that_take_turns_are() {
        let hub = Hub::default();
        assert!(!hub.enter("d", "pupils", b"epoch a").cloned);
        assert!(!hub.enter("d", "pupils", b"epoch a").cloned);
        assert!(!hub.enter("d", "pupils", b"epoch b").cloned);
        let mut second = hub.enter("d", "pupils", b"epoch c");
        assert!(hub.enter("d", "pupils", b"epoch a").cloned);
        assert!(
            !hub.enter("d", "pupils", b"epoch a").cloned,
            "nobody came in between"
        );
        let told = second.told.try_recv();
        assert!(matches!(told, Ok(Told::Close(refusal)) if refusal.reason() == RefusalReason::Cloned));
    }

    #[test]
    fn a_heartbeat_writes_at_most_once_a_minute() {
        let hub = Hub::default();
        let _stream = hub.enter("d", "pupils", b"epoch");
        assert_eq!(hub.take_unwritten(1_000_000).len(), 1);
        hub.heard("d", 1_010_000);
        assert!(hub.take_unwritten(1_010_000).is_empty());
        hub.heard("d", 1_070_000);
        assert_eq!(hub.take_unwritten(1_070_000).len(), 1);
    }

    #[test]
    fn what_could_not_be_written_is_kept() {
        let hub = Hub::default();
        let _stream = hub.enter("d", "pupils", b"epoch");
        hub.learn("d", |seen| seen.clock_offset_ms = Some(7));
        let taken = hub.take_unwritten(1);
        hub.put_back(taken);
        assert_eq!(hub.take_unwritten(2)[0].clock_offset_ms, Some(7));
    }

    #[test]
    fn an_old_stream_that_ends_late_does_not_end_the_new_one() {
        let hub = Hub::default();
        let old = hub.enter("d", "pupils", b"epoch a");
        let _new = hub.enter("d", "pupils", b"epoch b");
        hub.leave("d", old.stream);
        assert_eq!(hub.groups(), ["pupils"]);
    }
}
