//! State files: written beside, synced, renamed, and the folder synced; unreadable to others from their creation on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What no state file of ours exceeds; a larger one is not ours.
const STATE_FILE_MOST: u64 = 64 * 1024 * 1024;

/// Replaces a state file so that after any crash either the old or the new one is there, whole.
///
/// # Errors
/// When the file cannot be written (a full disk, for one); the old one is then untouched.
pub fn write_state_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path)?;
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What is left of a failed attempt only takes room; the error that matters is the first.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_folder(folder_of(path))
}

/// Reads a state file; none if there is none.
///
/// # Errors
/// When it is there and cannot be read, or is larger than any state file.
pub fn read_state_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
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

/// Puts a file's content and length on the disk.
///
/// # Errors
/// When the file cannot be opened or the disk does not take it.
pub fn sync_file(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Puts a folder's entries on the disk: what was created, renamed or removed in it.
///
/// # Errors
/// When the folder cannot be opened or the disk does not take it.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file's path"))?;
    let mut beside = name.to_os_string();
    beside.push(".new");
    Ok(path.with_file_name(beside))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
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
