//! What is seen: one file per source.
//!
//! The helper watches (a [`Watcher`] for its desktop, probed by [`watcher_for`]); the service tells searches from other
//! titles ([`search`]) and makes an [`Observation`] of each.

pub mod search;
mod title;
mod wayland;
mod x11;

use crate::session::Outbox;
use pastoral_keywords::{Provenance, Source};
use pastoral_proto::Account;
use std::path::PathBuf;
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

/// Hears titles in one desktop and puts them into an [`Outbox`]. There is one for each desktop protocol.
pub trait Watcher: Send + Sync {
    /// Whether the desktop answered the last time, and asks it again. Never blocks.
    fn beat(&self) -> bool;

    /// Shows itself the title of this canary by the way that all titles take. The outbox hears when it was seen.
    fn show_canary(&self, nonce: u64);
}

/// The desktop cannot be watched, and the session should say so and end.
#[derive(Debug, thiserror::Error)]
pub enum DesktopError {
    /// There is none here.
    #[error(
        "no desktop here (neither DISPLAY nor WAYLAND_DISPLAY is set); start pastoral-session from within one"
    )]
    None,
    /// There is one, which does not let us in.
    #[error("cannot reach the desktop at `{display}`: {cause}; start pastoral-session from within it")]
    Connect {
        /// As the environment names it.
        display: String,
        /// What the connection said.
        cause: String,
    },
    /// It was there, and now is not.
    #[error("the desktop is gone: {0}")]
    Gone(String),
}

/// Where a helper finds itself, from its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desktop {
    /// The X server, as `DISPLAY` names it.
    pub display: Option<String>,
    /// The socket of a Wayland compositor, of whose own windows an X server does not know.
    pub compositor: Option<PathBuf>,
}

/// Starts the watcher that this desktop allows for.
///
/// # Errors
/// When there is no desktop, or it does not answer.
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
