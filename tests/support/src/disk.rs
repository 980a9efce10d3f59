//! A small disk that can be filled.

use crate::cleanup::{Made, Undo, made};
use crate::process::output_of;
use anyhow::Result;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory of a few MiB.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
    _undo: Undo,
}

impl SmallDisk {
    /// Mounts one at `path`, which is made if need be.
    pub fn mount(path: &Path, mebibytes: u32) -> Result<Self> {
        fs::create_dir_all(path)?;
        let options = format!("size={mebibytes}m,mode=0755");
        output_of(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
                .arg(path),
        )?;
        Ok(Self {
            path: path.into(),
            _undo: made(Made::Mount(path.into())),
        })
    }

    /// Fills it to the last byte.
    pub fn fill(&self) -> Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.filler())?;
        let block = vec![0; 64 * 1024];
        while filler.write_all(&block).is_ok() {}
        while filler.write_all(&[0]).is_ok() {}
        Ok(())
    }

    /// Gives the space back.
    pub fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}
