//! How records and numbers are written; described in [`super`].

use super::{Key, SpoolError};
use pastoral_proto::{Epoch, FlagId};

const VERSION: u8 = 1;
const NONCE: usize = 12;
/// Bytes before a record's sealed body.
pub(super) const HEAD: usize = 1 + 8 + 8 + 16 + NONCE;
/// The key of the numbers.
pub(super) const NUMBERS: [u8; 1] = [0xff];
/// Above every record's key.
pub(super) const RECORD_END: [u8; 1] = [5];

/// Where the numbers stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Counts the starts of the service.
    pub run: u64,
    /// The run's epoch.
    pub epoch: Epoch,
    /// Sequence numbers given out in it.
    pub given_out: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            run: 0,
            epoch: Epoch([0; 16]),
            given_out: 0,
        }
    }
}

impl Numbers {
    /// The last identity that was given out, if any was.
    #[must_use]
    pub fn last(&self) -> Option<FlagId> {
        let sequence = self.given_out.checked_sub(1)?;
        Some(FlagId {
            epoch: self.epoch,
            sequence,
        })
    }

    /// Whether these are later than the others.
    #[must_use]
    pub fn is_beyond(&self, other: &Self) -> bool {
        (self.run, self.given_out) > (other.run, other.given_out)
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let run = self.run.to_be_bytes();
        [&[VERSION][..], &run, &self.epoch.0, &self.given_out.to_be_bytes()].concat()
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, SpoolError> {
        if bytes.len() != 33 || bytes[0] != VERSION {
            return Err(SpoolError::Damaged(
                "its numbers are of an unknown version".into(),
            ));
        }
        Ok(Self {
            run: u64::from_be_bytes(part(&bytes[1..9])),
            epoch: Epoch(part(&bytes[9..25])),
            given_out: u64::from_be_bytes(part(&bytes[25..])),
        })
    }
}

/// What stands before a record's sealed body.
pub(super) struct Head {
    pub(super) tag: u64,
    pub(super) kept_at_ms: i64,
    pub(super) epoch: Epoch,
    pub(super) nonce: [u8; NONCE],
}

impl Head {
    pub(super) fn write(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[0] = VERSION;
        bytes[1..9].copy_from_slice(&self.tag.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.kept_at_ms.to_be_bytes());
        bytes[17..33].copy_from_slice(&self.epoch.0);
        bytes[33..].copy_from_slice(&self.nonce);
        bytes
    }

    pub(super) fn read(value: &[u8]) -> Result<Self, SpoolError> {
        let head = value.get(..HEAD).filter(|head| head[0] == VERSION);
        let head = head.ok_or_else(|| SpoolError::Damaged("a record of an unknown version".into()))?;
        Ok(Self {
            tag: u64::from_be_bytes(part(&head[1..9])),
            kept_at_ms: i64::from_be_bytes(part(&head[9..17])),
            epoch: Epoch(part(&head[17..33])),
            nonce: part(&head[33..]),
        })
    }
}

pub(super) fn part<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

pub(super) fn read_key(bytes: &[u8]) -> Result<Key, SpoolError> {
    bytes
        .try_into()
        .map(Key)
        .map_err(|_| SpoolError::Damaged("a key of an unknown form".into()))
}

/// What a record counts towards the bound.
pub(super) fn cost(value: &[u8]) -> u64 {
    (value.len() + 17) as u64
}
