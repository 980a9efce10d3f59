//! Concerns that nobody can read: without a reader, or only with readers who have no address or cannot sign in. Somebody
//! is told at once.

use super::outbox::{self, Matter, Notice};
use super::people::Directory;
use super::routing::named_of;
use super::{Store, Write};
use crate::concerns::model::{Duty, PersonId};
use crate::telling::Telling;
use std::collections::BTreeSet;

/// How often somebody is told again while it lasts.
const EVERY_MS: i64 = 24 * 60 * 60 * 1000;

/// Open concerns that no reader can be told of and open.
const UNREAD: &str = "concern.school_id = $1 AND concern.state <> 'closed' AND concern.erased_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM concern_reader AS reader
        JOIN person ON person.school_id = reader.school_id AND person.person_id = reader.person_id
            AND person.active AND person.email <> ''
        JOIN \"user\" ON \"user\".school_id = reader.school_id AND \"user\".person_id = reader.person_id
            AND \"user\".disabled_at IS NULL
        WHERE reader.concern_id = concern.concern_id)";

/// Whether there is any. Says not how many: whoever runs the machines may learn this.
pub async fn is_any(store: &Store, school_id: &str) -> Result<bool, sqlx::Error> {
    let query = format!("SELECT EXISTS (SELECT 1 FROM concern WHERE {UNREAD})");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .fetch_one(&mut *store.read().await?)
        .await
}

/// Those that somebody should be told of now.
async fn waiting(
    store: &Store,
    school_id: &str,
    now: i64,
) -> Result<Vec<(String, Option<String>)>, sqlx::Error> {
    let query = format!(
        "SELECT concern_id, person_id FROM concern WHERE {UNREAD}
         AND (unread_told_at IS NULL OR unread_told_at <= $2)"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(now - EVERY_MS)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// Tells somebody of what nobody can read, of several concerns once. Says whether there was any.
pub async fn tell(store: &Store, telling: &Telling, now: i64) -> Result<bool, sqlx::Error> {
    let unread = waiting(store, &telling.school_id, now).await?;
    if unread.is_empty() {
        return Ok(false);
    }
    let mut tx = store.write().await?;
    let directory = Directory::load(&mut tx, &telling.school_id, &telling.profile).await?;
    let (mut readers, mut technicians) = (BTreeSet::new(), BTreeSet::new());
    for (concern_id, person_id) in &unread {
        match who_may_know(&mut tx, telling, &directory, concern_id, person_id.as_deref()).await? {
            Some(person) => {
                readers.insert(person);
            }
            None => technicians.extend(directory.duties().holders(Duty::Technician).iter().cloned()),
        }
        sqlx::query("UPDATE concern SET unread_told_at = $1 WHERE school_id = $2 AND concern_id = $3")
            .bind(now)
            .bind(&*telling.school_id)
            .bind(concern_id)
            .execute(&mut *tx)
            .await?;
    }
    technicians.retain(|person| !readers.contains(person));
    let people = readers
        .iter()
        .map(|person| (person, false))
        .chain(technicians.iter().map(|person| (person, true)));
    for (person_id, to_technician) in people {
        let notice = Notice::to(person_id, Matter::Unread { to_technician }, now);
        outbox::queue(&mut tx, telling, &notice, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Who is told of a concern that nobody can read. INVARIANT 4: neither its subject, nor anybody whom it names or who is in
/// conflict; last the safeguarding lead.
async fn who_may_know(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    concern_id: &str,
    person_id: Option<&str>,
) -> Result<Option<PersonId>, sqlx::Error> {
    let named = named_of(tx, &telling.school_id, concern_id).await?;
    let kept_out = directory.kept_out_of(concern_id, person_id, &named);
    let order = [
        Duty::Headteacher,
        Duty::Chair,
        Duty::Independent,
        Duty::Dsl,
        Duty::Deputy,
    ];
    let mut holders = order.iter().flat_map(|duty| directory.duties().holders(*duty));
    let can_be_told = |person: &&PersonId| {
        let known = directory.person(person);
        !kept_out.contains(*person) && known.is_some_and(|known| !known.email.is_empty())
    };
    Ok(holders.find(can_be_told).cloned())
}

/// Forgets of what can be read again that somebody was told, so that they are told at once when it comes back.
pub async fn forget(store: &Store, school_id: &str) -> Result<(), sqlx::Error> {
    let told = "SELECT concern_id FROM concern WHERE school_id = $1 AND unread_told_at IS NOT NULL";
    let query = format!("{told} AND concern_id NOT IN (SELECT concern_id FROM concern WHERE {UNREAD})");
    let over: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .fetch_all(&mut *store.read().await?)
        .await?;
    if over.is_empty() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    for concern_id in &over {
        sqlx::query("UPDATE concern SET unread_told_at = NULL WHERE school_id = $1 AND concern_id = $2")
            .bind(school_id)
            .bind(concern_id)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await
}
