//! Notices that have not reached their reader, for the console and `check`.

use super::Sort;
use crate::store::{Read, Store};

/// A notice that could not be brought to its reader yet.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Undelivered {
    /// The concern, where it is about one.
    pub concern_id: Option<String>,
    /// To whom.
    pub person_id: Option<String>,
    /// What it is.
    #[sqlx(rename = "notice")]
    pub sort: Sort,
    /// When it was queued.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried again.
    pub due_at: i64,
    /// When the next person was told instead, because its reader cannot be reached.
    pub skipped_at: Option<i64>,
    /// Why, the last time.
    pub last_error: String,
}

/// Notices that are tried again, newest first, at most `most`: those about concerns that this reader may see, their own,
/// and the audit chain's heads.
pub async fn undelivered(
    connection: &mut Read,
    school_id: &str,
    reader_id: &str,
    most: i64,
) -> Result<Vec<Undelivered>, sqlx::Error> {
    // INVARIANT 4: a notice about concerns shows only to those who may see one of them.
    sqlx::query_as(
        "SELECT concern_id, person_id, notice, created_at, attempts, due_at, skipped_at,
                COALESCE(last_error, '') AS last_error
         FROM outbox WHERE school_id = $1 AND sent_at IS NULL AND ended_at IS NULL AND attempts > 0
         AND (notice = $4 OR (concern_id IS NULL AND person_id = $2) OR EXISTS (
                SELECT 1 FROM concern_reader AS reader WHERE reader.person_id = $2
                AND (reader.concern_id = outbox.concern_id OR reader.concern_id IN
                    (SELECT concern_id FROM notice_concern WHERE notice_concern.notice_id = outbox.notice_id))))
         ORDER BY created_at DESC LIMIT $3",
    )
    .bind(school_id)
    .bind(reader_id)
    .bind(most)
    .bind(Sort::AuditHead)
    .fetch_all(connection)
    .await
}

/// Why the notice that was tried last did not leave. Names no person and says nothing of concerns.
pub async fn last_error(store: &Store, school_id: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT last_error FROM outbox WHERE school_id = $1 AND sent_at IS NULL AND ended_at IS NULL
         AND last_error IS NOT NULL ORDER BY skipped_at IS NOT NULL, due_at DESC LIMIT 1",
    )
    .bind(school_id)
    .fetch_optional(&mut *store.read().await?)
    .await
}

/// Whether something was tried and not taken yet. Says neither how much nor when the last left: that would count what is
/// told of concerns.
pub async fn waits(store: &Store, school_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM outbox
         WHERE school_id = $1 AND sent_at IS NULL AND ended_at IS NULL AND attempts > 0)",
    )
    .bind(school_id)
    .fetch_one(&mut *store.read().await?)
    .await
}
