//! Acting for the service's user, so that what root writes for it is its own.

use nix::unistd::{Gid, Uid, geteuid, setegid, seteuid, setgroups};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Gives up root's rights for those of the folder's owner. Nothing changes for anybody but root.
///
/// # Errors
/// When there is no such folder, or the kernel refuses.
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
