//! What a batch of records works with: the transaction, and what the writer knows from before.

use super::epochs::Epochs;
use super::volume::Volume;
use crate::concerns::model::PersonId;
use crate::seal::content::Sealer;
use crate::store::Write;
use crate::store::people::Directory;
use crate::telling::Telling;
use pastoral_keywords::Topic;
use pastoral_proto::Account;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Rows of one insert statement. A full one is prepared once and kept.
pub(super) const ROWS: usize = 64;

/// The transaction and what it works with.
pub(super) struct Batch<'a> {
    pub(super) tx: Write,
    /// What telling people takes, with the profile of this batch.
    pub(super) telling: Telling,
    pub(super) sealer: &'a Sealer,
    pub(super) directory: Arc<Directory>,
    pub(super) caches: &'a mut Caches,
    pub(super) volume: &'a mut Volume,
    /// Bytes of flags kept in this transaction, by account.
    pub(super) kept_bytes: HashMap<i64, i64>,
    /// Flags counted in this transaction, by the flag that is kept.
    pub(super) further: HashMap<i64, Further>,
    pub(super) now: i64,
}

/// What the writer keeps in memory between batches. Everything in it can be read again.
///
/// ONE WRITER: nobody else writes what is kept here.
#[derive(Default)]
pub(super) struct Caches {
    pub(super) directory: Option<Arc<Directory>>,
    pub(super) epochs: Epochs,
    pub(super) accounts: Accounts,
    /// The topics of concerns that have been proposed a category for.
    pub(super) topics: HashMap<String, BTreeSet<Topic>>,
    pub(super) last_flag_id: Option<i64>,
    /// What was kept of floods, so that it need not be counted again.
    pub(super) floods: HashMap<Alike, Kept>,
}

/// Accounts seen before: by device (empty where a directory vouches for it), authority and stable id.
pub(super) type Accounts = HashMap<(Arc<str>, Account), (i64, Option<PersonId>)>;

/// What flags have in common that count as the same flood.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Alike {
    pub(super) concern_id: String,
    pub(super) account_id: i64,
    pub(super) topic: &'static str,
    pub(super) severity: u8,
    pub(super) provenance: &'static str,
}

/// How many were kept today, and the last of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) day: i64,
    pub(super) count: i64,
    pub(super) last: i64,
}

/// Flags that were counted on one that is kept, and the times of the first and last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Further {
    pub(super) count: i64,
    pub(super) from_at: i64,
    pub(super) to_at: i64,
}

impl Further {
    /// One flag.
    pub(super) const fn one(at: i64) -> Self {
        Self {
            count: 1,
            from_at: at,
            to_at: at,
        }
    }

    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            from_at: self.from_at.min(other.from_at),
            to_at: self.to_at.max(other.to_at),
        }
    }
}
