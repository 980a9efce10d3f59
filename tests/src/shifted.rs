//! A clock that is wrong: for one program alone, by a library that it asks in the system's place. What it waits for still
//! takes its time.

use anyhow::{Context as _, Result};
use pastoral_support::process::Folder;
use std::fs;
use std::path::{Path, PathBuf};

/// The clock of the programs that have its environment.
pub struct Shifted {
    file: PathBuf,
    library: PathBuf,
}

impl Shifted {
    /// A clock that is right as yet.
    pub fn new(folder: &Folder) -> Result<Self> {
        let system = fs::read_dir("/usr/lib")?.filter_map(|entry| Some(entry.ok()?.path()));
        let library = system
            .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
            .find(|library| library.is_file())
            .context("no libfaketime: run `cargo xtask setup`")?;
        let clock = Self {
            file: folder.path().join("clock"),
            library,
        };
        clock.shift("+0")?;
        Ok(clock)
    }

    /// From now on it is off by this much, such as `-1d` or `+31m`.
    pub fn shift(&self, by: &str) -> Result<()> {
        // Whole at every moment, for it is read whenever the time is asked.
        let new = self.file.with_extension("new");
        fs::write(&new, by)?;
        Ok(fs::rename(new, &self.file)?)
    }

    /// What makes a program ask it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
