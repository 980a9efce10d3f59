//! What a reader can do with a concern that they have in hand.

mod closing;
mod handing_over;
mod handling;
mod identifying;
mod judging;
mod undoing;
mod writing;

pub(super) use closing::{agree, close, refuse, reopen};
pub(super) use handing_over::hand_over;
pub(super) use handling::{acknowledge, escalate, pass_on, review};
pub(super) use identifying::identify;
pub(super) use judging::{confirm_category, false_alarm, warn};
pub(super) use undoing::undo;
pub(super) use writing::{note, parents, show};
