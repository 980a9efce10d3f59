//! An import that waits: shown to whoever gave the files, or held until the right people have confirmed it.
//!
//! There is one at a time: another takes its place. What the files say is people's data, so it is kept no longer than a
//! week, and is emptied when it is decided. What would change is worked out anew whenever it is shown or taken; when that
//! is not what somebody has confirmed, it has to be confirmed again.

use super::import::{self, ImportError, Imported};
use super::people::Directory;
use super::{Read, Write, asking, audit};
use crate::chain::Deed;
use crate::codes::codes;
use crate::concerns::model::{Duty, PersonId};
use crate::people::Reading;
use crate::people::plan::{Confirms, Plan};
use crate::telling::Telling;
use serde_json::json;
use std::collections::BTreeSet;

const WAITS_MS: i64 = 7 * 24 * 60 * 60 * 1000;

codes! {
    /// What became of an import.
    pub enum ImportState {
        /// It waits.
        Waiting = "waiting";
        /// It was done.
        Taken = "taken";
        /// Somebody refused it or took it back, another took its place, or a week went by.
        Dropped = "dropped";
    }
}

/// An import that waits.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its id; random.
    pub import_id: String,
    /// What the files say.
    pub reading: Reading,
    /// Of the plan that was shown last.
    pub mark: String,
    /// Who has to confirm it.
    pub confirms: Confirms,
    /// Who gave the files: a person_id, or `command line`.
    pub held_by: String,
    /// When.
    pub held_at: i64,
    /// Until when it waits.
    pub expires_at: i64,
    /// The first of two who confirm.
    pub first_by: Option<PersonId>,
}

#[derive(sqlx::FromRow)]
struct Row {
    import_id: String,
    reading: String,
    mark: String,
    confirms: Confirms,
    held_by: String,
    held_at: i64,
    expires_at: i64,
    first_by: Option<PersonId>,
}

impl TryFrom<Row> for Held {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        let unknown = |_| sqlx::Error::Decode("an import that waits cannot be read by this version".into());
        Ok(Self {
            reading: serde_json::from_str(&row.reading).map_err(unknown)?,
            confirms: row.confirms,
            import_id: row.import_id,
            mark: row.mark,
            held_by: row.held_by,
            held_at: row.held_at,
            expires_at: row.expires_at,
            first_by: row.first_by,
        })
    }
}

/// Keeps what files say until somebody has decided, and tells those whose word is wanted. What waited before is dropped.
/// Wake the outbox after the commit.
///
/// ONE WRITER: one waits at most.
pub async fn hold(
    tx: &mut Write,
    telling: &Telling,
    reading: &Reading,
    plan: &Plan,
    by: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    end_all(tx, school_id, by, now).await?;
    let import_id = uuid::Uuid::new_v4().to_string();
    let text = serde_json::to_string(reading).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT INTO held_import (school_id, import_id, state, reading, mark, confirms, held_by, held_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(school_id)
    .bind(&import_id)
    .bind(ImportState::Waiting)
    .bind(text)
    .bind(import::mark(plan))
    .bind(plan.confirms())
    .bind(by)
    .bind(now)
    .bind(now.saturating_add(WAITS_MS))
    .execute(&mut **tx)
    .await?;
    set_about(tx, school_id, &import_id, plan).await?;
    if plan.confirms() > Confirms::Giver {
        let detail = json!({
            "import": import_id, "confirms": plan.confirms(),
            "added": plan.new.len(), "changed": plan.changed.len(), "left": plan.leaves.len(),
            "stops": plan.stops.iter().map(|stop| (stop.reason, stop.count)).collect::<Vec<_>>(),
        });
        audit::record(tx, school_id, (by, Deed::PeopleImportHeld), detail, now).await?;
        asking::ask(tx, telling, now).await?;
    }
    Ok(())
}

async fn set_about(tx: &mut Write, school_id: &str, import_id: &str, plan: &Plan) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM held_import_about WHERE school_id = $1 AND import_id = $2")
        .bind(school_id)
        .bind(import_id)
        .execute(&mut **tx)
        .await?;
    for person_id in plan.about() {
        sqlx::query("INSERT INTO held_import_about (school_id, import_id, person_id) VALUES ($1, $2, $3)")
            .bind(school_id)
            .bind(import_id)
            .bind(person_id)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// The import that waits.
pub async fn waiting(db: &mut Read, school_id: &str, now: i64) -> Result<Option<Held>, sqlx::Error> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT import_id, reading, mark, confirms, held_by, held_at, expires_at, first_by FROM held_import
         WHERE school_id = $1 AND state = $2 AND expires_at > $3",
    )
    .bind(school_id)
    .bind(ImportState::Waiting)
    .bind(now)
    .fetch_optional(db)
    .await?;
    row.map(Held::try_from).transpose()
}

async fn end_all(tx: &mut Write, school_id: &str, by: &str, now: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE held_import SET state = $1, reading = '', decided_by = $2, decided_at = $3
         WHERE school_id = $4 AND state = $5",
    )
    .bind(ImportState::Dropped)
    .bind(by)
    .bind(now)
    .bind(school_id)
    .bind(ImportState::Waiting)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets what nobody has decided for a week.
pub async fn forget_old(tx: &mut Write, school_id: &str, now: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE held_import SET state = $1, reading = '', decided_by = 'pastoral', decided_at = $2
         WHERE school_id = $3 AND state = $4 AND expires_at <= $2",
    )
    .bind(ImportState::Dropped)
    .bind(now)
    .bind(school_id)
    .bind(ImportState::Waiting)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected())
}

/// Drops it: refused, or taken back.
pub async fn drop_it(
    tx: &mut Write,
    school_id: &str,
    held: &Held,
    by: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    end_all(tx, school_id, by, now).await?;
    audit::record(
        tx,
        school_id,
        (by, Deed::PeopleImportDropped),
        json!({ "import": held.import_id }),
        now,
    )
    .await
}

/// Who signs in as what: who can confirm an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirming {
    readers: BTreeSet<PersonId>,
    technicians: BTreeSet<PersonId>,
}

/// Reads it. Ask in the transaction that decides by it.
pub async fn confirming(connection: &mut Read, school_id: &str) -> Result<Confirming, sqlx::Error> {
    let held: Vec<(PersonId, Duty)> = sqlx::query_as(
        "SELECT duty.person_id, duty.duty FROM duty
         JOIN \"user\" ON \"user\".school_id = duty.school_id AND \"user\".person_id = duty.person_id
              AND \"user\".disabled_at IS NULL
         JOIN person ON person.school_id = duty.school_id AND person.person_id = duty.person_id AND person.active
         WHERE duty.school_id = $1 AND duty.ended_at IS NULL",
    )
    .bind(school_id)
    .fetch_all(connection)
    .await?;
    let (technicians, readers): (Vec<_>, Vec<_>) =
        held.into_iter().partition(|(_, duty)| *duty == Duty::Technician);
    let ids = |held: Vec<(PersonId, Duty)>| {
        held.into_iter()
            .map(|(person_id, _)| person_id)
            .collect::<BTreeSet<_>>()
    };
    let readers = ids(readers);
    Ok(Confirming {
        technicians: &ids(technicians) - &readers,
        readers,
    })
}

impl Confirming {
    fn reads(&self, who: &str, plan: &Plan) -> bool {
        self.readers.contains(who) && !plan.about().contains(who)
    }

    /// Whether somebody's word is wanted now. Whom it is about has none. The second of two is another reader; while the
    /// school has none, a technician counts.
    #[must_use]
    pub fn may(&self, who: &str, held: &Held, plan: &Plan) -> bool {
        match (plan.confirms(), held.first_by.as_deref()) {
            (Confirms::Giver, _) => self.technicians.contains(who) || self.readers.contains(who),
            (Confirms::Reader, _) | (Confirms::Two, None) => self.reads(who, plan),
            (Confirms::Two, Some(first)) if first == who => false,
            (Confirms::Two, Some(first)) => {
                let another = self
                    .readers
                    .iter()
                    .any(|reader| reader != first && self.reads(reader, plan));
                let technician = self.technicians.contains(who) && !plan.about().contains(who);
                self.reads(who, plan) || (technician && !another)
            }
        }
    }

    /// Whether there is anybody who could confirm a plan.
    #[must_use]
    pub fn anybody(&self, plan: &Plan) -> bool {
        let readers = self
            .readers
            .iter()
            .filter(|reader| self.reads(reader, plan))
            .count();
        match plan.confirms() {
            Confirms::Giver => true,
            Confirms::Reader => readers > 0,
            Confirms::Two => readers > 1 || (readers > 0 && !self.technicians.is_empty()),
        }
    }
}

/// What somebody's word did.
#[derive(Debug)]
pub enum Confirmed {
    /// It is done.
    Taken(Imported),
    /// A second person has to confirm it.
    First,
    /// Something else would change now than what they were shown; nobody has confirmed that.
    Otherwise,
}

/// Somebody confirms what they were shown, whose mark is `shown`. Whether they may is checked before, by
/// [`Confirming::may`]. Wake escalation and outbox after the commit.
///
/// # Errors
/// [`ImportError`]; drop the transaction then.
pub async fn confirm(
    tx: &mut Write,
    telling: &Telling,
    (held, plan, directory): (&Held, &Plan, &Directory),
    shown: &str,
    by: &str,
    now: i64,
) -> Result<Confirmed, ImportError> {
    let school_id = &*telling.school_id;
    let mark = import::mark(plan);
    if mark != shown || mark != held.mark {
        sqlx::query(
            "UPDATE held_import SET mark = $1, confirms = $2, first_by = NULL, first_at = NULL WHERE school_id = $3 AND import_id = $4",
        )
        .bind(&mark)
        .bind(plan.confirms())
        .bind(school_id)
        .bind(&held.import_id)
        .execute(&mut **tx)
        .await?;
        set_about(tx, school_id, &held.import_id, plan).await?;
        return Ok(Confirmed::Otherwise);
    }
    if plan.confirms() > Confirms::Giver {
        let detail = json!({ "import": held.import_id, "confirms": plan.confirms() });
        audit::record(tx, school_id, (by, Deed::PeopleImportConfirmed), detail, now).await?;
    }
    if plan.confirms() == Confirms::Two && held.first_by.is_none() {
        sqlx::query(
            "UPDATE held_import SET first_by = $1, first_at = $2 WHERE school_id = $3 AND import_id = $4",
        )
        .bind(by)
        .bind(now)
        .bind(school_id)
        .bind(&held.import_id)
        .execute(&mut **tx)
        .await?;
        asking::ask(tx, telling, now).await?;
        return Ok(Confirmed::First);
    }
    let imported = import::take(tx, telling, plan, directory, by, now).await?;
    sqlx::query(
        "UPDATE held_import SET state = $1, reading = '', decided_by = $2, decided_at = $3
         WHERE school_id = $4 AND import_id = $5",
    )
    .bind(ImportState::Taken)
    .bind(by)
    .bind(now)
    .bind(school_id)
    .bind(&held.import_id)
    .execute(&mut **tx)
    .await?;
    Ok(Confirmed::Taken(imported))
}
