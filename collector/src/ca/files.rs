//! The authority's files: written beside, synced, renamed, and the folder synced; private from the first byte.

use anyhow::Context as _;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes a folder that only its owner may enter.
pub(crate) fn private_dir(dir: &Path) -> anyhow::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| {
            format!(
                "{} cannot be made; check that data_dir can be written",
                dir.display()
            )
        })
}

/// Puts a file in place whole, or not at all.
pub(crate) fn write(dir: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let (path, beside) = (dir.join(name), dir.join(format!("{name}.new")));
    let put = || -> std::io::Result<()> {
        if beside.exists() {
            std::fs::remove_file(&beside)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        File::open(dir)?.sync_all()
    };
    put().with_context(|| format!("{} cannot be written", path.display()))
}

/// Reads a file.
pub(crate) fn read(dir: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let path = dir.join(name);
    std::fs::read(&path).with_context(|| {
        format!(
            "{} cannot be read; `init` makes it, a backup restores it",
            path.display()
        )
    })
}
