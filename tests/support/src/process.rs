//! Programs that we start, each leading a process group of its own, and temporary folders.

use crate::cleanup::{Made, Undo, made};
use crate::poll::PATIENCE;
use crate::users::User;
use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, chown};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A program we started. Dropped, it and what it started are asked to end, and ended if they do not.
pub struct Process {
    name: String,
    child: Child,
    lines: Receiver<String>,
    log: PathBuf,
    _undo: Undo,
}

impl Process {
    /// Starts `command`. What it writes to standard output is read by [`Process::line`]; the rest goes to `log`.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let errors = fs::File::options().create(true).append(true).open(log);
        let errors = errors.with_context(|| format!("no log at {}", log.display()))?;
        command.stdout(Stdio::piped()).stderr(errors).process_group(0);
        let child = unless_busy(|| command.spawn());
        let mut child = child.with_context(|| format!("{name} does not start"))?;
        let undo = made(Made::Processes(child.id()));
        let (sender, lines) = channel();
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    // Nobody may be reading any more; the program must still be able to write.
                    let _ = sender.send(line);
                }
            });
        }
        Ok(Self {
            name: name.into(),
            child,
            lines,
            log: log.into(),
            _undo: undo,
        })
    }

    /// The next line that it writes, within [`PATIENCE`].
    pub fn line(&self) -> Result<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => {
                bail!("{} says nothing; its log ends:\n{}", self.name, self.log_end())
            }
            Err(RecvTimeoutError::Disconnected) => {
                bail!("{} ended; its log ends:\n{}", self.name, self.log_end())
            }
        }
    }

    /// What it has written so far and nobody has read.
    pub fn lines_so_far(&self) -> Vec<String> {
        self.lines.try_iter().collect()
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, if it was given one and nobody has taken it.
    pub fn take_input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(self.pid()?, signal).with_context(|| format!("{} cannot be sent {signal}", self.name))
    }

    /// Ends it and all it started, at once, as a power cut would, and waits until it is gone.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        killpg(self.pid()?, Signal::SIGKILL).with_context(|| format!("{} is not running", self.name))?;
        Ok(self.child.wait()?)
    }

    /// Asks it to end and waits for that.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait(Duration::from_secs(30))
    }

    /// Waits for it to end by itself.
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{} does not end; its log ends:\n{}", self.name, self.log_end());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// All it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn pid(&self) -> Result<Pid> {
        Ok(Pid::from_raw(i32::try_from(self.child.id())?))
    }
}

/// Runs a program to its end and gives what it wrote.
pub fn output_of(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let output = unless_busy(|| command.output());
    let output = output.with_context(|| format!("{name} does not start"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a program with something on its standard input; what it says is kept for [`said`].
pub fn begin(command: &mut Command, input: &str) -> Result<Child> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = unless_busy(|| command.spawn()).with_context(|| format!("{command:?} does not start"))?;
    if let Some(mut typed) = child.stdin.take() {
        typed.write_all(input.as_bytes())?;
    }
    Ok(child)
}

/// Runs a program to its end with something on its standard input; gives its exit code and all that it said.
pub fn run(command: &mut Command, input: &str) -> Result<(Option<i32>, String)> {
    Ok(said(&begin(command, input)?.wait_with_output()?))
}

/// The exit code of a program that has ended, and all that it said.
#[must_use]
pub fn said(output: &Output) -> (Option<i32>, String) {
    let said = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The exit code of a command that was begun, and what it said. Whoever it waits for is heard meanwhile.
pub async fn ended(command: Child) -> (Option<i32>, String) {
    let waiting = tokio::task::spawn_blocking(move || command.wait_with_output());
    said(&waiting.await.unwrap().unwrap())
}

/// Tries again while the program's file is still open for writing: in a child that another thread has just forked, which
/// has not yet closed what it was being copied with.
fn unless_busy<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match start() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

/// One of our own programs, from the folder this one was built in.
pub fn program(name: &str) -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    // Tests are one folder further down.
    let folder = here
        .ancestors()
        .skip(1)
        .find(|folder| folder.join(name).is_file());
    let folder =
        folder.with_context(|| format!("{name} is not built: run `cargo build --workspace --bins`"))?;
    Ok(folder.join(name))
}

/// Where nobody listens, at a port from below those that connections take for themselves.
pub fn free_address() -> Result<SocketAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs that run at the same time have numbers close to each other, and must not try the same ports.
    let begin = u16::try_from(u64::from(std::process::id()) * 97 % 10_000).unwrap_or_default();
    let candidates = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed)).take(10_000);
    candidates
        .map(|number| (Ipv4Addr::LOCALHOST, 20_000 + (begin + number) % 10_000).into())
        .find(|address: &SocketAddr| TcpListener::bind(address).is_ok())
        .context("no port is free")
}

/// A folder that is removed with all in it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _undo: Undo,
}

impl Folder {
    /// A new folder that others may enter.
    pub fn new(name: &str) -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix(&format!("pastoral-{name}-"))
            .tempdir()?
            .keep();
        let undo = made(Made::Folder(path.clone()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(Self { path, _undo: undo })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder in it that belongs to a user.
    pub fn of(&self, name: &str, owner: &User, mode: u32) -> Result<PathBuf> {
        let path = self.path.join(name);
        fs::create_dir(&path)?;
        chown(&path, Some(owner.uid.into()), Some(owner.gid.into()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Ok(path)
    }
}
