//! What is sealed with a key of our own: a nonce (12 bytes) and the ciphertext (ChaCha20-Poly1305), with what it belongs to
//! as associated data, so that it cannot be moved elsewhere.

use super::SealError;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// A key of 32 bytes.
pub(super) fn key_from(bytes: &[u8]) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&CHACHA20_POLY1305, bytes)
        .map(LessSafeKey::new)
        .map_err(|_| SealError::CannotOpen)
}

pub(super) fn seal(key: &LessSafeKey, belongs_to: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
    let mut sealed = Vec::with_capacity(NONCE_LEN + plaintext.len() + CHACHA20_POLY1305.tag_len());
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new()
        .fill(&mut nonce)
        .map_err(|_| SealError::CannotSeal)?;
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(belongs_to), &mut sealed[NONCE_LEN..]);
    sealed.extend_from_slice(tag.map_err(|_| SealError::CannotSeal)?.as_ref());
    Ok(sealed)
}

pub(super) fn open(
    key: &LessSafeKey,
    belongs_to: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError::CannotOpen)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::CannotOpen)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(belongs_to), &mut plaintext)
        .map_err(|_| SealError::CannotOpen)?
        .len();
    plaintext.truncate(length);
    Ok(plaintext)
}
