//! The audit chain (invariant 5) without the store: what an entry's hash covers, and what makes a chain whole.
//!
//! `detail_hash = SHA-256(salt ‖ detail)`; `rest = SHA-256(lengths and bytes of school, actor, action, concern ‖
//! detail_hash)`; `digest = SHA-256(sequence ‖ at ‖ rest)`; `hash = SHA-256(previous hash ‖ digest)`, integers big-endian,
//! the first entry's previous hash 32 zero bytes. Neither digest nor rest tells anything of its entry, for `detail_hash` is
//! salted: a chain can be handed to somebody who may not know what is in it ([`file`]). Entries of the first form hashed
//! the same parts behind the previous hash in one go.
//!
//! Retention erases `detail` and `salt`. Each time it first adds an entry that says which entries and by what rule
//! ([`Step`]); what is erased without such a step is a break. Steps and [`Deed::OwnKey`] keep their details for ever.

mod deed;
pub mod file;
pub mod number;
mod verify;

pub use deed::Deed;
pub use verify::{Broken, Verifier};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

/// The form of entries made now.
pub const FORM: i64 = 2;
/// The shortest time that a profile may keep anything.
pub const LEAST_DAYS: i64 = 30;

const DAY_MS: i64 = 86_400_000;

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Row {
    /// Its number, from 1.
    pub sequence: i64,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// A person_id, `pastoral`, or `command line`.
    pub actor: String,
    /// The code of a [`Deed`], perhaps of a later version.
    pub action: String,
    /// The concern, where there is one.
    pub concern_id: Option<String>,
    /// Of the detail; none once retention erased it.
    pub salt: Option<Vec<u8>>,
    /// JSON without content; none once retention erased it.
    pub detail: Option<String>,
    /// What stays of the detail.
    pub detail_hash: Vec<u8>,
    /// Covers this entry and all before it.
    pub hash: Vec<u8>,
    /// How the hash is made. Stores from before there were several have no such column.
    #[sqlx(default)]
    pub form: i64,
}

/// The last entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub sequence: i64,
    /// Its hash, which covers all entries before it.
    pub hash: Vec<u8>,
}

/// What retention erased at one time: what the entries `from..=to` that were made before `before` stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The first entry.
    pub from: i64,
    /// The last.
    pub to: i64,
    /// Only what is older than this.
    pub before: i64,
    /// The rule: how many days the school keeps things.
    pub days: i64,
}

impl Row {
    /// The hash that this entry must have behind another.
    #[must_use]
    pub fn hash_behind(&self, previous: &[u8], school_id: &str) -> Vec<u8> {
        if self.form >= FORM {
            return hash(&[previous, &self.digest(school_id)]);
        }
        let times = [self.sequence.to_be_bytes(), self.at.to_be_bytes()].concat();
        hash(&[previous, &times, &self.parts(school_id)])
    }

    /// Stands for the entry without telling anything of it.
    #[must_use]
    pub fn digest(&self, school_id: &str) -> Vec<u8> {
        digest(self.sequence, self.at, &self.rest(school_id))
    }

    /// Stands for everything but the entry's number and time.
    #[must_use]
    pub fn rest(&self, school_id: &str) -> Vec<u8> {
        hash(&[&self.parts(school_id)])
    }

    fn parts(&self, school_id: &str) -> Vec<u8> {
        let concern = self.concern_id.as_deref().unwrap_or_default();
        let mut parts = Vec::new();
        for part in [school_id, &self.actor, &self.action, concern] {
            parts.extend_from_slice(&(part.len() as u64).to_be_bytes());
            parts.extend_from_slice(part.as_bytes());
        }
        parts.extend_from_slice(&self.detail_hash);
        parts
    }

    /// Whether retention erased what it stands for.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.salt.is_none() && self.detail.is_none()
    }

    fn detail_holds(&self) -> bool {
        match (&self.salt, &self.detail) {
            (Some(salt), Some(detail)) => hash_detail(salt, detail) == self.detail_hash,
            (None, None) => true,
            _ => false,
        }
    }

    /// What it says was erased, where it is such a step.
    #[must_use]
    pub fn step(&self) -> Option<Recorded> {
        if !Deed::AuditErased.is(&self.action) {
            return None;
        }
        let step = serde_json::from_str(self.detail.as_deref()?).ok()?;
        Some(Recorded {
            sequence: self.sequence,
            at: self.at,
            step,
        })
    }
}

/// A step of retention as it stands in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    sequence: i64,
    at: i64,
    step: Step,
}

impl Recorded {
    /// Whether this step erased what an entry stands for, and that was old enough by its rule.
    fn covers(&self, sequence: i64, at: i64) -> bool {
        let step = &self.step;
        let kept = step.days.max(LEAST_DAYS).saturating_mul(DAY_MS);
        self.sequence > sequence
            && (step.from..=step.to).contains(&sequence)
            && at < step.before
            && step.before.saturating_add(kept) <= self.at
    }
}

/// What stands for a detail once it is erased.
#[must_use]
pub fn hash_detail(salt: &[u8], detail: &str) -> Vec<u8> {
    hash(&[salt, detail.as_bytes()])
}

fn digest(sequence: i64, at: i64, rest: &[u8]) -> Vec<u8> {
    hash(&[&sequence.to_be_bytes(), &at.to_be_bytes(), rest])
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}
