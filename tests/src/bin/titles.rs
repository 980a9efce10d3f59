//! A window that takes its titles from standard input, one to a line, and says when it began to set each. A pupil's program
//! for the tests; run under another name (`chromium`), it is taken for that program.

use anyhow::{Context as _, Result};
use pastoral_support::clock;
use std::io::{BufRead as _, Write as _};
use x11rb::COPY_DEPTH_FROM_PARENT;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, WindowClass};
use x11rb::wrapper::ConnectionExt as _;

fn main() -> Result<()> {
    let (connection, screen) = x11rb::connect(None).context("no display: set DISPLAY")?;
    let root = connection
        .setup()
        .roots
        .get(screen)
        .context("the display has no screen")?;
    let atom =
        |name: &str| -> Result<u32> { Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom) };
    let (name, text, process) = (atom("_NET_WM_NAME")?, atom("UTF8_STRING")?, atom("_NET_WM_PID")?);
    let window = connection.generate_id()?;
    connection.create_window(
        COPY_DEPTH_FROM_PARENT,
        window,
        root.root,
        0,
        0,
        400,
        200,
        0,
        WindowClass::INPUT_OUTPUT,
        0,
        &CreateWindowAux::new().background_pixel(root.white_pixel),
    )?;
    let own_id = [std::process::id()];
    connection.change_property32(PropMode::REPLACE, window, process, AtomEnum::CARDINAL, &own_id)?;
    connection.change_property8(PropMode::REPLACE, window, name, text, b"Untitled")?;
    connection.map_window(window)?;
    connection.flush()?;
    println!("{window}");
    let mut output = std::io::stdout().lock();
    for title in std::io::stdin().lock().lines() {
        let title = title?;
        let began = clock::now_us();
        connection.change_property8(PropMode::REPLACE, window, name, text, title.as_bytes())?;
        // Answered once the server has done all that came before.
        connection.get_input_focus()?.reply()?;
        writeln!(output, "{began}")?;
        output.flush()?;
    }
    Ok(())
}
