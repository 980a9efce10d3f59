//! Puts an empty spool in the place of one that is empty, but through which much has gone: sled keeps memory, and the
//! disk, for every page that a spool ever had.
//!
//! The new one is made beside the old one with its numbers, and is durable before anything else happens; then the old one
//! is moved aside, the new one into its place, and the old one removed. A crash in between leaves both or, for a moment,
//! neither in the spool's place: [`finish`] goes on from there.

use super::format::Numbers;
use super::{DiskSpool, SpoolError};
use crate::files::Filesystem;
use std::io;
use std::path::Path;
use std::sync::Arc;

const SPOOL: &str = "spool";
const FRESH: &str = "spool.fresh";
const GROWN: &str = "spool.grown";

/// Renews the spool of a state folder, which is closed, holds no record and stands at these numbers. After an error,
/// as on a full disk, the old one is still good.
pub(super) fn renew(
    files: &Arc<dyn Filesystem>,
    state: &Path,
    key_file: &Path,
    numbers: Numbers,
) -> Result<(), SpoolError> {
    finish(&**files, state)?;
    let [spool, fresh, grown] = [SPOOL, FRESH, GROWN].map(|name| state.join(name));
    DiskSpool::create(files, &fresh, key_file, numbers)?;
    files.rename(&spool, &grown)?;
    files.rename(&fresh, &spool)?;
    files.sync_folder(state)?;
    files.remove_folder(&grown)?;
    Ok(())
}

/// Ends a renewal that a crash cut short.
pub(super) fn finish(files: &dyn Filesystem, state: &Path) -> io::Result<()> {
    let [spool, fresh, grown] = [SPOOL, FRESH, GROWN].map(|name| state.join(name));
    // Moved aside was the old one only once the new one was whole.
    if !files.exists(&spool)? && files.exists(&fresh)? && files.exists(&grown)? {
        files.rename(&fresh, &spool)?;
        files.sync_folder(state)?;
    }
    files.remove_folder(&fresh)?;
    files.remove_folder(&grown)?;
    Ok(())
}
