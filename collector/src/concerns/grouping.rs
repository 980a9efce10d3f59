//! Which concern a flag belongs to: the open one of its person and kind whose time range, widened by the window, holds
//! its event time; otherwise a new one. Closed concerns never change; a late flag is linked to one.

use super::kind::Kind;
use super::model::PersonId;

/// Whose concern: the person's, or, while nobody knows who that is, the account's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Whose {
    /// A known person.
    Person(PersonId),
    /// An account nobody has identified.
    Account(i64),
}

/// What flags of one concern have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whose.
    pub whose: Whose,
    /// Of what.
    pub kind: Kind,
    /// The readers whom the text names beyond doubt, sorted: such flags are kept apart from those that do not.
    pub apart: String,
}

/// A concern that flags may belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub concern_id: String,
    /// What its flags have in common.
    pub key: Key,
    /// Closed concerns never change.
    pub closed: bool,
    /// The range of its event times, in milliseconds since 1970.
    pub first_event_at: i64,
    /// The range of its event times, in milliseconds since 1970.
    pub last_event_at: i64,
}

/// Where a flag goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// To this open concern.
    Join(String),
    /// To a new one, linked to this closed one if there is one.
    Open {
        /// The closed concern that the flag came too late for.
        linked_to: Option<String>,
    },
}

/// Decides where a flag goes. Of several concerns that would do, the nearest in time takes it, then the first in order
/// of ids, so that the answer does not depend on the order of `candidates`.
#[must_use]
pub fn place(candidates: &[Candidate], key: &Key, event_at: i64, window_ms: i64) -> Placement {
    let nearest = |closed: bool| {
        candidates
            .iter()
            .filter(|candidate| candidate.closed == closed && candidate.key == *key)
            .map(|candidate| (distance(candidate, event_at), &candidate.concern_id))
            .filter(|(distance, _)| *distance <= window_ms)
            .min()
            .map(|(_, concern_id)| concern_id.clone())
    };
    match nearest(false) {
        Some(concern_id) => Placement::Join(concern_id),
        None => Placement::Open {
            linked_to: nearest(true),
        },
    }
}

/// How far an event lies outside a concern's range; 0 inside.
const fn distance(candidate: &Candidate, event_at: i64) -> i64 {
    if event_at < candidate.first_event_at {
        candidate.first_event_at.saturating_sub(event_at)
    } else if event_at > candidate.last_event_at {
        event_at.saturating_sub(candidate.last_event_at)
    } else {
        0
    }
}
