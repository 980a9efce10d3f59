//! Whom a concern is about, where that becomes known or is corrected: it is routed again by it.

use super::people::Directory;
use super::rerouting::{self, GroupChanged};
use super::{Write, category};
use crate::concerns::kind::{SubjectRole, kind_of};
use crate::concerns::model::PersonId;
use crate::telling::Telling;
use pastoral_keywords::Topic;
use std::collections::HashMap;
use std::sync::Arc;

/// Says whose an unknown account is (a reviewer does, without seeing content), and routes its concerns again: as the
/// person's, of the kind that their topics have for such a person. `by` is the reviewer.
pub async fn identify(
    tx: &mut Write,
    telling: &Telling,
    account_id: i64,
    person_id: &str,
    by: &str,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    let before: Option<Option<PersonId>> =
        sqlx::query_scalar("SELECT person_id FROM account WHERE school_id = $1 AND account_id = $2")
            .bind(&*telling.school_id)
            .bind(account_id)
            .fetch_optional(&mut **tx)
            .await?;
    let whose = Whose {
        account_id,
        person_id,
    };
    set_whose(tx, &telling.school_id, whose, by).await?;
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    let role = directory.subject(Some(person_id), "").role;
    let concerns: Vec<String> = sqlx::query_scalar(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND NOT by_hand AND erased_at IS NULL
         AND (person_id = $3 OR (person_id IS NULL AND $3 IS NULL AND account_id = $2))
         AND EXISTS (SELECT 1 FROM flag WHERE flag.concern_id = concern.concern_id AND flag.account_id = $2)
         AND NOT EXISTS (SELECT 1 FROM flag WHERE flag.concern_id = concern.concern_id AND flag.account_id <> $2)",
    )
    .bind(&*telling.school_id)
    .bind(account_id)
    .bind(before.flatten())
    .fetch_all(&mut **tx)
    .await?;
    for concern_id in &concerns {
        become_persons(tx, telling, concern_id, Some(person_id), role).await?;
        link_to_open(tx, &telling.school_id, concern_id).await?;
    }
    rerouting::reroute_these(tx, telling, &directory, &concerns, now).await
}

/// An account that is found to be somebody's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'p> {
    pub(super) account_id: i64,
    pub(super) person_id: &'p str,
}

/// As [`identify`], for accounts that were nobody's, in one pass: an import finds thousands. Route all concerns again then.
pub(super) async fn identify_these(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    found: &[Whose<'_>],
    by: &str,
) -> Result<(), sqlx::Error> {
    for whose in found {
        set_whose(tx, &telling.school_id, *whose, by).await?;
    }
    let person_of: HashMap<i64, &str> = found
        .iter()
        .map(|whose| (whose.account_id, whose.person_id))
        .collect();
    let concerns: Vec<(String, i64)> = sqlx::query_as(
        "SELECT concern_id, account_id FROM concern
         WHERE school_id = $1 AND NOT by_hand AND erased_at IS NULL AND person_id IS NULL AND account_id IS NOT NULL
         AND EXISTS (SELECT 1 FROM flag
            WHERE flag.concern_id = concern.concern_id AND flag.account_id = concern.account_id)
         AND NOT EXISTS (SELECT 1 FROM flag
            WHERE flag.concern_id = concern.concern_id AND flag.account_id <> concern.account_id)
         ORDER BY opened_at, concern_id",
    )
    .bind(&*telling.school_id)
    .fetch_all(&mut **tx)
    .await?;
    for (concern_id, account_id) in &concerns {
        if let Some(person_id) = person_of.get(account_id) {
            let role = directory.subject(Some(person_id), "").role;
            become_persons(tx, telling, concern_id, Some(person_id), role).await?;
            link_to_open(tx, &telling.school_id, concern_id).await?;
        }
    }
    Ok(())
}

async fn set_whose(tx: &mut Write, school_id: &str, whose: Whose<'_>, by: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE account SET person_id = $1, identified_by = $2 WHERE school_id = $3 AND account_id = $4",
    )
    .bind(whose.person_id)
    .bind(by)
    .bind(school_id)
    .bind(whose.account_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn become_persons(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    person_id: Option<&str>,
    role: SubjectRole,
) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    // The most serious flag decides about the kind.
    let topic: Option<String> = sqlx::query_scalar(
        "SELECT topic FROM flag WHERE school_id = $1 AND concern_id = $2 ORDER BY severity DESC, flag_id LIMIT 1",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let topic = topic.map(Topic::try_from).transpose();
    let topic = topic.map_err(|unknown| sqlx::Error::Decode(unknown.into()))?;
    let kind = topic.map(|topic| kind_of(topic, role));
    sqlx::query(
        "UPDATE concern SET person_id = $1, kind = COALESCE($2, kind), category_proposed = NULL, category_reason = NULL
         WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(person_id)
    .bind(kind)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    category::repropose(tx, &telling.profile, school_id, concern_id).await
}

/// Says whom a concern is about that is no account's: recorded by hand, or handed over, while nobody was known. The caller
/// checks that who is named as the child of a concern that was handed over is one.
pub async fn name_person(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    person_id: &str,
    now: i64,
) -> Result<Option<GroupChanged>, sqlx::Error> {
    let directory = Directory::fresh(None, tx, &telling.school_id, &telling.profile).await?;
    let role = directory.subject(Some(person_id), "").role;
    become_persons(tx, telling, concern_id, Some(person_id), role).await?;
    link_to_open(tx, &telling.school_id, concern_id).await?;
    rerouting::reroute(tx, telling, &directory, concern_id, now).await
}

/// Links a concern to the open one of the same person and kind, where there is one: they belong together. Content is
/// sealed to its concern, so the two are not made one.
pub async fn link_to_open(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET linked_to = (SELECT other.concern_id FROM concern other
            WHERE other.school_id = concern.school_id AND other.person_id = concern.person_id
            AND other.kind = concern.kind AND other.apart = concern.apart AND other.state <> 'closed'
            AND other.concern_id <> concern.concern_id ORDER BY other.opened_at, other.concern_id LIMIT 1)
         WHERE school_id = $1 AND concern_id = $2 AND linked_to IS NULL",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Hands what a child disclosed on a staff account over as a concern of the child's (P20, P23): the concern becomes the
/// child's, or while nobody knows which child, an unknown pupil's, of the kind that its topics have for a pupil, and is
/// routed to the safeguarding lead. From then on it is no account's. The caller checks who may, seals the content again and records it in the history.
pub async fn hand_over(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    child: Option<&str>,
    now: i64,
) -> Result<Option<GroupChanged>, sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET about_child = TRUE, account_id = NULL WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(&*telling.school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    become_persons(tx, telling, concern_id, child, SubjectRole::Pupil).await?;
    let directory: Arc<Directory> = Directory::fresh(None, tx, &telling.school_id, &telling.profile).await?;
    rerouting::reroute(tx, telling, &directory, concern_id, now).await
}
