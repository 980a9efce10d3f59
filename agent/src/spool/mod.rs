//! What the device keeps until the collector has it.
//!
//! # Format (version 1)
//! The spool is a sled database in the folder `spool`, with one tree and two sorts of keys:
//!
//! - a record: `5 - severity` (1 byte), run (8 bytes, big-endian), sequence (8 bytes, big-endian). A run counts the
//!   starts of the service on this spool, so that iteration gives severity 5 first and, within a severity, the oldest
//!   first, although epochs are random;
//! - `[0xff]`: where the numbers stand: version (1), run (8), epoch (16), how many sequence numbers are given out (8).
//!   It is written in the batch of the records that it counts, so that the two never disagree.
//!
//! A record's value is a head and a sealed body. Head: version (1), tag of the account (8), kept at in milliseconds
//! (8), epoch (16), nonce (12). Body: the encoded record, sealed with ChaCha20-Poly1305 with the key and the head as
//! associated data, so that no record can stand in for another. The tag is a keyed hash that only says which records
//! are of one account. The key is 32 random bytes in the file `spool.key`, and is changed whenever the spool is empty:
//! what was delivered can then be read by nobody.
//!
//! Once much has gone through it and it is empty, it is replaced by a new one with the same numbers (`renewal.rs`), in
//! the folders `spool.fresh` and `spool.grown` meanwhile.
//!
//! # Durability
//! INVARIANT 2: sled's flush is `sync_file_range` on Linux, which promises nothing after a power cut. A record counts
//! as kept only when sled has flushed and its file is fsynced. One thread does this for all that wait ([`Keeper`]). What
//! is done on files beside sled goes through [`crate::files::Filesystem`]; a test fails every step of it once.
//!
//! # Bounds
//! INVARIANT 8: the whole spool and each account's part are bounded; what must go goes lowest severity first, oldest
//! first, and is counted and reported as a gap. Nothing is kept longer than 400 days.

mod ballast;
mod disk;
mod error;
mod format;
mod gaps;
mod handle;
mod keeper;
mod log;
mod opening;
mod renewal;
mod room;
mod seal;

pub use disk::DiskSpool;
pub use error::SpoolError;
pub use format::Numbers;
use format::part;
pub use gaps::GapLedger;
pub use handle::{NotKept, SpoolHandle, SpoolStanding};
pub use keeper::{Keeper, KeeperSettings, Pace};

use pastoral_keywords::Severity;
use pastoral_proto::{Account, FlagId, Record};
use std::collections::BTreeSet;

/// The lowest severity that is accepted when hardly anything fits any more, and that is never dropped as a flood.
pub const SEVERE: u8 = 4;

/// A place in the spool; in the order of delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub [u8; 17]);

impl Key {
    fn new(severity: Severity, run: u64, sequence: u64) -> Self {
        let mut key = [0; 17];
        key[0] = 5 - severity.get();
        key[1..9].copy_from_slice(&run.to_be_bytes());
        key[9..].copy_from_slice(&sequence.to_be_bytes());
        Self(key)
    }

    /// The severity that the key puts its record under.
    #[must_use]
    pub fn severity(&self) -> Severity {
        Severity::try_from(5_u8.saturating_sub(self.0[0])).unwrap_or(Severity::MIN)
    }

    fn run(&self) -> u64 {
        u64::from_be_bytes(part(&self.0[1..9]))
    }

    fn sequence(&self) -> u64 {
        u64::from_be_bytes(part(&self.0[9..]))
    }
}

/// A record to be kept.
#[derive(Debug, Clone)]
pub struct New {
    /// Whose quota it counts towards; none for what concerns the whole device.
    pub account: Option<Account>,
    /// Its place in the order of delivery.
    pub severity: Severity,
    /// The encoded record.
    pub bytes: Vec<u8>,
}

impl New {
    /// Encodes a record.
    #[must_use]
    pub fn record(account: Option<Account>, record: &Record) -> Self {
        Self {
            account,
            severity: record.severity(),
            bytes: pastoral_proto::encode_record(record),
        }
    }
}

/// A record that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its place.
    pub key: Key,
    /// Its identity.
    pub id: FlagId,
    /// The encoded record.
    pub bytes: Vec<u8>,
}

/// A record that had to go, or could not come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Whose it was.
    pub account: Option<Account>,
    /// Its severity; none if it could not be read.
    pub severity: Option<Severity>,
    /// How many flags it stood for.
    pub count: u64,
    /// Why, as a gap's cause.
    pub cause: &'static str,
}

/// What became of records that were to be kept.
#[derive(Debug, Default)]
pub struct Appended {
    /// For each record its identity, or none if there was no room for it.
    pub ids: Vec<Option<FlagId>>,
    /// Everything that had to go.
    pub dropped: Vec<Dropped>,
}

/// How much the spool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Records.
    pub records: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// What to read.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// At most so many records.
    pub most: usize,
    /// At most so many bytes of records, though at least one record.
    pub most_bytes: usize,
    /// Only records of this severity or above.
    pub at_least: Severity,
    /// Not these: they are on their way already.
    pub except: BTreeSet<Key>,
}
