//! Room set aside for the day the disk is full: a file that is given up so that severe flags still fit.

use crate::platform::{free_bytes, sync_folder};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

const SIZE: u64 = 8 * 1024 * 1024;
/// What must be free beside the ballast before it is set aside again, so that it does not fill the disk itself.
const MARGIN: u64 = 8 * 1024 * 1024;

pub(super) struct Ballast {
    path: PathBuf,
}

impl Ballast {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Gives the room up; says whether there was any.
    pub(super) fn release(&self) -> bool {
        let released = fs::remove_file(&self.path).is_ok();
        if released {
            let _ = self.path.parent().map(sync_folder);
        }
        released
    }

    /// Sets the room aside, if the disk has enough besides. Says whether it is there.
    pub(super) fn restore(&self) -> bool {
        if fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() == SIZE) {
            return true;
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        if free_bytes(folder).map_or(true, |free| free < SIZE + MARGIN) {
            return false;
        }
        let written = self.write();
        if written.is_err() {
            let _ = fs::remove_file(&self.path);
        }
        written.is_ok()
    }

    /// Really written: a sparse file would set nothing aside.
    fn write(&self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&self.path)?;
        let block = vec![0x5a; 64 * 1024];
        for _ in 0..SIZE / block.len() as u64 {
            file.write_all(&block)?;
        }
        file.sync_all()
    }
}
