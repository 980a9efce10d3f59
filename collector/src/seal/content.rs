//! Seals content at commit and opens it for a signed-in reader.
//!
//! A data key (32 random bytes, ChaCha20-Poly1305) seals the content of one concern for at most five minutes; it is
//! itself sealed once to each of the concern's reader groups, mostly one. A sealed content is the nonce (12 bytes) and the ciphertext,
//! with the concern's id as associated data: what belongs to one concern cannot be moved to another.

use super::aead::{self, key_from};
use super::{GroupPrivateKey, GroupPublicKey, SealError};
use crate::clock;
use crate::concerns::model::{ReaderGroup, SealedTo};
use ring::aead::LessSafeKey;
use ring::rand::{SecureRandom, SystemRandom};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// How long a data key stays in memory.
const KEY_LIFE_MS: i64 = 5 * 60 * 1000;
/// Data keys in memory at most; beyond it all are forgotten and new ones drawn.
const KEYS_IN_MEMORY: usize = 20_000;

/// A data key as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DataKeyRow {
    /// Its id.
    pub data_key_id: Vec<u8>,
    /// The concern whose content it seals.
    pub concern_id: String,
    /// The group it is sealed to.
    #[sqlx(rename = "reader_group")]
    pub group: ReaderGroup,
    /// The key, sealed.
    pub sealed: Vec<u8>,
}

/// A data key in memory.
pub struct DataKey {
    /// One for each group it is sealed to; all with the same id.
    rows: Vec<DataKeyRow>,
    key: LessSafeKey,
    made_at: i64,
}

/// Holds the groups' public keys and the data keys of the last minutes.
pub struct Sealer {
    publics: HashMap<ReaderGroup, GroupPublicKey>,
    keys: Mutex<HashMap<(String, SealedTo), Arc<DataKey>>>,
}

impl Sealer {
    /// With the public key of every group of a school.
    #[must_use]
    pub fn new(publics: HashMap<ReaderGroup, GroupPublicKey>) -> Self {
        Self {
            publics,
            keys: Mutex::default(),
        }
    }

    /// The public key of a group.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`] when the school has none, which `init` does not leave.
    pub fn public(&self, group: ReaderGroup) -> Result<&GroupPublicKey, SealError> {
        self.publics.get(&group).ok_or(SealError::CannotSeal)
    }

    /// The fingerprint of the keys that this program seals with.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        super::fingerprint(&self.publics)
    }

    /// The data key in use for a concern and its groups. It must be saved in the same transaction as what it seals:
    /// the key may have been drawn for a transaction that was never committed.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn key_for(&self, concern_id: &str, to: impl Into<SealedTo>) -> Result<Arc<DataKey>, SealError> {
        let to = to.into();
        let now = clock::now_ms();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (concern_id.to_owned(), to);
        if let Some(key) = keys
            .get(&place)
            .filter(|key| now.abs_diff(key.made_at) < KEY_LIFE_MS.unsigned_abs())
        {
            return Ok(Arc::clone(key));
        }
        if keys.len() >= KEYS_IN_MEMORY {
            keys.clear();
        }
        let key = Arc::new(self.draw(concern_id, to, now)?);
        keys.insert(place, Arc::clone(&key));
        Ok(key)
    }

    /// Forgets the data keys whose time is over. Called by a timer, so that a quiet collector holds none.
    pub fn forget_old(&self) {
        let now = clock::now_ms();
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|_, key| now.abs_diff(key.made_at) < KEY_LIFE_MS.unsigned_abs());
    }

    fn draw(&self, concern_id: &str, to: SealedTo, now_ms: i64) -> Result<DataKey, SealError> {
        let random = SystemRandom::new();
        let (mut bytes, mut id) = (Zeroizing::new([0; 32]), [0; 16]);
        random.fill(&mut bytes[..]).map_err(|_| SealError::CannotSeal)?;
        random.fill(&mut id).map_err(|_| SealError::CannotSeal)?;
        let row = |group| {
            let sealed = self.public(group)?.seal(&bytes[..], &purpose(&id, concern_id))?;
            Ok(DataKeyRow {
                data_key_id: id.to_vec(),
                concern_id: concern_id.to_owned(),
                group,
                sealed,
            })
        };
        Ok(DataKey {
            rows: to.groups().map(row).collect::<Result<_, SealError>>()?,
            key: key_from(&bytes[..])?,
            made_at: now_ms,
        })
    }
}

impl DataKey {
    /// The key as it stands in the store, once for each group.
    #[must_use]
    pub fn rows(&self) -> &[DataKeyRow] {
        &self.rows
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.rows[0].data_key_id
    }

    /// When it was drawn.
    #[must_use]
    pub fn made_at(&self) -> i64 {
        self.made_at
    }

    /// Seals content of its concern.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(&self, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        aead::seal(&self.key, self.rows[0].concern_id.as_bytes(), plaintext)
    }
}

/// Opens sealed content with the private key of its group, where the reader holds it.
///
/// # Errors
/// [`SealError::CannotOpen`] when the reader holds no such key, or what is stored was changed.
pub fn open<'k>(
    group_private: &impl Fn(ReaderGroup) -> Option<&'k GroupPrivateKey>,
    row: &DataKeyRow,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let private = group_private(row.group).ok_or(SealError::CannotOpen)?;
    let key = key_from(&private.open(&row.sealed, &purpose(&row.data_key_id, &row.concern_id))?)?;
    aead::open(&key, row.concern_id.as_bytes(), sealed)
}

/// Opens sealed content with whichever of its groups' keys the reader holds.
///
/// # Errors
/// [`SealError::CannotOpen`] when the reader holds none, or what is stored was changed.
pub fn open_any<'k>(
    group_private: &impl Fn(ReaderGroup) -> Option<&'k GroupPrivateKey>,
    rows: &[DataKeyRow],
    data_key_id: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let held = |row: &&DataKeyRow| row.data_key_id == data_key_id && group_private(row.group).is_some();
    let row = rows.iter().find(held).ok_or(SealError::CannotOpen)?;
    open(group_private, row, sealed)
}

/// Seals the data keys of a concern to another group, when the concern is handed over or its person becomes known.
///
/// # Errors
/// [`SealError::CannotOpen`] when `from` is not the private key of their group.
pub fn reseal(
    rows: &[DataKeyRow],
    from: &GroupPrivateKey,
    to: ReaderGroup,
    to_public: &GroupPublicKey,
) -> Result<Vec<DataKeyRow>, SealError> {
    let again = |row: &DataKeyRow| {
        let purpose = purpose(&row.data_key_id, &row.concern_id);
        let sealed = to_public.seal(&from.open(&row.sealed, &purpose)?, &purpose)?;
        Ok(DataKeyRow {
            group: to,
            sealed,
            ..row.clone()
        })
    };
    rows.iter().map(again).collect()
}

fn purpose(data_key_id: &[u8], concern_id: &str) -> Vec<u8> {
    [
        b"data key ".as_slice(),
        data_key_id,
        b" of concern ",
        concern_id.as_bytes(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> (Sealer, HashMap<ReaderGroup, GroupPrivateKey>) {
        let (mut privates, mut publics) = (HashMap::new(), HashMap::new());
        for group in ReaderGroup::ALL {
            let (private, public) = GroupPrivateKey::generate();
            privates.insert(group, private);
            publics.insert(group, public);
        }
        (Sealer::new(publics), privates)
    }

    #[test]
    fn only_the_concern_s_group_opens_its_content_and_only_in_that_concern() {
        let (sealer, privates) = sealer();
        let key = sealer.key_for("concern-1", ReaderGroup::Pupil).unwrap();
        let sealed = key.seal(b"what was seen").unwrap();
        let all = |group| privates.get(&group);
        assert_eq!(
            open(&all, &key.rows()[0], &sealed).unwrap().as_slice(),
            b"what was seen"
        );
        let none = |_| None::<&GroupPrivateKey>;
        assert_eq!(
            open(&none, &key.rows()[0], &sealed).unwrap_err(),
            SealError::CannotOpen
        );
        let moved = DataKeyRow {
            concern_id: "concern-2".into(),
            ..key.rows()[0].clone()
        };
        assert_eq!(open(&all, &moved, &sealed).unwrap_err(), SealError::CannotOpen);
        let other = sealer.key_for("concern-1", ReaderGroup::Staff).unwrap();
        assert!(open(&all, &other.rows()[0], &sealed).is_err());
    }

    #[test]
    fn content_handed_over_is_opened_by_the_new_group_and_no_longer_by_the_old() {
        let (sealer, privates) = sealer();
        let key = sealer.key_for("concern-1", ReaderGroup::Staff).unwrap();
        let sealed = key.seal(b"words").unwrap();
        let to = sealer.public(ReaderGroup::Pupil).unwrap();
        let rows = [key.rows()[0].clone()];
        let moved = reseal(&rows, &privates[&ReaderGroup::Staff], ReaderGroup::Pupil, to).unwrap();
        let only = |held: ReaderGroup| {
            let privates = &privates;
            move |group| privates.get(&group).filter(|_| group == held)
        };
        assert_eq!(
            open(&only(ReaderGroup::Pupil), &moved[0], &sealed)
                .unwrap()
                .as_slice(),
            b"words"
        );
        assert!(open(&only(ReaderGroup::Staff), &moved[0], &sealed).is_err());
        assert!(reseal(&rows, &privates[&ReaderGroup::Head], ReaderGroup::Pupil, to).is_err());
    }

    /// Who is perhaps named reads beside somebody who holds another key.
    #[test]
    fn content_sealed_to_two_groups_is_opened_by_either_and_by_no_third() {
        let (sealer, privates) = sealer();
        let to = SealedTo {
            group: ReaderGroup::Staff,
            also: Some(ReaderGroup::Head),
        };
        let key = sealer.key_for("concern-1", to).unwrap();
        let sealed = key.seal(b"words").unwrap();
        let opened_by = |held: ReaderGroup| {
            let private = |group| privates.get(&group).filter(|_| group == held);
            open_any(&private, key.rows(), key.id(), &sealed).is_ok()
        };
        assert!(opened_by(ReaderGroup::Staff) && opened_by(ReaderGroup::Head));
        assert!(!opened_by(ReaderGroup::Pupil) && !opened_by(ReaderGroup::Safe));
    }

    #[test]
    fn one_data_key_serves_a_concern_for_a_while() {
        let (sealer, _) = sealer();
        let first = sealer.key_for("concern-1", ReaderGroup::Pupil).unwrap();
        assert!(Arc::ptr_eq(
            &first,
            &sealer.key_for("concern-1", ReaderGroup::Pupil).unwrap()
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &sealer.key_for("concern-2", ReaderGroup::Pupil).unwrap()
        ));
    }
}
