//! Conflicts of interest: readers who must not see what concerns a person (P20); how they come to be, lapse and end, and
//! who may know of them.
//!
//! Alone, a reader keeps only themselves out. Any other conflict is recorded by somebody who is neither of the two, works
//! at once where another reader remains, and lapses unless a second person agrees within [`AGREE_WITHIN_MS`]. The last
//! reader is never kept out. The senior of whoever is kept out is told of every step.

use super::outbox::{self, Matter, Notice};
use super::people::Directory;
use super::{Read, Write, asking, audit, rerouting};
use crate::chain::Deed;
use crate::concerns::kind::Kind;
use crate::concerns::model::{Duty, PersonId};
use crate::concerns::naming::Named;
use crate::concerns::routing::{Reason, Route};
use crate::telling::Telling;
use serde_json::json;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// How long a second person has to agree.
pub const AGREE_WITHIN_MS: i64 = 24 * HOUR_MS;

/// A reader who must not see what concerns a person.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Conflict {
    /// The reader.
    pub reader_id: PersonId,
    /// The person; or a concern, while nobody knows whom that is about.
    pub about_id: String,
    /// Who recorded it.
    pub recorded_by: PersonId,
    /// When.
    pub recorded_at: i64,
    /// Whether it works now.
    pub in_force: bool,
    /// When it ends unless a second person agrees; none when nobody need any more.
    pub lapses_at: Option<i64>,
    /// The second person.
    pub agreed_by: Option<PersonId>,
}

impl Conflict {
    /// Neither of the two whom it is about.
    fn is_other(&self, person: &str) -> bool {
        person != self.reader_id && person != self.about_id
    }

    /// Whether somebody may agree to it: neither of the two, nor who recorded it.
    #[must_use]
    pub fn may_agree(&self, viewer: &str) -> bool {
        self.lapses_at.is_some() && self.is_other(viewer) && viewer != self.recorded_by
    }

    /// Whether somebody may end it: headteacher or chair, where it is not about themselves; where a school has none of
    /// them but the two, any reader who may know of it.
    #[must_use]
    pub fn may_end(&self, directory: &Directory, viewer: &str) -> bool {
        let duties = directory.duties();
        let seniors = [Duty::Headteacher, Duty::Chair];
        let is_senior = |person: &str| seniors.iter().any(|duty| duties.has(person, *duty));
        let mut others = seniors.iter().flat_map(|duty| duties.holders(*duty));
        let is_there = others.any(|person| self.is_other(person));
        self.is_other(viewer) && (is_senior(viewer) || (!is_there && duties.is_reader(viewer)))
    }
}

/// Why a conflict is not recorded, or not agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Nobody is in conflict with themselves, and nobody records who may not read about them.
    Theirs,
    /// Nobody would be left to read it.
    LastReader,
    /// It stands already.
    Stands,
    /// Whoever agrees was made a reader after it was recorded.
    Joined,
}

/// INVARIANT 4: whether somebody may know that a reader is kept out of what concerns a person: whoever recorded it; of
/// others headteacher, chair and who may read such concerns, but never the two whom it is about.
#[must_use]
pub fn may_know(directory: &Directory, viewer: &str, reader_id: &str, about_id: &str, by: &str) -> bool {
    let duties = directory.duties();
    let is_senior = duties.has(viewer, Duty::Headteacher) || duties.has(viewer, Duty::Chair);
    let is_other = viewer != reader_id && viewer != about_id;
    viewer == by || (is_other && (is_senior || directory.may_read_about(viewer, about_id)))
}

/// The conflicts that stand and that the viewer may know of.
pub async fn known_to(
    db: &mut Read,
    directory: &Directory,
    school_id: &str,
    viewer: &str,
) -> Result<Vec<Conflict>, sqlx::Error> {
    let mut conflicts = standing(db, school_id).await?;
    conflicts.retain(|conflict| {
        let (reader, about) = (&conflict.reader_id, &conflict.about_id);
        may_know(directory, viewer, reader, about, &conflict.recorded_by)
    });
    Ok(conflicts)
}

async fn standing(db: &mut Read, school_id: &str) -> Result<Vec<Conflict>, sqlx::Error> {
    sqlx::query_as(
        "SELECT reader_id, about_id, recorded_by, recorded_at, in_force, lapses_at, agreed_by FROM conflict
         WHERE school_id = $1 AND ended_at IS NULL ORDER BY recorded_at",
    )
    .bind(school_id)
    .fetch_all(db)
    .await
}

/// Records that a reader must not see what concerns a person, or one concern. Route everything again where it works at
/// once, and wake the outbox after the commit.
pub async fn record(
    tx: &mut Write,
    telling: &Telling,
    (reader, about): (&str, &str),
    by: &str,
    now: i64,
) -> Result<Result<Conflict, Refused>, sqlx::Error> {
    let school_id = &*telling.school_id;
    let directory = Directory::load(tx, school_id, &telling.profile).await?;
    if reader == about || by == about {
        return Ok(Err(Refused::Theirs));
    }
    let others = standing(tx, school_id).await?;
    if others
        .iter()
        .any(|known| known.reader_id == reader && known.about_id == about)
    {
        return Ok(Err(Refused::Stands));
    }
    let left = left(tx, school_id, &directory, (reader, about), by).await?;
    if !left.anybody {
        return Ok(Err(Refused::LastReader));
    }
    let alone = by == reader;
    // Who has kept one reader out is not left alone with it by keeping out the next; and what lapsed or was ended is not
    // recorded again every day.
    let has_another = others
        .iter()
        .any(|known| known.about_id == about && known.recorded_by == by && known.lapses_at.is_some());
    let in_force = alone
        || ((left.besides_recorder || !has_another) && !was_ended(tx, school_id, (reader, about)).await?);
    let new = Conflict {
        reader_id: reader.to_owned(),
        about_id: about.to_owned(),
        recorded_by: by.to_owned(),
        recorded_at: now,
        in_force,
        lapses_at: (!alone).then_some(now + AGREE_WITHIN_MS),
        agreed_by: None,
    };
    sqlx::query(
        "INSERT INTO conflict (school_id, reader_id, about_id, recorded_by, recorded_at, in_force, lapses_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(school_id)
    .bind(&new.reader_id)
    .bind(&new.about_id)
    .bind(&new.recorded_by)
    .bind(new.recorded_at)
    .bind(new.in_force)
    .bind(new.lapses_at)
    .execute(&mut **tx)
    .await?;
    note(tx, telling, &directory, &new, by, Deed::ConflictRecorded, now).await?;
    Ok(Ok(new))
}

/// A second person agrees: it stays. Whether that person may is for the caller to ask, see [`Conflict::may_agree`].
pub async fn agree(
    tx: &mut Write,
    telling: &Telling,
    conflict: &Conflict,
    by: &str,
    now: i64,
) -> Result<Result<(), Refused>, sqlx::Error> {
    let school_id = &*telling.school_id;
    let directory = Directory::load(tx, school_id, &telling.profile).await?;
    let pair = (conflict.reader_id.as_str(), conflict.about_id.as_str());
    if !was_reader(tx, school_id, by, conflict.recorded_at).await? {
        return Ok(Err(Refused::Joined));
    }
    if !left(tx, school_id, &directory, pair, &conflict.recorded_by)
        .await?
        .anybody
    {
        return Ok(Err(Refused::LastReader));
    }
    sqlx::query(
        "UPDATE conflict SET in_force = TRUE, lapses_at = NULL, agreed_by = $1
         WHERE school_id = $2 AND reader_id = $3 AND about_id = $4 AND ended_at IS NULL",
    )
    .bind(by)
    .bind(school_id)
    .bind(&conflict.reader_id)
    .bind(&conflict.about_id)
    .execute(&mut **tx)
    .await?;
    note(tx, telling, &directory, conflict, by, Deed::ConflictAgreed, now).await?;
    Ok(Ok(()))
}

/// Ends a conflict. Route everything again afterwards.
pub async fn end(
    tx: &mut Write,
    telling: &Telling,
    conflict: &Conflict,
    by: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let deed = if by == "pastoral" {
        Deed::ConflictLapsed
    } else {
        Deed::ConflictEnded
    };
    sqlx::query(
        "UPDATE conflict SET ended_at = $1, ended_by = $2
         WHERE school_id = $3 AND reader_id = $4 AND about_id = $5 AND ended_at IS NULL",
    )
    .bind(now)
    .bind(by)
    .bind(&*telling.school_id)
    .bind(&conflict.reader_id)
    .bind(&conflict.about_id)
    .execute(&mut **tx)
    .await?;
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    note(tx, telling, &directory, conflict, by, deed, now).await
}

/// Whether somebody held a duty that reads already at a time: nobody is made a reader in order to agree.
async fn was_reader(tx: &mut Write, school_id: &str, person: &str, at: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM duty WHERE school_id = $1 AND person_id = $2 AND duty <> 'technician'
            AND ended_at IS NULL AND granted_at <= $3)",
    )
    .bind(school_id)
    .bind(person)
    .bind(at)
    .fetch_one(&mut **tx)
    .await
}

/// Ends every conflict that nobody has agreed to in time, or whose recorder reads nothing any more, and routes again what
/// it touched.
pub async fn lapse(tx: &mut Write, telling: &Telling, now: i64) -> Result<(), sqlx::Error> {
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    let is_over = |conflict: &Conflict| {
        let stands_behind = directory.duties().is_reader(&conflict.recorded_by);
        conflict.lapses_at.is_some_and(|at| at <= now || !stands_behind)
    };
    let mut over = standing(tx, &telling.school_id).await?;
    over.retain(is_over);
    for conflict in &over {
        end(tx, telling, conflict, "pastoral", now).await?;
    }
    if !over.is_empty() {
        rerouting::reroute_all(tx, telling, now).await?;
    }
    Ok(())
}

/// Whether any conflict is over by now, see [`lapse`].
pub async fn is_any_over(db: &mut Read, school_id: &str, now: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM conflict WHERE school_id = $1 AND ended_at IS NULL AND lapses_at IS NOT NULL
            AND (lapses_at <= $2 OR NOT EXISTS (SELECT 1 FROM duty WHERE duty.school_id = conflict.school_id
                AND duty.person_id = conflict.recorded_by AND duty.ended_at IS NULL AND duty.duty <> 'technician')))",
    )
    .bind(school_id)
    .bind(now)
    .fetch_one(db)
    .await
}

/// Who would be left to read what a conflict touches.
struct Left {
    anybody: bool,
    besides_recorder: bool,
}

async fn left(
    tx: &mut Write,
    school_id: &str,
    directory: &Directory,
    (reader, about): (&str, &str),
    by: &str,
) -> Result<Left, sqlx::Error> {
    let with = directory.with_conflict(reader, about);
    let mut routes: Vec<(Route, Route)> = Vec::new();
    if directory.person(about).is_some() {
        let subject = directory.subject(Some(about), "");
        routes.extend(Kind::ALL.iter().map(|kind| {
            let of = |directory: &Directory| directory.route("", &subject, *kind, &Named::new());
            (of(directory), of(&with))
        }));
    }
    routes.extend(rerouting::routes_touching(tx, school_id, (directory, &with), about).await?);
    let touched = routes
        .iter()
        .filter(|(before, _)| before.readers.iter().any(|person| person == reader));
    let mut left = Left {
        anybody: true,
        besides_recorder: true,
    };
    for (_, after) in touched {
        left.anybody &= !after.readers.is_empty() && after.reason != Reason::Last;
        left.besides_recorder &= after.readers.iter().any(|person| person != by);
    }
    Ok(left)
}

/// Whether the same conflict lapsed before, or was ended by somebody else than who recorded it.
async fn was_ended(
    tx: &mut Write,
    school_id: &str,
    (reader, about): (&str, &str),
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM conflict WHERE school_id = $1 AND reader_id = $2 AND about_id = $3
            AND ended_by IS NOT NULL AND ended_by <> recorded_by)",
    )
    .bind(school_id)
    .bind(reader)
    .bind(about)
    .fetch_one(&mut **tx)
    .await
}

/// Every step is in the audit log, and told to the senior of whoever is kept out.
async fn note(
    tx: &mut Write,
    telling: &Telling,
    directory: &Directory,
    conflict: &Conflict,
    by: &str,
    deed: Deed,
    now: i64,
) -> Result<(), sqlx::Error> {
    let entry = audit::Entry {
        school_id: &telling.school_id,
        actor: by,
        deed,
        concern_id: None,
        detail: json!({ "reader": conflict.reader_id, "about": conflict.about_id, "by": conflict.recorded_by }),
    };
    audit::append(tx, now, &entry).await?;
    if let Some(senior) = senior(directory, conflict, by) {
        let lapses_at = conflict.lapses_at;
        let notice = Notice::to(senior, Matter::Conflict { lapses_at }, now);
        outbox::queue(tx, telling, &notice, now).await?;
    }
    asking::ask(tx, telling, now).await
}

/// Whose business it is that a reader is kept out: of a lead or deputy the headteacher, of the headteacher the chair, of
/// the chair the independent reader; else the next. INVARIANT 4: never one of the two; and not who did it, who knows.
fn senior<'d>(directory: &'d Directory, conflict: &Conflict, by: &str) -> Option<&'d str> {
    use Duty::{Chair, Headteacher, Independent};
    let duties = directory.duties();
    let seniors: &[Duty] = if duties.has(&conflict.reader_id, Chair) {
        &[Independent, Headteacher]
    } else if duties.has(&conflict.reader_id, Headteacher) {
        &[Chair, Independent]
    } else {
        &[Headteacher, Chair, Independent]
    };
    let holders = seniors.iter().flat_map(|duty| duties.holders(*duty));
    let mut can_be_told = holders.filter(|person| {
        let known = directory.person(person);
        conflict.is_other(person) && *person != by && known.is_some_and(|known| !known.email.is_empty())
    });
    can_be_told.next().map(String::as_str)
}
