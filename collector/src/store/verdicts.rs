//! How often the flags of each term turned out to be false alarms, without a person or a concern.

use super::{Store, Write};
use pastoral_keywords::changes::TermName;

/// What readers said of a term's flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermVerdicts {
    /// The term.
    pub term: TermName,
    /// Flags in concerns that turned out to be true.
    pub confirmed: i64,
    /// Flags that were false alarms.
    pub false_alarms: i64,
}

/// Whether somebody is kept from a concern, by a name in it or a conflict: those who read the counts must all be able to read
/// what is counted.
pub async fn is_kept_from_somebody(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM concern_named WHERE school_id = $1 AND concern_id = $2)
            OR EXISTS (SELECT 1 FROM concern c JOIN conflict x ON x.school_id = c.school_id
                AND x.about_id = c.person_id AND x.ended_at IS NULL
                WHERE c.school_id = $1 AND c.concern_id = $2)",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_one(&mut **tx)
    .await
}

/// Says whether the verdict of a concern was not counted before, and that it is from now on.
pub async fn begin(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<bool, sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE concern SET verdict_counted = TRUE WHERE school_id = $1 AND concern_id = $2 AND NOT verdict_counted",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Counts one flag of a term.
pub async fn count(
    tx: &mut Write,
    school_id: &str,
    term: &TermName,
    month: &str,
    is_false_alarm: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO term_verdict (school_id, list_id, term_id, month, confirmed, false_alarms)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (school_id, list_id, term_id, month) DO UPDATE SET
         confirmed = confirmed + excluded.confirmed, false_alarms = false_alarms + excluded.false_alarms",
    )
    .bind(school_id)
    .bind(&term.list)
    .bind(&term.id)
    .bind(month)
    .bind(i64::from(!is_false_alarm))
    .bind(i64::from(is_false_alarm))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Terms with false alarms since a month, the noisiest first.
pub async fn noisiest(
    store: &Store,
    school_id: &str,
    since_month: &str,
    most: i64,
) -> Result<Vec<TermVerdicts>, sqlx::Error> {
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(
        "SELECT list_id, term_id, sum(confirmed), sum(false_alarms)
         FROM term_verdict WHERE school_id = $1 AND month >= $2 GROUP BY list_id, term_id HAVING sum(false_alarms) > 0
         ORDER BY sum(false_alarms) - sum(confirmed) DESC, sum(false_alarms) DESC, list_id, term_id LIMIT $3",
    )
    .bind(school_id)
    .bind(since_month)
    .bind(most)
    .fetch_all(&mut *store.read().await?)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(list, id, confirmed, false_alarms)| TermVerdicts {
            term: TermName { list, id },
            confirmed,
            false_alarms,
        })
        .collect())
}
