//! Files as the service keeps them, behind a seam: what a disk may refuse, and where power may go, is a method of
//! [`Filesystem`], so that tests let each of them fail.
//!
//! A state file is written beside, synced, renamed, and its folder synced; it is unreadable to others from its creation on.

use crate::platform;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// What no state file of ours exceeds; a larger one is not ours.
const STATE_FILE_MOST: u64 = 64 * 1024 * 1024;
const BLOCK: usize = 64 * 1024;

/// What is asked of the file system. Each call is one step: a crash comes between two of them.
pub trait Filesystem: Send + Sync {
    /// Whether there is a file or folder.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// A file's length; none if there is no such file.
    fn length(&self, path: &Path) -> io::Result<Option<u64>>;
    /// A state file's content; none if there is no such file.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// What is in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
    /// Bytes that may still be written where `path` is.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Whether no program holds this file's lock; true where there is no file.
    fn is_let_go(&self, path: &Path) -> io::Result<bool>;
    /// Writes a file that must not be there, for nobody else to read. It is not synced.
    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// Writes a file that must not be there, of this length, with no holes in it. It is not synced.
    fn fill_new(&self, path: &Path, length: u64) -> io::Result<()>;
    /// Makes a folder that must not be there.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// Puts a file's content and length on the disk.
    fn sync_file(&self, path: &Path) -> io::Result<()>;
    /// Puts a folder's entries on the disk: what was created, renamed or removed in it.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Gives a file or folder another name, in the place of a file that may be there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file; says whether there was one.
    fn remove_file(&self, path: &Path) -> io::Result<bool>;
    /// Removes a folder with all that is in it; says whether there was one.
    fn remove_folder(&self, folder: &Path) -> io::Result<bool>;
}

/// This machine's files.
#[derive(Debug, Clone, Copy)]
pub struct RealFilesystem;

impl Filesystem for RealFilesystem {
    fn exists(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        there(fs::metadata(path)).map(|metadata| metadata.map(|metadata| metadata.len()))
    }

    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        let Some(file) = there(File::open(path))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.take(STATE_FILE_MOST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > STATE_FILE_MOST {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "larger than any state file",
            ));
        }
        Ok(Some(bytes))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        platform::free_bytes(path)
    }

    fn is_let_go(&self, path: &Path) -> io::Result<bool> {
        let file = there(File::open(path))?;
        Ok(file.is_none_or(|file| file.try_lock().is_ok()))
    }

    fn write_new(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        platform::create_private_file(path)?.write_all(bytes)
    }

    fn fill_new(&self, path: &Path, length: u64) -> io::Result<()> {
        let mut file = platform::create_private_file(path)?;
        let block = vec![0x5a; BLOCK];
        let mut left = length;
        while left > 0 {
            let part = left.min(BLOCK as u64);
            file.write_all(&block[..part as usize])?;
            left -= part;
        }
        Ok(())
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir(folder)
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        platform::sync_folder(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<bool> {
        there(fs::remove_file(path)).map(|removed| removed.is_some())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<bool> {
        there(fs::remove_dir_all(folder)).map(|removed| removed.is_some())
    }
}

/// Replaces a state file so that after any crash either the old or the new one is there, whole.
pub fn write_state_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(&RealFilesystem, path, bytes)
}

/// Reads a state file; none if there is none.
pub fn read_state_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    RealFilesystem.read(path)
}

/// [`write_state_file`], on these files.
pub(crate) fn replace(files: &dyn Filesystem, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path)?;
    files.remove_file(&beside)?;
    let written = files
        .write_new(&beside, bytes)
        .and_then(|()| files.sync_file(&beside))
        .and_then(|()| files.rename(&beside, path));
    if let Err(error) = written {
        // What is left of a failed attempt only takes room; the error that matters is the first.
        let _ = files.remove_file(&beside);
        return Err(error);
    }
    files.sync_folder(folder_of(path))
}

/// The folder that a path is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        outcome => outcome.map(Some),
    }
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file's path"))?;
    let mut beside = name.to_os_string();
    beside.push(".new");
    Ok(path.with_file_name(beside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_state_file_is_replaced_whole_and_no_one_else_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        assert_eq!(read_state_file(&path).unwrap(), None);
        write_state_file(&path, b"first").unwrap();
        write_state_file(&path, b"second").unwrap();
        assert_eq!(read_state_file(&path).unwrap().unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_crash_left_beside_does_not_stop_the_next_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(folder.path().join("state.new"), b"half").unwrap();
        write_state_file(&path, b"whole").unwrap();
        assert_eq!(read_state_file(&path).unwrap().unwrap(), b"whole");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        write_state_file(&path, b"old").unwrap();
        // A folder in the way of the new file: the write cannot start.
        fs::create_dir(folder.path().join("state.new")).unwrap();
        assert!(write_state_file(&path, b"new").is_err());
        assert_eq!(read_state_file(&path).unwrap().unwrap(), b"old");
    }
}
