//! The pupil's hands in these tests press every key once, also on a machine so busy that a key is let go late.

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_support::process::Folder;
use pastoral_support::users::User;
use pastoral_tests::desktop::Desktop;
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConnectionExt as _, CreateWindowAux, EventMask, InputFocus, Time, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

#[test]
fn a_key_that_is_let_go_late_is_typed_once() {
    let folder = Folder::new("hands").unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let desktop = Desktop::start(&pupil, &folder).unwrap();
    let (connection, screen) = x11rb::connect(Some(desktop.display())).unwrap();
    let root = connection.setup().roots[screen].root;
    let window = connection.generate_id().unwrap();
    // Not the window manager's, so that it is there at once.
    let look = CreateWindowAux::new()
        .event_mask(EventMask::KEY_PRESS)
        .override_redirect(1);
    connection
        .create_window(
            COPY_DEPTH_FROM_PARENT,
            window,
            root,
            0,
            0,
            9,
            9,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &look,
        )
        .unwrap();
    connection.map_window(window).unwrap();
    connection
        .set_input_focus(InputFocus::NONE, window, Time::CURRENT_TIME)
        .unwrap()
        .check()
        .unwrap();
    // Held by xdotool for twice as long as a key has to be held to repeat.
    desktop
        .hands(&pupil, &["keydown", "a", "sleep", "1.4", "keyup", "a"])
        .unwrap();
    connection.sync().unwrap();
    let mut presses = 0;
    while let Some(event) = connection.poll_for_event().unwrap() {
        presses += usize::from(matches!(event, Event::KeyPress(_)));
    }
    assert_eq!(presses, 1);
}
