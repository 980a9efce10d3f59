//! Browsers with which somebody has signed in before. Those of who has no duty left are known for nothing.

use super::{Read, Write};

/// How long a browser is known after it was last signed in with, in milliseconds.
pub const KNOWN_FOR_MS: i64 = 180 * 24 * 60 * 60 * 1000;
/// Known browsers of one person; the longest unused gives way.
const MOST: i64 = 16;

/// Somebody has signed in with a browser.
pub async fn remember(
    tx: &mut Write,
    school_id: &str,
    cookie_hash: &[u8],
    person_id: &str,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO known_browser (school_id, cookie_hash, person_id, known_since, last_used_at)
         VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (school_id, cookie_hash, person_id) DO UPDATE SET last_used_at = excluded.last_used_at",
    )
    .bind(school_id)
    .bind(cookie_hash)
    .bind(person_id)
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM known_browser WHERE school_id = $1 AND person_id = $2 AND cookie_hash NOT IN (
            SELECT cookie_hash FROM known_browser WHERE school_id = $1 AND person_id = $2 AND last_used_at > $3
            ORDER BY last_used_at DESC LIMIT $4)",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(now_ms - KNOWN_FOR_MS)
    .bind(MOST)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends what every browser of a person is known for: their password may be in other hands. Call it wherever a sign-in
/// is reset, a password changed, or everything signed out.
pub async fn forget(tx: &mut Write, school_id: &str, person_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM known_browser WHERE school_id = $1 AND person_id = $2")
        .bind(school_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whether the person who signs in with an address has done so with this browser.
pub async fn is_known_for(
    db: &mut Read,
    school_id: &str,
    cookie_hash: &[u8],
    email: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM known_browser b
         JOIN person p ON p.school_id = b.school_id AND p.person_id = b.person_id
         JOIN duty d ON d.school_id = b.school_id AND d.person_id = b.person_id AND d.ended_at IS NULL
         WHERE b.school_id = $1 AND b.cookie_hash = $2 AND b.last_used_at > $3 AND lower(p.email) = lower($4))",
    )
    .bind(school_id)
    .bind(cookie_hash)
    .bind(now_ms - KNOWN_FOR_MS)
    .bind(email.trim())
    .fetch_one(db)
    .await
}

/// Whether anybody has signed in with this browser.
pub async fn is_known(
    db: &mut Read,
    school_id: &str,
    cookie_hash: &[u8],
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM known_browser b
         JOIN duty d ON d.school_id = b.school_id AND d.person_id = b.person_id AND d.ended_at IS NULL
         WHERE b.school_id = $1 AND b.cookie_hash = $2 AND b.last_used_at > $3)",
    )
    .bind(school_id)
    .bind(cookie_hash)
    .bind(now_ms - KNOWN_FOR_MS)
    .fetch_one(db)
    .await
}
