//! A person's vault: the second factor's secret, the person's own private key and the reader keys, sealed with a key
//! from the password.
//!
//! Opening it is the password check: there is no other hash of the password to compare with or to steal.
//! Key: argon2id (19 MiB, 2 rounds, 1 lane) over password and salt. Sealed form: nonce (12 bytes), then
//! ChaCha20-Poly1305 over `version 2 ‖ length and bytes of the TOTP secret ‖ own private key ‖ (group, 32-byte private
//! key)…`, bound to school and person. Version 1 had no own key; it is still opened.

use crate::concerns::model::ReaderGroup;
use crate::seal::groups::GroupPrivateKey;
use crate::store::access::SealedVault;
use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

const WITHOUT_OWN: u8 = 1;
const VERSION: u8 = 2;
const SALT: usize = 16;
const KEY: usize = 32;

/// Whose vault it is.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The school.
    pub school_id: &'a str,
    /// The person.
    pub person_id: &'a str,
}

/// What an opened vault holds.
pub struct Vault {
    /// The secret that the phone's app shares.
    pub totp_secret: Zeroizing<Vec<u8>>,
    /// The person's own private key, to which others seal what they give them; none in a vault of before.
    pub own: Option<GroupPrivateKey>,
    /// The private keys of the groups this person reads for.
    pub keys: Vec<(ReaderGroup, GroupPrivateKey)>,
}

/// Why a vault could not be sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The password is another, or the bytes were changed.
    #[error("the password does not open this vault")]
    WrongPassword,
    /// No randomness or no memory.
    #[error("the vault could not be made; try again")]
    CannotSeal,
}

impl Vault {
    /// Seals the vault with a password.
    ///
    /// # Errors
    /// [`VaultError::CannotSeal`].
    pub fn seal(&self, password: &str, owner: Owner<'_>) -> Result<SealedVault, VaultError> {
        let random = SystemRandom::new();
        let (mut salt, mut nonce) = (vec![0; SALT], [0; NONCE_LEN]);
        random.fill(&mut salt).map_err(|_| VaultError::CannotSeal)?;
        random.fill(&mut nonce).map_err(|_| VaultError::CannotSeal)?;
        let key = key(password, &salt).ok_or(VaultError::CannotSeal)?;
        let mut bytes = nonce.to_vec();
        let mut content = self.encode();
        let tag = key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to(owner)),
                &mut content,
            )
            .map_err(|_| VaultError::CannotSeal)?;
        bytes.extend_from_slice(&content);
        bytes.extend_from_slice(tag.as_ref());
        Ok(SealedVault { salt, bytes })
    }

    /// Opens a vault: the check of the password.
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`].
    pub fn open(password: &str, owner: Owner<'_>, sealed: &SealedVault) -> Result<Self, VaultError> {
        let key = key(password, &sealed.salt).ok_or(VaultError::WrongPassword)?;
        let (nonce, content) = sealed
            .bytes
            .split_first_chunk::<NONCE_LEN>()
            .ok_or(VaultError::WrongPassword)?;
        let mut content = Zeroizing::new(content.to_vec());
        let opened = key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(bound_to(owner)),
                content.as_mut_slice(),
            )
            .map_err(|_| VaultError::WrongPassword)?;
        Self::decode(opened).ok_or(VaultError::WrongPassword)
    }

    /// Costs what opening a vault costs, for a person who is not there: the answer takes as long.
    pub fn open_nothing(password: &str) {
        let _same_work = key(password, &[0; SALT]);
    }

    /// The groups whose keys it has.
    pub fn groups(&self) -> Vec<ReaderGroup> {
        self.keys.iter().map(|(group, _)| *group).collect()
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        // The secret is made by this program and is 20 bytes long.
        let secret_length = u8::try_from(self.totp_secret.len()).unwrap_or(u8::MAX);
        let size = 2 + self.totp_secret.len() + KEY + self.keys.len() * (1 + KEY);
        let mut content = Zeroizing::new(Vec::with_capacity(size));
        let version = if self.own.is_some() { VERSION } else { WITHOUT_OWN };
        content.extend_from_slice(&[version, secret_length]);
        content.extend_from_slice(&self.totp_secret);
        if let Some(own) = &self.own {
            content.extend_from_slice(own.to_bytes().as_slice());
        }
        content.extend_from_slice(&encode_keys(&self.keys));
        content
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let (&[version, secret_length], rest) = content.split_first_chunk::<2>()?;
        let (secret, rest) = rest.split_at_checked(secret_length.into())?;
        let (own, keys) = match version {
            WITHOUT_OWN => (None, rest),
            VERSION => {
                let (own, keys) = rest.split_at_checked(KEY)?;
                (Some(GroupPrivateKey::from_bytes(own).ok()?), keys)
            }
            _ => return None,
        };
        Some(Self {
            totp_secret: Zeroizing::new(secret.to_vec()),
            own,
            keys: decode_keys(keys)?,
        })
    }
}

/// Keys as bytes: for each, the group's place in [`ReaderGroup::ALL`] and the 32 bytes of the key.
pub(super) fn encode_keys(keys: &[(ReaderGroup, GroupPrivateKey)]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(keys.len() * (1 + KEY)));
    for (group, private) in keys {
        bytes.push(*group as u8);
        bytes.extend_from_slice(private.to_bytes().as_slice());
    }
    bytes
}

/// Reads what [`encode_keys`] wrote.
pub(super) fn decode_keys(bytes: &[u8]) -> Option<Vec<(ReaderGroup, GroupPrivateKey)>> {
    let (whole, rest) = bytes.as_chunks::<{ 1 + KEY }>();
    if !rest.is_empty() {
        return None;
    }
    let decode = |chunk: &[u8; 1 + KEY]| {
        let group = ReaderGroup::ALL
            .into_iter()
            .find(|group| *group as u8 == chunk[0])?;
        Some((group, GroupPrivateKey::from_bytes(&chunk[1..]).ok()?))
    };
    whole.iter().map(decode).collect()
}

/// Stretches a password or a spoken code: each guess costs 19 MiB and two rounds.
pub(super) fn stretch(password: &str, salt: &[u8]) -> Option<Zeroizing<[u8; KEY]>> {
    let params = Params::new(19 * 1024, 2, 1, Some(KEY)).ok()?;
    let mut key = Zeroizing::new([0; KEY]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, key.as_mut_slice())
        .ok()?;
    Some(key)
}

fn key(password: &str, salt: &[u8]) -> Option<LessSafeKey> {
    let key = stretch(password, salt)?;
    UnboundKey::new(&CHACHA20_POLY1305, key.as_slice())
        .ok()
        .map(LessSafeKey::new)
}

fn bound_to(owner: Owner<'_>) -> Vec<u8> {
    [
        b"pastoral vault v1\0",
        owner.school_id.as_bytes(),
        b"\0",
        owner.person_id.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROBIN: Owner<'static> = Owner {
        school_id: "school",
        person_id: "robin",
    };

    fn vault() -> Vault {
        let (staff, _) = GroupPrivateKey::generate();
        let (own, _) = GroupPrivateKey::generate();
        Vault {
            totp_secret: Zeroizing::new(vec![7; 20]),
            own: Some(own),
            keys: vec![(ReaderGroup::Staff, staff)],
        }
    }

    #[test]
    fn a_vault_of_before_own_keys_still_opens() {
        let before = Vault { own: None, ..vault() };
        let sealed = before.seal("correct horse battery", ROBIN).unwrap();
        let opened = Vault::open("correct horse battery", ROBIN, &sealed).unwrap();
        assert!(opened.own.is_none() && opened.keys[0].0 == ReaderGroup::Staff);
    }

    #[test]
    fn only_the_password_of_its_owner_opens_a_vault() {
        let made = vault();
        let sealed = made.seal("correct horse battery", ROBIN).unwrap();
        let opened = Vault::open("correct horse battery", ROBIN, &sealed).unwrap();
        assert_eq!(*opened.totp_secret, vec![7; 20]);
        assert_eq!(
            *opened.own.unwrap().to_bytes(),
            *made.own.as_ref().unwrap().to_bytes()
        );
        assert_eq!(opened.keys[0].0, ReaderGroup::Staff);
        assert_eq!(*opened.keys[0].1.to_bytes(), *made.keys[0].1.to_bytes());
        let wrong = |password, owner| Vault::open(password, owner, &sealed).err();
        assert_eq!(
            wrong("correct horse batterz", ROBIN),
            Some(VaultError::WrongPassword)
        );
        let other = Owner {
            person_id: "sam",
            ..ROBIN
        };
        assert_eq!(
            wrong("correct horse battery", other),
            Some(VaultError::WrongPassword)
        );
    }

    #[test]
    fn a_damaged_vault_opens_for_nobody() {
        let mut sealed = vault().seal("correct horse battery", ROBIN).unwrap();
        sealed.bytes[20] ^= 1;
        assert!(Vault::open("correct horse battery", ROBIN, &sealed).is_err());
        sealed.bytes.truncate(4);
        assert!(Vault::open("correct horse battery", ROBIN, &sealed).is_err());
    }
}
