//! sled, and the files around it. Nothing else names sled; what is leaned on of its inside, and the test that breaks when
//! that changes, is in `docs/adr/0016-sled.md`.

use super::format::{Head, NUMBERS, Numbers, RECORD_END, read_key};
use super::{Key, SpoolError};
use crate::files::{Filesystem, folder_of};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const CACHE_BYTES: u64 = 512 * 1024;
/// How often, and how far apart, a spool is looked at that sled's threads still hold: for a second.
const LOOKS: usize = 500;
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A record as it lies in the log.
pub(super) struct Found {
    pub(super) key: Key,
    pub(super) head: Head,
    pub(super) value: sled::IVec,
}

/// Records and numbers, which are durable once [`Log::make_durable`] returns.
pub(super) struct Log {
    db: sled::Db,
    // Dropped after `db`.
    held: Held,
}

impl Log {
    /// Opens the log of a folder, or makes one where there is none. All that it stands on is durable then: it may be
    /// what a crash left, and what is kept from now on must not go with it.
    pub(super) fn open(files: Arc<dyn Filesystem>, folder: &Path) -> Result<Self, SpoolError> {
        // No thread of sled's own that flushes: the keeper does, and knows when.
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        let opened = config.open().map_err(from_sled);
        if matches!(opened, Err(SpoolError::InUse)) {
            // Whoever holds it will not let it go for us.
            return Err(SpoolError::InUse);
        }
        let held = Held {
            files,
            folder: folder.to_owned(),
        };
        let log = Self { db: opened?, held };
        log.make_durable()?;
        let files = &log.held.files;
        files.sync_folder(folder)?;
        files.sync_folder(folder_of(folder))?;
        Ok(log)
    }

    pub(super) fn numbers(&self) -> Result<Option<Numbers>, SpoolError> {
        let bytes = self.db.get(NUMBERS).map_err(from_sled)?;
        bytes.map(|bytes| Numbers::read(&bytes)).transpose()
    }

    /// All records, in the order of delivery.
    pub(super) fn records(&self) -> impl Iterator<Item = Result<Found, SpoolError>> {
        self.until(RECORD_END[0])
    }

    /// The records whose keys begin with less than this.
    pub(super) fn until(&self, end: u8) -> impl Iterator<Item = Result<Found, SpoolError>> {
        self.db.range(..vec![end]).map(found)
    }

    /// The records whose keys begin with this.
    pub(super) fn beginning_with(&self, first: u8) -> impl Iterator<Item = Result<Found, SpoolError>> {
        self.db.scan_prefix([first]).map(found)
    }

    /// Writes records together with the numbers that count them: all or nothing.
    pub(super) fn write(&self, records: Vec<(Key, Vec<u8>)>, numbers: &Numbers) -> Result<(), SpoolError> {
        let mut batch = sled::Batch::default();
        for (key, value) in records {
            batch.insert(&key.0, value);
        }
        batch.insert(&NUMBERS, numbers.write());
        self.db.apply_batch(batch).map_err(from_sled)
    }

    pub(super) fn remove(&self, key: Key) -> Result<Option<sled::IVec>, SpoolError> {
        self.db.remove(key.0).map_err(from_sled)
    }

    /// INVARIANT 2: sled's flush is `sync_file_range`, which a power cut undoes; the fsync is ours.
    pub(super) fn make_durable(&self) -> Result<(), SpoolError> {
        self.db.flush().map_err(from_sled)?;
        self.held.files.sync_file(&self.held.folder.join("db"))?;
        self.sync_blobs()
    }

    /// sled puts what is too large for its log into files of its own, and does not sync them either.
    fn sync_blobs(&self) -> Result<(), SpoolError> {
        let (files, blobs) = (&self.held.files, self.held.folder.join("blobs"));
        let mut any = false;
        for blob in files.list(&blobs)? {
            match files.sync_file(&blob) {
                // sled has removed it since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                synced => {
                    synced?;
                    any = true;
                }
            }
        }
        if any {
            files.sync_folder(&blobs)?;
        }
        Ok(())
    }
}

/// sled holds a spool that was closed until the last of its threads has ended, and may write to its files until then.
/// Whoever closes one, in whatever way, waits here.
struct Held {
    files: Arc<dyn Filesystem>,
    folder: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        let lock = self.folder.join("db");
        for _ in 0..LOOKS {
            if self.files.is_let_go(&lock).unwrap_or(false) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        tracing::warn!("the spool's files are still held after it was closed");
    }
}

fn found(item: sled::Result<(sled::IVec, sled::IVec)>) -> Result<Found, SpoolError> {
    let (key, value) = item.map_err(from_sled)?;
    Ok(Found {
        key: read_key(&key)?,
        head: Head::read(&value)?,
        value,
    })
}

fn from_sled(error: sled::Error) -> SpoolError {
    match error {
        // sled tells of a lock that another holds only in these words.
        sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => SpoolError::InUse,
        sled::Error::Io(error) => error.into(),
        other => SpoolError::Damaged(other.to_string()),
    }
}
