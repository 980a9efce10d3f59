//! What people were writing when their form was not taken. Sealed to the writer's own key; kept for a day, and of each
//! person the latest few.

use super::{Read, Write, person_keys};
use crate::seal::GroupPublicKey;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long a draft is kept.
pub const KEPT_MS: i64 = 24 * HOUR_MS;
/// A session lasts half a day at most; for a day after its end its forms can still be kept.
const WRITER_KNOWN_MS: i64 = 12 * HOUR_MS + KEPT_MS;
/// Of one person; the oldest gives way.
const MOST_OF_ONE: i64 = 20;

/// A draft, sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DraftRow {
    /// Its random id.
    pub draft_id: String,
    /// The form and what was typed into it.
    pub sealed: Vec<u8>,
}

/// Who writes, and the key that only they open.
#[derive(Clone)]
pub struct Writer {
    /// Who.
    pub person_id: String,
    /// Their own public key.
    pub public_key: GroupPublicKey,
}

/// From now on, forms with this token are this person's. Forgets whose time is over.
pub async fn writes(
    tx: &mut Write,
    school_id: &str,
    token_hash: &[u8],
    person_id: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM writer WHERE school_id = $1 AND began_at < $2")
        .bind(school_id)
        .bind(now - WRITER_KNOWN_MS)
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO writer (school_id, token_hash, person_id, began_at) VALUES ($1, $2, $3, $4)")
        .bind(school_id)
        .bind(token_hash)
        .bind(person_id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    forget_old(tx, school_id, now).await
}

/// Whose form it is; none when nobody's who could get it back.
pub async fn writer(
    connection: &mut Read,
    school_id: &str,
    token_hash: &[u8],
    now: i64,
) -> Result<Option<Writer>, sqlx::Error> {
    let person_id: Option<String> = sqlx::query_scalar(
        "SELECT u.person_id FROM writer w
         JOIN \"user\" u ON u.school_id = w.school_id AND u.person_id = w.person_id
         WHERE w.school_id = $1 AND w.token_hash = $2 AND w.began_at >= $3 AND u.disabled_at IS NULL",
    )
    .bind(school_id)
    .bind(token_hash)
    .bind(now - WRITER_KNOWN_MS)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(person_id) = person_id else {
        return Ok(None);
    };
    let recorded = person_keys::of(connection, school_id, &person_id).await?;
    let public_key = recorded.and_then(|recorded| recorded.key().cloned());
    Ok(public_key.map(|public_key| Writer {
        person_id,
        public_key,
    }))
}

/// Keeps a draft.
pub async fn keep(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    draft: &DraftRow,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO draft (school_id, draft_id, person_id, sealed, written_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(school_id)
    .bind(&draft.draft_id)
    .bind(person_id)
    .bind(&draft.sealed)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM draft WHERE school_id = $1 AND person_id = $2 AND draft_id NOT IN
         (SELECT draft_id FROM draft WHERE school_id = $1 AND person_id = $2 ORDER BY written_at DESC, draft_id LIMIT $3)",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(MOST_OF_ONE)
    .execute(&mut **tx)
    .await?;
    forget_old(tx, school_id, now).await
}

/// A person's drafts of the last day, the latest first.
pub async fn of(
    db: &mut Read,
    school_id: &str,
    person_id: &str,
    now: i64,
) -> Result<Vec<DraftRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT draft_id, sealed FROM draft WHERE school_id = $1 AND person_id = $2 AND written_at > $3
         ORDER BY written_at DESC, draft_id",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(now - KEPT_MS)
    .fetch_all(db)
    .await
}

/// Forgets drafts of a person.
pub async fn forget(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    draft_ids: &[String],
) -> Result<(), sqlx::Error> {
    for draft_id in draft_ids {
        sqlx::query("DELETE FROM draft WHERE school_id = $1 AND person_id = $2 AND draft_id = $3")
            .bind(school_id)
            .bind(person_id)
            .bind(draft_id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Forgets what is older than a day.
pub async fn forget_old(tx: &mut Write, school_id: &str, now: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM draft WHERE school_id = $1 AND written_at <= $2")
        .bind(school_id)
        .bind(now - KEPT_MS)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
