//! The engines that devices match with, by the hash of their bytes, and the policies that name them.

use super::{Store, Write};
use sqlx::Row;

/// Engines that are kept: the last ones, for devices that are still fetching one.
const KEPT: i64 = 3;

/// Keeps an engine, unless it is there already.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    tx: &mut Write,
    school_id: &str,
    (sha256, version): (&[u8], u32),
    content: &[u8],
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO rules (school_id, sha256, version, content, made_at) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (school_id, sha256) DO UPDATE SET made_at = excluded.made_at",
    )
    .bind(school_id)
    .bind(sha256)
    .bind(version)
    .bind(content)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM rules WHERE school_id = ?1 AND sha256 NOT IN
         (SELECT sha256 FROM rules WHERE school_id = ?1 ORDER BY made_at DESC LIMIT ?2)",
    )
    .bind(school_id)
    .bind(KEPT)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The bytes of an engine.
///
/// # Errors
/// When the database cannot be read.
pub async fn content(store: &Store, school_id: &str, sha256: &[u8]) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("SELECT content FROM rules WHERE school_id = ? AND sha256 = ?")
        .bind(school_id)
        .bind(sha256)
        .fetch_optional(store.read())
        .await
}

/// Generation and counter for a group's policy: those it had, when its fingerprint is the same; otherwise the next.
///
/// # Errors
/// When the database cannot be written.
pub async fn policy_number(
    tx: &mut Write,
    school_id: &str,
    group: &str,
    fingerprint: &[u8],
    now_ms: i64,
) -> Result<(i64, i64), sqlx::Error> {
    let generation: i64 = sqlx::query_scalar("SELECT generation FROM school WHERE school_id = ?")
        .bind(school_id)
        .fetch_one(&mut **tx)
        .await?;
    let kept = sqlx::query(
        "SELECT counter FROM policy WHERE school_id = ? AND group_name = ? AND fingerprint = ? AND generation = ?",
    )
    .bind(school_id)
    .bind(group)
    .bind(fingerprint)
    .bind(generation)
    .fetch_optional(&mut **tx)
    .await?;
    if let Some(row) = kept {
        return Ok((generation, row.get(0)));
    }
    let counter: i64 =
        sqlx::query_scalar("UPDATE school SET counter = counter + 1 WHERE school_id = ? RETURNING counter")
            .bind(school_id)
            .fetch_one(&mut **tx)
            .await?;
    sqlx::query(
        "INSERT INTO policy (school_id, group_name, fingerprint, generation, counter, made_at)
         VALUES (?, ?, ?, ?, ?, ?)
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
