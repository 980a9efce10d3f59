//! One key pair for each reader group and each person who can sign in, by HPKE (RFC 9180: X25519, HKDF-SHA256, ChaCha20-Poly1305) in base mode.
//!
//! A sealed message is the encapsulated key (32 bytes) and the ciphertext. `purpose` is bound to it, so that
//! what was sealed for one place cannot be moved to another.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

type KemPublic = <X25519HkdfSha256 as Kem>::PublicKey;
type KemPrivate = <X25519HkdfSha256 as Kem>::PrivateKey;
type KemEncapped = <X25519HkdfSha256 as Kem>::EncappedKey;

const ENCAPPED: usize = 32;
const INFO: &[u8] = b"pastoral reader group v1";

/// Why something could not be sealed or opened. Says nothing of what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The bytes are no key of ours.
    #[error("this is not a reader key; check that the whole of it was copied")]
    NotAKey,
    /// The key does not fit, the purpose is another, or the bytes were changed.
    #[error("this cannot be opened with the key at hand")]
    CannotOpen,
    /// The system gave no randomness, or the message is too long.
    #[error("sealing failed; nothing was stored")]
    CannotSeal,
}

/// Seals for a reader group.
#[derive(Clone, PartialEq, Eq)]
pub struct GroupPublicKey(KemPublic);

/// Opens for a reader group. Exists only in a signed-in reader's session and on a printed recovery sheet.
#[derive(Clone)]
pub struct GroupPrivateKey(KemPrivate);

impl GroupPrivateKey {
    /// A new pair.
    #[must_use]
    pub fn generate() -> (Self, GroupPublicKey) {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        (Self(private), GroupPublicKey(public))
    }

    /// The key itself, to be wrapped or printed.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key that belongs to it.
    #[must_use]
    pub fn public(&self) -> GroupPublicKey {
        GroupPublicKey(X25519HkdfSha256::sk_to_pk(&self.0))
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`SealError::NotAKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        KemPrivate::from_bytes(bytes)
            .map(Self)
            .map_err(|_| SealError::NotAKey)
    }

    /// Opens what was sealed for this group and purpose.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`].
    pub fn open(&self, sealed: &[u8], purpose: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (encapped, ciphertext) = sealed.split_at_checked(ENCAPPED).ok_or(SealError::CannotOpen)?;
        let encapped = KemEncapped::from_bytes(encapped).map_err(|_| SealError::CannotOpen)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapped,
            INFO,
            ciphertext,
            purpose,
        )
        .map(Zeroizing::new)
        .map_err(|_| SealError::CannotOpen)
    }
}

impl GroupPublicKey {
    /// The key, for the store.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`SealError::NotAKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        KemPublic::from_bytes(bytes)
            .map(Self)
            .map_err(|_| SealError::NotAKey)
    }

    /// Seals for this group and purpose.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(&self, content: &[u8], purpose: &[u8]) -> Result<Vec<u8>, SealError> {
        let (encapped, ciphertext) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &self.0,
                INFO,
                content,
                purpose,
            )
            .map_err(|_| SealError::CannotSeal)?;
        let mut sealed = encapped.to_bytes().to_vec();
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_group_s_own_key_opens_and_only_for_the_purpose() {
        let (private, public) = GroupPrivateKey::generate();
        let (other, _) = GroupPrivateKey::generate();
        let sealed = public.seal(b"words", b"data key 1").unwrap();
        assert_eq!(private.open(&sealed, b"data key 1").unwrap().as_slice(), b"words");
        assert_eq!(private.open(&sealed, b"data key 2"), Err(SealError::CannotOpen));
        assert_eq!(other.open(&sealed, b"data key 1"), Err(SealError::CannotOpen));
        assert_eq!(
            private.open(&sealed[..40], b"data key 1"),
            Err(SealError::CannotOpen)
        );
    }

    #[test]
    fn a_key_reads_back_as_itself() {
        let (private, public) = GroupPrivateKey::generate();
        let sealed = GroupPublicKey::from_bytes(&public.to_bytes())
            .unwrap()
            .seal(b"words", b"p")
            .unwrap();
        let again = GroupPrivateKey::from_bytes(private.to_bytes().as_slice()).unwrap();
        assert_eq!(again.open(&sealed, b"p").unwrap().as_slice(), b"words");
        assert_eq!(again.public().to_bytes(), public.to_bytes());
        assert!(GroupPrivateKey::from_bytes(&[0; 5]).is_err());
    }
}
