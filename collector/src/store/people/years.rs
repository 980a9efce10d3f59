//! The year groups that pupils were in before: a flag of then is of that year, whatever year they are in now.

use crate::store::{Read, Write};

/// A pupil's earlier year groups, the earliest first.
#[derive(Debug, Clone, Default)]
pub struct Years(Vec<Before>);

#[derive(Debug, Clone, sqlx::FromRow)]
struct Before {
    until: i64,
    year_group: String,
}

impl Years {
    /// The year group at a time; none where it is still the same.
    #[must_use]
    pub fn at(&self, at: i64) -> Option<&str> {
        let before = self.0.iter().find(|before| at < before.until)?;
        Some(&before.year_group)
    }
}

/// The year groups that somebody was in before.
pub async fn years_of(db: &mut Read, school_id: &str, person_id: &str) -> Result<Years, sqlx::Error> {
    let years = sqlx::query_as(
        "SELECT until, year_group FROM year_before WHERE school_id = $1 AND person_id = $2 ORDER BY until",
    );
    let years = years.bind(school_id).bind(person_id).fetch_all(db).await?;
    Ok(Years(years))
}

/// Keeps the year group that a pupil was in until now.
pub(in crate::store) async fn keep_year(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    year_group: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO year_before (school_id, person_id, until, year_group) VALUES ($1, $2, $3, $4)
         ON CONFLICT (school_id, person_id, until) DO NOTHING",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(now)
    .bind(year_group)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
