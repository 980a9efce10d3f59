//! Acting for the service's user, so that what root writes for it is its own.

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, geteuid, setegid, seteuid, setgroups};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::Path;

/// Gives up root's rights for those of the folder's owner. Nothing changes for anybody but root.
pub fn act_as_owner_of(folder: &Path) -> io::Result<()> {
    let owner = folder.metadata()?;
    if !geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    setgroups(&[])?;
    setegid(Gid::from_raw(owner.gid()))?;
    seteuid(Uid::from_raw(owner.uid()))?;
    Ok(())
}

/// Makes a folder, where there is none, that nobody else can look into.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Nobody else can read the files that this process makes from now on, unless it says so.
pub fn make_files_private() {
    umask(Mode::from_bits_truncate(0o077));
}
