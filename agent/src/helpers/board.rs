//! What is known of the helpers: for `status`, for the collector, and as events that become gaps.

use pastoral_proto::{Account, device};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;

/// Events waiting to become gaps.
const EVENTS: usize = 256;
/// Accounts whose missing helper is remembered at once; far more than sit at one machine.
const MISSING: usize = 64;

/// What is known of the helpers, now.
pub struct Board {
    state: Mutex<State>,
    events: mpsc::Sender<HelperEvent>,
}

#[derive(Default)]
struct State {
    next: u64,
    helpers: BTreeMap<u64, HelperView>,
    /// By uid: a desktop that no helper watches.
    missing: BTreeMap<u32, Missing>,
    counters: Counters,
}

/// A desktop without its helper.
#[derive(Clone)]
pub(super) struct Missing {
    pub(super) account: Account,
    /// Whether there was a helper, which ended, or never was one.
    pub(super) fault: HelperFault,
    /// From when on nobody has been told of it.
    pub(super) since_ms: i64,
    /// Whether it has been told at all, or may yet turn out to be a session that is ending.
    pub(super) told: bool,
}

/// One helper, as `status` shows it to root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HelperView {
    /// The uid, as text.
    pub stable_id: String,
    /// The account's name; may be empty.
    pub name: String,
    /// Its own version.
    pub version: String,
    /// Whether it speaks.
    pub alive: bool,
    /// Whether the desktop answered it the last time.
    pub desktop_answers: bool,
    /// Whether it saw the last canary title it was asked for.
    pub canary_seen: bool,
    /// How it hears titles, such as `x11`; empty when it does not.
    pub titles_by: String,
    /// What it cannot watch and why.
    pub not_watched: Vec<String>,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// What was turned away or damaged, since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Peers that are not the installed helper.
    pub refused_strangers: u64,
    /// Helpers of system accounts.
    pub refused_system_users: u64,
    /// Helpers over the bounds.
    pub refused_too_many: u64,
    /// Helpers cut off for a malformed or oversized message.
    pub malformed: u64,
    /// Titles that were not UTF-8; what could be read of them was still matched.
    pub titles_not_utf8: u64,
    /// Titles taken.
    pub titles: u64,
    /// Titles that helpers could not hand over in time.
    pub titles_overrun: u64,
    /// Ends of helpers that were not told one by one, because too many of the same user came at once.
    pub ends_not_told: u64,
    /// Canary titles seen.
    pub canaries_seen: u64,
}

/// Something about a helper that a person should know of; becomes a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperEvent {
    /// Whose session.
    pub account: Account,
    /// What happened.
    pub fault: HelperFault,
    /// Device time, in milliseconds since 1970.
    pub from_ms: i64,
    /// Device time, in milliseconds since 1970.
    pub to_ms: i64,
}

/// What can be wrong with a helper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HelperFault {
    /// It ended while its session went on.
    Gone,
    /// It is there and says nothing.
    Frozen,
    /// It did not see the title it was asked to show itself.
    CanaryMissed,
    /// Somebody has a desktop open and no helper runs in it.
    Missing,
    /// Titles came faster than it could hand them over.
    Overrun {
        /// How many.
        titles: u64,
    },
}

impl HelperFault {
    /// The cause of the gap.
    #[must_use]
    pub const fn cause(self) -> &'static str {
        match self {
            Self::Gone => "helper-gone",
            Self::Frozen => "helper-frozen",
            Self::CanaryMissed => "canary-missed",
            Self::Missing => "helper-missing",
            Self::Overrun { .. } => "titles-overrun",
        }
    }

    /// How many titles are known to be lost, or 1 for an occurrence.
    #[must_use]
    pub const fn count(self) -> u64 {
        match self {
            Self::Overrun { titles } => titles,
            _ => 1,
        }
    }
}

impl Board {
    /// An empty board, and what will happen to helpers.
    #[must_use]
    pub fn new() -> (Arc<Self>, mpsc::Receiver<HelperEvent>) {
        let (events, receiver) = mpsc::channel(EVENTS);
        (
            Arc::new(Self {
                state: Mutex::default(),
                events,
            }),
            receiver,
        )
    }

    /// Every helper, and every desktop that lacks one.
    #[must_use]
    pub fn helpers(&self) -> Vec<HelperView> {
        let state = self.lock();
        let missing = state.missing.values().map(|missing| HelperView {
            stable_id: missing.account.stable_id.clone(),
            name: missing.account.name.clone(),
            version: String::new(),
            alive: false,
            desktop_answers: false,
            canary_seen: false,
            titles_by: String::new(),
            not_watched: vec!["window titles: no session helper is running in this desktop".into()],
            since_ms: missing.since_ms,
        });
        state.helpers.values().cloned().chain(missing).collect()
    }

    /// The same for the collector.
    #[must_use]
    pub fn health(&self) -> Vec<device::HelperState> {
        let state = |helper: HelperView| device::HelperState {
            account: Some(device::Account {
                authority: "local".into(),
                stable_id: helper.stable_id,
                name: helper.name,
            }),
            alive: helper.alive && helper.desktop_answers,
            canary_seen: helper.canary_seen,
            not_watched: helper.not_watched,
        };
        self.helpers().into_iter().map(state).collect()
    }

    /// What was turned away or damaged.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }

    /// A helper has said hello. Gives its number, and what was missing until now.
    pub(super) fn arrived(&self, uid: u32, helper: HelperView) -> (u64, Option<Missing>) {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.helpers.insert(number, helper);
        (number, state.missing.remove(&uid))
    }

    pub(super) fn change(&self, number: u64, change: impl FnOnce(&mut HelperView)) {
        if let Some(helper) = self.lock().helpers.get_mut(&number) {
            change(helper);
        }
    }

    pub(super) fn left(&self, number: u64) {
        self.lock().helpers.remove(&number);
    }

    /// Whether a helper of this user is connected.
    pub(super) fn has_helper(&self, uid: u32) -> bool {
        let uid = uid.to_string();
        self.lock().helpers.values().any(|helper| helper.stable_id == uid)
    }

    /// Remembers a desktop without a helper. False when it is known already, or there are too many.
    pub(super) fn mark_missing(&self, uid: u32, missing: Missing) -> bool {
        let mut state = self.lock();
        if state.missing.contains_key(&uid) || state.missing.len() >= MISSING {
            return false;
        }
        state.missing.insert(uid, missing);
        true
    }

    /// Forgets the desktops that are gone, and gives them.
    pub(super) fn forget_missing(&self, still_there: impl Fn(u32, HelperFault) -> bool) -> Vec<Missing> {
        let known: Vec<(u32, HelperFault)> = self
            .lock()
            .missing
            .iter()
            .map(|(uid, missing)| (*uid, missing.fault))
            .collect();
        // Asked without the lock: the answer is in /proc.
        let gone = known
            .into_iter()
            .filter(|(uid, fault)| !still_there(*uid, *fault));
        gone.filter_map(|(uid, _)| self.lock().missing.remove(&uid))
            .collect()
    }

    /// What is missing has now been told, up to `to_ms`; gives what to tell.
    pub(super) fn told_until(&self, uid: u32, to_ms: i64) -> Option<HelperEvent> {
        let mut state = self.lock();
        let missing = state.missing.get_mut(&uid)?;
        missing.told = true;
        let from_ms = std::mem::replace(&mut missing.since_ms, to_ms);
        Some(HelperEvent {
            account: missing.account.clone(),
            fault: missing.fault,
            from_ms,
            to_ms,
        })
    }

    /// Tells of a fault, waiting for room: what happened to a helper is never dropped.
    pub(super) async fn tell(&self, event: HelperEvent) {
        // A receiver that is gone means that the service is stopping.
        let _ = self.events.send(event).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
