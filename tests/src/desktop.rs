//! A pupil's desktop: an X display with a window manager, all of it run by the pupil.

use anyhow::{Context as _, Result};
use pastoral_support::process::{Folder, Process, output_of};
use pastoral_support::users::User;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    AtomEnum, AutoRepeatMode, ChangeKeyboardControlAux, ConnectionExt as _, Family, HostMode, Window,
};
use x11rb::rust_connection::RustConnection;

/// The desktop. Dropped, everything that was started for it ends.
pub struct Desktop {
    display: String,
    _own: Option<(Process, Process)>,
    _guest: Option<Guest>,
}

impl Desktop {
    /// Starts a display of its own for the pupil, with a window manager on it.
    pub fn start(pupil: &User, folder: &Folder) -> Result<Self> {
        make_socket_folder()?;
        let mut command = pupil.command("Xvfb");
        command.args([
            "-displayfd",
            "1",
            "-noreset",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            "1280x800x24",
        ]);
        let server = Process::start("the X server", &mut command, &folder.path().join("xvfb.log"))?;
        let display = format!(":{}", server.line()?.trim());
        let mut command = pupil.command("openbox");
        // It runs the start-up command when it manages windows; one opened before would never be.
        command
            .args(["--sm-disable", "--startup", "echo ready"])
            .env("DISPLAY", &display);
        let manager = Process::start(
            "the window manager",
            &mut command,
            &folder.path().join("openbox.log"),
        )?;
        manager.line()?;
        Ok(Self {
            display,
            _own: Some((manager, server)),
            _guest: None,
        })
    }

    /// The desktop of whoever runs this, with leave for the pupil to open windows on it.
    pub fn of_this_machine(pupil: &User) -> Result<Self> {
        let display = std::env::var("DISPLAY").context("there is no desktop")?;
        let guest = Guest::let_in(&display, pupil)?;
        Ok(Self {
            display,
            _own: None,
            _guest: Some(guest),
        })
    }

    /// Its name, such as `:50`.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// A program of the pupil's on this desktop.
    pub fn command(&self, pupil: &User, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = pupil.command(program);
        command.env("DISPLAY", &self.display);
        command
    }

    /// What the pupil's hands do, in xdotool's words. Every key is pressed once, however late it is let go.
    pub fn hands(&self, pupil: &User, arguments: &[&str]) -> Result<()> {
        let _once = KeysOnce::on(&self.display)?;
        output_of(self.command(pupil, "xdotool").args(arguments)).map(drop)
    }

    /// The title of the window the pupil looks at.
    pub fn titles(&self) -> Result<Titles> {
        Titles::of(&self.display)
    }
}

/// What the active window is titled, asked of the display.
pub struct Titles {
    connection: RustConnection,
    root: Window,
    active: u32,
    name: u32,
}

impl Titles {
    fn of(display: &str) -> Result<Self> {
        let (connection, screen) =
            RustConnection::connect(Some(display)).context("the display does not answer")?;
        let root = connection
            .setup()
            .roots
            .get(screen)
            .context("the display has no screen")?
            .root;
        let atom =
            |name: &str| -> Result<u32> { Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom) };
        let (active, name) = (atom("_NET_ACTIVE_WINDOW")?, atom("_NET_WM_NAME")?);
        Ok(Self {
            connection,
            root,
            active,
            name,
        })
    }

    /// The active window's title; empty when there is none.
    pub fn current(&self) -> Result<String> {
        let active = self.window(self.active)?;
        if active == 0 {
            return Ok(String::new());
        }
        let name = self
            .connection
            .get_property(false, active, self.name, AtomEnum::ANY, 0, 4096)?
            .reply();
        Ok(name
            .map(|name| String::from_utf8_lossy(&name.value).into_owned())
            .unwrap_or_default())
    }

    fn window(&self, property: u32) -> Result<Window> {
        let reply = self
            .connection
            .get_property(false, self.root, property, AtomEnum::WINDOW, 0, 1)?
            .reply()?;
        Ok(reply.value32().and_then(|mut values| values.next()).unwrap_or(0))
    }
}

/// Holds a display's keys from repeating. On a busy machine xdotool may let a key go later than a key has to be held to
/// repeat, and "want" becomes "waaant".
struct KeysOnce {
    connection: RustConnection,
    before: AutoRepeatMode,
}

impl KeysOnce {
    fn on(display: &str) -> Result<Self> {
        let (connection, _) =
            RustConnection::connect(Some(display)).context("the display does not answer")?;
        let before = connection.get_keyboard_control()?.reply()?.global_auto_repeat;
        let once = Self { connection, before };
        once.repeat(AutoRepeatMode::OFF)?;
        Ok(once)
    }

    fn repeat(&self, mode: AutoRepeatMode) -> Result<()> {
        let wish = ChangeKeyboardControlAux::new().auto_repeat_mode(mode);
        Ok(self.connection.change_keyboard_control(&wish)?.check()?)
    }
}

impl Drop for KeysOnce {
    fn drop(&mut self) {
        // The display may be gone already, and its keys with it.
        let _ = self.repeat(self.before);
    }
}

/// A user who may open windows on a display that is another's.
struct Guest {
    connection: RustConnection,
    name: Vec<u8>,
}

impl Guest {
    fn let_in(display: &str, user: &User) -> Result<Self> {
        let (connection, _) =
            RustConnection::connect(Some(display)).context("the display does not answer")?;
        let guest = Self {
            connection,
            name: format!("localuser\0{}", user.name).into_bytes(),
        };
        guest.change(HostMode::INSERT)?;
        Ok(guest)
    }

    fn change(&self, mode: HostMode) -> Result<()> {
        self.connection
            .change_hosts(mode, Family::SERVER_INTERPRETED, &self.name)?
            .check()?;
        Ok(())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The display may be gone already, and the leave with it.
        let _ = self.change(HostMode::DELETE);
    }
}

/// Where displays have their sockets: a new machine has no such folder, and only root may make it.
fn make_socket_folder() -> Result<()> {
    let folder = "/tmp/.X11-unix";
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o1777))?;
    Ok(())
}
