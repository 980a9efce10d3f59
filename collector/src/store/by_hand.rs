//! Concerns that people record by hand (P45).

use super::{Write, references};
use crate::concerns::kind::Kind;
use crate::concerns::model::ReaderGroup;

/// A concern to be made by hand (P45).
pub struct ByHand<'a> {
    /// Its random id.
    pub concern_id: &'a str,
    /// About whom, where known.
    pub person_id: Option<&'a str>,
    /// What it is of.
    pub kind: Kind,
    /// Whose key its content is sealed to.
    pub reader_group: ReaderGroup,
    /// 1 to 5.
    pub severity: i64,
    /// When it happened.
    pub happened_at: i64,
}

/// Makes a concern by hand.
pub async fn make_by_hand(
    tx: &mut Write,
    school_id: &str,
    new: &ByHand<'_>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let reference = references::draw(tx, school_id).await?;
    sqlx::query(
        "INSERT INTO concern (school_id, concern_id, reference, person_id, kind, reader_group, severity, state,
         by_hand, first_event_at, last_event_at, opened_at, changed_at, names_version)
         VALUES ($1, $2, $9, $3, $4, $5, $6,
         'new', TRUE, $7, $7, $8, $8, (SELECT names_version FROM school WHERE school_id = $1))",
    )
    .bind(school_id)
    .bind(new.concern_id)
    .bind(new.person_id)
    .bind(new.kind)
    .bind(new.reader_group)
    .bind(new.severity)
    .bind(new.happened_at)
    .bind(now_ms)
    .bind(reference)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Something more that happened, added to a concern by hand: widens its range, and raises its severity if this is worse.
pub async fn add_to(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    severity: i64,
    happened_at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET severity = CASE WHEN severity < $1 THEN $1 ELSE severity END,
            first_event_at = CASE WHEN first_event_at > $2 THEN $2 ELSE first_event_at END,
            last_event_at = CASE WHEN last_event_at < $2 THEN $2 ELSE last_event_at END
         WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(severity)
    .bind(happened_at)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
