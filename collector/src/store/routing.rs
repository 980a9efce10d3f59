//! Who may see a concern, as it stands in the store. Only this file writes `concern_reader` (invariant 4).

use super::people::Directory;
use super::{Store, Write, category, escalation, outbox};
use crate::concerns::escalation::Change;
use crate::concerns::kind::{Kind, SubjectRole, kind_of};
use crate::concerns::model::{PersonId, ReaderGroup};
use crate::concerns::routing::{Route, Subject};
use crate::notify::Telling;
use pastoral_keywords::Topic;
use sqlx::Row;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A concern whose content is sealed to another group than its readers'. A signed-in reader who holds both keys seals it
/// again, see `seal::content`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupChanged {
    /// The concern.
    pub concern_id: String,
    /// Whose key it was sealed to.
    pub from: ReaderGroup,
    /// Whose key new content is sealed to.
    pub to: ReaderGroup,
}

/// Writes who may see a concern, and takes back notices to those who may not any more.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_readers(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    route: &Route,
) -> Result<(), sqlx::Error> {
    // `+`: by the key, not through every reader of the school.
    sqlx::query("DELETE FROM concern_reader WHERE +school_id = ? AND concern_id = ?")
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    for (place, person_id) in (0i64..).zip(&route.readers) {
        sqlx::query(
            "INSERT INTO concern_reader (school_id, concern_id, person_id, place) VALUES (?, ?, ?, ?)",
        )
        .bind(school_id)
        .bind(concern_id)
        .bind(person_id)
        .bind(place)
        .execute(&mut **tx)
        .await?;
    }
    sqlx::query("UPDATE concern SET reader_group = ? WHERE school_id = ? AND concern_id = ?")
        .bind(route.group.code())
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    outbox::withdraw_from_others(tx, school_id, concern_id).await
}

/// Adds to the people whom a concern's text names. Route the concern again afterwards.
///
/// # Errors
/// When the database cannot be written.
pub async fn add_named(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    named: &BTreeSet<PersonId>,
) -> Result<(), sqlx::Error> {
    for person_id in named {
        sqlx::query(
            "INSERT OR IGNORE INTO concern_named (school_id, concern_id, person_id) VALUES (?, ?, ?)",
        )
        .bind(school_id)
        .bind(concern_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Decides again who may see a concern, after a change of identity, duty or conflict. Its first readers are told when
/// they have become others.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn reroute(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    concern_id: &str,
    now: i64,
) -> Result<Option<GroupChanged>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT concern.kind, concern.reader_group, concern.person_id, COALESCE(device.group_name, ''), concern.erased_at,
                concern.by_hand, concern.escalation_step, concern.about_child
         FROM concern
         LEFT JOIN account ON account.account_id = concern.account_id
         LEFT JOIN device ON device.device_id = account.device_id
         WHERE concern.school_id = ? AND concern.concern_id = ?",
    )
    .bind(&*telling.school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row.filter(|row| row.get::<Option<i64>, _>(4).is_none()) else {
        return Ok(None);
    };
    let person_id: Option<String> = row.get(2);
    let kind = Kind::from_code(row.get(0)).unwrap_or(Kind::StaffMisuse);
    let subject = match (&person_id, row.get::<bool, _>(5), row.get::<bool, _>(7)) {
        (None, _, true) => UNKNOWN_CHILD,
        (None, true, false) => unknown_by_hand(kind),
        _ => directory.subject(person_id.as_deref(), row.get(3)),
    };
    let named = named_of(tx, &telling.school_id, concern_id).await?;
    let route = directory.route(&subject, kind, &named.into_iter().collect());
    let before = readers_of(tx, &telling.school_id, concern_id).await?;
    let from = ReaderGroup::from_code(row.get(1)).unwrap_or(ReaderGroup::Safe);
    if before == route.readers && from == route.group {
        return Ok(None);
    }
    set_readers(tx, &telling.school_id, concern_id, &route).await?;
    // Who has been told stays told; only when others come before them does it begin again.
    let told = usize::try_from(row.get::<i64, _>(6))
        .unwrap_or_default()
        .min(before.len());
    if !route.readers.starts_with(&before[..told]) || told == 0 {
        escalation::opened_or_risen(tx, telling, concern_id, Change::Rerouted, now).await?;
    }
    let changed = GroupChanged {
        concern_id: concern_id.into(),
        from,
        to: route.group,
    };
    Ok((from != route.group).then_some(changed))
}

/// Decides again about every concern; for changes of duties, conflicts and people. Wake escalation and outbox after the
/// commit.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn reroute_all(
    tx: &mut Write,
    telling: &Telling,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    let rows = sqlx::query("SELECT concern_id FROM concern WHERE school_id = ? AND erased_at IS NULL")
        .bind(&*telling.school_id)
        .fetch_all(&mut **tx)
        .await?;
    let mut changed = Vec::new();
    for row in &rows {
        changed.extend(reroute(tx, telling, &directory, row.get(0), now).await?);
    }
    Ok(changed)
}

/// Says whose an unknown account is (a reviewer does, without seeing content), and routes its concerns again: as the
/// person's, of the kind that their topics have for such a person. `by` is the reviewer, or `user name`.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn identify(
    tx: &mut Write,
    telling: &Telling,
    account_id: i64,
    person_id: &str,
    by: &str,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    let before = sqlx::query("SELECT person_id FROM account WHERE school_id = ? AND account_id = ?")
        .bind(&*telling.school_id)
        .bind(account_id)
        .fetch_optional(&mut **tx)
        .await?
        .and_then(|row| row.get::<Option<String>, _>(0));
    sqlx::query("UPDATE account SET person_id = ?, identified_by = ? WHERE school_id = ? AND account_id = ?")
        .bind(person_id)
        .bind(by)
        .bind(&*telling.school_id)
        .bind(account_id)
        .execute(&mut **tx)
        .await?;
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    let role = directory.subject(Some(person_id), "").role;
    let rows = sqlx::query(
        "SELECT concern_id FROM concern WHERE school_id = ?1 AND by_hand = 0 AND erased_at IS NULL
         AND (person_id = ?3 OR (person_id IS NULL AND ?3 IS NULL AND account_id = ?2))
         AND EXISTS (SELECT 1 FROM flag WHERE flag.concern_id = concern.concern_id AND flag.account_id = ?2)
         AND NOT EXISTS (SELECT 1 FROM flag WHERE flag.concern_id = concern.concern_id AND flag.account_id <> ?2)",
    )
    .bind(&*telling.school_id)
    .bind(account_id)
    .bind(before)
    .fetch_all(&mut **tx)
    .await?;
    let mut changed = Vec::new();
    for row in &rows {
        let concern_id: String = row.get(0);
        become_persons(tx, telling, &concern_id, Some(person_id), role).await?;
        link_to_open(tx, &telling.school_id, &concern_id).await?;
        changed.extend(reroute(tx, telling, &directory, &concern_id, now).await?);
    }
    Ok(changed)
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
    let topic = sqlx::query(
        "SELECT topic FROM flag WHERE school_id = ? AND concern_id = ? ORDER BY severity DESC, flag_id LIMIT 1",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let kind = topic
        .and_then(|row| row.get::<String, _>(0).parse::<Topic>().ok())
        .map(|topic| kind_of(topic, role));
    sqlx::query(
        "UPDATE concern SET person_id = ?, kind = COALESCE(?, kind), category_proposed = NULL, category_reason = NULL
         WHERE school_id = ? AND concern_id = ?",
    )
    .bind(person_id)
    .bind(kind.map(Kind::code))
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    category::repropose(tx, &telling.profile, school_id, concern_id).await
}

/// Says whom a concern is about that is no account's: recorded by hand, or handed over, while nobody was known. The caller
/// checks that who is named as the child of a concern that was handed over is one.
///
/// # Errors
/// When the database cannot be read or written.
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
    reroute(tx, telling, &directory, concern_id, now).await
}

/// Links a concern to the open one of the same person and kind, where there is one: they belong together. Content is
/// sealed to its concern, so the two are not made one.
///
/// # Errors
/// When the database cannot be written.
pub async fn link_to_open(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET linked_to = (SELECT other.concern_id FROM concern other
            WHERE other.school_id = concern.school_id AND other.person_id = concern.person_id
            AND other.kind = concern.kind AND other.apart = concern.apart AND other.state <> 'closed'
            AND other.concern_id <> concern.concern_id ORDER BY other.opened_at, other.concern_id LIMIT 1)
         WHERE school_id = ? AND concern_id = ? AND linked_to IS NULL",
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
///
/// # Errors
/// When the database cannot be read or written.
pub async fn hand_over(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    child: Option<&str>,
    now: i64,
) -> Result<Option<GroupChanged>, sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET about_child = 1, account_id = NULL WHERE school_id = ? AND concern_id = ?",
    )
    .bind(&*telling.school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    become_persons(tx, telling, concern_id, child, SubjectRole::Pupil).await?;
    let directory: Arc<Directory> = Directory::fresh(None, tx, &telling.school_id, &telling.profile).await?;
    reroute(tx, telling, &directory, concern_id, now).await
}

/// Whether there is a concern that nobody may read, because everybody entitled is concerned. Only the school safe's copy
/// of the key opens it. Says not how many nor which: whoever runs the machines may learn this.
///
/// # Errors
/// When the database cannot be read.
pub async fn without_reader(store: &Store, school_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM concern WHERE school_id = $1 AND erased_at IS NULL AND state <> 'closed'
         AND NOT EXISTS (SELECT 1 FROM concern_reader WHERE concern_reader.concern_id = concern.concern_id))",
    )
    .bind(school_id)
    .fetch_one(store.read())
    .await
}

/// People whom a concern's text names.
///
/// # Errors
/// When the database cannot be read.
pub async fn named_of(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<Vec<PersonId>, sqlx::Error> {
    sqlx::query_scalar("SELECT person_id FROM concern_named WHERE school_id = ? AND concern_id = ?")
        .bind(school_id)
        .bind(concern_id)
        .fetch_all(&mut **tx)
        .await
}

/// Who reads a concern, in the order in which they are told.
async fn readers_of(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<Vec<PersonId>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT person_id FROM concern_reader WHERE school_id = ? AND concern_id = ? ORDER BY place",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(&mut **tx)
    .await
}

/// Whom a concern made by hand is about, with its route (P45). `text` is what was written, for the names in it.
#[must_use]
pub fn route_by_hand(
    directory: &Directory,
    person_id: Option<&str>,
    kind: Kind,
    text: &str,
) -> (Subject, Route) {
    let subject = match person_id {
        Some(_) => directory.subject(person_id, ""),
        None => unknown_by_hand(kind),
    };
    let route = directory.route(&subject, kind, &directory.named_in(text));
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
