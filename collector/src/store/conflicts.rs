//! Readers who must not see what concerns a person (P20), and who may know of it.

use super::Write;
use super::people::Directory;
use sqlx::SqliteExecutor;

/// A reader who must not see what concerns a person.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Conflict {
    /// The reader.
    pub reader_id: String,
    /// The person.
    pub about_id: String,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: i64,
}

/// INVARIANT 4: whether somebody may know that a reader is kept out of what concerns a person: whoever recorded it, and
/// of others only who may read such concerns; never the two whom it is about.
#[must_use]
pub fn may_know(directory: &Directory, viewer: &str, reader_id: &str, about_id: &str, by: &str) -> bool {
    viewer == by || (viewer != reader_id && viewer != about_id && directory.may_read_about(viewer, about_id))
}

/// The conflicts in force that the viewer may know of.
///
/// # Errors
/// When the database cannot be read.
pub async fn known_to(
    db: impl SqliteExecutor<'_>,
    directory: &Directory,
    school_id: &str,
    viewer: &str,
) -> Result<Vec<Conflict>, sqlx::Error> {
    let mut conflicts: Vec<Conflict> = sqlx::query_as(
        "SELECT reader_id, about_id, recorded_by, recorded_at FROM conflict
         WHERE school_id = ? AND ended_at IS NULL ORDER BY recorded_at",
    )
    .bind(school_id)
    .fetch_all(db)
    .await?;
    conflicts.retain(|conflict| {
        let (reader, about) = (&conflict.reader_id, &conflict.about_id);
        may_know(directory, viewer, reader, about, &conflict.recorded_by)
    });
    Ok(conflicts)
}

/// Records a conflict, unless it stands already.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(tx: &mut Write, school_id: &str, new: &Conflict) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO conflict (school_id, reader_id, about_id, recorded_by, recorded_at)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (SELECT 1 FROM conflict
            WHERE school_id = ?1 AND reader_id = ?2 AND about_id = ?3 AND ended_at IS NULL)",
    )
    .bind(school_id)
    .bind(&new.reader_id)
    .bind(&new.about_id)
    .bind(&new.recorded_by)
    .bind(new.recorded_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Ends a conflict. False when there is none.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(
    tx: &mut Write,
    school_id: &str,
    reader_id: &str,
    about_id: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE conflict SET ended_at = ? WHERE school_id = ? AND reader_id = ? AND about_id = ? AND ended_at IS NULL",
    )
    .bind(now_ms)
    .bind(school_id)
    .bind(reader_id)
    .bind(about_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}
