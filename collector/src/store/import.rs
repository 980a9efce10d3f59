//! Takes a checked list of people into the store: all of it or nothing.

use super::people::{Directory, role_code};
use super::routing::{self, GroupChanged};
use super::{Write, audit};
use crate::concerns::model::Duty;
use crate::notify::Telling;
use crate::people::Row as Person;
use sqlx::Row;
use std::collections::{HashMap, HashSet};

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// People who are new.
    pub added: usize,
    /// People about whom something changed; those who came back among them.
    pub changed: usize,
    /// People who were there and are not in the file: inactive from now on, their duties ended (P37).
    pub left: usize,
    /// Accounts that are known now by their user name.
    pub accounts_known: usize,
    /// Concerns whose content a reader has to seal again.
    pub group_changed: Vec<GroupChanged>,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It would leave a duty without anybody.
    #[error("nothing was changed: the only {} is not in the file, and nobody else would do their part; add them to the file, or give the duty to somebody else first", .0.label())]
    LeavesDutyEmpty(Duty),
    /// The database.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// Takes the people of a file: adds who is new, changes who is known, makes leavers of those whom an earlier file had
/// and this one has not. Who was made here before, such as at `init`, is recognised by e-mail address. Then accounts are
/// matched by user name and every concern is routed again. Wake escalation and outbox after the commit.
///
/// # Errors
/// [`ImportError`]; drop the transaction then.
pub async fn import(
    tx: &mut Write,
    telling: &Telling,
    rows: &[Person],
    by: &str,
    now: i64,
) -> Result<Imported, ImportError> {
    let school_id = &*telling.school_id;
    let before = Directory::load(tx, school_id, &telling.profile).await?;
    let mut imported = Imported::default();
    let known = known_people(tx, school_id).await?;
    for row in rows {
        let made_here = || {
            known.values().find(|person| {
                person.source_id.starts_with("pastoral:")
                    && !row.role.is_pupil()
                    && !row.email.is_empty()
                    && person.email.eq_ignore_ascii_case(&row.email)
            })
        };
        match known.get(&row.source_id).or_else(made_here) {
            Some(person) => {
                imported.changed += usize::from(change(tx, school_id, &person.person_id, row).await?)
            }
            None => {
                add(tx, school_id, row).await?;
                imported.added += 1;
            }
        }
    }
    let in_file: HashSet<&str> = rows.iter().map(|row| row.source_id.as_str()).collect();
    for person in known
        .values()
        .filter(|person| person.active && !person.source_id.starts_with("pastoral:"))
    {
        if !in_file.contains(person.source_id.as_str()) {
            leave(tx, school_id, &person.person_id, now).await?;
            imported.left += 1;
        }
    }
    let after = Directory::load(tx, school_id, &telling.profile).await?;
    for duty in Duty::ALL {
        if !before.duties().holders(duty).is_empty() && after.duties().holders(duty).is_empty() {
            return Err(ImportError::LeavesDutyEmpty(duty));
        }
    }
    imported.accounts_known = match_accounts(tx, telling, &after, &mut imported.group_changed, now).await?;
    imported
        .group_changed
        .extend(routing::reroute_all(tx, telling, now).await?);
    let detail = serde_json::json!({
        "added": imported.added, "changed": imported.changed, "left": imported.left,
        "accounts_known": imported.accounts_known,
    });
    let entry = audit::Entry {
        school_id,
        actor: by,
        action: "people-imported",
        concern_id: None,
        detail,
    };
    audit::append(tx, now, &entry).await?;
    Ok(imported)
}

struct Known {
    person_id: String,
    source_id: String,
    email: String,
    active: bool,
}

async fn known_people(tx: &mut Write, school_id: &str) -> Result<HashMap<String, Known>, sqlx::Error> {
    let rows = sqlx::query("SELECT person_id, source_id, email, active FROM person WHERE school_id = ?")
        .bind(school_id)
        .fetch_all(&mut **tx)
        .await?;
    let known = rows.iter().map(|row| {
        let known = Known {
            person_id: row.get(0),
            source_id: row.get(1),
            email: row.get(2),
            active: row.get(3),
        };
        (known.source_id.clone(), known)
    });
    Ok(known.collect())
}

async fn add(tx: &mut Write, school_id: &str, row: &Person) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO person (school_id, person_id, source_id, role, administration, year_group, username, given_name,
                             family_name, email)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(school_id)
    .bind(uuid::Uuid::new_v4().to_string())
    .bind(&row.source_id)
    .bind(role_code(row.role))
    .bind(row.administration)
    .bind(&row.year_group)
    .bind(&row.username)
    .bind(&row.given_name)
    .bind(&row.family_name)
    .bind(&row.email)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Says whether anything was different.
async fn change(tx: &mut Write, school_id: &str, person_id: &str, row: &Person) -> Result<bool, sqlx::Error> {
    // A person who signs in keeps the address they sign in with when the file has none.
    let done = sqlx::query(
        "UPDATE person SET source_id = ?3, role = ?4, administration = ?5, year_group = ?6, username = ?7,
                given_name = ?8, family_name = ?9, email = CASE WHEN ?10 = '' THEN email ELSE ?10 END, active = 1
         WHERE school_id = ?1 AND person_id = ?2
         AND (source_id, role, administration, year_group, username, given_name, family_name, email, active)
             IS NOT (?3, ?4, ?5, ?6, ?7, ?8, ?9, CASE WHEN ?10 = '' THEN email ELSE ?10 END, 1)",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(&row.source_id)
    .bind(role_code(row.role))
    .bind(row.administration)
    .bind(&row.year_group)
    .bind(&row.username)
    .bind(&row.given_name)
    .bind(&row.family_name)
    .bind(&row.email)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn leave(tx: &mut Write, school_id: &str, person_id: &str, now: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE person SET active = 0 WHERE school_id = ? AND person_id = ?")
        .bind(school_id)
        .bind(person_id)
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "UPDATE duty SET ended_at = ?, ended_by = 'people import'
         WHERE school_id = ? AND person_id = ? AND ended_at IS NULL",
    )
    .bind(now)
    .bind(school_id)
    .bind(person_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Matches accounts on approved devices to people by user name: those nobody has identified, and those of leavers whose
/// user name somebody else has now (their old concerns stay the leaver's).
async fn match_accounts(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    changed: &mut Vec<GroupChanged>,
    now: i64,
) -> Result<usize, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT account.account_id, account.name, account.person_id FROM account
         JOIN device ON device.device_id = account.device_id AND device.state = 'approved'
         LEFT JOIN person ON person.school_id = account.school_id AND person.person_id = account.person_id
         WHERE account.school_id = ?
         AND NOT account.shared
         AND (account.person_id IS NULL OR (account.identified_by = 'user name' AND person.active = 0))",
    )
    .bind(&*telling.school_id)
    .fetch_all(&mut **tx)
    .await?;
    let mut matched = 0;
    for row in &rows {
        let Some(person) = directory.person_of_username(row.get(1)) else {
            continue;
        };
        let account_id: i64 = row.get(0);
        if row.get::<Option<String>, _>(2).is_none() {
            let person_id = &person.person_id;
            changed.extend(routing::identify(tx, telling, account_id, person_id, "user name", now).await?);
        } else {
            sqlx::query("UPDATE account SET person_id = ? WHERE school_id = ? AND account_id = ?")
                .bind(&person.person_id)
                .bind(&*telling.school_id)
                .bind(account_id)
                .execute(&mut **tx)
                .await?;
        }
        matched += 1;
    }
    Ok(matched)
}
