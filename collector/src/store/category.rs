//! The category that the school's ladder proposes for a concern (P21, P22); a person confirms it.

use super::Write;
use crate::concerns::category::{Facts, propose};
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::PersonId;
use crate::profile::Profile;
use pastoral_keywords::Topic;
use std::collections::BTreeSet;

#[derive(sqlx::FromRow)]
struct Proposable {
    kind: Kind,
    role: Option<SubjectRole>,
    last_event_at: i64,
    person_id: Option<PersonId>,
}

/// Proposes the category again; for whoever changed what it rests on, such as a warning or a false alarm.
pub async fn repropose(
    tx: &mut Write,
    profile: &Profile,
    school_id: &str,
    concern_id: &str,
) -> Result<(), sqlx::Error> {
    let row: Option<Proposable> = sqlx::query_as(
        "SELECT concern.kind, person.role, concern.last_event_at, concern.person_id
         FROM concern LEFT JOIN person
            ON person.school_id = concern.school_id AND person.person_id = concern.person_id
         WHERE concern.school_id = $1 AND concern_id = $2 AND state <> 'closed' AND NOT concern.by_hand",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let kind = row.kind;
    let is_pupil = match row.role {
        Some(role) => role.is_pupil(),
        None => kind != Kind::StaffMisuse,
    };
    let facts = Facts {
        kind,
        topics: topics(tx, school_id, concern_id).await?,
        last_event_at: row.last_event_at,
        warned_at: warned_at(tx, school_id, concern_id, row.person_id, kind).await?,
    };
    let proposal = propose(profile.ladders.for_subject(is_pupil), &facts);
    sqlx::query(
        "UPDATE concern SET category_proposed = $1, category_reason = $2 WHERE school_id = $3 AND concern_id = $4",
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
    let topics: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT topic FROM flag WHERE school_id = $1 AND concern_id = $2 AND NOT false_alarm",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(&mut **tx)
    .await?;
    Ok(topics.iter().filter_map(|topic| topic.parse().ok()).collect())
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
    sqlx::query_scalar(
        "SELECT MAX(warning.at) FROM warning LEFT JOIN action USING (action_id)
         WHERE warning.school_id = $1 AND warning.person_id = $2 AND warning.kind = $3 AND action.undone_by IS NULL
         AND NOT EXISTS (SELECT 1 FROM concern_reader here WHERE here.concern_id = $4 AND NOT EXISTS
            (SELECT 1 FROM concern_reader there
             WHERE there.concern_id = warning.concern_id AND there.person_id = here.person_id))",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(kind)
    .bind(concern_id)
    .fetch_one(&mut **tx)
    .await
}
