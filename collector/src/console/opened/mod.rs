//! What was seen and written of a concern, opened with the keys of its reader's session.

mod flag;
mod history;
mod opener;

pub(super) use flag::{FlagShown, without_content};
pub(super) use history::{Entry, entry};
pub(super) use opener::Opener;
