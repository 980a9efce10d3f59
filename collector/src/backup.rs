//! Backups (P40): a folder with the whole store and the certificate authority, made daily where the technician says.
//!
//! Content in it is sealed as it is in the store; the authority's key is not, so the folder is for the collector's owner
//! alone, and belongs somewhere locked. Taking it off site is the technician's part.

use crate::app::App;
use crate::chain::Deed;
use crate::clock;
use crate::config::Backup;
use crate::faults::Fault;
use crate::store::{Store, audit, backup};
use anyhow::Context as _;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;

/// The store's file, in the data folder and in a backup.
pub const DATABASE: &str = "collector.db";
/// The certificate authority's folder, in the data folder and in a backup.
pub const AUTHORITY: &str = "ca";

const NAME: &str = "pastoral-";
const LOOK_EVERY: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes a backup a day until stopped. One that fails is said on the console, and tried again.
///
/// # Errors
/// Never; what fails is tried again.
pub async fn run(
    app: App,
    data_dir: PathBuf,
    settings: Backup,
    stop: CancellationToken,
) -> Result<(), sqlx::Error> {
    loop {
        if age(&settings.dir).is_none_or(|age| age >= DAY) {
            match make(&app.store, &app.school_id, &data_dir, &settings, "pastoral").await {
                Ok(made) => {
                    tracing::info!(folder = %made.display(), "a backup is made");
                    app.faults.end(Fault::Backup);
                }
                Err(error) => {
                    tracing::error!("no backup could be made: {error:#}");
                    let words =
                        format!("No backup could be made: {error:#}. It is tried again in ten minutes.");
                    app.faults.begin(Fault::Backup, words);
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Makes a backup now, and removes the oldest beyond those that are kept. Gives its folder.
///
/// # Errors
/// When the store cannot be read or the folder cannot be written; nothing half is left under a backup's name.
pub async fn make(
    store: &Store,
    school_id: &str,
    data_dir: &Path,
    settings: &Backup,
    by: &str,
) -> anyhow::Result<PathBuf> {
    let now = clock::now_ms();
    let name = stamp(now);
    let (folder, beside) = (settings.dir.join(&name), settings.dir.join(format!(".{name}")));
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(beside.join(AUTHORITY))
        .with_context(|| format!("{} cannot be made; check [backup] dir", beside.display()))?;
    backup::copy(store, &beside.join(DATABASE)).await?;
    for entry in fs::read_dir(data_dir.join(AUTHORITY))? {
        let entry = entry?;
        fs::copy(entry.path(), beside.join(AUTHORITY).join(entry.file_name()))?;
    }
    sync(&beside)?;
    fs::rename(&beside, &folder)?;
    File::open(&settings.dir)?.sync_all()?;
    let mut tx = store.write().await?;
    let entry = audit::Entry {
        school_id,
        actor: by,
        deed: Deed::BackupMade,
        concern_id: None,
        detail: serde_json::json!({}),
    };
    audit::append(&mut tx, now, &entry).await?;
    tx.commit().await?;
    prune(&settings.dir, settings.keep)?;
    Ok(folder)
}

/// The name of a backup from a time.
fn stamp(at_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default();
    format!("{NAME}{}", at.strftime("%Y%m%d-%H%M%S"))
}

/// How old the newest backup in a folder is; none when there is none.
#[must_use]
pub fn age(dir: &Path) -> Option<Duration> {
    let newest = backups(dir).pop()?;
    let made = fs::metadata(newest).ok()?.modified().ok()?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(clock::now_ms().unsigned_abs());
    // One from a time that is still to come was made by a clock that was ahead: it counts as none.
    now.duration_since(made).ok()
}

/// The backups in a folder, the oldest first: their names are times. Those from times that are still to come, made by a
/// clock that was ahead, come before all others.
fn backups(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(NAME))
        .map(|entry| entry.path())
        .collect();
    let present = stamp(clock::now_ms());
    let is_ahead = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| *name.to_string_lossy() > *present)
    };
    found.sort_by_key(|path| (!is_ahead(path), path.clone()));
    found
}

fn prune(dir: &Path, keep: usize) -> anyhow::Result<()> {
    let found = backups(dir);
    for old in &found[..found.len().saturating_sub(keep)] {
        fs::remove_dir_all(old)
            .with_context(|| format!("{} is older than is kept and cannot be removed", old.display()))?;
    }
    Ok(())
}

/// What is written is on disk, files before the folders that name them.
fn sync(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            sync(&path)?;
        } else {
            File::open(&path)?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backups_of_a_clock_that_was_ahead_are_the_first_to_go_and_count_as_none() {
        let dir = tempfile::tempdir().unwrap();
        let name = |days: i64| stamp(clock::now_ms() + days * 86_400_000);
        for days in [-2, -1, 300, 301, 302] {
            fs::create_dir(dir.path().join(name(days))).unwrap();
        }
        prune(dir.path(), 2).unwrap();
        let left = backups(dir.path());
        assert_eq!(left, [dir.path().join(name(-2)), dir.path().join(name(-1))]);
        let newest = File::open(&left[1]).unwrap();
        let ahead = SystemTime::UNIX_EPOCH
            + Duration::from_millis((clock::now_ms() + 300 * 86_400_000).unsigned_abs());
        newest.set_modified(ahead).unwrap();
        assert_eq!(age(dir.path()), None);
    }
}
