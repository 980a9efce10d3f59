//! One-time links by which a person sets a password and receives the reader keys of a duty.
//!
//! The address is `/join/<id>.<secret>`; only a hash of the secret is stored. The keys travel in the link's row,
//! sealed with ChaCha20-Poly1305 under HKDF-SHA256 of the secret: the row alone opens nothing.

use super::vault::{decode_keys, encode_keys};
use crate::concerns::model::{Duty, ReaderGroup};
use crate::seal::groups::GroupPrivateKey;
use crate::store::Write;
use crate::store::access::grant_duty;
use crate::store::audit;
use crate::store::invitations::{self as rows, NewInvitation};
use data_encoding::HEXLOWER;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const SECRET: usize = 32;
const DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Reader keys with their groups.
pub type WrappedKeys = Vec<(ReaderGroup, GroupPrivateKey)>;

/// A link as it is handed to its person. Shown once.
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

    /// Whether the secret is the one whose hash was stored.
    #[must_use]
    pub fn fits(&self, secret_hash: &[u8]) -> bool {
        self.derive(b"pastoral invitation check v1")
            .is_some_and(|hash| hash.ct_eq(secret_hash).into())
    }

    fn derive(&self, purpose: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let secret = Zeroizing::new(HEXLOWER.decode(self.secret.as_bytes()).ok()?);
        let mut out = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, self.invitation_id.as_bytes())
            .extract(&secret)
            .expand(&[purpose], HKDF_SHA256)
            .ok()?
            .fill(out.as_mut_slice())
            .ok()?;
        Some(out)
    }

    fn key(&self) -> Option<LessSafeKey> {
        let key = self.derive(b"pastoral invitation keys v1")?;
        UnboundKey::new(&CHACHA20_POLY1305, key.as_slice())
            .ok()
            .map(LessSafeKey::new)
    }
}

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// The store.
    #[error("the invitation could not be stored")]
    Store(#[from] sqlx::Error),
    /// Randomness or sealing.
    #[error("the link could not be made; try again")]
    NoLink,
}

/// Makes a one-time link for a person and a duty. Without `needs_agreement` the duty is theirs from now on, so that
/// routing counts with them; otherwise once a second person agrees ([`agree`]).
///
/// # Errors
/// When the database cannot be written or the system has no randomness.
#[expect(
    clippy::too_many_arguments,
    reason = "the whole of a grant: who, what, with which keys, by whom, when"
)]
pub async fn invite(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    duty: Duty,
    keys: &[(ReaderGroup, GroupPrivateKey)],
    by: &str,
    needs_agreement: bool,
    now_ms: i64,
) -> Result<Link, InvitationError> {
    let link = new_link().ok_or(InvitationError::NoLink)?;
    let secret_hash = link
        .derive(b"pastoral invitation check v1")
        .ok_or(InvitationError::NoLink)?;
    let invitation = NewInvitation {
        school_id,
        invitation_id: &link.invitation_id,
        person_id,
        duty,
        secret_hash: secret_hash.as_slice(),
        wrapped_keys: wrap(&link, keys).ok_or(InvitationError::NoLink)?,
        created_by: by,
        created_at: now_ms,
        needs_agreement,
        expires_at: now_ms + DAYS * DAY_MS,
    };
    rows::insert_invitation(tx, &invitation).await?;
    let entry = audit::Entry {
        school_id,
        actor: by,
        action: "invited",
        concern_id: None,
        detail: json!({"person": person_id, "duty": duty.code(), "agreement_needed": needs_agreement}),
    };
    audit::append(tx, now_ms, &entry).await?;
    if !needs_agreement {
        grant_duty(tx, school_id, person_id, duty, by, None, now_ms).await?;
    }
    Ok(link)
}

/// A second person agrees: the duty begins, and the link can be used.
/// The caller has checked that `agreed_by` is neither the proposer nor the person who receives the duty.
///
/// # Errors
/// When the database cannot be written.
pub async fn agree(
    tx: &mut Write,
    school_id: &str,
    invitation: &rows::Invitation,
    agreed_by: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    rows::agree_invitation(tx, school_id, &invitation.invitation_id, agreed_by, now_ms).await?;
    let by = &invitation.created_by;
    grant_duty(
        tx,
        school_id,
        &invitation.person_id,
        invitation.duty,
        by,
        Some(agreed_by),
        now_ms,
    )
    .await?;
    let entry = audit::Entry {
        school_id,
        actor: agreed_by,
        action: "grant-agreed",
        concern_id: None,
        detail: json!({"person": invitation.person_id, "duty": invitation.duty.code(), "proposed_by": by}),
    };
    audit::append(tx, now_ms, &entry).await
}

/// The keys a link carries; none when the link does not open them.
#[must_use]
pub fn unwrap_keys(link: &Link, wrapped: &[u8]) -> Option<WrappedKeys> {
    let (nonce, content) = wrapped.split_first_chunk::<NONCE_LEN>()?;
    let mut content = Zeroizing::new(content.to_vec());
    let bound = Aad::from(link.invitation_id.as_bytes());
    let opened = link
        .key()?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            bound,
            content.as_mut_slice(),
        )
        .ok()?;
    decode_keys(opened)
}

fn wrap(link: &Link, keys: &[(ReaderGroup, GroupPrivateKey)]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).ok()?;
    let mut content = encode_keys(keys);
    let bound = Aad::from(link.invitation_id.as_bytes());
    let tag = link
        .key()?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), bound, content.as_mut_slice())
        .ok()?;
    Some([&nonce[..], content.as_slice(), tag.as_ref()].concat())
}

fn new_link() -> Option<Link> {
    let random = SystemRandom::new();
    let (mut id, mut secret) = ([0; 16], Zeroizing::new([0; SECRET]));
    random.fill(&mut id).ok()?;
    random.fill(secret.as_mut_slice()).ok()?;
    Some(Link {
        invitation_id: HEXLOWER.encode(&id),
        secret: Zeroizing::new(HEXLOWER.encode(secret.as_slice())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_link_opens_the_keys_of_an_invitation() {
        let (private, _) = GroupPrivateKey::generate();
        let link = new_link().unwrap();
        let wrapped = wrap(&link, &[(ReaderGroup::Head, private.clone())]).unwrap();
        let read = Link::parse(link.path().strip_prefix("/join/").unwrap()).unwrap();
        let keys = unwrap_keys(&read, &wrapped).unwrap();
        assert_eq!(keys[0].0, ReaderGroup::Head);
        assert_eq!(*keys[0].1.to_bytes(), *private.to_bytes());
        let other = Link {
            invitation_id: link.invitation_id.clone(),
            ..new_link().unwrap()
        };
        assert!(unwrap_keys(&other, &wrapped).is_none());
        let hash = link.derive(b"pastoral invitation check v1").unwrap();
        assert!(read.fits(hash.as_slice()) && !other.fits(hash.as_slice()));
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
