//! A disk that fails at one step, and that knows what a power cut would leave of it.

use pastoral_agent::files::{Filesystem, RealFilesystem};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full, this once; of a file that is written, half is there.
    Full,
    /// It is done, but is said to have failed; what was to be synced is not.
    SaidToFail,
    /// It is not permitted, this once.
    Refused,
    /// From here on, for some steps, nothing can be changed.
    ReadOnly,
    /// The process is killed before the step.
    Kill,
    /// The power goes before the step: nothing is left but what was synced.
    PowerCut,
}

/// For so many steps nothing can be changed.
pub(crate) const READ_ONLY_STEPS: usize = 12;

/// A disk with one fault.
pub(crate) struct FaultyDisk {
    state: PathBuf,
    /// What a kill or a power cut leaves is put here.
    pub(crate) after: PathBuf,
    at: usize,
    fault: Fault,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    steps: usize,
    struck: Option<String>,
    dead: bool,
    synced: Synced,
}

/// A file or folder, whatever its name: its number, and since when it has it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Node(u64, Option<SystemTime>);

impl Node {
    fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self(metadata.ino(), metadata.created().ok()))
    }
}

/// What is sure to be on the disk: files and folders as they were when they were last synced.
#[derive(Default)]
struct Synced {
    files: HashMap<Node, Vec<u8>>,
    folders: HashMap<Node, BTreeMap<OsString, (Node, bool)>>,
}

impl FaultyDisk {
    pub(crate) fn new(state: &Path, after: &Path, at: usize, fault: Fault) -> Self {
        Self {
            state: state.to_owned(),
            after: after.to_owned(),
            at,
            fault,
            now: Mutex::default(),
        }
    }

    /// What is there now was there before the power could go.
    pub(crate) fn sync_all_of(&self, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.sync_all_of(&path);
            } else {
                self.now().synced.file(&path).unwrap();
            }
        }
        self.now().synced.folder(folder).unwrap();
    }

    /// Puts there what a power cut would leave now.
    pub(crate) fn cut_power(&self) {
        self.now().synced.put(Node::of(&self.state).unwrap(), &self.after);
    }

    /// The step at which the fault came, if it came.
    pub(crate) fn struck(&self) -> Option<String> {
        self.now().struck.clone()
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.now().dead
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap()
    }

    /// Does a step, or has it fail.
    fn step<T>(
        &self,
        (name, path, changes): (&str, &Path, bool),
        work: impl FnOnce(bool) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut now = self.now();
        if now.dead {
            return Err(io::Error::other("the process is dead"));
        }
        let step = now.steps;
        now.steps += 1;
        if self.fault == Fault::ReadOnly {
            let for_now = (self.at..self.at + READ_ONLY_STEPS).contains(&step) && changes;
            if for_now {
                now.struck.get_or_insert(format!("{name} {}", path.display()));
                return Err(io::ErrorKind::ReadOnlyFilesystem.into());
            }
            return work(true);
        }
        if step != self.at {
            return work(true);
        }
        now.struck = Some(format!("{name} {}", path.display()));
        match self.fault {
            Fault::Full => {
                let _ = work(false);
                Err(io::ErrorKind::StorageFull.into())
            }
            Fault::SaidToFail => {
                if !name.starts_with("sync") {
                    work(true)?;
                }
                Err(io::Error::from_raw_os_error(5))
            }
            Fault::Refused | Fault::ReadOnly => Err(io::ErrorKind::PermissionDenied.into()),
            Fault::Kill => {
                now.dead = true;
                copy(&self.state, &self.after);
                Err(io::Error::other("killed"))
            }
            Fault::PowerCut => {
                now.dead = true;
                now.synced.put(Node::of(&self.state)?, &self.after);
                Err(io::Error::other("no power"))
            }
        }
    }

    fn reads<T>(&self, name: &str, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.step(
            (name, path, false),
            |whole| if whole { work() } else { no_room() },
        )
    }

    fn changes<T>(&self, name: &str, path: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.step((name, path, true), |whole| if whole { work() } else { no_room() })
    }
}

fn no_room<T>() -> io::Result<T> {
    Err(io::ErrorKind::StorageFull.into())
}

impl Synced {
    fn file(&mut self, path: &Path) -> io::Result<()> {
        self.files.insert(Node::of(path)?, fs::read(path)?);
        Ok(())
    }

    fn folder(&mut self, folder: &Path) -> io::Result<()> {
        let mut entries = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let shown = name.to_string_lossy();
            // sled syncs these itself.
            if shown.starts_with("snap.") && !shown.ends_with(".generating") {
                self.file(&entry.path())?;
            }
            let is_folder = entry.file_type()?.is_dir();
            entries.insert(name, (Node::of(&entry.path())?, is_folder));
        }
        self.folders.insert(Node::of(folder)?, entries);
        Ok(())
    }

    fn put(&self, folder: Node, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for (name, (node, is_folder)) in self.folders.get(&folder).into_iter().flatten() {
            if *is_folder {
                self.put(*node, &to.join(name));
            } else {
                let bytes = self.files.get(node).map_or(&[][..], Vec::as_slice);
                fs::write(to.join(name), bytes).unwrap();
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

impl Filesystem for FaultyDisk {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.reads("look for", path, || RealFilesystem.exists(path))
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.reads("measure", path, || RealFilesystem.length(path))
    }

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        self.reads("read", path, || RealFilesystem.read(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.reads("list", folder, || RealFilesystem.list(folder))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.reads("ask for room in", path, || RealFilesystem.free_bytes(path))
    }

    /// No step: how often it is asked is up to sled's threads.
    fn is_let_go(&self, path: &Path) -> io::Result<bool> {
        RealFilesystem.is_let_go(path)
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step(("write", path, true), |whole| {
            let bytes = if whole { bytes } else { &bytes[..bytes.len() / 2] };
            RealFilesystem.write_new(path, bytes)
        })
    }

    /// As long as it says, but with a hole: the room is not what is tried here.
    fn fill_new(&self, path: &Path, length: u64) -> io::Result<()> {
        self.step(("fill", path, true), |whole| {
            let length = if whole { length } else { length / 2 };
            fs::File::create_new(path)?.set_len(length)
        })
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.changes("make", folder, || RealFilesystem.make_folder(folder))
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        self.changes("sync file", path, || RealFilesystem.sync_file(path))?;
        self.now().synced.file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.changes("sync folder", folder, || RealFilesystem.sync_folder(folder))?;
        self.now().synced.folder(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.changes("rename", from, || RealFilesystem.rename(from, to))
    }

    fn remove_file(&self, path: &Path) -> io::Result<bool> {
        self.changes("remove", path, || RealFilesystem.remove_file(path))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<bool> {
        self.changes("remove all of", folder, || RealFilesystem.remove_folder(folder))
    }
}
