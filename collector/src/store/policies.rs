//! The numbers of policies.

use super::Write;

/// Generation and counter for a group's policy: those it had, when its fingerprint is the same; otherwise the next.
///
/// ONE WRITER: two that ask for the same policy have the same number.
pub async fn number(
    tx: &mut Write,
    school_id: &str,
    group: &str,
    fingerprint: &[u8],
    now_ms: i64,
) -> Result<(i64, i64), sqlx::Error> {
    let generation: i64 = sqlx::query_scalar("SELECT generation FROM school WHERE school_id = $1")
        .bind(school_id)
        .fetch_one(&mut **tx)
        .await?;
    let kept: Option<i64> = sqlx::query_scalar(
        "SELECT counter FROM policy WHERE school_id = $1 AND group_name = $2 AND fingerprint = $3 AND generation = $4",
    )
    .bind(school_id)
    .bind(group)
    .bind(fingerprint)
    .bind(generation)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(counter) = kept {
        return Ok((generation, counter));
    }
    let counter: i64 =
        sqlx::query_scalar("UPDATE school SET counter = counter + 1 WHERE school_id = $1 RETURNING counter")
            .bind(school_id)
            .fetch_one(&mut **tx)
            .await?;
    sqlx::query(
        "INSERT INTO policy (school_id, group_name, fingerprint, generation, counter, made_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (school_id, group_name) DO UPDATE SET fingerprint = excluded.fingerprint,
         generation = excluded.generation, counter = excluded.counter, made_at = excluded.made_at",
    )
    .bind(school_id)
    .bind(group)
    .bind(fingerprint)
    .bind(generation)
    .bind(counter)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok((generation, counter))
}
