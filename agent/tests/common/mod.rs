//! A service's side of `session.sock`, an X display, and processes of other users, for tests.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "only used by tests")]

pub(crate) mod windows;

use pastoral_agent::helpers::{Board, HelperEvent, HelperRules, HelperSettings, Patience, serve};
use pastoral_agent::platform;
use pastoral_agent::watch::Observation;
use pastoral_agent::watch::search::SearchSites;
use pastoral_support::poll::{PATIENCE, comes_true, until_so};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// A process that ends with its test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        // A group of its own, so that what it starts ends with it.
        command.process_group(0);
        Self(
            command
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?} does not start: {error}")),
        )
    }

    /// The first line it says on its standard error, which has to be a pipe.
    pub(crate) async fn says(&mut self) -> String {
        let mut said = BufReader::new(self.0.stderr.take().unwrap());
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            line
        });
        tokio::time::timeout(PATIENCE, line)
            .await
            .expect("it says nothing")
            .unwrap()
    }

    pub(crate) fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(self.0.id().try_into().unwrap())
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(self.pid(), signal).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = nix::sys::signal::killpg(self.pid(), nix::sys::signal::Signal::SIGKILL);
        let _ = self.0.wait();
    }
}

/// The service's side, as far as helpers go.
pub(crate) struct Service {
    pub(crate) folder: TempDir,
    pub(crate) socket: PathBuf,
    pub(crate) board: Arc<Board>,
    pub(crate) observations: mpsc::Receiver<Observation>,
    pub(crate) events: mpsc::Receiver<HelperEvent>,
    shutdown: CancellationToken,
}

/// Settings under which this process's own user may be a helper.
pub(crate) fn settings() -> HelperSettings {
    let rules = HelperRules {
        lowest_user_id: 0,
        canary_interval: Duration::from_secs(300),
    };
    HelperSettings {
        group: platform::own_group(),
        rules: watch::channel(rules).1,
        sites: Arc::new(SearchSites::shipped()),
        now_ms: || 1_790_000_000_000,
        patience: Patience {
            leaving: Duration::from_millis(50),
            // Other tests have desktops too.
            desktops: Duration::from_secs(3600),
            ..Patience::default()
        },
    }
}

impl Service {
    pub(crate) fn start(settings: HelperSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("session.sock");
        Self::start_in(folder, socket, settings, 0o660)
    }

    /// In a folder that other users can enter, at a socket with these permissions.
    pub(crate) fn start_open(settings: HelperSettings, mode: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let socket = folder.path().join("session.sock");
        Self::start_in(folder, socket, settings, mode)
    }

    fn start_in(folder: TempDir, socket: PathBuf, settings: HelperSettings, mode: u32) -> Self {
        let listener = platform::bind_socket(&socket, mode, Some(settings.group)).unwrap();
        let listener = tokio::net::UnixListener::from_std(listener).unwrap();
        let (board, events) = Board::new();
        let (sender, observations) = mpsc::channel(16);
        let shutdown = CancellationToken::new();
        tokio::spawn(serve(
            listener,
            settings,
            sender,
            Arc::clone(&board),
            shutdown.clone(),
        ));
        Self {
            folder,
            socket,
            board,
            observations,
            events,
            shutdown,
        }
    }

    /// Stops, and leaves its folder.
    pub(crate) async fn stop(mut self) -> TempDir {
        self.shutdown.cancel();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        // Until the socket is closed and no helper is served.
        while self.observations.recv().await.is_some() {}
        folder
    }

    pub(crate) fn start_again(folder: TempDir, socket: PathBuf, settings: HelperSettings) -> Self {
        Self::start_in(folder, socket, settings, 0o660)
    }

    pub(crate) async fn observation(&mut self) -> Observation {
        tokio::time::timeout(PATIENCE, self.observations.recv())
            .await
            .expect("nothing was observed")
            .unwrap()
    }

    /// Takes observations until one has this text.
    pub(crate) async fn observe(&mut self, text: &str) -> Observation {
        loop {
            let observation = self.observation().await;
            if observation.text == text {
                return observation;
            }
        }
    }

    pub(crate) async fn event(&mut self) -> HelperEvent {
        tokio::time::timeout(PATIENCE, self.events.recv())
            .await
            .expect("nothing was told")
            .unwrap()
    }

    /// Waits until the board is as it should be.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Board) -> bool) {
        comes_true(what, async || holds(&self.board)).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Whether what this test needs is there; says so if not.
pub(crate) fn can(what: &str, holds: bool) -> bool {
    if !holds {
        eprintln!("SKIPPED: needs {what}");
    }
    holds
}

pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// An X display with a window manager.
pub(crate) struct Desk {
    pub(crate) server: Running,
    manager: Option<Running>,
    pub(crate) display: String,
}

impl Desk {
    /// Starts one, if this machine has what it needs.
    pub(crate) fn start() -> Option<Self> {
        let mut desk = Self::start_bare()?;
        if !can("openbox", installed("openbox")) {
            return None;
        }
        desk.manage();
        Some(desk)
    }

    /// Starts one without a window manager.
    pub(crate) fn start_bare() -> Option<Self> {
        if !can("Xvfb", installed("Xvfb")) {
            return None;
        }
        let mut server = Running::start(
            Command::new("Xvfb")
                .args([
                    "-displayfd",
                    "1",
                    "-noreset",
                    "-nolisten",
                    "tcp",
                    "-screen",
                    "0",
                    "800x600x24",
                ])
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let display = format!(":{}", number.trim());
        assert!(display.len() > 1, "Xvfb did not start");
        Some(Self {
            server,
            manager: None,
            display,
        })
    }

    /// Starts a window manager, and waits until it manages.
    pub(crate) fn manage(&mut self) {
        let folder = tempfile::tempdir().unwrap();
        let ready = folder.path().join("ready");
        let mut openbox = Command::new("openbox");
        openbox.arg("--startup").arg(format!("touch {}", ready.display()));
        openbox
            .env("DISPLAY", &self.display)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.manager = Some(Running::start(&mut openbox));
        until_so("openbox to start", || ready.exists()).unwrap();
    }
}

/// A Wayland compositor, as far as one that tells nothing has to be one.
pub(crate) struct Compositor {
    folder: TempDir,
    _listener: UnixListener,
}

impl Compositor {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open.clone()).unwrap();
        let socket = folder.path().join("wayland-0");
        let listener = UnixListener::bind(&socket).unwrap();
        std::fs::set_permissions(&socket, open).unwrap();
        Self {
            folder,
            _listener: listener,
        }
    }

    /// Lets a program find it.
    pub(crate) fn host<'a>(&self, program: &'a mut Command) -> &'a mut Command {
        program
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("WAYLAND_DISPLAY", "wayland-0")
    }
}

/// Copies a program by another process: a file that this one has open for writing could not be started while another
/// test is starting something.
pub(crate) fn copy_program(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
}

/// The helper's program, as it was built.
pub(crate) fn helper() -> Command {
    helper_at(Path::new(env!("CARGO_BIN_EXE_pastoral-session")))
}

pub(crate) fn helper_at(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "XAUTHORITY"] {
        command.env_remove(name);
    }
    command
}
