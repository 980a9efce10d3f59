//! The codes that people sign in with: which were used, and which recovery codes are left.

use super::{Read, Write};

/// Marks the step of a code as used. False when it or a later one was used already: a code serves once.
pub async fn spend_step(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    step: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE \"user\" SET totp_last_step = $1 WHERE school_id = $2 AND person_id = $3 AND totp_last_step < $1",
    )
    .bind(step)
    .bind(school_id)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a recovery code as used. False when there is none such or it was used already.
pub async fn spend_recovery_code(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    hash: &[u8],
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE recovery_code SET used_at = $1 WHERE school_id = $2 AND person_id = $3 AND hash = $4 AND used_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(person_id)
    .bind(hash)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces a person's recovery codes.
pub async fn replace_recovery_codes(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    hashes: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM recovery_code WHERE school_id = $1 AND person_id = $2")
        .bind(school_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    for hash in hashes {
        sqlx::query("INSERT INTO recovery_code (school_id, person_id, hash) VALUES ($1, $2, $3)")
            .bind(school_id)
            .bind(person_id)
            .bind(hash)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// How many recovery codes a person has left.
pub async fn recovery_codes_left(
    db: &mut Read,
    school_id: &str,
    person_id: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM recovery_code WHERE school_id = $1 AND person_id = $2 AND used_at IS NULL",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_one(db)
    .await
}
