//! A Wayland desktop: its titles cannot be heard. Says so, keeps the heartbeat, and ends with the desktop.

use super::desktop::{DesktopError, Watcher};
use super::outbox::Outbox;
use pastoral_keywords::Source;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// Follows the life of one compositor.
pub(super) struct Wayland;

impl Wayland {
    pub(super) fn start(compositor: &Path, outbox: &Arc<Outbox>) -> Result<Arc<dyn Watcher>, DesktopError> {
        let refused = |error: io::Error| DesktopError::Connect {
            display: compositor.display().to_string(),
            cause: error.to_string(),
        };
        let stream = UnixStream::connect(compositor).map_err(refused)?;
        outbox.describe(
            Source::Title,
            "",
            vec![
                "window titles: this Wayland desktop does not tell them to other programs; choose an Xorg session at log-in"
                    .into(),
            ],
        );
        let outbox = Arc::clone(outbox);
        let follow = move || outbox.lost(DesktopError::Gone(follow(stream)));
        thread::Builder::new()
            .name("wayland".into())
            .spawn(follow)
            .map_err(refused)?;
        Ok(Arc::new(Self))
    }
}

impl Watcher for Wayland {
    /// Asking would take the protocol; a compositor that is gone is noticed without.
    fn beat(&self) -> bool {
        true
    }

    /// The service asks no canary of a helper that hears no titles.
    fn show_canary(&self, _nonce: u64) {}
}

/// Waits for the compositor to end. It says nothing to a client that asks nothing.
fn follow(mut stream: UnixStream) -> String {
    let mut bytes = [0; 64];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return "the compositor closed the connection".into(),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.to_string(),
        }
    }
}
