//! Takes people's files into the store, as a plan says that somebody was shown: all of it or nothing.

use super::people::{self, Directory, Person};
use super::proposals::{self, Act, PersonChange};
use super::rerouting::{self, GroupChanged};
use super::{Read, Write, accounts, audit, invitations, members};
use crate::chain::Deed;
use crate::concerns::model::{Duty, PersonId};
use crate::people::differences::Unsafe;
use crate::people::plan::{Asked, Changed, Known, Leaves, Plan};
use crate::people::{Reading, Row};
use crate::store::acts::AccessChange;
use crate::telling::Telling;
use ring::digest::{SHA256, digest};
use serde_json::json;
use sqlx::QueryBuilder;
use std::collections::{HashMap, HashSet};

/// What ids of people begin with who were made here and in no file.
const MADE_HERE: &str = "pastoral:";
/// So many people are written with one statement: flags wait for the whole import.
const ROWS_AT_ONCE: usize = 200;
/// What found a change that two readers are asked for.
const FOUND_BY: &str = "people import";

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// People who are new.
    pub added: usize,
    /// People about whom something changed; those who came back among them.
    pub changed: usize,
    /// People who were there and are not in the file: inactive from now on, their duties ended (P37).
    pub left: usize,
    /// People with a duty about whom two readers are asked to agree to what the files say.
    pub asked: usize,
    /// Accounts that are known now by their user name.
    pub accounts_known: usize,
    /// Concerns whose content a reader has to seal again.
    pub group_changed: Vec<GroupChanged>,
}

/// Why a list was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It would leave a duty without anybody.
    #[error("nothing was changed: the only {} is not in the file, and nobody else would do their part; add them to the file, or give the duty to somebody else first", .0.words())]
    LeavesDutyEmpty(Duty),
    /// Nobody can tell who would leave.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    /// The database.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

/// What taking files would change, as things are now; with the directory as it is.
///
/// # Errors
/// [`ImportError`]; nothing was changed.
pub async fn plan(
    connection: &mut Read,
    telling: &Telling,
    reading: &Reading,
) -> Result<(Plan, Directory), ImportError> {
    let directory = Directory::load(connection, &telling.school_id, &telling.profile).await?;
    let mut duties: HashMap<PersonId, Vec<Duty>> = HashMap::new();
    let held: Vec<(PersonId, Duty)> = sqlx::query_as(
        "SELECT person_id, duty FROM duty WHERE school_id = $1 AND ended_at IS NULL ORDER BY duty_id",
    )
    .bind(&*telling.school_id)
    .fetch_all(connection)
    .await?;
    for (person_id, duty) in held {
        duties.entry(person_id).or_default().push(duty);
    }
    let mut known: Vec<Known> = directory
        .people()
        .map(|person| Known {
            duties: duties.remove(&person.person_id).unwrap_or_default(),
            ..Known::from(person)
        })
        .collect();
    // The same order whenever it is asked, so that the same plan has the same mark.
    known.sort_by(|one, other| {
        let by = |known: &Known| {
            (
                known.row.family_name.clone(),
                known.row.given_name.clone(),
                known.person_id.clone(),
            )
        };
        by(one).cmp(&by(other))
    });
    let plan = Plan::of(&known, reading)?;
    let leaves: HashSet<&str> = plan
        .leaves
        .iter()
        .map(|leaves| leaves.person_id.as_str())
        .collect();
    for duty in Duty::ALL {
        let holders = directory.duties().holders(duty);
        if !holders.is_empty() && holders.iter().all(|holder| leaves.contains(holder.as_str())) {
            return Err(ImportError::LeavesDutyEmpty(duty));
        }
    }
    Ok((plan, directory))
}

impl From<&Person> for Known {
    fn from(person: &Person) -> Self {
        Self {
            person_id: person.person_id.clone(),
            row: Row {
                source_id: person.source_id.clone(),
                role: person.role,
                administration: person.administration,
                year_group: person.year_group.clone(),
                class_name: person.class_name.clone(),
                username: person.username.clone(),
                given_name: person.given_name.clone(),
                family_name: person.family_name.clone(),
                email: person.email.clone(),
            },
            active: person.active,
            made_here: person.source_id.starts_with(MADE_HERE),
            duties: Vec::new(),
        }
    }
}

/// Tells one plan from another: what somebody was shown is what is done.
#[must_use]
pub fn mark(plan: &Plan) -> String {
    let leaves: Vec<_> = plan.leaves.iter().map(|leaves| &leaves.person_id).collect();
    let changed: Vec<_> = plan
        .changed
        .iter()
        .map(|changed| (&changed.person_id, &changed.after))
        .collect();
    let asked: Vec<_> = plan
        .asked
        .iter()
        .map(|asked| (&asked.person_id, &asked.file))
        .collect();
    let stops: Vec<_> = plan
        .stops
        .iter()
        .map(|stop| (stop.reason.code(), stop.count))
        .collect();
    let text = serde_json::json!([plan.new, changed, leaves, asked, stops]).to_string();
    data_encoding::HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// Does what a plan says: adds who is new, changes who is known, makes leavers of those who are gone, and asks two people
/// for what no file changes. Then accounts are matched by user name and every concern is routed again. Wake escalation
/// and outbox after the commit.
///
/// # Errors
/// [`ImportError`]; drop the transaction then.
pub async fn take(
    tx: &mut Write,
    telling: &Telling,
    plan: &Plan,
    before: &Directory,
    by: &str,
    now: i64,
) -> Result<Imported, ImportError> {
    let school_id = &*telling.school_id;
    let mut imported = Imported {
        added: plan.new.len(),
        changed: plan.changed.len(),
        left: plan.leaves.len(),
        asked: plan.asked.len(),
        ..Imported::default()
    };
    for changed in &plan.changed {
        change(tx, school_id, changed, now).await?;
    }
    for rows in plan.new.chunks(ROWS_AT_ONCE) {
        add(tx, school_id, rows).await?;
    }
    for leaves in &plan.leaves {
        leave(tx, telling, leaves, by, now).await?;
    }
    for asked in &plan.asked {
        ask(tx, telling, asked, now).await?;
    }
    let after = Directory::load(tx, school_id, &telling.profile).await?;
    for duty in Duty::ALL {
        if !before.duties().holders(duty).is_empty() && after.duties().holders(duty).is_empty() {
            return Err(ImportError::LeavesDutyEmpty(duty));
        }
    }
    imported.accounts_known = accounts::match_all(tx, telling, &after).await?;
    imported.group_changed = rerouting::reroute_all_by(tx, telling, &after, now).await?;
    let detail = json!({
        "added": imported.added, "changed": imported.changed, "left": imported.left, "asked": imported.asked,
        "accounts_known": imported.accounts_known,
        "stops": plan.stops.iter().map(|stop| (stop.reason, stop.count)).collect::<Vec<_>>(),
    });
    audit::record(tx, school_id, (by, Deed::PeopleImported), detail, now).await?;
    Ok(imported)
}

async fn add(tx: &mut Write, school_id: &str, rows: &[Row]) -> Result<(), sqlx::Error> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO person (school_id, person_id, source_id, role, administration, year_group, class_name, username,
                             given_name, family_name, email) ",
    );
    insert.push_values(rows, |mut values, row| {
        values
            .push_bind(school_id)
            .push_bind(uuid::Uuid::new_v4().to_string())
            .push_bind(&row.source_id)
            .push_bind(row.role)
            .push_bind(row.administration)
            .push_bind(&row.year_group)
            .push_bind(&row.class_name)
            .push_bind(&row.username)
            .push_bind(&row.given_name)
            .push_bind(&row.family_name)
            .push_bind(&row.email);
    });
    insert.build().execute(&mut **tx).await?;
    Ok(())
}

async fn change(tx: &mut Write, school_id: &str, changed: &Changed, now: i64) -> Result<(), sqlx::Error> {
    let (before, row) = (&changed.before, &changed.after);
    if before.year_group != row.year_group && !before.year_group.is_empty() {
        people::keep_year(tx, school_id, &changed.person_id, &before.year_group, now).await?;
    }
    sqlx::query(
        "UPDATE person SET source_id = $1, role = $2, administration = $3, year_group = $4, username = $5, given_name = $6,
                family_name = $7, email = $8, class_name = $9, active = TRUE
         WHERE school_id = $10 AND person_id = $11",
    )
    .bind(&row.source_id)
    .bind(row.role)
    .bind(row.administration)
    .bind(&row.year_group)
    .bind(&row.username)
    .bind(&row.given_name)
    .bind(&row.family_name)
    .bind(&row.email)
    .bind(&row.class_name)
    .bind(school_id)
    .bind(&changed.person_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn leave(
    tx: &mut Write,
    telling: &Telling,
    leaves: &Leaves,
    by: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    let member = match leaves.duties.is_empty() {
        true => None,
        false => members::find(tx, school_id, &leaves.person_id).await?,
    };
    sqlx::query("UPDATE person SET active = FALSE WHERE school_id = $1 AND person_id = $2")
        .bind(school_id)
        .bind(&leaves.person_id)
        .execute(&mut **tx)
        .await?;
    sqlx::query("UPDATE duty SET ended_at = $1, ended_by = $2 WHERE school_id = $3 AND person_id = $4 AND ended_at IS NULL")
        .bind(now)
        .bind(by)
        .bind(school_id)
        .bind(&leaves.person_id)
        .execute(&mut **tx)
        .await?;
    for duty in &leaves.duties {
        let detail = json!({ "person": leaves.person_id, "duty": duty, "why": "people-imported" });
        audit::record(tx, school_id, (by, Deed::DutyEnded), detail, now).await?;
    }
    // A link that is under way opens nothing any more; every reader learns of the end of a duty, and the person.
    if let Some(member) = member {
        invitations::withdraw_of(tx, school_id, &leaves.person_id, now).await?;
        members::tell(tx, telling, &member, AccessChange::Agreed(Act::EndDuty), now).await?;
    }
    Ok(())
}

/// Two readers are asked for what no file changes. That somebody with a duty is a pupil is no change but a fault.
async fn ask(tx: &mut Write, telling: &Telling, asked: &Asked, now: i64) -> Result<(), sqlx::Error> {
    let file = &asked.file;
    if !file.role.is_pupil() {
        let change = PersonChange {
            given_name: file.given_name.clone(),
            family_name: file.family_name.clone(),
            email: file.email.clone(),
            role: file.role,
        };
        proposals::ask_change(tx, telling, &asked.person_id, &change, FOUND_BY, now).await?;
    }
    Ok(())
}
