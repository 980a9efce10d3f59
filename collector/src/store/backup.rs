//! Copies of the store, and bringing one back: a copy is older than what devices have, so its generation is raised.

pub use super::sqlite::{copy, damage};

use super::{Read, Write};

/// How far a device's deliveries go in a store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Mark {
    /// The device.
    pub device_id: String,
    /// What it calls itself.
    pub host_name: String,
    /// Records delivered, over all runs of its service.
    pub delivered: i64,
    /// When it was last heard.
    pub last_seen_at: Option<i64>,
}

/// The highest generation that the store knows of: its own, and those that devices follow, which may come of a restore by a
/// clock that was ahead. What lies beyond `most` is none: a device says what it likes.
pub async fn generation(db: &mut Read, school_id: &str, most: i64) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT MAX(known) FROM (SELECT generation AS known FROM school WHERE school_id = $1
            UNION ALL SELECT policy_generation FROM device WHERE school_id = $1 AND policy_generation <= $2) AS all_known",
    )
    .bind(school_id)
    .bind(most)
    .fetch_one(db)
    .await
}

/// How far the deliveries of every device go.
pub async fn marks(db: &mut Read, school_id: &str) -> Result<Vec<Mark>, sqlx::Error> {
    sqlx::query_as(
        "SELECT d.device_id, d.host_name, COALESCE(SUM(e.delivered), 0) AS delivered, d.last_seen_at FROM device d
         LEFT JOIN epoch e ON e.school_id = d.school_id AND e.device_id = d.device_id
         WHERE d.school_id = $1 GROUP BY d.device_id ORDER BY d.host_name, d.device_id",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// Makes a restored store one that devices follow: policies are made again under a higher generation. One-time links are
/// withdrawn: those used since the backup would open once more.
pub async fn begin_generation(
    tx: &mut Write,
    school_id: &str,
    generation: i64,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE school SET generation = $1 WHERE school_id = $2")
        .bind(generation)
        .bind(school_id)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "UPDATE invitation SET withdrawn_at = $1, wrapped_keys = NULL, held_secret = NULL
         WHERE school_id = $2 AND used_at IS NULL AND withdrawn_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
