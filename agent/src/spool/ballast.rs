//! Room set aside for the day the disk is full: a file that is given up so that severe flags still fit.

use crate::files::{Filesystem, folder_of};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SIZE: u64 = 8 * 1024 * 1024;
/// What must be free beside the ballast before it is set aside again, so that it does not fill the disk itself.
const MARGIN: u64 = 8 * 1024 * 1024;

pub(super) struct Ballast {
    files: Arc<dyn Filesystem>,
    path: PathBuf,
}

impl Ballast {
    pub(super) fn new(files: Arc<dyn Filesystem>, path: &Path) -> Self {
        Self {
            files,
            path: path.to_owned(),
        }
    }

    /// Gives the room up, if there is any.
    pub(super) fn release(&self) {
        if self.files.remove_file(&self.path).unwrap_or(false) {
            let _ = self.files.sync_folder(folder_of(&self.path));
        }
    }

    /// Sets the room aside, if the disk has enough besides. Says whether it is there.
    pub(super) fn restore(&self) -> bool {
        if self
            .files
            .length(&self.path)
            .is_ok_and(|length| length == Some(SIZE))
        {
            return true;
        }
        let free = self.files.free_bytes(folder_of(&self.path));
        if free.map_or(true, |free| free < SIZE + MARGIN) {
            return false;
        }
        // A part of one, from before a crash.
        let written = self
            .files
            .remove_file(&self.path)
            .and_then(|_| self.files.fill_new(&self.path, SIZE))
            .and_then(|()| self.files.sync_file(&self.path));
        if written.is_err() {
            let _ = self.files.remove_file(&self.path);
        }
        written.is_ok()
    }
}
