//! What was not kept, not watched or not readable, in numbers.

use super::Read;

/// A time in which something was not kept on a device. How much of it, whose and how serious it was is not told.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct GapRow {
    /// Where.
    pub device_id: String,
    /// A code.
    pub cause: String,
    /// From when on, by the device's clock, corrected.
    pub from_at: i64,
    /// Until when.
    pub to_at: i64,
}

/// Gaps of devices that came in since a time, the latest first, at most `most`; one line for each device, cause and day.
/// INVARIANT 4: not those of an account, which say that something of it was flagged.
pub async fn since(
    db: &mut Read,
    school_id: &str,
    since: i64,
    most: i64,
) -> Result<Vec<GapRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT device_id, cause, min(from_at) AS from_at, max(to_at) AS to_at FROM gap
         WHERE school_id = $1 AND received_at >= $2 AND account_id IS NULL
         GROUP BY device_id, cause, received_at / 86400000 ORDER BY max(to_at) DESC, device_id, cause LIMIT $3",
    )
    .bind(school_id)
    .bind(since)
    .bind(most)
    .fetch_all(db)
    .await
}

/// Gaps of the accounts whose flags are in a concern, around its time, for who may see the concern; the latest first.
pub async fn of_concern(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Vec<GapRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT g.device_id, g.cause, min(g.from_at) AS from_at, max(g.to_at) AS to_at FROM gap g
         JOIN concern c ON c.school_id = g.school_id AND c.concern_id = $3
            AND g.to_at >= c.first_event_at - 86400000 AND g.from_at <= c.last_event_at + 86400000
         JOIN concern_reader r ON r.school_id = c.school_id AND r.concern_id = c.concern_id AND r.person_id = $2
         WHERE g.school_id = $1 AND g.account_id IN (SELECT account_id FROM flag WHERE concern_id = $3)
         GROUP BY g.device_id, g.cause ORDER BY max(g.to_at) DESC LIMIT 10",
    )
    .bind(school_id)
    .bind(viewer)
    .bind(concern_id)
    .fetch_all(db)
    .await
}

/// How many gaps of devices and unreadable records came in since a time.
pub async fn count_since(db: &mut Read, school_id: &str, since: i64) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT (SELECT count(*) FROM gap WHERE school_id = $1 AND received_at >= $2 AND account_id IS NULL),
                (SELECT count(*) FROM quarantine WHERE school_id = $1 AND received_at >= $2)",
    )
    .bind(school_id)
    .bind(since)
    .fetch_one(db)
    .await
}
