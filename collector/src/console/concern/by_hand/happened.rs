//! What somebody says that happened.

use crate::concerns::kind::Kind;
use crate::concerns::model::PersonId;
use crate::console::said::Done;

/// Something that happened, written down by hand.
pub(super) struct Happened<'a> {
    pub(super) words: &'a str,
    pub(super) kind: Kind,
    pub(super) severity: i64,
    pub(super) at: i64,
    /// Readers whose conduct is meant.
    pub(super) meant: &'a [PersonId],
}

/// Where somebody goes then: to the concern, if they may see it.
pub(super) fn address(concern_id: &str, sees: bool, done: Done) -> String {
    match sees {
        true => done.at(&format!("/concerns/{concern_id}")),
        false => done.at("/queue"),
    }
}
