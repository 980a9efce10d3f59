//! What the console says of the whole: what is wrong, who has access, what was recorded.

use sqlx::SqliteExecutor;

/// How many open concerns nobody who signs in may see; without those about the viewer, or that name them or whom they
/// are in conflict with (invariant 4).
///
/// # Errors
/// When the database cannot be read.
pub async fn without_reader(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    viewer: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM concern c WHERE c.school_id = ?1 AND c.state <> 'closed'
         AND NOT EXISTS (SELECT 1 FROM concern_reader r WHERE r.concern_id = c.concern_id)
         AND c.person_id IS NOT ?2
         AND NOT EXISTS (SELECT 1 FROM concern_named n WHERE n.concern_id = c.concern_id AND n.person_id = ?2)
         AND NOT EXISTS (SELECT 1 FROM conflict x WHERE x.school_id = c.school_id AND x.reader_id = ?2
            AND x.ended_at IS NULL AND (x.about_id = c.person_id OR x.about_id IN
                (SELECT person_id FROM concern_named WHERE concern_id = c.concern_id)))",
    )
    .bind(school_id)
    .bind(viewer)
    .fetch_one(db)
    .await
}

/// Whether notices fail or wait long. Says nothing of how many, nor about what.
///
/// # Errors
/// When the database cannot be read.
pub async fn mail_is_failing(db: impl SqliteExecutor<'_>, school_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM outbox WHERE school_id = ? AND sent_at IS NULL AND (failed_at IS NOT NULL OR attempts >= 3))",
    )
    .bind(school_id)
    .fetch_one(db)
    .await
}

/// A person to choose from.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Candidate {
    /// The id.
    pub person_id: String,
    /// Given and family name.
    pub name: String,
    /// `pupil`, `staff`, `governor` or `outside`.
    pub role: String,
    /// Of a pupil; may be empty.
    pub year_group: String,
}

/// Everybody at the school: pupils by year, then adults; by family name.
///
/// # Errors
/// When the database cannot be read.
pub async fn candidates(db: impl SqliteExecutor<'_>, school_id: &str) -> Result<Vec<Candidate>, sqlx::Error> {
    sqlx::query_as(
        "SELECT person_id, given_name || ' ' || family_name AS name, role, year_group FROM person
         WHERE school_id = ? AND active = 1
         ORDER BY role <> 'pupil', role, year_group <> 'R', CAST(year_group AS INTEGER), family_name, given_name, person_id",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// One person at the school.
///
/// # Errors
/// When the database cannot be read.
pub async fn person(
    db: impl SqliteExecutor<'_>,
    school_id: &str,
    person_id: &str,
) -> Result<Option<Candidate>, sqlx::Error> {
    sqlx::query_as(
        "SELECT person_id, given_name || ' ' || family_name AS name, role, year_group FROM person
         WHERE school_id = ? AND person_id = ? AND active = 1",
    )
    .bind(school_id)
    .bind(person_id)
    .fetch_optional(db)
    .await
}
