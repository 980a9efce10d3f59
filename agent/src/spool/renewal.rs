//! Puts an empty spool in the place of one that is empty, but through which much has gone: sled keeps memory, and the
//! disk, for every page that a spool ever had.
//!
//! The new one is made beside the old one with its numbers, and is durable before anything else happens; then the old one
//! is moved aside, the new one into its place, and the old one removed. A crash in between leaves both or, for a moment,
//! neither in the spool's place: [`finish`] goes on from there.

use super::format::Numbers;
use super::{DiskSpool, SpoolError};
use crate::platform::sync_folder;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

const SPOOL: &str = "spool";
const FRESH: &str = "spool.fresh";
const GROWN: &str = "spool.grown";

/// How often, and how far apart, a spool is looked at that sled's threads still hold.
pub(super) const LETTING_GO: usize = 100;
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Renews the spool of a state folder, which is closed, holds no record and stands at these numbers.
///
/// # Errors
/// When it cannot be done, as on a full disk: the old one is still good.
pub(super) fn renew(state: &Path, key_file: &Path, numbers: Numbers) -> Result<(), SpoolError> {
    finish(state)?;
    let [spool, fresh, grown] = [SPOOL, FRESH, GROWN].map(|name| state.join(name));
    let_go(&spool)?;
    DiskSpool::create(&fresh, key_file, numbers)?;
    let_go(&fresh)?;
    fs::rename(&spool, &grown)?;
    fs::rename(&fresh, &spool)?;
    sync_folder(state)?;
    Ok(fs::remove_dir_all(&grown)?)
}

/// Ends a renewal that a crash cut short.
pub(super) fn finish(state: &Path) -> io::Result<()> {
    let [spool, fresh, grown] = [SPOOL, FRESH, GROWN].map(|name| state.join(name));
    // Moved aside was the old one only once the new one was whole.
    if !spool.exists() && fresh.exists() && grown.exists() {
        fs::rename(&fresh, &spool)?;
        sync_folder(state)?;
    }
    for left in [fresh, grown] {
        match fs::remove_dir_all(&left) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Waits until no thread of sled's holds a spool that was closed: it might still write to where its files were.
fn let_go(folder: &Path) -> Result<(), SpoolError> {
    for _ in 0..LETTING_GO {
        if File::open(folder.join("db"))?.try_lock().is_ok() {
            return Ok(());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Err(SpoolError::InUse)
}
