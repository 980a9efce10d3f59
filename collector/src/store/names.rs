//! Which concerns hold text in which names were looked for before somebody joined the school or changed their name.
//!
//! A text is compared with the names of all adults when it is sealed. Of those who come later it can be compared only
//! where it can be opened: in the session of a reader who holds the key, see `console::names`.

use super::{Read, Write};
use crate::concerns::model::ReaderGroup;
use sqlx::AssertSqlSafe;

/// A sealed text of a concern. What readers write narrows nothing: only what was seen is compared.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Sealed {
    /// The flag.
    pub flag_id: i64,
    /// The key that seals it.
    pub data_key_id: Vec<u8>,
    /// The text, sealed.
    pub sealed: Vec<u8>,
}

/// A concern to be compared with names.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Unexamined {
    /// The concern.
    pub concern_id: String,
    /// Whom it is about: their own name in it names nobody else.
    pub person_id: Option<String>,
    /// The group of the device it was seen on; empty where there is none.
    pub group_name: String,
}

const UNEXAMINED: &str =
    "SELECT c.concern_id, c.person_id, COALESCE(d.group_name, '') AS group_name FROM concern c
    LEFT JOIN account a ON a.account_id = c.account_id
    LEFT JOIN device d ON d.device_id = a.device_id
    WHERE c.school_id = $1 AND c.erased_at IS NULL
    AND c.names_version < (SELECT names_version FROM school WHERE school_id = $1)";

/// Concerns to be compared whose content the holder of these groups' keys can open, all of it; at most `most`.
pub async fn unexamined(
    db: &mut Read,
    school_id: &str,
    groups: &[ReaderGroup],
    most: i64,
) -> Result<Vec<Unexamined>, sqlx::Error> {
    let held = |group: ReaderGroup| groups.contains(&group).then_some(group);
    let query = AssertSqlSafe(format!(
        "{UNEXAMINED} AND NOT EXISTS (SELECT 1 FROM data_key k WHERE k.school_id = c.school_id AND k.concern_id = c.concern_id
            AND NOT EXISTS (SELECT 1 FROM data_key m WHERE m.data_key_id = k.data_key_id
                AND m.reader_group IN ($2, $3, $4, $5))) LIMIT $6"
    ));
    let mut query = sqlx::query_as(query).bind(school_id);
    for group in ReaderGroup::ALL {
        query = query.bind(held(group));
    }
    query.bind(most).fetch_all(db).await
}

/// One concern, if it is to be compared.
pub async fn is_unexamined(
    db: &mut Read,
    school_id: &str,
    concern_id: &str,
) -> Result<Option<Unexamined>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(format!("{UNEXAMINED} AND c.concern_id = $2")))
        .bind(school_id)
        .bind(concern_id)
        .fetch_optional(db)
        .await
}

/// The sealed texts of a concern, from a flag on and at most `most`.
pub async fn texts(
    db: &mut Read,
    school_id: &str,
    concern_id: &str,
    after: i64,
    most: i64,
) -> Result<Vec<Sealed>, sqlx::Error> {
    sqlx::query_as(
        "SELECT flag_id, data_key_id, sealed FROM flag
         WHERE school_id = $1 AND concern_id = $2 AND flag_id > $3 ORDER BY flag_id LIMIT $4",
    )
    .bind(school_id)
    .bind(concern_id)
    .bind(after)
    .bind(most)
    .fetch_all(db)
    .await
}

/// Writes down that a concern was compared with the names as they were at a version.
pub async fn examined(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    names_version: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET names_version = $1 WHERE school_id = $2 AND concern_id = $3 AND names_version < $1",
    )
    .bind(names_version)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
