//! What devices used of what is limited for each, and what people allowed them.

use super::{Read, Write};
use crate::metering::{Told, Use, Written};
use jiff::civil::Date;

/// Writes down counts.
pub async fn write(tx: &mut Write, school_id: &str, written: &Written) -> Result<(), sqlx::Error> {
    for used in &written.uses {
        sqlx::query(
            "INSERT INTO device_use (school_id, device_id, day, what, used, held_back_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (school_id, device_id, day, what) DO UPDATE SET used = excluded.used,
             held_back_at = excluded.held_back_at",
        )
        .bind(school_id)
        .bind(&used.device_id)
        .bind(&used.day)
        .bind(used.what)
        .bind(used.used)
        .bind(used.held_back_at)
        .execute(&mut **tx)
        .await?;
    }
    for told in &written.accounts {
        sqlx::query(
            "INSERT INTO device_account (school_id, device_id, day, authority, stable_id, let_in)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (school_id, device_id, day, authority, stable_id) DO UPDATE SET let_in = excluded.let_in",
        )
        .bind(school_id)
        .bind(&told.device_id)
        .bind(&told.day)
        .bind(&told.authority)
        .bind(&told.stable_id)
        .bind(told.let_in)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// What was written down of a day.
pub async fn of_day(db: &mut Read, school_id: &str, day: Date) -> Result<Written, sqlx::Error> {
    let uses: Vec<Use> = sqlx::query_as(
        "SELECT device_id, day, what, used, held_back_at FROM device_use WHERE school_id = $1 AND day = $2",
    )
    .bind(school_id)
    .bind(day.to_string())
    .fetch_all(&mut *db)
    .await?;
    let accounts: Vec<Told> = sqlx::query_as(
        "SELECT device_id, day, authority, stable_id, let_in FROM device_account WHERE school_id = $1 AND day = $2",
    )
    .bind(school_id)
    .bind(day.to_string())
    .fetch_all(db)
    .await?;
    Ok(Written { uses, accounts })
}

/// For what devices were held back since a person last allowed them more, the last time of each.
pub async fn held_back(db: &mut Read, school_id: &str) -> Result<Vec<Use>, sqlx::Error> {
    sqlx::query_as(
        "SELECT u.device_id, max(u.day) AS day, u.what, max(u.used) AS used, max(u.held_back_at) AS held_back_at
         FROM device_use u JOIN device d ON d.school_id = u.school_id AND d.device_id = u.device_id
         WHERE u.school_id = $1 AND u.held_back_at IS NOT NULL
         AND (d.allowed_at IS NULL OR u.held_back_at > d.allowed_at)
         GROUP BY u.device_id, u.what ORDER BY u.device_id, u.what",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// When a person last allowed each device more.
pub async fn allowed(db: &mut Read, school_id: &str) -> Result<Vec<(String, i64)>, sqlx::Error> {
    sqlx::query_as("SELECT device_id, allowed_at FROM device WHERE school_id = $1 AND allowed_at IS NOT NULL")
        .bind(school_id)
        .fetch_all(db)
        .await
}

/// A person allows an approved device more. Says whether it is one.
pub async fn allow(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE device SET allowed_at = $1 WHERE school_id = $2 AND device_id = $3 AND state = 'approved'",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(device_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}
