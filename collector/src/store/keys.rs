//! The public keys of the reader groups, and the sealed data keys.

use super::{Read, Write};
use crate::concerns::model::{ReaderGroup, SealedTo};
use crate::seal::content::{DataKey, DataKeyRow, Sealer};
use crate::seal::{GroupPublicKey, SealError};
use sqlx::QueryBuilder;
use std::collections::HashMap;
use std::sync::Arc;

/// The public key of every group of a school.
///
/// # Errors
/// When the database cannot be read or a key in it is damaged.
pub async fn publics(
    db: &mut Read,
    school_id: &str,
) -> Result<HashMap<ReaderGroup, GroupPublicKey>, sqlx::Error> {
    let rows: Vec<(ReaderGroup, Vec<u8>)> =
        sqlx::query_as("SELECT reader_group, public_key FROM reader_key WHERE school_id = $1")
            .bind(school_id)
            .fetch_all(db)
            .await?;
    let damaged = |_| sqlx::Error::Decode("a reader key in the store is damaged; restore a backup".into());
    rows.iter()
        .map(|(group, key)| Ok((*group, GroupPublicKey::from_bytes(key).map_err(damaged)?)))
        .collect()
}

/// Keeps the public key of a group.
///
/// # Errors
/// When the database cannot be written or the group has a key already.
pub async fn add_public(
    tx: &mut Write,
    school_id: &str,
    group: ReaderGroup,
    key: &GroupPublicKey,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO reader_key (school_id, reader_group, public_key, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(school_id)
    .bind(group)
    .bind(&key.to_bytes()[..])
    .bind(now_ms)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Why content could not be sealed into the store.
#[derive(Debug, thiserror::Error)]
pub enum NotSealed {
    /// The cryptography failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The key could not be stored.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Seals for a concern and saves the data key in the caller's transaction. Gives the data key's id and the sealed content.
pub async fn seal_for(
    tx: &mut Write,
    sealer: &Sealer,
    (school_id, concern_id): (&str, &str),
    to: impl Into<SealedTo>,
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), NotSealed> {
    let key = sealer.key_for(concern_id, to)?;
    save_data_keys(tx, school_id, &[Arc::clone(&key)]).await?;
    Ok((key.id().to_vec(), key.seal(plaintext)?))
}

/// Saves data keys that the same transaction seals with. Those that are there already stay as they are.
pub async fn save_data_keys(
    tx: &mut Write,
    school_id: &str,
    keys: &[Arc<DataKey>],
) -> Result<(), sqlx::Error> {
    for keys in keys.chunks(500) {
        let mut insert = QueryBuilder::new(
            "INSERT INTO data_key (school_id, data_key_id, concern_id, reader_group, sealed, created_at) ",
        );
        let rows = keys
            .iter()
            .flat_map(|key| key.rows().iter().map(move |row| (key, row)));
        insert.push_values(rows, |mut row, (key, stored)| {
            row.push_bind(school_id)
                .push_bind(&stored.data_key_id)
                .push_bind(&stored.concern_id)
                .push_bind(stored.group)
                .push_bind(&stored.sealed)
                .push_bind(key.made_at());
        });
        insert.push(" ON CONFLICT DO NOTHING");
        insert.build().execute(&mut **tx).await?;
    }
    Ok(())
}

/// The data keys of a concern, each once for every group it is sealed to.
pub async fn data_keys(
    db: &mut Read,
    school_id: &str,
    concern_id: &str,
) -> Result<Vec<DataKeyRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT data_key_id, concern_id, reader_group, sealed FROM data_key WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(db)
    .await
}

/// Replaces all sealed forms of the data keys that these are of.
pub async fn replace_data_keys(
    tx: &mut Write,
    school_id: &str,
    rows: &[DataKeyRow],
) -> Result<(), sqlx::Error> {
    let groups = |id: &[u8]| {
        let of_it = rows.iter().filter(|row| row.data_key_id == id);
        of_it.map(|row| row.group.code()).collect::<Vec<_>>()
    };
    for row in rows {
        sqlx::query(
            "INSERT INTO data_key (school_id, data_key_id, concern_id, reader_group, sealed, created_at)
             SELECT $1, $2, $3, $4, $5, MIN(created_at) FROM data_key WHERE school_id = $1 AND data_key_id = $2
             ON CONFLICT (data_key_id, reader_group) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(school_id)
        .bind(&row.data_key_id)
        .bind(&row.concern_id)
        .bind(row.group)
        .bind(&row.sealed)
        .execute(&mut **tx)
        .await?;
    }
    for row in rows {
        let kept = groups(&row.data_key_id);
        sqlx::query(
            "DELETE FROM data_key WHERE school_id = $1 AND data_key_id = $2 AND reader_group <> $3 AND reader_group <> $4",
        )
        .bind(school_id)
        .bind(&row.data_key_id)
        .bind(kept.first().copied())
        .bind(kept.last().copied())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Notes that content of these groups is sealed for other keys than the readers hold, until a sign-in finds it right. Says
/// whether that was not known.
pub async fn note_doubts(
    tx: &mut Write,
    school_id: &str,
    groups: &[ReaderGroup],
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let mut is_new = false;
    for group in groups {
        let done = sqlx::query(
            "INSERT INTO key_doubt (school_id, reader_group, found_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(school_id)
        .bind(group)
        .bind(now_ms)
        .execute(&mut **tx)
        .await?;
        is_new |= done.rows_affected() == 1;
    }
    Ok(is_new)
}

/// A sign-in found the keys of these groups right.
pub async fn end_doubts(tx: &mut Write, school_id: &str, groups: &[ReaderGroup]) -> Result<(), sqlx::Error> {
    for group in groups {
        sqlx::query("DELETE FROM key_doubt WHERE school_id = $1 AND reader_group = $2")
            .bind(school_id)
            .bind(group)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Whether content is known to be sealed for other keys than the readers hold.
pub async fn are_in_doubt(db: &mut Read, school_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM key_doubt WHERE school_id = $1)")
        .bind(school_id)
        .fetch_one(db)
        .await
}
