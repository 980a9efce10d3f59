//! The audit chain (invariant 5): every look at a person's content and every change, in order, each entry's hash
//! covering the one before. What an entry stands for is covered by a salted hash, so that retention can erase
//! `detail` and `salt` and the chain still verifies.
//!
//! `detail_hash = SHA-256(salt ‖ detail)`; `hash = SHA-256(previous hash ‖ sequence ‖ at ‖ lengths and bytes of
//! school, actor, action, concern ‖ detail_hash)`, integers big-endian, the first entry's previous hash 32 zero bytes.

use super::{Store, Write};
use ring::digest::{Context, SHA256};
use ring::rand::{SecureRandom, SystemRandom};
use sqlx::{Row, SqliteConnection};

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
    let last =
        sqlx::query("SELECT sequence, hash FROM audit WHERE school_id = ? ORDER BY sequence DESC LIMIT 1")
            .bind(entry.school_id)
            .fetch_optional(&mut **tx)
            .await?;
    let (sequence, previous) = match &last {
        Some(row) => (row.get::<i64, _>(0) + 1, row.get::<Vec<u8>, _>(1)),
        None => (1, vec![0; 32]),
    };
    let mut salt = [0; 16];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| sqlx::Error::Protocol("no randomness".into()))?;
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

/// The last entry of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub sequence: i64,
    /// Its hash, which covers all entries before it.
    pub hash: Vec<u8>,
}

/// The head of the school's chain; none while it is empty.
///
/// # Errors
/// When the database cannot be read.
pub async fn head(connection: &mut SqliteConnection, school_id: &str) -> Result<Option<Head>, sqlx::Error> {
    let row =
        sqlx::query("SELECT sequence, hash FROM audit WHERE school_id = ? ORDER BY sequence DESC LIMIT 1")
            .bind(school_id)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|row| Head {
        sequence: row.get(0),
        hash: row.get(1),
    }))
}

/// When the last entry was made; none while the chain is empty.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_at(connection: &mut SqliteConnection, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT at FROM audit WHERE school_id = ? ORDER BY sequence DESC LIMIT 1")
        .bind(school_id)
        .fetch_optional(connection)
        .await
}

/// When the head was last sent to headteacher and chair.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_head_sent(store: &Store, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT at FROM audit WHERE school_id = ? AND action = 'audit-head-sent' ORDER BY sequence DESC LIMIT 1",
    )
    .bind(school_id)
    .fetch_optional(store.read())
    .await?;
    Ok(row.map(|row| row.get(0)))
}

/// Whether an entry with this hash, such as a head that was sent by mail, is in the school's chain.
///
/// # Errors
/// When the database cannot be read.
pub async fn contains(store: &Store, school_id: &str, hash: &[u8]) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT 1 FROM audit WHERE school_id = ? AND hash = ?")
        .bind(school_id)
        .bind(hash);
    Ok(row.fetch_optional(store.read()).await?.is_some())
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Entries are missing.
    #[error(
        "entry {0} is missing; compare with a backup and with the numbers sent by mail, and tell the headteacher and the chair of governors"
    )]
    Missing(i64),
    /// An entry was changed.
    #[error(
        "entry {0} was changed; compare with a backup and with the numbers sent by mail, and tell the headteacher and the chair of governors"
    )]
    Changed(i64),
}

/// Writes down whether the chain was found broken.
///
/// # Errors
/// When the database cannot be written.
pub async fn note_broken(tx: &mut Write, school_id: &str, broken_at: Option<i64>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE school SET chain_broken_at = ? WHERE school_id = ?")
        .bind(broken_at)
        .bind(school_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Checks the whole chain, and says its head, or where it is broken first. What retention erased is no break.
///
/// # Errors
/// When the database cannot be read.
pub async fn verify(store: &Store, school_id: &str) -> Result<Result<Option<Head>, Broken>, sqlx::Error> {
    let mut head: Option<Head> = None;
    loop {
        let after = head.as_ref().map_or(0, |head| head.sequence);
        let rows = sqlx::query(
            "SELECT sequence, at, actor, action, concern_id, salt, detail, detail_hash, hash FROM audit
             WHERE school_id = ? AND sequence > ? ORDER BY sequence LIMIT 1000",
        )
        .bind(school_id)
        .bind(after)
        .fetch_all(store.read())
        .await?;
        if rows.is_empty() {
            return Ok(Ok(head));
        }
        for row in &rows {
            match verify_entry(row, school_id, head.as_ref()) {
                Ok(next) => head = Some(next),
                Err(broken) => return Ok(Err(broken)),
            }
        }
    }
}

fn verify_entry(
    row: &sqlx::sqlite::SqliteRow,
    school_id: &str,
    previous: Option<&Head>,
) -> Result<Head, Broken> {
    let sequence: i64 = row.get(0);
    let expected = previous.map_or(1, |head| head.sequence + 1);
    if sequence != expected {
        return Err(Broken::Missing(expected));
    }
    let (salt, detail): (Option<Vec<u8>>, Option<String>) = (row.get(5), row.get(6));
    let (detail_hash, hash): (Vec<u8>, Vec<u8>) = (row.get(7), row.get(8));
    let detail_holds = match (&salt, &detail) {
        (Some(salt), Some(detail)) => hash_detail(salt, detail) == detail_hash,
        (None, None) => true,
        _ => false,
    };
    let concern_id: Option<String> = row.get(4);
    let entry = Entry {
        school_id,
        actor: row.get(2),
        action: row.get(3),
        concern_id: concern_id.as_deref(),
        detail: serde_json::Value::Null,
    };
    let before = previous.map_or_else(|| vec![0; 32], |head| head.hash.clone());
    if !detail_holds || hash_entry(&before, sequence, row.get(1), &entry, &detail_hash) != hash {
        return Err(Broken::Changed(sequence));
    }
    Ok(Head { sequence, hash })
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
    for part in [
        entry.school_id,
        entry.actor,
        entry.action,
        entry.concern_id.unwrap_or_default(),
    ] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.update(detail_hash);
    context.finish().as_ref().to_vec()
}
