//! The spool's key, and the sealing of records with it.

use super::SpoolError;
use crate::files::Filesystem;
use crate::seal::{NonceBytes, SealKey};
use pastoral_proto::Account;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The key in force, and where it is kept.
pub(super) struct Sealer {
    files: Arc<dyn Filesystem>,
    path: PathBuf,
    key: SealKey,
    /// Whether anything was sealed with this key, so that it is worth changing.
    used: bool,
}

impl Sealer {
    /// Reads the key, or makes one where there is none.
    pub(super) fn open(files: Arc<dyn Filesystem>, path: &Path) -> Result<Self, SpoolError> {
        let Some(bytes) = files.read(path)? else {
            return Self::create(files, path);
        };
        let key = SealKey::of(&bytes);
        Ok(Self {
            files,
            path: path.to_owned(),
            key: key.ok_or_else(|| SpoolError::Damaged("its key is not 32 bytes".into()))?,
            used: true,
        })
    }

    /// Changes the key, if the old one was used. To be called only when nothing is kept that it sealed.
    pub(super) fn change(&mut self) -> Result<(), SpoolError> {
        if self.used {
            *self = Self::create(Arc::clone(&self.files), &self.path)?;
        }
        Ok(())
    }

    pub(super) fn nonce(&self) -> Result<NonceBytes, SpoolError> {
        Ok(SealKey::nonce()?)
    }

    pub(super) fn seal(
        &mut self,
        nonce: NonceBytes,
        associated: &[&[u8]],
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, SpoolError> {
        let sealed = self.key.seal(nonce, associated, bytes);
        self.used = true;
        sealed.ok_or_else(|| SpoolError::Damaged("a record cannot be sealed".into()))
    }

    /// The record, or none if it was not sealed with this key or was changed since.
    pub(super) fn open_record(
        &self,
        nonce: NonceBytes,
        associated: &[&[u8]],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        self.key.open(nonce, associated, sealed)
    }

    pub(super) fn tag(&self, account: Option<&Account>) -> u64 {
        self.key.tag(account)
    }

    fn create(files: Arc<dyn Filesystem>, path: &Path) -> Result<Self, SpoolError> {
        Ok(Self {
            key: SealKey::create(&*files, path)?,
            files,
            path: path.to_owned(),
            used: false,
        })
    }
}
