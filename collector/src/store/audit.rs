//! The audit chain (invariant 5): every look at a person's content and every change, in order. What its hashes cover and
//! what makes it whole is in [`chain`](crate::chain).

use super::{Read, Store, Write};
pub use crate::chain::{Broken, Head};
use crate::chain::{Deed, FORM, Recorded, Row, Step, Verifier, hash_detail};
use ring::rand::{SecureRandom, SystemRandom};

/// Entries read at a time.
const AT_ONCE: i64 = 1000;
const DAY_MS: i64 = 86_400_000;

/// One thing somebody looked at or changed.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The school.
    pub school_id: &'a str,
    /// A person_id, `pastoral`, or `command line`.
    pub actor: &'a str,
    /// What.
    pub deed: Deed,
    /// The concern, where there is one.
    pub concern_id: Option<&'a str>,
    /// Codes, ids and times; never content (invariant 9).
    pub detail: serde_json::Value,
}

/// Adds an entry to the school's chain, in the transaction that makes the change.
///
/// ONE WRITER: the head that it follows is the head until the transaction ends.
///
/// # Errors
/// When the database cannot be written or the system has no randomness.
pub async fn append(tx: &mut Write, now_ms: i64, entry: &Entry<'_>) -> Result<(), sqlx::Error> {
    let last = head(tx, entry.school_id).await?;
    let (sequence, previous) = last.map_or_else(|| (1, vec![0; 32]), |head| (head.sequence + 1, head.hash));
    let mut salt = [0; 16];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| sqlx::Error::Protocol("no randomness".into()))?;
    let detail = entry.detail.to_string();
    let mut row = Row {
        sequence,
        at: now_ms,
        actor: entry.actor.to_owned(),
        action: entry.deed.code().to_owned(),
        concern_id: entry.concern_id.map(str::to_owned),
        detail_hash: hash_detail(&salt, &detail),
        salt: Some(salt.to_vec()),
        detail: Some(detail),
        hash: Vec::new(),
        form: FORM,
    };
    row.hash = row.hash_behind(&previous, entry.school_id);
    sqlx::query(
        "INSERT INTO audit (school_id, sequence, at, actor, action, concern_id, salt, detail, detail_hash, hash, form)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(entry.school_id)
    .bind(row.sequence)
    .bind(row.at)
    .bind(row.actor)
    .bind(row.action)
    .bind(row.concern_id)
    .bind(row.salt)
    .bind(row.detail)
    .bind(row.detail_hash)
    .bind(row.hash)
    .bind(row.form)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Records what somebody did that is about no concern, in the transaction that does it.
pub async fn record(
    tx: &mut Write,
    school_id: &str,
    (actor, deed): (&str, Deed),
    detail: serde_json::Value,
    now: i64,
) -> Result<(), sqlx::Error> {
    let entry = Entry {
        school_id,
        actor,
        deed,
        concern_id: None,
        detail,
    };
    append(tx, now, &entry).await
}

/// The head of the school's chain; none while it is empty.
pub async fn head(connection: &mut Read, school_id: &str) -> Result<Option<Head>, sqlx::Error> {
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT sequence, hash FROM audit WHERE school_id = $1 ORDER BY sequence DESC LIMIT 1",
    )
    .bind(school_id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|(sequence, hash)| Head { sequence, hash }))
}

/// When the last entry was made; none while the chain is empty.
pub async fn last_at(connection: &mut Read, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT at FROM audit WHERE school_id = $1 ORDER BY sequence DESC LIMIT 1")
        .bind(school_id)
        .fetch_optional(connection)
        .await
}

/// A head that was sent to headteacher and chair.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SentHead {
    /// When.
    pub at: i64,
    /// The hash that was sent, which is that of the entry that says so.
    pub hash: Vec<u8>,
    /// JSON: to whom, and the fingerprint of the keys. None once retention erased it.
    pub detail: Option<String>,
}

impl SentHead {
    /// The fingerprint of the keys that went with it.
    #[must_use]
    pub fn keys(&self) -> Option<String> {
        let detail: serde_json::Value = serde_json::from_str(self.detail.as_deref()?).ok()?;
        Some(detail.get("keys")?.as_str()?.to_owned())
    }
}

/// The heads that were sent, the latest first.
pub async fn sent_heads(db: &mut Read, school_id: &str, most: i64) -> Result<Vec<SentHead>, sqlx::Error> {
    sqlx::query_as(
        "SELECT at, hash, detail FROM audit WHERE school_id = $1 AND action = $2 ORDER BY sequence DESC LIMIT $3",
    )
    .bind(school_id)
    .bind(Deed::AuditHeadSent)
    .bind(most)
    .fetch_all(db)
    .await
}

/// When the head was last sent to headteacher and chair.
pub async fn last_head_sent(store: &Store, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    let heads = sent_heads(&mut *store.read().await?, school_id, 1).await?;
    Ok(heads.first().map(|head| head.at))
}

/// The fingerprint of the keys as it was recorded first, of those records that retention has left.
pub async fn first_keys(db: &mut Read, school_id: &str) -> Result<Option<String>, sqlx::Error> {
    let first: Option<SentHead> = sqlx::query_as(
        "SELECT at, hash, detail FROM audit WHERE school_id = $1 AND action IN ($2, $3)
         AND detail LIKE '%\"keys\"%' ORDER BY sequence LIMIT 1",
    )
    .bind(school_id)
    .bind(Deed::SchoolMade)
    .bind(Deed::AuditHeadSent)
    .fetch_optional(db)
    .await?;
    Ok(first.as_ref().and_then(SentHead::keys))
}

/// Writes down whether the chain was found broken.
pub async fn note_broken(tx: &mut Write, school_id: &str, broken_at: Option<i64>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE school SET chain_broken_at = $1 WHERE school_id = $2")
        .bind(broken_at)
        .bind(school_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Erases what entries from before a time stood for, at most so many of them, and records that in the chain, in the
/// caller's transaction. INVARIANT 5: the hashes stay, and nothing is erased without a step that accounts for it. Gives
/// how many; 0 when there is nothing to erase.
pub async fn erase_details(
    tx: &mut Write,
    school_id: &str,
    (cutoff, now): (i64, i64),
    most: i64,
) -> Result<u64, sqlx::Error> {
    let found: Vec<i64> = sqlx::query_scalar(
        "SELECT sequence FROM audit WHERE school_id = $1 AND at < $2 AND salt IS NOT NULL AND action NOT IN ($3, $4)
         ORDER BY sequence LIMIT $5",
    )
    .bind(school_id)
    .bind(cutoff)
    .bind(Deed::AuditErased)
    .bind(Deed::OwnKey)
    .bind(most)
    .fetch_all(&mut **tx)
    .await?;
    let (Some(from), Some(to)) = (found.first(), found.last()) else {
        return Ok(0);
    };
    let step = Step {
        from: *from,
        to: *to,
        before: cutoff,
        days: now.saturating_sub(cutoff) / DAY_MS,
    };
    let detail = serde_json::to_value(step).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let entry = Entry {
        school_id,
        actor: "pastoral",
        deed: Deed::AuditErased,
        concern_id: None,
        detail,
    };
    append(tx, now, &entry).await?;
    let done = sqlx::query(
        "UPDATE audit SET detail = NULL, salt = NULL WHERE school_id = $1 AND sequence BETWEEN $2 AND $3 AND at < $4
         AND salt IS NOT NULL AND action NOT IN ($5, $6)",
    )
    .bind(school_id)
    .bind(from)
    .bind(to)
    .bind(cutoff)
    .bind(Deed::AuditErased)
    .bind(Deed::OwnKey)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// The steps of retention in the chain.
pub async fn steps(db: &mut Read, school_id: &str) -> Result<Vec<Recorded>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as("SELECT * FROM audit WHERE school_id = $1 AND action = $2")
        .bind(school_id)
        .bind(Deed::AuditErased)
        .fetch_all(db)
        .await?;
    Ok(rows.iter().filter_map(Row::step).collect())
}

/// Entries behind a place, in order, some at a time.
pub async fn rows_after(db: &mut Read, school_id: &str, after: i64) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM audit WHERE school_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3")
        .bind(school_id)
        .bind(after)
        .bind(AT_ONCE)
        .fetch_all(db)
        .await
}

/// Checks the whole chain, and says its head, or where it is broken first. What a recorded step of retention erased is no
/// break.
pub async fn verify(
    store: &Store,
    school_id: &str,
    now: i64,
) -> Result<Result<Option<Head>, Broken>, sqlx::Error> {
    let steps = steps(&mut *store.read().await?, school_id).await?;
    let mut verifier = Verifier::new(school_id, steps, now);
    loop {
        let after = verifier.head().map_or(0, |head| head.sequence);
        let rows = rows_after(&mut *store.read().await?, school_id, after).await?;
        if rows.is_empty() {
            return Ok(Ok(verifier.head().cloned()));
        }
        for row in &rows {
            if let Err(broken) = verifier.next(row) {
                return Ok(Err(broken));
            }
        }
    }
}
