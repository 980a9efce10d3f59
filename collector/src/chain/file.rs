//! A chain as a file, to be verified on another machine: one line of JSON an entry, behind a line that says whose it is.
//!
//! INVARIANT 4, INVARIANT 9: neither content, names nor what was done with which concern. An entry stands for itself only
//! where it must be read to verify the others: a step of retention, and a head that was sent. Of what retention erased the
//! time is given. How many entries there are shows.

use super::{Broken, Deed, FORM, Row, Verifier};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub pastoral_audit: u32,
    /// Random; says nothing of the school.
    pub school_id: String,
    /// The fingerprint of the keys that content is sealed to.
    pub keys: String,
}

/// The version of this format.
pub const VERSION: u32 = 1;

/// An entry's line; binary parts in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// An entry that must be read.
    Open(Box<Row>),
    /// What retention erased.
    Erased {
        /// When it was made.
        at: i64,
        /// Stands for everything else in it.
        rest: String,
        /// Covers it and all before it.
        hash: String,
    },
    /// An entry that need not be read.
    Closed {
        /// Stands for it.
        digest: String,
        /// Covers it and all before it.
        hash: String,
    },
}

impl Line {
    /// The line of an entry.
    #[must_use]
    pub fn of(row: Row, school_id: &str) -> Self {
        if row.form < FORM
            || [Deed::AuditErased, Deed::AuditHeadSent]
                .iter()
                .any(|deed| deed.is(&row.action))
        {
            return Self::Open(Box::new(row));
        }
        let hash = HEXLOWER.encode(&row.hash);
        if row.is_erased() {
            return Self::Erased {
                at: row.at,
                rest: HEXLOWER.encode(&row.rest(school_id)),
                hash,
            };
        }
        Self::Closed {
            digest: HEXLOWER.encode(&row.digest(school_id)),
            hash,
        }
    }

    /// Checks it as the next of a chain, and gives its hash.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn check(&self, verifier: &mut Verifier<'_>) -> Result<(), Broken> {
        match self {
            Self::Open(row) => verifier.next(row),
            Self::Erased { at, rest, hash } => verifier.next_erased(*at, &bytes(rest), &bytes(hash)),
            Self::Closed { digest, hash } => verifier.next_digest(&bytes(digest), &bytes(hash)),
        }
    }

    /// The entry, where it must be read.
    #[must_use]
    pub fn row(&self) -> Option<&Row> {
        match self {
            Self::Open(row) => Some(row),
            _ => None,
        }
    }
}

/// What is no hexadecimal fits no hash.
fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap_or_default()
}
