//! The audit chain (invariant 5): every look at a person's content and every change, in order, each entry's hash
//! covering the one before. What an entry stands for is covered by a salted hash, so that retention can erase
//! `detail` and `salt` and the chain still verifies.
//!
//! `detail_hash = SHA-256(salt ‖ detail)`; `hash = SHA-256(previous hash ‖ sequence ‖ at ‖ lengths and bytes of
//! school, actor, action, concern ‖ detail_hash)`, integers big-endian, the first entry's previous hash 32 zero bytes.

use super::Write;
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use sqlx::Row;

/// One thing somebody looked at or changed.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The school.
    pub school_id: &'a str,
    /// A person_id, `pastoral`, or `command line`.
    pub actor: &'a str,
    /// A code such as `concern-viewed`.
    pub action: &'a str,
    /// The concern, where there is one.
    pub concern_id: Option<&'a str>,
    /// Codes, ids and times; never content (invariant 9).
    pub detail: serde_json::Value,
}

/// Adds an entry to the school's chain, in the transaction that makes the change.
///
/// # Errors
/// When the database cannot be written or the system has no randomness.
pub async fn append(tx: &mut Write, now_ms: i64, entry: &Entry<'_>) -> Result<(), sqlx::Error> {
    let last = sqlx::query("SELECT sequence, hash FROM audit WHERE school_id = ? ORDER BY sequence DESC LIMIT 1")
        .bind(entry.school_id)
        .fetch_optional(&mut **tx)
        .await?;
    let (sequence, previous) = match &last {
        Some(row) => (row.get::<i64, _>(0) + 1, row.get::<Vec<u8>, _>(1)),
        None => (1, vec![0; 32]),
    };
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| sqlx::Error::Protocol("no randomness".into()))?;
    let detail = entry.detail.to_string();
    let detail_hash = hash_detail(&salt, &detail);
    let hash = hash_entry(&previous, sequence, now_ms, entry, &detail_hash);
    sqlx::query(
        "INSERT INTO audit (school_id, sequence, at, actor, action, concern_id, salt, detail, detail_hash, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.school_id)
    .bind(sequence)
    .bind(now_ms)
    .bind(entry.actor)
    .bind(entry.action)
    .bind(entry.concern_id)
    .bind(&salt[..])
    .bind(detail)
    .bind(detail_hash)
    .bind(hash)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn hash_detail(salt: &[u8], detail: &str) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(salt);
    context.update(detail.as_bytes());
    context.finish().as_ref().to_vec()
}

fn hash_entry(previous: &[u8], sequence: i64, at: i64, entry: &Entry<'_>, detail_hash: &[u8]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(previous);
    context.update(&sequence.to_be_bytes());
    context.update(&at.to_be_bytes());
    for part in [entry.school_id, entry.actor, entry.action, entry.concern_id.unwrap_or_default()] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.update(detail_hash);
    context.finish().as_ref().to_vec()
}
