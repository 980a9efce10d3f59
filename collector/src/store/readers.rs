//! Who reads a concern, in the order in which they are told: one query for whoever asks. Who they are is written by
//! [`super::routing`] alone.

use super::Read;
use crate::concerns::model::PersonId;
use sqlx::AssertSqlSafe;

/// A reader of a concern.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Reader {
    /// The concern.
    pub concern_id: String,
    /// Who.
    pub person_id: PersonId,
    /// Given and family name.
    pub name: String,
    /// May be meant by what was seen, and closes nothing alone.
    pub doubtful: bool,
    /// Has an address to which a notice can go.
    pub reachable: bool,
}

/// Of the concerns that `which` finds, by the school as `$1`.
fn query(which: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!(
        "SELECT reader.concern_id, reader.person_id, reader.doubtful,
            COALESCE(person.given_name || ' ' || person.family_name, '') AS name,
            COALESCE(person.email, '') <> '' AS reachable
         FROM ({which}) AS asked
         JOIN concern_reader AS reader ON reader.concern_id = asked.concern_id
         LEFT JOIN person ON person.school_id = $1 AND person.person_id = reader.person_id
         ORDER BY reader.concern_id, reader.place"
    ))
}

/// Of one concern.
pub(super) async fn of(db: &mut Read, school_id: &str, concern_id: &str) -> Result<Vec<Reader>, sqlx::Error> {
    sqlx::query_as(query(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND concern_id = $2",
    ))
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(db)
    .await
}

/// Of every concern.
pub(super) async fn of_all(db: &mut Read, school_id: &str) -> Result<Vec<Reader>, sqlx::Error> {
    sqlx::query_as(query("SELECT concern_id FROM concern WHERE school_id = $1"))
        .bind(school_id)
        .fetch_all(db)
        .await
}

/// INVARIANT 4: the viewer's concerns, and of them what is asked.
const VIEWED: &str = "SELECT concern.concern_id FROM concern_reader AS viewer
    JOIN concern ON concern.concern_id = viewer.concern_id
    WHERE viewer.school_id = $1 AND viewer.person_id = $2";

/// Of the viewer's open concerns.
pub async fn of_open_seen_by(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
) -> Result<Vec<Reader>, sqlx::Error> {
    sqlx::query_as(query(&format!("{VIEWED} AND concern.state <> 'closed'")))
        .bind(school_id)
        .bind(viewer)
        .fetch_all(db)
        .await
}

/// Of one of the viewer's concerns; nobody, where it is none of theirs.
pub async fn of_one_seen_by(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Vec<Reader>, sqlx::Error> {
    sqlx::query_as(query(&format!("{VIEWED} AND concern.concern_id = $3")))
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .fetch_all(db)
        .await
}
