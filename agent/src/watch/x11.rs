//! Titles on X11, by events: the root window says which window is active, and the active window when its title changes.
//!
//! Events carry no values, so whatever has arrived is taken together and the value read once: what could still be read
//! is the same, and a program that changes its title without end cannot make events pile up here.
//!
//! What to expect of window managers: window 0 in between, the same event twice, windows that are gone by the time they
//! are asked, and numbers of windows used again. So the active window is always listened to anew.

mod canary;
mod program;

use super::desktop::{DesktopError, Watcher};
use super::outbox::Outbox;
use super::title::{from_old_property, from_utf8_property};
use canary::Canary;
use pastoral_keywords::Source;
use pastoral_proto::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, CreateWindowAux, EventMask,
    GetPropertyReply, PropMode, PropertyNotifyEvent, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{COPY_DEPTH_FROM_PARENT, COPY_FROM_PARENT, NONE};

/// Events taken together at most, before what they tell of is read.
const TOGETHER: usize = 1024;
/// Of 4 bytes each, as X11 counts the length of a property.
const TITLE_WORDS: u32 = (limits::TEXT / 4) as u32 + 1;

x11rb::atom_manager! {
    /// The names of properties.
    pub(in crate::watch) Atoms: AtomsCookie {
        _NET_ACTIVE_WINDOW,
        _NET_SUPPORTING_WM_CHECK,
        _NET_WM_NAME,
        _NET_WM_PID,
        _PASTORAL_BEAT,
        UTF8_STRING,
    }
}

/// Watches one X11 display.
pub(super) struct X11 {
    connection: RustConnection,
    root: Window,
    /// A window of our own, never shown, on which a change is asked for to see whether events still come.
    own: Window,
    atoms: Atoms,
    wayland: bool,
    server_knows_processes: bool,
    outbox: Arc<Outbox>,
    canary: Canary,
    beats_asked: AtomicU32,
    beats_heard: AtomicU32,
}

/// What to look at, by the events that have arrived.
#[derive(Default)]
struct Due {
    active: bool,
    title: bool,
    manager: bool,
    canary: bool,
}

/// The window that is active, and what was last said of it.
#[derive(Default)]
struct Active {
    window: Window,
    title: Vec<u8>,
    program: String,
}

impl X11 {
    /// Connects, and starts the thread that hears events.
    pub(super) fn start(
        display: &str,
        wayland: bool,
        outbox: &Arc<Outbox>,
    ) -> Result<Arc<dyn Watcher>, DesktopError> {
        let refused = |cause: String| DesktopError::Connect {
            display: display.into(),
            cause,
        };
        let watcher = Self::connect(display, wayland, outbox).map_err(|error| refused(error.to_string()))?;
        let watcher = Arc::new(watcher);
        let ears = Arc::clone(&watcher);
        let hear = move || {
            let error = ears.hear();
            ears.outbox.lost(error);
        };
        thread::Builder::new()
            .name("x11".into())
            .spawn(hear)
            .map_err(|error| refused(error.to_string()))?;
        Ok(watcher)
    }

    fn connect(
        display: &str,
        wayland: bool,
        outbox: &Arc<Outbox>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let (connection, screen) = RustConnection::connect(Some(display))?;
        let atoms = Atoms::new(&connection)?.reply()?;
        let root = connection.setup().roots[screen].root;
        let own = connection.generate_id()?;
        create_hidden_window(&connection, root, own)?;
        listen(&connection, own, EventMask::PROPERTY_CHANGE)?;
        listen(&connection, root, EventMask::PROPERTY_CHANGE)?;
        let watcher = Self {
            canary: Canary::new(display),
            server_knows_processes: program::server_knows_processes(&connection)?,
            connection,
            root,
            own,
            atoms,
            wayland,
            outbox: Arc::clone(outbox),
            beats_asked: AtomicU32::new(0),
            beats_heard: AtomicU32::new(0),
        };
        watcher.describe()?;
        watcher.ask_beat();
        Ok(watcher)
    }

    /// Hears events until the connection ends.
    fn hear(&self) -> DesktopError {
        let gone = |error: ConnectionError| DesktopError::Gone(error.to_string());
        let mut active = Active::default();
        let mut due = Due {
            active: true,
            ..Due::default()
        };
        loop {
            if let Err(error) = self.look(&due, &mut active) {
                return gone(error);
            }
            due = Due::default();
            match self.connection.wait_for_event() {
                Ok(event) => self.note(&event, &active, &mut due),
                Err(error) => return gone(error),
            }
            for _ in 1..TOGETHER {
                match self.connection.poll_for_event() {
                    Ok(Some(event)) => self.note(&event, &active, &mut due),
                    Ok(None) => break,
                    Err(error) => return gone(error),
                }
            }
        }
    }

    fn note(&self, event: &Event, active: &Active, due: &mut Due) {
        // Errors come as events too: of a window that was gone before it was asked. Nothing is to be done about them.
        let Event::PropertyNotify(PropertyNotifyEvent { window, atom, .. }) = *event else {
            return;
        };
        let title = atom == self.atoms._NET_WM_NAME || atom == u32::from(AtomEnum::WM_NAME);
        if window == self.root {
            due.active |= atom == self.atoms._NET_ACTIVE_WINDOW;
            due.manager |= atom == self.atoms._NET_SUPPORTING_WM_CHECK;
        } else if window == self.own {
            self.beats_heard
                .store(self.beats_asked.load(Ordering::Acquire), Ordering::Release);
        } else if title {
            due.title |= window == active.window;
            due.canary |= self.canary.is_of(window);
        }
    }

    fn look(&self, due: &Due, active: &mut Active) -> Result<(), ConnectionError> {
        if due.manager {
            self.describe()?;
        }
        if due.canary {
            let shown = self
                .canary
                .window()
                .map(|window| self.title_of(window))
                .transpose()?;
            if let Some(nonce) = self.canary.heard(&shown.unwrap_or_default()) {
                self.outbox.canary_seen(nonce);
            }
        }
        if due.active {
            self.attend(active)?;
        }
        if (due.active || due.title) && active.window != NONE {
            self.say_title(active)?;
        }
        Ok(())
    }

    /// Turns to the window that is active now, and from the one that was.
    fn attend(&self, active: &mut Active) -> Result<(), ConnectionError> {
        let reply = self.property(
            self.root,
            self.atoms._NET_ACTIVE_WINDOW,
            AtomEnum::WINDOW.into(),
            1,
        )?;
        let window = reply.and_then(|reply| reply.value32()?.next()).unwrap_or(NONE);
        if window == NONE {
            // In between two windows, or none is active. The last one stays listened to until there is another.
            return Ok(());
        }
        if active.window != window {
            if active.window != NONE {
                listen(&self.connection, active.window, EventMask::NO_EVENT)?;
            }
            *active = Active {
                window,
                ..Active::default()
            };
        }
        // Also when it is the same number: it may be another window with it.
        listen(&self.connection, window, EventMask::PROPERTY_CHANGE)?;
        active.program = self.program_of(window)?;
        Ok(())
    }

    fn say_title(&self, active: &mut Active) -> Result<(), ConnectionError> {
        let title = self.title_of(active.window)?;
        if title == active.title {
            return Ok(());
        }
        if active.program.is_empty() {
            active.program = self.program_of(active.window)?;
        }
        active.title.clone_from(&title);
        if !title.is_empty() {
            self.outbox.saw(Source::Title, title, active.program.clone());
        }
        Ok(())
    }

    /// A window's title, cut to what is sent; empty if it has none or is gone.
    fn title_of(&self, window: Window) -> Result<Vec<u8>, ConnectionError> {
        let modern = self.property(window, self.atoms._NET_WM_NAME, AtomEnum::ANY.into(), TITLE_WORDS)?;
        match modern.filter(|reply| reply.format == 8 && !reply.value.is_empty()) {
            Some(reply) => Ok(from_utf8_property(reply.value)),
            None => {
                let old = self.property(
                    window,
                    AtomEnum::WM_NAME.into(),
                    AtomEnum::ANY.into(),
                    TITLE_WORDS,
                )?;
                let old = old.filter(|reply| reply.format == 8).map(|reply| reply.value);
                Ok(from_old_property(old.unwrap_or_default()))
            }
        }
    }

    /// The program whose window it is, by its process; else by what the window says of itself.
    fn program_of(&self, window: Window) -> Result<String, ConnectionError> {
        let pid = if self.server_knows_processes {
            program::process_of(&self.connection, window)?
        } else {
            let claimed = self.property(window, self.atoms._NET_WM_PID, AtomEnum::CARDINAL.into(), 1)?;
            claimed.and_then(|reply| reply.value32()?.next())
        };
        if let Some(name) = pid.and_then(program::name_of_process) {
            return Ok(name);
        }
        let class = self.property(window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING.into(), 64)?;
        Ok(class
            .map(|reply| program::name_of_class(&reply.value))
            .unwrap_or_default())
    }

    /// None if the window is gone or has no such property.
    fn property(
        &self,
        window: Window,
        property: Atom,
        kind: Atom,
        words: u32,
    ) -> Result<Option<GetPropertyReply>, ConnectionError> {
        match self
            .connection
            .get_property(false, window, property, kind, 0, words)?
            .reply()
        {
            Ok(reply) => Ok((reply.type_ != NONE).then_some(reply)),
            Err(ReplyError::ConnectionError(error)) => Err(error),
            Err(ReplyError::X11Error(_)) => Ok(None),
        }
    }

    /// Says what can be heard here; again when a window manager comes or goes.
    fn describe(&self) -> Result<(), ConnectionError> {
        let manager = self.property(
            self.root,
            self.atoms._NET_SUPPORTING_WM_CHECK,
            AtomEnum::WINDOW.into(),
            1,
        )?;
        let mut not_watched = Vec::new();
        if manager.is_none() {
            not_watched.push(
                "window titles: no window manager says which window is active; use one that follows EWMH, as all common ones do"
                    .to_owned(),
            );
        }
        if self.wayland {
            not_watched.push(
                "titles of Wayland windows: this desktop tells only those of X11 programs; choose an Xorg session at log-in"
                    .to_owned(),
            );
        }
        self.outbox.describe(Source::Title, "x11", not_watched);
        Ok(())
    }

    /// Asks for an event on our own window. At most one is on its way, so this never fills a connection nobody reads.
    fn ask_beat(&self) {
        let asked = self.beats_asked.fetch_add(1, Ordering::AcqRel) + 1;
        let change = self.connection.change_property32(
            PropMode::REPLACE,
            self.own,
            self.atoms._PASTORAL_BEAT,
            AtomEnum::CARDINAL,
            &[asked],
        );
        // A connection that is gone is noticed where events are heard.
        let _ = change.and_then(|_| self.connection.flush());
    }
}

impl Watcher for X11 {
    fn beat(&self) -> bool {
        let answered = self.beats_heard.load(Ordering::Acquire) == self.beats_asked.load(Ordering::Acquire);
        if answered {
            self.ask_beat();
        }
        answered
    }

    fn show_canary(&self, nonce: u64) {
        let listen = |window| {
            listen(&self.connection, window, EventMask::PROPERTY_CHANGE)?;
            // The server has taken the wish to listen before the title changes.
            self.connection.sync()?;
            Ok(())
        };
        // A canary that cannot be shown is one that is not seen: the service notices.
        let _ = self.canary.show(nonce, listen);
    }
}

fn listen(connection: &RustConnection, window: Window, mask: EventMask) -> Result<(), ConnectionError> {
    let wish = ChangeWindowAttributesAux::new().event_mask(mask);
    // Not waited for: if the window is gone, its error comes as an event.
    drop(connection.change_window_attributes(window, &wish)?);
    connection.flush()
}

/// A window that is never mapped, so that nobody sees it.
fn create_hidden_window(connection: &RustConnection, root: Window, window: Window) -> Result<(), ReplyError> {
    connection
        .create_window(
            COPY_DEPTH_FROM_PARENT,
            window,
            root,
            -1,
            -1,
            1,
            1,
            0,
            WindowClass::INPUT_ONLY,
            COPY_FROM_PARENT,
            &CreateWindowAux::new(),
        )?
        .check()
}
