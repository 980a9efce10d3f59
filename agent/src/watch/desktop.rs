//! A desktop as a helper finds it, and what every way of watching one offers.

use std::path::PathBuf;

/// Hears titles in one desktop and puts them into an [`super::Outbox`]. There is one for each desktop protocol.
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
