//! Each person's own key pair: others seal reader keys to it, which the person takes into their vault at their next
//! sign-in. The private key is in the vault alone.

use super::invitation::ReaderKeys;
use crate::concerns::model::ReaderGroup;
use crate::seal::{GroupPrivateKey, GroupPublicKey, SealError};
use crate::store::proposals::Carried;
use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

/// What people compare by voice, to be sure whose key it is: 80 bits of its hash, in four groups of four letters.
#[must_use]
pub fn fingerprint(public: &[u8]) -> String {
    let letters = BASE32_NOPAD.encode(&digest(&SHA256, public).as_ref()[..10]);
    let groups = letters.as_bytes().chunks(4).map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(" ")
}

/// Seals a reader group's key to a person.
///
/// # Errors
/// [`SealError`].
pub fn seal_to(
    person: &GroupPublicKey,
    (school_id, person_id): (&str, &str),
    group: ReaderGroup,
    key: &GroupPrivateKey,
) -> Result<Vec<u8>, SealError> {
    person.seal(
        key.to_bytes().as_slice(),
        &purpose("key", school_id, person_id, group.code()),
    )
}

/// Opens a reader group's key that was sealed to a person. INVARIANT 10: what is not the school's own key of that group
/// is none, whoever wrote it into the store.
#[must_use]
pub fn open_from(
    own: &GroupPrivateKey,
    (school_id, person_id): (&str, &str),
    group: ReaderGroup,
    sealed: &[u8],
    of_school: &GroupPublicKey,
) -> Option<GroupPrivateKey> {
    let purpose = purpose("key", school_id, person_id, group.code());
    let key = GroupPrivateKey::from_bytes(&own.open(sealed, &purpose).ok()?).ok()?;
    (key.public().to_bytes() == of_school.to_bytes()).then_some(key)
}

impl Carried {
    /// Seals keys for those who may agree to a proposal.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(
        (school_id, proposal_id): (&str, &str),
        keys: &[(ReaderGroup, GroupPrivateKey)],
        seconds: &[(String, GroupPublicKey)],
    ) -> Result<Self, SealError> {
        let (private, public) = GroupPrivateKey::generate();
        let mut carried = Self::default();
        for (group, key) in keys {
            let purpose = purpose("carried", school_id, proposal_id, group.code());
            let sealed = public.seal(key.to_bytes().as_slice(), &purpose)?;
            carried.keys.push((*group, sealed));
        }
        for (person_id, second) in seconds {
            let purpose = purpose("carrier", school_id, proposal_id, person_id);
            let sealed = second.seal(private.to_bytes().as_slice(), &purpose)?;
            carried.shares.push((person_id.clone(), sealed));
        }
        Ok(carried)
    }

    /// The keys, for somebody who may agree; those that do not open stay out.
    #[must_use]
    pub fn open(
        &self,
        (school_id, proposal_id): (&str, &str),
        person_id: &str,
        own: &GroupPrivateKey,
    ) -> ReaderKeys {
        let share = self.shares.iter().find(|(person, _)| person == person_id);
        let carrier = share.and_then(|(_, sealed)| {
            let purpose = purpose("carrier", school_id, proposal_id, person_id);
            let bytes: Zeroizing<Vec<u8>> = own.open(sealed, &purpose).ok()?;
            GroupPrivateKey::from_bytes(&bytes).ok()
        });
        let Some(carrier) = carrier else {
            return Vec::new();
        };
        let open = |(group, sealed): &(ReaderGroup, Vec<u8>)| {
            let purpose = purpose("carried", school_id, proposal_id, group.code());
            let key = GroupPrivateKey::from_bytes(&carrier.open(sealed, &purpose).ok()?).ok()?;
            Some((*group, key))
        };
        self.keys.iter().filter_map(open).collect()
    }
}

fn purpose(what: &str, school_id: &str, of: &str, which: &str) -> Vec<u8> {
    format!("pastoral {what} v1\0{school_id}\0{of}\0{which}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_sealed_to_a_person_opens_for_them_alone_and_only_if_it_is_the_school_s() {
        let ((own, public), (other, _)) = (GroupPrivateKey::generate(), GroupPrivateKey::generate());
        let (staff, of_school) = GroupPrivateKey::generate();
        let robin = ("school", "robin");
        let sealed = seal_to(&public, robin, ReaderGroup::Staff, &staff).unwrap();
        let open = |own, who, group, of_school| open_from(own, who, group, &sealed, of_school).is_some();
        assert!(open(&own, robin, ReaderGroup::Staff, &of_school));
        assert!(!open(&other, robin, ReaderGroup::Staff, &of_school));
        assert!(!open(&own, ("school", "sam"), ReaderGroup::Staff, &of_school));
        assert!(!open(&own, robin, ReaderGroup::Head, &of_school));
        assert!(
            !open(&own, robin, ReaderGroup::Staff, &public),
            "a key of somebody's making"
        );
    }

    #[test]
    fn carried_keys_open_for_who_may_agree_and_for_nobody_else() {
        let ((second, public), (other, _)) = (GroupPrivateKey::generate(), GroupPrivateKey::generate());
        let (pupil, _) = GroupPrivateKey::generate();
        let keys = [(ReaderGroup::Pupil, pupil)];
        let about = ("school", "proposal");
        let carried = Carried::seal(about, &keys, &[("robin".into(), public)]).unwrap();
        assert_eq!(carried.open(about, "robin", &second).len(), 1);
        assert!(carried.open(about, "robin", &other).is_empty());
        assert!(carried.open(about, "sam", &second).is_empty());
        assert!(carried.open(("school", "another"), "robin", &second).is_empty());
    }

    #[test]
    fn a_fingerprint_can_be_said() {
        let said = fingerprint(&[7; 32]);
        assert_eq!(said.len(), 19);
        assert_ne!(said, fingerprint(&[8; 32]));
    }
}
