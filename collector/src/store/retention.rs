//! Erases what is older than the school keeps, in bounded steps: content, words, data keys, who it was, notices, and
//! what audit entries stand for. What stays: the audit chain's hashes, numbers without people, and each epoch's
//! `forgotten_below`, so that nothing delivered once can come twice.

use super::{Store, Write, audit};
use crate::chain::Deed;
use std::collections::{BTreeMap, HashMap};

/// How many rows one transaction takes, so that flags never wait long for their turn.
const STEP: i64 = 200;
const SEQUENCES: i64 = 5_000;
/// Entries of the audit log whose details one step erases: each step is an entry itself.
const ENTRIES: i64 = 5_000;

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Erased {
    /// Concerns with everything in them.
    pub concerns: u64,
    /// Flags.
    pub flags: u64,
    /// Notices' words.
    pub notices: u64,
    /// What audit entries stood for.
    pub audit: u64,
    /// Unreadable records that were kept.
    pub quarantined: u64,
}

/// Erases everything from before `cutoff`: concerns that were closed before it, or, if nobody closed them, have not
/// changed since.
///
/// # Errors
/// When the database cannot be read or written. What was erased until then stays erased.
pub async fn erase(store: &Store, school_id: &str, cutoff: i64, now: i64) -> Result<Erased, sqlx::Error> {
    let mut erased = Erased::default();
    let mut epochs = BTreeMap::new();
    loop {
        let mut tx = store.write().await?;
        let (concerns, flags) = erase_concerns(&mut tx, school_id, cutoff, now, &mut epochs).await?;
        tx.commit().await?;
        erased.concerns += concerns;
        erased.flags += flags;
        if concerns == 0 {
            break;
        }
    }
    forget(store, school_id, &epochs).await?;
    erased.notices = in_steps(store, NOTICES, school_id, cutoff).await?;
    erased.audit = erase_audit(store, school_id, cutoff, now).await?;
    erased.quarantined = in_steps(store, QUARANTINE, school_id, cutoff).await?;
    in_steps(store, REASONS, school_id, cutoff).await?;
    if erased != Erased::default() {
        let mut tx = store.write().await?;
        let detail = serde_json::json!({ "before": cutoff, "erased": erased });
        let entry = audit::Entry {
            school_id,
            actor: "pastoral",
            deed: Deed::Retention,
            concern_id: None,
            detail,
        };
        audit::append(&mut tx, now, &entry).await?;
        tx.commit().await?;
    }
    Ok(erased)
}

const NOTICES: &str = "UPDATE outbox SET matter = NULL, address = '',
        ended_at = CASE WHEN sent_at IS NULL THEN COALESCE(ended_at, $2) ELSE ended_at END
    WHERE notice_id IN (SELECT notice_id FROM outbox WHERE school_id = $1 AND created_at < $2
        AND (address <> '' OR (sent_at IS NULL AND ended_at IS NULL)) LIMIT $3)";
const QUARANTINE: &str = "DELETE FROM quarantine WHERE (device_id, epoch, sequence) IN (
    SELECT device_id, epoch, sequence FROM quarantine WHERE school_id = $1 AND received_at < $2 LIMIT $3)";

const REASONS: &str = "DELETE FROM quarantine_action WHERE (device_id, epoch, sequence, at) IN (
    SELECT device_id, epoch, sequence, at FROM quarantine_action WHERE school_id = $1 AND at < $2 LIMIT $3)";

async fn erase_audit(store: &Store, school_id: &str, cutoff: i64, now: i64) -> Result<u64, sqlx::Error> {
    let mut all = 0;
    loop {
        let mut tx = store.write().await?;
        let done = audit::erase_details(&mut tx, school_id, (cutoff, now), ENTRIES).await?;
        tx.commit().await?;
        if done == 0 {
            return Ok(all);
        }
        all += done;
    }
}

async fn in_steps(
    store: &Store,
    statement: &'static str,
    school_id: &str,
    cutoff: i64,
) -> Result<u64, sqlx::Error> {
    let mut all = 0;
    loop {
        let mut tx = store.write().await?;
        let done = sqlx::query(statement)
            .bind(school_id)
            .bind(cutoff)
            .bind(STEP)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        if done.rows_affected() == 0 {
            return Ok(all);
        }
        all += done.rows_affected();
    }
}

async fn erase_concerns(
    tx: &mut Write,
    school_id: &str,
    cutoff: i64,
    now: i64,
    epochs: &mut BTreeMap<i64, i64>,
) -> Result<(u64, u64), sqlx::Error> {
    let old: Vec<String> = sqlx::query_scalar(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND erased_at IS NULL
         AND COALESCE(closed_at, changed_at) < $2 LIMIT $3",
    )
    .bind(school_id)
    .bind(cutoff)
    .bind(STEP)
    .fetch_all(&mut **tx)
    .await?;
    let mut flags = 0;
    for concern_id in &old {
        let highest: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT epoch_no, MAX(sequence) FROM flag WHERE school_id = $1 AND concern_id = $2 GROUP BY epoch_no",
        )
        .bind(school_id)
        .bind(concern_id)
        .fetch_all(&mut **tx)
        .await?;
        for (epoch_no, highest) in highest {
            let known = epochs.entry(epoch_no).or_default();
            *known = highest.max(*known);
        }
        flags += erase_concern(tx, school_id, concern_id, now).await?;
    }
    Ok((old.len() as u64, flags))
}

async fn erase_concern(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    now: i64,
) -> Result<u64, sqlx::Error> {
    let flags = sqlx::query("DELETE FROM flag WHERE school_id = $1 AND concern_id = $2")
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    for statement in [
        "DELETE FROM data_key WHERE school_id = $1 AND concern_id = $2",
        "DELETE FROM concern_reader WHERE school_id = $1 AND concern_id = $2",
        "DELETE FROM concern_named WHERE school_id = $1 AND concern_id = $2",
        "DELETE FROM warning WHERE school_id = $1 AND concern_id = $2",
        "DELETE FROM outbox WHERE school_id = $1 AND concern_id = $2 AND sent_at IS NULL",
        "DELETE FROM notice_concern WHERE school_id = $1 AND concern_id = $2",
        "UPDATE action SET sealed = NULL, data_key_id = NULL, detail = '{}' WHERE school_id = $1 AND concern_id = $2",
    ] {
        sqlx::query(statement)
            .bind(school_id)
            .bind(concern_id)
            .execute(&mut **tx)
            .await?;
    }
    // The number of concerns of a kind stays; whose it was goes.
    sqlx::query(
        "UPDATE concern SET person_id = NULL, account_id = NULL, owner_id = NULL, apart = '', category_reason = NULL,
                next_due_at = NULL, state = 'closed', closed_at = COALESCE(closed_at, $1),
                outcome = COALESCE(outcome, 'expired'), erased_at = $1
         WHERE school_id = $2 AND concern_id = $3",
    )
    .bind(now)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(flags.rows_affected())
}

/// `epochs`: the highest sequence that was erased of each.
async fn forget(store: &Store, school_id: &str, epochs: &BTreeMap<i64, i64>) -> Result<(), sqlx::Error> {
    if epochs.is_empty() {
        return Ok(());
    }
    let kept: Vec<(i64, i64)> =
        sqlx::query_as("SELECT epoch_no, MIN(sequence) FROM flag WHERE school_id = $1 GROUP BY epoch_no")
            .bind(school_id)
            .fetch_all(&mut *store.read().await?)
            .await?;
    let kept: HashMap<i64, i64> = kept.into_iter().collect();
    for (epoch_no, highest) in epochs {
        let limit = kept
            .get(epoch_no)
            .copied()
            .unwrap_or(i64::MAX)
            .min(highest.saturating_add(1));
        let mut tx = store.write().await?;
        forget_below(&mut tx, school_id, *epoch_no, limit).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// INVARIANT 2: nothing delivered once comes twice. The run of delivered records without a hole becomes one number,
/// up to what was erased and below what is still kept. Beyond a hole the digests stay: what is missing there may come.
async fn forget_below(tx: &mut Write, school_id: &str, epoch_no: i64, limit: i64) -> Result<(), sqlx::Error> {
    let below: Option<i64> =
        sqlx::query_scalar("SELECT forgotten_below FROM epoch WHERE school_id = $1 AND epoch_no = $2")
            .bind(school_id)
            .bind(epoch_no)
            .fetch_optional(&mut **tx)
            .await?;
    let Some(mut below) = below else { return Ok(()) };
    loop {
        let delivered: Vec<i64> = sqlx::query_scalar(
            "SELECT sequence FROM delivered WHERE epoch_no = $1 AND sequence >= $2 AND sequence < $3
             ORDER BY sequence LIMIT $4",
        )
        .bind(epoch_no)
        .bind(below)
        .bind(limit)
        .bind(SEQUENCES)
        .fetch_all(&mut **tx)
        .await?;
        let before = below;
        for sequence in delivered {
            if sequence != below {
                break;
            }
            below += 1;
        }
        if below - before < SEQUENCES {
            break;
        }
    }
    sqlx::query("UPDATE epoch SET forgotten_below = $1 WHERE school_id = $2 AND epoch_no = $3")
        .bind(below)
        .bind(school_id)
        .bind(epoch_no)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM delivered WHERE epoch_no = $1 AND sequence < $2")
        .bind(epoch_no)
        .bind(below)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
