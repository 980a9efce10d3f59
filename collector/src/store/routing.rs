//! Who may see a concern, as it stands in the store. Only this file writes `concern_reader` (invariant 4).

use super::people::Directory;
use super::{Store, Write, outbox};
use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::{PersonId, ReaderGroup, SealedTo};
use crate::concerns::naming::{Named, Strength};
use crate::concerns::routing::{Reason, Route, Subject};

/// Writes who may see a concern, and takes back notices to those who may not any more.
pub async fn set_readers(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    route: &Route,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM concern_reader WHERE school_id = $1 AND concern_id = $2")
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    for (place, person_id) in (0i64..).zip(&route.readers) {
        sqlx::query(
            "INSERT INTO concern_reader (school_id, concern_id, person_id, place, doubtful) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(school_id)
        .bind(concern_id)
        .bind(person_id)
        .bind(place)
        .bind(route.doubtful.contains(person_id))
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query(
        "UPDATE concern SET reader_group = $1, also_group = $2, route = $3 WHERE school_id = $4 AND concern_id = $5",
    )
    .bind(route.group)
    .bind(route.also)
    .bind(route.reason)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    outbox::withdraw_from_others(tx, school_id, concern_id).await
}

/// Adds to the people whom a concern's text names; of two strengths the greater stays. Says whether anything is new: then
/// route the concern again.
pub async fn add_named(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    named: &Named,
) -> Result<bool, sqlx::Error> {
    if named.is_empty() {
        return Ok(false);
    }
    let known = named_of(tx, school_id, concern_id).await?;
    let mut is_new = false;
    for (person_id, strength) in named {
        if known.get(person_id).is_some_and(|known| known >= strength) {
            continue;
        }
        is_new = true;
        sqlx::query(
            "INSERT INTO concern_named (school_id, concern_id, person_id, strength) VALUES ($1, $2, $3, $4)
             ON CONFLICT (concern_id, person_id) DO UPDATE SET strength = excluded.strength",
        )
        .bind(school_id)
        .bind(concern_id)
        .bind(person_id)
        .bind(strength)
        .execute(&mut **tx)
        .await?;
    }
    Ok(is_new)
}

/// Whether there is a concern that nobody may read, because everybody entitled is concerned. Only the school safe's copy
/// of the key opens it. Says not how many nor which: whoever runs the machines may learn this.
pub async fn without_reader(store: &Store, school_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM concern WHERE school_id = $1 AND erased_at IS NULL AND state <> 'closed'
         AND NOT EXISTS (SELECT 1 FROM concern_reader WHERE concern_reader.concern_id = concern.concern_id))",
    )
    .bind(school_id)
    .fetch_one(&mut *store.read().await?)
    .await
}

/// People whom a concern's text names.
pub async fn named_of(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<Named, sqlx::Error> {
    let named: Vec<(PersonId, Strength)> = sqlx::query_as(
        "SELECT person_id, strength FROM concern_named WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(&mut **tx)
    .await?;
    Ok(named.into_iter().collect())
}

/// Whose keys open what is written to a concern now.
pub async fn sealed_to(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<SealedTo, sqlx::Error> {
    let sealed_to: Option<(ReaderGroup, Option<ReaderGroup>)> = sqlx::query_as(
        "SELECT reader_group, also_group FROM concern WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let (group, also) = sealed_to.unwrap_or((ReaderGroup::Safe, None));
    Ok(SealedTo { group, also })
}

/// Why a concern goes to its readers.
pub async fn reason(store: &Store, school_id: &str, concern_id: &str) -> Result<Reason, sqlx::Error> {
    let reason: Option<Reason> =
        sqlx::query_scalar("SELECT route FROM concern WHERE school_id = $1 AND concern_id = $2")
            .bind(school_id)
            .bind(concern_id)
            .fetch_optional(&mut *store.read().await?)
            .await?;
    Ok(reason.unwrap_or_default())
}

/// Whom a concern is about, as far as routing goes.
pub(super) fn subject_of(
    directory: &Directory,
    person_id: Option<&str>,
    group_name: &str,
    (kind, by_hand, about_child): (Kind, bool, bool),
) -> Subject {
    match (person_id, by_hand, about_child) {
        (None, _, true) => UNKNOWN_CHILD,
        (None, true, false) => unknown_by_hand(kind),
        _ => directory.subject(person_id, group_name),
    }
}

/// Whom a concern made by hand is about, with its route (P45). What its writer wrote narrows nothing: whether a reader's
/// conduct is meant is asked, and makes a conflict.
#[must_use]
pub fn route_by_hand(
    directory: &Directory,
    concern_id: &str,
    person_id: Option<&str>,
    kind: Kind,
) -> (Subject, Route) {
    let subject = match person_id {
        Some(_) => directory.subject(person_id, ""),
        None => unknown_by_hand(kind),
    };
    let route = directory.route(concern_id, &subject, kind, &Named::new());
    (subject, route)
}

const UNKNOWN_CHILD: Subject = Subject {
    person: None,
    role: SubjectRole::UnknownPupil,
};

const fn unknown_by_hand(kind: Kind) -> Subject {
    let role = match kind {
        Kind::StaffMisuse | Kind::Disclosure => SubjectRole::UnknownAdult,
        _ => SubjectRole::UnknownPupil,
    };
    Subject { person: None, role }
}
