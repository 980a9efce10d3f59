//! Reader keys sealed to people's own keys, which they take into their vaults at their next sign-in.

use super::{Read, Write};
use crate::concerns::model::ReaderGroup;

/// A reader group's key, sealed to a person.
#[derive(Debug, Clone)]
pub struct SealedKey {
    /// Which.
    pub group: ReaderGroup,
    /// Opens with the person's own private key.
    pub sealed: Vec<u8>,
}

/// Keeps a key for a person; with `proposal_id`, until that is agreed.
pub async fn give(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    key: &SealedKey,
    (by, proposal_id): (&str, Option<&str>),
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO sealed_key (school_id, person_id, reader_group, proposal_id, sealed, given_by, given_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(key.group)
    .bind(proposal_id)
    .bind(&key.sealed)
    .bind(by)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a person may take now.
pub async fn ready_for(
    db: &mut Read,
    school_id: &str,
    person_id: &str,
) -> Result<Vec<SealedKey>, sqlx::Error> {
    let rows: Vec<(ReaderGroup, Vec<u8>)> = sqlx::query_as(
        "SELECT s.reader_group, s.sealed FROM sealed_key s
         LEFT JOIN proposal p ON p.school_id = s.school_id AND p.proposal_id = s.proposal_id
         WHERE s.school_id = $1 AND s.person_id = $2 AND (s.proposal_id IS NULL OR p.state = 'agreed')",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter();
    Ok(rows.map(|(group, sealed)| SealedKey { group, sealed }).collect())
}

/// Who has keys waiting for their next sign-in, and of which groups.
pub async fn ready(db: &mut Read, school_id: &str) -> Result<Vec<(String, ReaderGroup)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT s.person_id, s.reader_group FROM sealed_key s
         LEFT JOIN proposal p ON p.school_id = s.school_id AND p.proposal_id = s.proposal_id
         WHERE s.school_id = $1 AND (s.proposal_id IS NULL OR p.state = 'agreed')",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// Forgets what a person has taken, or what was sealed to a key that is lost.
pub async fn forget(tx: &mut Write, school_id: &str, person_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM sealed_key WHERE school_id = $1 AND person_id = $2 AND (proposal_id IS NULL
         OR proposal_id IN (SELECT proposal_id FROM proposal WHERE school_id = $1 AND state = 'agreed'))",
    )
    .bind(school_id)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
