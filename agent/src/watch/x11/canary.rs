//! A title that the helper shows itself, by a connection of its own, to prove that titles are heard.

use super::{Atoms, create_hidden_window};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{PropMode, Window};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// How long the canary's window is kept for its title to be heard.
const KEPT: Duration = Duration::from_secs(10);

/// The canary of one display.
pub(super) struct Canary {
    display: String,
    shown: Mutex<Option<Shown>>,
    heard: Condvar,
}

struct Shown {
    window: Window,
    nonce: u64,
}

impl Canary {
    pub(super) fn new(display: &str) -> Self {
        Self {
            display: display.into(),
            shown: Mutex::default(),
            heard: Condvar::new(),
        }
    }

    /// Shows the canary by a second connection, as any program shows its title, and waits for it to be heard.
    pub(super) fn show(
        &self,
        nonce: u64,
        listen: impl FnOnce(Window) -> Result<(), ReplyError>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let (connection, screen) = RustConnection::connect(Some(&self.display))?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let window = connection.generate_id()?;
        create_hidden_window(&connection, connection.setup().roots[screen].root, window)?;
        *self.lock() = Some(Shown { window, nonce });
        let title = title(nonce);
        let set = || {
            let (name, utf8) = (atoms._NET_WM_NAME, atoms.UTF8_STRING);
            connection
                .change_property8(PropMode::REPLACE, window, name, utf8, title.as_bytes())?
                .check()
        };
        let set = listen(window).and_then(|()| set());
        if set.is_ok() {
            // The window goes with its connection, so both stay until the title was read.
            drop(
                self.heard
                    .wait_timeout_while(self.lock(), KEPT, |shown| shown.is_some()),
            );
        }
        *self.lock() = None;
        Ok(set?)
    }

    /// The window that is shown now.
    pub(super) fn window(&self) -> Option<Window> {
        self.lock().as_ref().map(|shown| shown.window)
    }

    pub(super) fn is_of(&self, window: Window) -> bool {
        self.window() == Some(window)
    }

    /// A title was heard from the canary's window; gives its number if it is the one that was shown.
    pub(super) fn heard(&self, shown_title: &[u8]) -> Option<u64> {
        let mut shown = self.lock();
        let heard = shown.take_if(|shown| title(shown.nonce).as_bytes() == shown_title)?;
        self.heard.notify_all();
        Some(heard.nonce)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Shown>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn title(nonce: u64) -> String {
    format!("Pastoral checks that it can hear titles: {nonce}")
}
