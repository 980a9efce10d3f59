//! The collector's disk: how full it is, and the ballast that is let go when it is full.
//!
//! A full disk must not stop a reader from reading (every look is audited, so it writes) nor a severe flag from
//! arriving. So 16 MiB are kept occupied and released when space runs out; from then on only severe flags are taken,
//! until there is room again and the ballast is laid anew.

use nix::fcntl::posix_fallocate;
use nix::sys::statvfs::statvfs;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes kept occupied.
pub const BALLAST: u64 = 16 * 1024 * 1024;
/// With less than this free the ballast is let go.
const LOW: u64 = 8 * 1024 * 1024;
/// Free space at which the ballast is laid again: what is left then is well above [`LOW`].
const ENOUGH: u64 = BALLAST + 2 * LOW;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// Watches the disk that holds the data.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    low: AtomicBool,
    looked: Mutex<Option<Instant>>,
}

impl Disk {
    /// Looks at the disk, and lays the ballast if there is room.
    #[must_use]
    pub fn watch(dir: &Path) -> Self {
        let disk = Self {
            dir: dir.to_owned(),
            low: AtomicBool::new(false),
            looked: Mutex::default(),
        };
        disk.look();
        disk
    }

    /// Whether only severe flags are taken.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.low.load(Ordering::Relaxed)
    }

    /// Looks again, unless it did a moment ago.
    pub fn look(&self) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS) {
            return;
        }
        *looked = Some(Instant::now());
        let Some(free) = free_bytes(&self.dir) else { return };
        let laid = ballast(&self.dir).exists();
        if free < LOW {
            self.is_full();
        } else if !laid && free >= ENOUGH {
            match self.lay() {
                Ok(()) if self.low.swap(false, Ordering::Relaxed) => {
                    tracing::info!("the disk has room again; every flag is taken");
                }
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "the ballast cannot be laid"),
            }
        } else if !laid && !self.low.swap(true, Ordering::Relaxed) {
            tracing::error!(
                free,
                "the disk is nearly full; only severe flags are taken until there is room"
            );
        }
    }

    /// The store found the disk full: the ballast goes.
    pub fn is_full(&self) {
        if !self.low.swap(true, Ordering::Relaxed) {
            tracing::error!("the disk is full; only severe flags are taken until there is room");
        }
        let ballast = ballast(&self.dir);
        if ballast.exists()
            && let Err(error) = std::fs::remove_file(&ballast)
        {
            tracing::error!(%error, "the ballast cannot be let go; make room on the disk");
        }
    }

    fn lay(&self) -> anyhow::Result<()> {
        let path = ballast(&self.dir);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        if let Err(error) = posix_fallocate(&file, 0, BALLAST as i64) {
            std::fs::remove_file(&path)?;
            return Err(error.into());
        }
        Ok(())
    }
}

/// What `check` says about the disk: free bytes, and whether the ballast lies.
#[must_use]
pub fn state(dir: &Path) -> (Option<u64>, bool) {
    (free_bytes(dir), ballast(dir).exists())
}

fn ballast(dir: &Path) -> PathBuf {
    dir.join("ballast")
}

fn free_bytes(dir: &Path) -> Option<u64> {
    let disk = statvfs(dir).ok()?;
    Some(disk.blocks_available().saturating_mul(disk.fragment_size()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ballast_goes_when_the_disk_is_full_and_comes_back_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::watch(dir.path());
        assert!(!disk.is_low());
        assert_eq!(std::fs::metadata(ballast(dir.path())).unwrap().len(), BALLAST);
        disk.is_full();
        assert!(disk.is_low() && !ballast(dir.path()).exists());
        *disk.looked.lock().unwrap() = None;
        disk.look();
        assert!(!disk.is_low() && ballast(dir.path()).exists());
    }
}
