//! The spool's key, and the sealing of records with it.

use super::SpoolError;
use crate::platform::{read_state_file, write_state_file};
use pastoral_proto::Account;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::path::{Path, PathBuf};

const KEY_LENGTH: usize = 32;

/// The key in force, and where it is kept.
pub(super) struct Sealer {
    path: PathBuf,
    key: LessSafeKey,
    tags: hmac::Key,
    random: SystemRandom,
    /// Whether anything was sealed with this key, so that it is worth changing.
    used: bool,
}

impl Sealer {
    /// Reads the key, or makes one where there is none.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let random = SystemRandom::new();
        match read_state_file(path)? {
            Some(bytes) => {
                let (key, tags) = keys(&bytes)?;
                Ok(Self {
                    path: path.to_owned(),
                    key,
                    tags,
                    random,
                    used: true,
                })
            }
            None => Self::create(path, random),
        }
    }

    /// Changes the key, if the old one was used. To be called only when nothing is kept that it sealed.
    pub(super) fn change(&mut self) -> Result<(), SpoolError> {
        if self.used {
            *self = Self::create(&self.path.clone(), self.random.clone())?;
        }
        Ok(())
    }

    pub(super) fn nonce(&self) -> Result<[u8; NONCE_LEN], SpoolError> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| no_randomness())?;
        Ok(nonce)
    }

    pub(super) fn seal(
        &mut self,
        nonce: [u8; NONCE_LEN],
        associated: &[&[u8]],
        mut bytes: Vec<u8>,
    ) -> Result<Vec<u8>, SpoolError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(associated.concat()), &mut bytes)
            .map_err(|_| SpoolError::Damaged("a record cannot be sealed".into()))?;
        self.used = true;
        Ok(bytes)
    }

    /// The record, or none if it was not sealed with this key or was changed since.
    pub(super) fn open_record(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[&[u8]],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let mut bytes = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = self
            .key
            .open_in_place(nonce, Aad::from(associated.concat()), &mut bytes)
            .ok()?
            .len();
        bytes.truncate(length);
        Some(bytes)
    }

    /// Says which records are of one account, and to nobody without the key which account that is. 0 is no account.
    pub(super) fn tag(&self, account: Option<&Account>) -> u64 {
        let Some(account) = account else { return 0 };
        let mut context = hmac::Context::with_key(&self.tags);
        context.update(account.authority.as_bytes());
        context.update(&[0]);
        context.update(account.stable_id.as_bytes());
        let mut tag = [0; 8];
        tag.copy_from_slice(&context.sign().as_ref()[..8]);
        u64::from_be_bytes(tag).max(1)
    }

    fn create(path: &Path, random: SystemRandom) -> Result<Self, SpoolError> {
        let mut bytes = [0; KEY_LENGTH];
        random.fill(&mut bytes).map_err(|_| no_randomness())?;
        write_state_file(path, &bytes).map_err(super::disk::from_io)?;
        let (key, tags) = keys(&bytes)?;
        Ok(Self {
            path: path.to_owned(),
            key,
            tags,
            random,
            used: false,
        })
    }
}

fn keys(bytes: &[u8]) -> Result<(LessSafeKey, hmac::Key), SpoolError> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, bytes)
        .map_err(|_| SpoolError::Damaged("its key is not 32 bytes".into()))?;
    Ok((LessSafeKey::new(key), hmac::Key::new(hmac::HMAC_SHA256, bytes)))
}

fn no_randomness() -> SpoolError {
    SpoolError::Io(std::io::Error::other("the system gives no random numbers"))
}
