//! Reader keys that a proposer hands to whoever agrees.

use crate::concerns::model::ReaderGroup;
use crate::store::{Read, Write};

/// What a proposer hands to whoever agrees: reader keys sealed to a fresh key pair, whose private half is sealed to each
/// person who may agree.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    /// Group and sealed key.
    pub keys: Vec<(ReaderGroup, Vec<u8>)>,
    /// Person and sealed private key.
    pub shares: Vec<(String, Vec<u8>)>,
}

/// Keeps what the proposer hands to whoever agrees.
pub async fn carry(
    tx: &mut Write,
    school_id: &str,
    proposal_id: &str,
    carried: &Carried,
) -> Result<(), sqlx::Error> {
    for (group, sealed) in &carried.keys {
        sqlx::query(
            "INSERT INTO proposal_key (school_id, proposal_id, reader_group, sealed) VALUES ($1, $2, $3, $4)",
        )
        .bind(school_id)
        .bind(proposal_id)
        .bind(group)
        .bind(sealed)
        .execute(&mut **tx)
        .await?;
    }
    for (person_id, sealed) in &carried.shares {
        sqlx::query(
            "INSERT INTO proposal_share (school_id, proposal_id, person_id, sealed) VALUES ($1, $2, $3, $4)",
        )
        .bind(school_id)
        .bind(proposal_id)
        .bind(person_id)
        .bind(sealed)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// What the proposer handed over.
pub async fn carried(
    connection: &mut Read,
    school_id: &str,
    proposal_id: &str,
) -> Result<Carried, sqlx::Error> {
    let keys = sqlx::query_as(
        "SELECT reader_group, sealed FROM proposal_key WHERE school_id = $1 AND proposal_id = $2",
    )
    .bind(school_id)
    .bind(proposal_id)
    .fetch_all(&mut *connection)
    .await?;
    let shares = sqlx::query_as(
        "SELECT person_id, sealed FROM proposal_share WHERE school_id = $1 AND proposal_id = $2",
    )
    .bind(school_id)
    .bind(proposal_id)
    .fetch_all(&mut *connection)
    .await?;
    Ok(Carried { keys, shares })
}
