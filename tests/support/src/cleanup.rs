//! What must be undone whatever happens: when its owner is dropped, or all of it, last first, on Ctrl-C.

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Something to undo.
#[derive(Debug)]
pub enum Made {
    /// A process that leads a group of its own.
    Processes(u32),
    /// A user and all that still runs as it.
    User {
        /// What it is called.
        name: String,
        /// Its number.
        uid: u32,
    },
    /// A group of users.
    Group(String),
    /// A file system that was mounted.
    Mount(PathBuf),
    /// A folder with all in it.
    Folder(PathBuf),
}

/// Undoes it when dropped.
#[derive(Debug)]
pub struct Undo(u64);

static MADE: Mutex<Vec<(u64, Made)>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(1);
static ANSWER: AtomicI32 = AtomicI32::new(130);

/// Remembers what was made. On Ctrl-C it is undone even if its owner is never dropped.
pub fn made(what: Made) -> Undo {
    heed_interrupts();
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    MADE.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((id, what));
    Undo(id)
}

/// From now on being interrupted is how this program is meant to end.
pub fn interrupt_is_success() {
    ANSWER.store(0, Ordering::Relaxed);
}

/// From now on a panic undoes everything too: in a release build it ends this program, and nothing is dropped.
pub fn panic_undoes() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        everything();
    }));
}

/// Undoes everything that is left, last first.
pub fn everything() {
    loop {
        let last = MADE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match last {
            Some((_, what)) => undo(&what),
            None => return,
        }
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        let mut list = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = list.iter().position(|(id, _)| *id == self.0) else {
            return;
        };
        let (_, what) = list.remove(place);
        drop(list);
        undo(&what);
    }
}

/// A thread that waits for Ctrl-C or a request to end.
fn heed_interrupts() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(interrupted());
            everything();
            std::process::exit(ANSWER.load(Ordering::Relaxed));
        });
    });
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}

fn undo(what: &Made) {
    match what {
        Made::Processes(leader) => end_processes(*leader),
        Made::User { name, uid } => remove_user(name, *uid),
        Made::Group(name) => quietly("groupdel", &[name]),
        Made::Mount(path) => quietly("umount", &["-l", &path.to_string_lossy()]),
        Made::Folder(path) => remove_folder(path),
    }
}

/// Asks the leader and its group to end, and ends them when they have not within three seconds.
fn end_processes(leader: u32) {
    let Ok(leader) = i32::try_from(leader) else { return };
    let leader = Pid::from_raw(leader);
    let _ = killpg(leader, Signal::SIGTERM);
    let _ = killpg(leader, Signal::SIGCONT);
    let deadline = Instant::now() + Duration::from_secs(3);
    while !has_ended(leader) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    // Not reaped before this, so that the number cannot be another's yet.
    let _ = killpg(leader, Signal::SIGKILL);
    let _ = waitid(Id::Pid(leader), WaitPidFlag::WEXITED);
}

fn has_ended(process: Pid) -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(process), look), Ok(WaitStatus::StillAlive))
}

fn remove_user(name: &str, uid: u32) {
    for process in processes_of(uid) {
        let _ = kill(process, Signal::SIGKILL);
    }
    let deadline = Instant::now() + Duration::from_secs(3);
    while !processes_of(uid).is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    quietly("userdel", &["--force", name]);
}

fn processes_of(uid: u32) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse::<i32>().ok()?;
            (entry.metadata().ok()?.uid() == uid).then(|| Pid::from_raw(process))
        })
        .collect()
}

fn remove_folder(path: &Path) {
    if let Err(error) = fs::remove_dir_all(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("{} stays behind: {error}", path.display());
    }
}

fn quietly(program: &str, arguments: &[&str]) {
    // Another test may hold the lock on the machine's users at this moment.
    for _ in 0..40 {
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !matches!(status, Ok(status) if matches!(status.code(), Some(1 | 10))) {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
}
