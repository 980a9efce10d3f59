//! The category that the school's ladder proposes for a concern (P21, P22); a person confirms it.

use super::Write;
use crate::concerns::category::{Facts, propose};
use crate::concerns::kind::Kind;
use crate::profile::Profile;
use pastoral_keywords::Topic;
use sqlx::Row;
use std::collections::BTreeSet;

/// Proposes the category again; for whoever changed what it rests on, such as a warning or a false alarm.
pub async fn repropose(
    tx: &mut Write,
    profile: &Profile,
    school_id: &str,
    concern_id: &str,
) -> Result<(), sqlx::Error> {
    let row = sqlx::query(
        "SELECT concern.kind, COALESCE(person.role, ''), concern.last_event_at, concern.person_id, concern.by_hand
         FROM concern LEFT JOIN person
            ON person.school_id = concern.school_id AND person.person_id = concern.person_id
         WHERE concern.school_id = ? AND concern_id = ? AND state <> 'closed'",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let Some(kind) = Kind::from_code(row.get(0)) else {
        return Ok(());
    };
    if row.get::<bool, _>(4) {
        return Ok(());
    }
    let role: String = row.get(1);
    let is_pupil = role == "pupil" || (role.is_empty() && kind != Kind::StaffMisuse);
    let facts = Facts {
        kind,
        topics: topics(tx, school_id, concern_id).await?,
        last_event_at: row.get(2),
        warned_at: warned_at(tx, school_id, concern_id, row.get(3), kind).await?,
    };
    let proposal = propose(profile.ladders.for_subject(is_pupil), &facts);
    sqlx::query(
        "UPDATE concern SET category_proposed = ?, category_reason = ? WHERE school_id = ? AND concern_id = ?",
    )
    .bind(proposal.as_ref().map(|proposal| proposal.code.to_string()))
    .bind(proposal.as_ref().map(|proposal| &proposal.reason))
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn topics(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<BTreeSet<Topic>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT DISTINCT topic FROM flag WHERE school_id = ? AND concern_id = ? AND false_alarm = 0",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows
        .iter()
        .filter_map(|row| row.get::<String, _>(0).parse().ok())
        .collect())
}

/// The last warning of this person for this kind, unless it was undone. INVARIANT 4: a warning counts in a concern only
/// where each of its readers may see the concern in which it was given; else the category would tell them of it.
async fn warned_at(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    person_id: Option<String>,
    kind: Kind,
) -> Result<Option<i64>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT MAX(warning.at) FROM warning LEFT JOIN action USING (action_id)
         WHERE warning.school_id = $1 AND warning.person_id = $2 AND warning.kind = $3 AND action.undone_by IS NULL
         AND NOT EXISTS (SELECT 1 FROM concern_reader here WHERE here.concern_id = $4 AND NOT EXISTS
            (SELECT 1 FROM concern_reader there
             WHERE there.concern_id = warning.concern_id AND there.person_id = here.person_id))",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(kind.code())
    .bind(concern_id)
    .fetch_one(&mut **tx)
    .await?;
    Ok(row.get(0))
}
