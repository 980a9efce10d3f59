//! Specialist lists that were imported, sealed, and how each of them stands.

use super::{Read, Store, Write};
use pastoral_keywords::changes::Operation;
use std::collections::{HashMap, HashSet};

/// A specialist list.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Imported {
    /// Its identity.
    pub list_id: String,
    /// Its version.
    pub version: u32,
    /// What a person calls it.
    pub title: String,
    /// The licence that the school holds it under.
    pub licence: String,
    /// How many terms it has.
    pub terms: u32,
    /// Its text, sealed.
    pub sealed: Vec<u8>,
    /// When it was imported.
    pub imported_at: i64,
}

/// Which specialist lists are in force, and which changes of them wait for somebody to agree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SpecialistLists {
    /// The version in force, by list.
    pub in_force: HashMap<String, u32>,
    /// Lists and versions that may come into force.
    pub coming: HashSet<(String, u32)>,
    /// Lists that may go.
    pub going: HashSet<String>,
}

/// Keeps a list; says whether this version of it was not here already.
pub async fn add(tx: &mut Write, school_id: &str, list: &Imported) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO specialist_list (school_id, list_id, version, title, licence, terms, sealed, imported_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(school_id)
    .bind(&list.list_id)
    .bind(list.version)
    .bind(&list.title)
    .bind(&list.licence)
    .bind(list.terms)
    .bind(&list.sealed)
    .bind(list.imported_at)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Every list that is here, in the order of their names.
pub async fn all(store: &Store, school_id: &str) -> Result<Vec<Imported>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM specialist_list WHERE school_id = $1 ORDER BY list_id, version")
        .bind(school_id)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// How the lists stand, by the changes that were agreed or wait.
pub async fn standing(connection: &mut Read, school_id: &str) -> Result<SpecialistLists, sqlx::Error> {
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "SELECT operation, state = 'agreed' AS agreed FROM list_change
         WHERE school_id = $1 AND state IN ('proposed', 'agreed') ORDER BY state, version, change_id",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let mut standing = SpecialistLists::default();
    for (operation, agreed) in &rows {
        match (serde_json::from_str(operation), *agreed) {
            (Ok(Operation::UseList { list, version, .. }), true) => {
                standing.in_force.insert(list, version);
            }
            (Ok(Operation::UseList { list, version, .. }), false) => {
                standing.coming.insert((list, version));
            }
            (Ok(Operation::DropList { list, .. }), true) => {
                standing.in_force.remove(&list);
            }
            (Ok(Operation::DropList { list, .. }), false) => {
                standing.going.insert(list);
            }
            _ => {}
        }
    }
    Ok(standing)
}

/// Removes the lists that are neither in force nor may come into force: what is not used is not kept.
pub async fn prune(tx: &mut Write, school_id: &str) -> Result<(), sqlx::Error> {
    let standing = standing(tx, school_id).await?;
    let kept: Vec<(String, u32)> =
        sqlx::query_as("SELECT list_id, version FROM specialist_list WHERE school_id = $1")
            .bind(school_id)
            .fetch_all(&mut **tx)
            .await?;
    for place in kept {
        if standing.in_force.get(&place.0) == Some(&place.1) || standing.coming.contains(&place) {
            continue;
        }
        sqlx::query("DELETE FROM specialist_list WHERE school_id = $1 AND list_id = $2 AND version = $3")
            .bind(school_id)
            .bind(&place.0)
            .bind(place.1)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}
