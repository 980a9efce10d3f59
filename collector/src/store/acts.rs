//! What people do about somebody's access.

use crate::codes::codes;
use serde::{Deserialize, Serialize};

codes! {
    /// What one proposes, behind somebody's name, and another agrees to.
    pub enum Act {
        /// A duty; with a first link where the person cannot sign in yet.
        Grant = "grant", "a duty";
        /// A link for somebody who has a duty and cannot sign in yet.
        FirstLink = "first-link", "a first link";
        /// A new password, second factor and key pair in the place of those that are lost.
        Reset = "reset", "a reset of the sign-in";
        /// Another name, address or role of somebody with a duty.
        Change = "change", "another name, address or role";
        /// The end of somebody else's duty.
        EndDuty = "end-duty", "the end of a duty";
    }
}

/// What was done about somebody's access: neither whose it is nor who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessChange {
    /// Two people agreed on it.
    Agreed(Act),
    /// A link was used.
    SetUp {
        /// In the place of a sign-in that was there.
        reset: bool,
    },
    /// A reader refused what another proposed.
    Refused(Act),
    /// Somebody stopped a link before it was used.
    Stopped,
    /// Too many wrong codes were tried with a link.
    WrongCodes,
}
