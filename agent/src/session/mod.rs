//! The session helper: one in each desktop session, as its user, setgid to the service's group.
//!
//! A [`crate::watch::Watcher`] hears titles by the desktop's events and puts them into the [`Outbox`]; the courier, on the main thread,
//! hands them to the service with a heartbeat every few seconds, and shows the desktop a canary title when it is asked to.
//! Threads and blocking calls only: at rest every one of them sleeps in the kernel.
//!
//! INVARIANT 9: nothing here prints or returns a title.

mod courier;

use crate::platform;
use crate::watch::{Desktop, Outbox, Watchers};
use anyhow::Context as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the service listens.
pub const SOCKET: &str = "/run/pastoral/session.sock";

/// All that the helper, or a library it uses, may know of its environment.
const ENVIRONMENT: &[&str] = &[
    "DISPLAY",
    "HOME",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
];

/// Watches this desktop until it is gone.
///
/// # Errors
/// Always, in the end: says why it stopped watching.
pub fn run(socket: &Path) -> anyhow::Result<()> {
    platform::harden_process().context("cannot protect the session helper from being traced")?;
    if platform::is_secure_exec() {
        platform::keep_only_environment(ENVIRONMENT);
    }
    let outbox = Arc::new(Outbox::default());
    let watchers = platform::with_the_users_files(|| Watchers::start(&desktop(), &outbox))?;
    let watchers = Arc::new(watchers);
    let lost = courier::Courier::new(socket, &watchers, &outbox).run();
    Err(lost.into())
}

fn desktop() -> Desktop {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // By the protocol, the compositor's socket is named from the user's run-time folder, or is a whole path.
    let folder = PathBuf::from(set("XDG_RUNTIME_DIR").unwrap_or_default());
    Desktop {
        display: set("DISPLAY"),
        compositor: set("WAYLAND_DISPLAY").map(|name| folder.join(name)),
    }
}
