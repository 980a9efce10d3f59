//! A program with windows, for tests of what is heard of them.

use super::Desk;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Window,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// A program with windows.
pub(crate) struct Program {
    pub(crate) connection: RustConnection,
    root: Window,
}

impl Program {
    pub(crate) fn on(desk: &Desk) -> Self {
        let (connection, screen) = RustConnection::connect(Some(&desk.display)).unwrap();
        let root = connection.setup().roots[screen].root;
        Self { connection, root }
    }

    pub(crate) fn atom(&self, name: &str) -> u32 {
        self.connection
            .intern_atom(false, name.as_bytes())
            .unwrap()
            .reply()
            .unwrap()
            .atom
    }

    /// A window that the window manager will make the active one.
    pub(crate) fn open(&self, describe: impl FnOnce(Window)) -> Window {
        let window = self.connection.generate_id().unwrap();
        let look = CreateWindowAux::new();
        let class = WindowClass::INPUT_OUTPUT;
        self.connection
            .create_window(0, window, self.root, 0, 0, 200, 100, 0, class, 0, &look)
            .unwrap();
        describe(window);
        self.connection.map_window(window).unwrap();
        self.connection.sync().unwrap();
        window
    }

    pub(crate) fn set(&self, window: Window, property: u32, kind: u32, value: &[u8]) {
        self.connection
            .change_property8(PropMode::REPLACE, window, property, kind, value)
            .unwrap();
        self.connection.sync().unwrap();
    }

    pub(crate) fn name(&self, window: Window, title: &str) {
        self.set(
            window,
            self.atom("_NET_WM_NAME"),
            self.atom("UTF8_STRING"),
            title.as_bytes(),
        );
    }

    pub(crate) fn name_in_the_old_way(&self, window: Window, title: &[u8]) {
        self.set(window, AtomEnum::WM_NAME.into(), AtomEnum::STRING.into(), title);
    }

    pub(crate) fn belongs_to(&self, window: Window, pid: u32) {
        let property = self.atom("_NET_WM_PID");
        self.connection
            .change_property32(PropMode::REPLACE, window, property, AtomEnum::CARDINAL, &[pid])
            .unwrap();
    }

    pub(crate) fn activate(&self, window: Window) {
        let event = ClientMessageEvent::new(32, window, self.atom("_NET_ACTIVE_WINDOW"), [2, 0, 0, 0, 0]);
        let mask = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
        self.connection.send_event(false, self.root, mask, event).unwrap();
        self.connection.sync().unwrap();
    }

    pub(crate) fn close(&self, window: Window) {
        self.connection.destroy_window(window).unwrap();
        self.connection.sync().unwrap();
    }
}
