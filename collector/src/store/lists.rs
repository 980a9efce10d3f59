//! Keyword lists, by the hash of their bytes, and the policies made of them.

use super::{Store, Write};
use ring::digest::{SHA256, digest};
use sqlx::Row;

/// A keyword list as policies name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    /// The list's id.
    pub list_id: String,
    /// Its version.
    pub version: u32,
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
}

/// Keeps a list, unless it is there already. Gives its row.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    tx: &mut Write,
    school_id: &str,
    (list_id, version): (&str, u32),
    content: &[u8],
    now_ms: i64,
) -> Result<ListRow, sqlx::Error> {
    let sha256 = digest(&SHA256, content).as_ref().to_vec();
    sqlx::query(
        "INSERT OR IGNORE INTO list (school_id, sha256, list_id, version, content, added_at) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(school_id)
    .bind(&sha256)
    .bind(list_id)
    .bind(version)
    .bind(content)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(ListRow {
        list_id: list_id.to_owned(),
        version,
        sha256,
    })
}

/// The bytes of a list.
///
/// # Errors
/// When the database cannot be read.
pub async fn content(store: &Store, school_id: &str, sha256: &[u8]) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar("SELECT content FROM list WHERE school_id = ? AND sha256 = ?")
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
