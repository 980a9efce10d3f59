//! One-time links by which a person sets up how they sign in, and receives reader keys.
//!
//! The address is `/join/<id>.<secret>`; it is mailed to the person alone. It opens with a code that they are told by
//! voice ([`VoiceCode`]), since whoever runs the mail can read the link. The store has hashes of both. Reader keys travel
//! in the link's row, sealed with ChaCha20-Poly1305 under HKDF-SHA256 of the secret and the stretched code: neither the
//! row, nor the row with the link, opens anything.

use super::vault::{decode_keys, encode_keys};
use super::voice::VoiceCode;
use crate::concerns::model::ReaderGroup;
use crate::seal::groups::GroupPrivateKey;
use data_encoding::HEXLOWER;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const SECRET: usize = 32;
const LINK: &[u8] = b"pastoral link v2";
const CODE: &[u8] = b"pastoral link and code v2";
const KEYS: &[u8] = b"pastoral link keys v2";

/// Reader keys with their groups.
pub type ReaderKeys = Vec<(ReaderGroup, GroupPrivateKey)>;

/// A link as it is mailed to its person.
pub struct Link {
    invitation_id: String,
    secret: Zeroizing<String>,
}

impl Link {
    /// Reads the part of an address behind `/join/`; none when it has not the form of a link.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.split_once('.')?;
        let hex = |part: &str, bytes: usize| {
            part.len() == 2 * bytes && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        (hex(id, 16) && hex(secret, SECRET)).then(|| Self {
            invitation_id: id.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// A link whose secret was held back until now.
    #[must_use]
    pub fn held(invitation_id: &str, secret: &str) -> Option<Self> {
        Self::parse(&format!("{invitation_id}.{secret}"))
    }

    /// The address, below the console's own.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/join/{}.{}", self.invitation_id, *self.secret)
    }

    /// The invitation's id: no secret.
    #[must_use]
    pub fn invitation_id(&self) -> &str {
        &self.invitation_id
    }

    /// The secret, for an invitation that holds it back.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether the secret is the one whose hash was stored.
    #[must_use]
    pub fn fits(&self, link_hash: &[u8]) -> bool {
        self.derive(None, LINK)
            .is_some_and(|hash| hash.ct_eq(link_hash).into())
    }

    /// With the code that was told. Takes long, on purpose; none when the system has no memory for it.
    #[must_use]
    pub fn with(self, code: &VoiceCode) -> Option<Opened> {
        let code = code.stretched(self.invitation_id.as_bytes())?;
        Some(Opened { link: self, code })
    }

    fn derive(&self, code: Option<&[u8; 32]>, purpose: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let mut secret = Zeroizing::new(HEXLOWER.decode(self.secret.as_bytes()).ok()?);
        secret.extend_from_slice(code.map_or(&[], |code| code));
        let mut out = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, self.invitation_id.as_bytes())
            .extract(&secret)
            .expand(&[purpose], HKDF_SHA256)
            .ok()?
            .fill(out.as_mut_slice())
            .ok()?;
        Some(out)
    }
}

/// A link together with the code.
pub struct Opened {
    link: Link,
    code: Zeroizing<[u8; 32]>,
}

impl Opened {
    /// Whether the code is the one that belongs to the link.
    #[must_use]
    pub fn fits(&self, code_hash: &[u8]) -> bool {
        self.link
            .derive(Some(&self.code), CODE)
            .is_some_and(|hash| hash.ct_eq(code_hash).into())
    }

    /// The keys that the link carries; none when it does not open them.
    #[must_use]
    pub fn unwrap_keys(&self, wrapped: &[u8]) -> Option<ReaderKeys> {
        let (nonce, content) = wrapped.split_first_chunk::<NONCE_LEN>()?;
        let mut content = Zeroizing::new(content.to_vec());
        let bound = Aad::from(self.link.invitation_id.as_bytes());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key()?.open_in_place(nonce, bound, content.as_mut_slice());
        decode_keys(opened.ok()?)
    }

    fn wrap(&self, keys: &[(ReaderGroup, GroupPrivateKey)]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).ok()?;
        let mut content = encode_keys(keys);
        let bound = Aad::from(self.link.invitation_id.as_bytes());
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key()?
            .seal_in_place_separate_tag(unique, bound, content.as_mut_slice());
        Some([&nonce[..], content.as_slice(), tag.ok()?.as_ref()].concat())
    }

    fn key(&self) -> Option<LessSafeKey> {
        let key = self.link.derive(Some(&self.code), KEYS)?;
        UnboundKey::new(&CHACHA20_POLY1305, key.as_slice())
            .ok()
            .map(LessSafeKey::new)
    }
}

/// A link that was just made, with its code.
pub struct NewLink {
    /// To be mailed to the person alone.
    pub link: Link,
    /// To be shown once, to whoever tells it.
    pub code: VoiceCode,
    /// What the store knows the link by.
    pub link_hash: Vec<u8>,
    /// What the store knows link and code by.
    pub code_hash: Vec<u8>,
    /// The keys it carries.
    pub wrapped_keys: Vec<u8>,
}

impl NewLink {
    /// A new link that carries these keys. Takes long, on purpose; none when the system gives no randomness or memory.
    #[must_use]
    pub fn make(keys: &[(ReaderGroup, GroupPrivateKey)]) -> Option<Self> {
        let random = SystemRandom::new();
        let (mut id, mut secret) = ([0; 16], Zeroizing::new([0; SECRET]));
        random.fill(&mut id).ok()?;
        random.fill(secret.as_mut_slice()).ok()?;
        let link = Link {
            invitation_id: HEXLOWER.encode(&id),
            secret: Zeroizing::new(HEXLOWER.encode(secret.as_slice())),
        };
        let link_hash = link.derive(None, LINK)?.to_vec();
        let code = VoiceCode::generate()?;
        let opened = link.with(&code)?;
        Some(Self {
            code_hash: opened.link.derive(Some(&opened.code), CODE)?.to_vec(),
            wrapped_keys: opened.wrap(keys)?,
            link: opened.link,
            link_hash,
            code,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(link: &Link) -> Link {
        Link::parse(link.path().strip_prefix("/join/").unwrap()).unwrap()
    }

    #[test]
    fn keys_in_a_link_open_with_link_and_code_and_with_neither_alone() {
        let (private, _) = GroupPrivateKey::generate();
        let keys = [(ReaderGroup::Head, private.clone())];
        let (made, other) = (NewLink::make(&keys).unwrap(), NewLink::make(&[]).unwrap());
        assert!(read(&made.link).fits(&made.link_hash) && !other.link.fits(&made.link_hash));
        let opened = read(&made.link).with(&made.code).unwrap();
        assert!(opened.fits(&made.code_hash));
        let found = opened.unwrap_keys(&made.wrapped_keys).unwrap();
        assert_eq!(found[0].0, ReaderGroup::Head);
        assert_eq!(*found[0].1.to_bytes(), *private.to_bytes());
        let without_code = read(&made.link).with(&other.code).unwrap();
        let without_link = Link {
            invitation_id: made.link.invitation_id.clone(),
            ..other.link
        };
        let without_link = without_link.with(&made.code).unwrap();
        for wrong in [without_code, without_link] {
            assert!(!wrong.fits(&made.code_hash) && wrong.unwrap_keys(&made.wrapped_keys).is_none());
        }
    }

    #[test]
    fn what_has_not_the_form_of_a_link_is_none() {
        for text in [
            "",
            ".",
            "abc.def",
            "../../etc",
            &format!("{}.{}", "A".repeat(32), "a".repeat(64)),
        ] {
            assert!(Link::parse(text).is_none(), "{text}");
        }
    }
}
