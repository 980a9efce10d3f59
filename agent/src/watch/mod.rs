//! What is seen: one file per source.
//!
//! The helper watches (a [`Watcher`] for its desktop, probed by [`watcher_for`]); the service tells searches from other
//! titles ([`search`]) and makes an [`Observation`] of each.

mod desktop;
mod outbox;
pub mod search;
mod title;
mod wayland;
mod x11;

pub use desktop::{Desktop, DesktopError, Watcher};
pub use outbox::Outbox;
pub(crate) use outbox::Work;

use pastoral_keywords::{Provenance, Source};
use pastoral_proto::Account;
use std::sync::Arc;

/// Something a device saw. Lives in memory only: never written, never logged, unless it matches.
pub struct Observation {
    /// Whose session, from the kernel.
    pub account: Account,
    /// What was observed.
    pub source: Source,
    /// Who wrote the text.
    pub provenance: Provenance,
    /// What was seen or typed.
    pub text: String,
    /// The program whose window it was; may be empty.
    pub program: String,
    /// The search engine or site of a search; may be empty.
    pub site: String,
    /// Device time, in milliseconds since 1970.
    pub observed_at_ms: i64,
}

/// Starts the watcher that this desktop allows for.
pub fn watcher_for(desktop: &Desktop, outbox: &Arc<Outbox>) -> Result<Arc<dyn Watcher>, DesktopError> {
    match (&desktop.display, &desktop.compositor) {
        (Some(display), None) => x11::X11::start(display, false, outbox),
        (Some(display), Some(compositor)) => {
            x11::X11::start(display, true, outbox).or_else(|_| wayland::Wayland::start(compositor, outbox))
        }
        (None, Some(compositor)) => wayland::Wayland::start(compositor, outbox),
        (None, None) => Err(DesktopError::None),
    }
}
