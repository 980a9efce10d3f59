//! Notices when a file was changed or another put in its place: the folder is watched, not the file.

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Notify;

/// Who writes a file, or two that belong together, is given this long to finish.
const SETTLE: Duration = Duration::from_millis(300);
/// Also looked at by the clock: a link may lead out of the folder.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How often where the folder cannot be watched.
const LOOK_OFTEN: Duration = Duration::from_secs(2);

type Stamp = (SystemTime, u64, u64);

/// Files that belong together.
pub(super) struct Watched {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    woken: Arc<Notify>,
    watcher: Option<RecommendedWatcher>,
}

impl Watched {
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        let woken = Arc::new(Notify::new());
        let watcher = watcher(&files, &woken).inspect_err(
            |error| tracing::warn!(%error, "a folder cannot be watched; it is looked at every two seconds"),
        );
        Self {
            seen: files.iter().map(|file| stamp(file)).collect(),
            files,
            woken,
            watcher: watcher.ok(),
        }
    }

    /// Waits until one of the files is another than before, and all are there.
    pub(super) async fn changed(&mut self) {
        let every = if self.watcher.is_some() {
            LOOK_EVERY
        } else {
            LOOK_OFTEN
        };
        loop {
            let _in_either_case_it_is_looked_at = tokio::time::timeout(every, self.woken.notified()).await;
            tokio::time::sleep(SETTLE).await;
            let now: Vec<_> = self.files.iter().map(|file| stamp(file)).collect();
            let is_new = now != self.seen && now.iter().all(Option::is_some);
            self.seen = now;
            if is_new {
                return;
            }
        }
    }
}

fn watcher(files: &[PathBuf], woken: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let woken = Arc::clone(woken);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // Reading a file is an event too, and no change.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            woken.notify_one();
        }
    })?;
    let mut folders: Vec<_> = files.iter().map(|file| folder(file)).collect();
    folders.dedup();
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let known = std::fs::metadata(file).ok()?;
    Some((known.modified().ok()?, known.len(), known.ino()))
}
