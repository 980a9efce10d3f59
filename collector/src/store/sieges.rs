//! When somebody was last told that others try to sign in as them.

use super::Write;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether somebody is to be told now: once in a day. It is written down that they are.
pub async fn is_to_be_told(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    // A time that is still to come was written down before the clock was set back.
    let told = sqlx::query(
        "INSERT INTO siege_told (school_id, person_id, told_at) VALUES ($1, $2, $3)
         ON CONFLICT (school_id, person_id) DO UPDATE SET told_at = excluded.told_at
         WHERE siege_told.told_at <= $4 OR siege_told.told_at > $3",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(now_ms)
    .bind(now_ms - DAY_MS)
    .execute(&mut **tx)
    .await?;
    Ok(told.rows_affected() == 1)
}
