//! Sealing what this device keeps, with a key that lies in a file beside it.

use crate::files::{self, Filesystem};
use pastoral_proto::Account;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::io;
use std::path::Path;

const KEY_LENGTH: usize = 32;

/// Drawn for each sealing.
pub(crate) type NonceBytes = [u8; NONCE_LEN];

/// A key as it lies in its file.
pub(crate) struct SealKey {
    key: LessSafeKey,
    tags: hmac::Key,
}

impl SealKey {
    /// The key of a file's bytes; none if they are no key.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).ok()?;
        Some(Self {
            key: LessSafeKey::new(key),
            tags: hmac::Key::new(hmac::HMAC_SHA256, bytes),
        })
    }

    /// A new key, which is on the disk when this returns.
    pub(crate) fn create(files: &dyn Filesystem, path: &Path) -> io::Result<Self> {
        let mut bytes = [0; KEY_LENGTH];
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| no_randomness())?;
        files::replace(files, path, &bytes)?;
        Self::of(&bytes).ok_or_else(no_randomness)
    }

    /// To be used once.
    pub(crate) fn nonce() -> io::Result<NonceBytes> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| no_randomness())?;
        Ok(nonce)
    }

    /// The bytes, sealed together with what they are associated with; none if they are too long to be sealed.
    pub(crate) fn seal(
        &self,
        nonce: NonceBytes,
        associated: &[&[u8]],
        mut bytes: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(associated.concat()), &mut bytes)
            .ok()?;
        Some(bytes)
    }

    /// What was sealed; none if it was not sealed with this key, or was changed since.
    pub(crate) fn open(&self, nonce: NonceBytes, associated: &[&[u8]], sealed: &[u8]) -> Option<Vec<u8>> {
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

    /// Says which things are of one account, and to nobody without the key which account that is. 0 is no account.
    pub(crate) fn tag(&self, account: Option<&Account>) -> u64 {
        let Some(account) = account else { return 0 };
        let mut context = hmac::Context::with_key(&self.tags);
        context.update(account.authority.as_bytes());
        context.update(&[0]);
        context.update(account.stable_id.as_bytes());
        let mut tag = [0; 8];
        tag.copy_from_slice(&context.sign().as_ref()[..8]);
        u64::from_be_bytes(tag).max(1)
    }
}

fn no_randomness() -> io::Error {
    io::Error::other("the system gives no random numbers")
}
