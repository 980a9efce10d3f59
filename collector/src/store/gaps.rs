//! What was not kept, not watched or not readable, in numbers.

use sqlx::{Row, SqliteExecutor};

/// How many gaps and unreadable records came in since a time.
///
/// # Errors
/// When the database cannot be read.
pub async fn count_since(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    since: i64,
) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query(
        "SELECT (SELECT count(*) FROM gap WHERE school_id = ?1 AND received_at >= ?2),
                (SELECT count(*) FROM quarantine WHERE school_id = ?1 AND received_at >= ?2)",
    )
    .bind(school_id)
    .bind(since)
    .fetch_one(db)
    .await?;
    Ok((row.get(0), row.get(1)))
}
