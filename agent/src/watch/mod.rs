//! What is seen: one file per source.
//!
//! The helper watches: [`Watchers::start`] probes what its desktop allows for, and each [`Watcher`] says for its source
//! what it hears and what it cannot. The service tells searches from other titles ([`search`]) and makes an
//! [`Observation`] of each, which names its source.

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

/// Everything that a helper watches, one watcher for each way of watching.
pub struct Watchers(Vec<Arc<dyn Watcher>>);

impl Watchers {
    /// Starts all that this desktop allows for. Each says in the outbox what it hears and what it cannot.
    pub fn start(desktop: &Desktop, outbox: &Arc<Outbox>) -> Result<Self, DesktopError> {
        Ok(Self(vec![titles(desktop, outbox)?]))
    }

    /// Whether the desktop answered all of them the last time, and asks it again. Never blocks.
    pub fn beat(&self) -> bool {
        // Each is asked, whatever the others say.
        self.0
            .iter()
            .fold(true, |answered, watcher| watcher.beat() & answered)
    }

    /// See [`Watcher::show_canary`].
    pub fn show_canary(&self, nonce: u64) {
        self.0.iter().for_each(|watcher| watcher.show_canary(nonce));
    }
}

fn titles(desktop: &Desktop, outbox: &Arc<Outbox>) -> Result<Arc<dyn Watcher>, DesktopError> {
    match (&desktop.display, &desktop.compositor) {
        (Some(display), None) => x11::X11::start(display, false, outbox),
        (Some(display), Some(compositor)) => {
            x11::X11::start(display, true, outbox).or_else(|_| wayland::Wayland::start(compositor, outbox))
        }
        (None, Some(compositor)) => wayland::Wayland::start(compositor, outbox),
        (None, None) => Err(DesktopError::None),
    }
}
