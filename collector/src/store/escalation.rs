//! Carries out escalation: writes notices and timers in the transaction that causes them.

use super::outbox::{self, Gathered, OfConcern, Sort};
use super::{Store, Write, category};
use crate::concerns::escalation::{self as rules, Change, Plan, Progress, Step, Why};
use crate::concerns::model::PersonId;
use crate::concerns::routing::Reason;
use crate::notify::Telling;
use pastoral_keywords::Severity;
use sqlx::Row;
use std::collections::{BTreeMap, BTreeSet};

/// A timer that was set so much later than now was set by a clock that has been put back since.
pub(super) const CLOCK_TOLERANCE_MS: i64 = 60 * 60_000;
/// So soon after another notice of its sort to the same person, a notice is gathered with others.
const CROWDED_MS: i64 = 60_000;

/// What escalation needs to know of a concern.
struct Standing {
    /// By which it is told; of one whose every flag is marked as a false alarm the highest that it ever had.
    severity: Severity,
    answered: bool,
    closed: bool,
    told: usize,
    last_event_at: i64,
    backlog: bool,
    /// Why it goes to them.
    reason: Reason,
    /// In the order in which they are told. Who has no address is told when they have one, and the next one meanwhile.
    readers: Vec<Reader>,
}

#[derive(sqlx::FromRow)]
struct Reader {
    person_id: PersonId,
    /// They may be meant.
    doubtful: bool,
    /// They have an address.
    reachable: bool,
}

impl Standing {
    /// The profile's plan, and beside somebody who may be meant whoever comes next. At severity 5 all are told at once
    /// when somebody may be meant or was left out: nobody who is left waits for another.
    fn plan(&self, telling: &Telling) -> Plan {
        let plan = telling.profile.plan(self.severity);
        let fit = |reader: &Reader| !reader.doubtful;
        let place = |is: &dyn Fn(&Reader) -> bool| self.readers.iter().position(is);
        let first = if self.severity == Severity::MAX && self.reason != Reason::Usual {
            self.readers.len()
        } else if self.readers.first().is_some_and(|reader| reader.doubtful) {
            let beside = place(&|reader| fit(reader) && reader.reachable).or_else(|| place(&fit));
            beside.map_or(self.readers.len(), |place| place + 1)
        } else {
            1
        };
        Plan {
            tell_first: plan.tell_first.max(first),
            ..*plan
        }
    }
}

/// A reader to whom a concern has come, and what they are told of it.
#[derive(Debug, Clone)]
pub(super) struct Anew {
    person_id: PersonId,
    concern_id: String,
    due_at: i64,
}

/// A concern was opened, its severity rose, its readers changed or a flag joined it: proposes its category, and queues
/// the notices and sets the timer that follow. Wake escalation and outbox after the commit.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn opened_or_risen(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    change: Change,
    now: i64,
) -> Result<(), sqlx::Error> {
    category::repropose(tx, &telling.profile, &telling.school_id, concern_id).await?;
    // What comes after every flag was marked as a false alarm starts everything again.
    let change = match wake(tx, &telling.school_id, concern_id).await? {
        true if change == Change::Joined => Change::Risen,
        _ => change,
    };
    if change == Change::Joined {
        return Ok(());
    }
    let Some(mut standing) = standing(tx, &telling.school_id, concern_id).await? else {
        return Ok(());
    };
    if standing.closed {
        return Ok(());
    }
    if matches!(change, Change::Opened | Change::Risen) {
        standing.backlog = rules::is_backlog(standing.severity.get(), standing.last_event_at, now);
    }
    let (plan, cover) = (&standing.plan(telling), &telling.profile.cover);
    let readers = standing.readers.len();
    let progress = Progress {
        told: standing.told,
        answered: standing.answered,
    };
    let step = match change {
        Change::Risen => rules::risen(plan, cover, readers, progress, now),
        Change::Opened | Change::Joined => rules::start(plan, cover, readers, now),
    };
    carry_out(tx, telling, concern_id, &standing, &step, now).await
}

/// Others read it now, and nobody is on it: starts its timer again where the first of them are new, and gives whom to
/// tell. Who is in `told` was told before.
pub(super) async fn begin_again(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    told: &BTreeSet<PersonId>,
    now: i64,
) -> Result<Vec<Anew>, sqlx::Error> {
    category::repropose(tx, &telling.profile, &telling.school_id, concern_id).await?;
    let Some(standing) = standing(tx, &telling.school_id, concern_id).await? else {
        return Ok(Vec::new());
    };
    let plan = standing.plan(telling);
    let (cover, readers) = (&telling.profile.cover, &standing.readers);
    let was_told = |place: usize| told.contains(&readers[place].person_id);
    let reached = (0..readers.len()).take_while(|place| was_told(*place)).count();
    let step = rules::again(&plan, cover, readers.len(), was_told, now);
    let (reached, next) = match &step {
        Some(step) => (step.told.max(reached), Some(step.next_due_at)),
        None => (reached, None),
    };
    set_step(tx, &telling.school_id, concern_id, reached).await?;
    if let Some(next) = next {
        set_due(tx, &telling.school_id, concern_id, next, now).await?;
    }
    let anew = |step: Step| {
        let of = |place: &usize| Anew {
            person_id: readers[*place].person_id.clone(),
            concern_id: concern_id.to_owned(),
            due_at: step.notices_at,
        };
        step.tell.iter().map(of).collect()
    };
    Ok(step.map(anew).unwrap_or_default())
}

/// Tells people what has come to them: of one concern as of any, of several how many there are.
pub(super) async fn tell_anew(
    tx: &mut Write,
    telling: &Telling,
    anew: Vec<Anew>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let mut people: BTreeMap<PersonId, Vec<Anew>> = BTreeMap::new();
    for one in anew {
        people.entry(one.person_id.clone()).or_default().push(one);
    }
    for (person_id, theirs) in &people {
        if let [one] = theirs.as_slice() {
            let notice = OfConcern {
                concern_id: &one.concern_id,
                person_id,
                sort: Sort::New,
                why: Why::Yours,
                due_at: one.due_at,
            };
            outbox::queue_of_concern(tx, telling, &notice, now).await?;
            continue;
        }
        for one in theirs {
            let gathered = Gathered {
                person_id,
                sort: Sort::Yours,
                concern_id: Some(&one.concern_id),
                due_at: one.due_at,
                every_ms: 0,
            };
            outbox::gather(tx, telling, &gathered, now).await?;
        }
    }
    Ok(())
}

async fn set_step(tx: &mut Write, school_id: &str, concern_id: &str, told: usize) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE concern SET escalation_step = $1 WHERE school_id = $2 AND concern_id = $3")
        .bind(i64::try_from(told).unwrap_or(i64::MAX))
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn set_due(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    due_at: Option<i64>,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET next_due_at = $1, timed_at = $2 WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(due_at)
    .bind(now)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Concerns whose time to answer is over, the most serious first.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(store: &Store, school_id: &str, now: i64, most: i64) -> Result<Vec<String>, sqlx::Error> {
    let query = format!(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND {IS_DUE} ORDER BY severity DESC LIMIT $4"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(now)
        .bind(now.saturating_add(CLOCK_TOLERANCE_MS))
        .bind(most)
        .fetch_all(store.read())
        .await
}

/// `$2` is now, and what was timed after `$3` was timed by a clock that has been put back.
const IS_DUE: &str = "next_due_at IS NOT NULL AND (next_due_at <= $2 OR timed_at > $3)";

/// When the next concern comes due; none when none does.
///
/// # Errors
/// When the database cannot be read.
pub async fn next_due(store: &Store, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    let row =
        sqlx::query("SELECT MIN(next_due_at) FROM concern WHERE school_id = ? AND next_due_at IS NOT NULL")
            .bind(school_id)
            .fetch_one(store.read())
            .await?;
    Ok(row.get(0))
}

/// The next person is told: the time to answer is over. Asks again in the transaction whether that is still so.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn step(tx: &mut Write, telling: &Telling, concern_id: &str, now: i64) -> Result<(), sqlx::Error> {
    let still = format!("SELECT 1 FROM concern WHERE school_id = $1 AND {IS_DUE} AND concern_id = $4");
    let still: Option<i64> = sqlx::query_scalar(sqlx::AssertSqlSafe(still))
        .bind(&*telling.school_id)
        .bind(now)
        .bind(now.saturating_add(CLOCK_TOLERANCE_MS))
        .bind(concern_id)
        .fetch_optional(&mut **tx)
        .await?;
    if still.is_some() {
        escalate_now(tx, telling, concern_id, now).await
    } else {
        Ok(())
    }
}

/// The next person is told at once, because a reader asks for it. Says nothing when somebody has answered.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn escalate_now(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let Some(standing) = standing(tx, &telling.school_id, concern_id).await? else {
        return Ok(());
    };
    let progress = Progress {
        told: standing.told,
        answered: standing.answered,
    };
    let step = rules::due(
        &standing.plan(telling),
        &telling.profile.cover,
        standing.readers.len(),
        progress,
        now,
    );
    carry_out(tx, telling, concern_id, &standing, &step, now).await
}

/// Somebody has acknowledged or closed it: escalation ends, and notices that wait for cover are taken back.
///
/// # Errors
/// When the database cannot be written.
pub async fn answered(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE concern SET next_due_at = NULL WHERE school_id = ? AND concern_id = ?")
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    outbox::withdraw_waiting(tx, school_id, concern_id).await
}

/// Tells one reader that a concern was passed to them. False when that person may not see it; then nobody is told.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn pass_on(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    to: &str,
    now: i64,
) -> Result<bool, sqlx::Error> {
    // INVARIANT 4: only who may see it is told of it.
    let may_see: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM concern_reader WHERE school_id = $1 AND concern_id = $2 AND person_id = $3)",
    )
    .bind(&*telling.school_id)
    .bind(concern_id)
    .bind(to)
    .fetch_one(&mut **tx)
    .await?;
    if !may_see {
        return Ok(false);
    }
    let notice = OfConcern {
        concern_id,
        person_id: to,
        sort: Sort::New,
        why: Why::PassedOn,
        due_at: now,
    };
    outbox::queue_of_concern(tx, telling, &notice, now).await?;
    Ok(true)
}

/// Ends that a concern's timers stand because every flag is marked as a false alarm, with the question whether it may be
/// closed for that. Says whether they stood.
async fn wake(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE concern SET quiet_until = NULL,
                close_proposed_by = CASE WHEN outcome = 'false-alarm' THEN NULL ELSE close_proposed_by END,
                outcome = CASE WHEN outcome = 'false-alarm' THEN NULL ELSE outcome END
         WHERE school_id = $1 AND concern_id = $2 AND quiet_until IS NOT NULL AND state <> 'closed'",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn standing(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT CASE WHEN quiet_until IS NOT NULL AND highest_severity > severity THEN highest_severity ELSE severity END,
                state, escalation_step, last_event_at, backlog, route
         FROM concern WHERE school_id = ? AND concern_id = ?",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let readers = sqlx::query_as(
        "SELECT r.person_id, r.doubtful, COALESCE(p.email, '') <> '' AS reachable FROM concern_reader AS r
         LEFT JOIN person AS p ON p.school_id = r.school_id AND p.person_id = r.person_id
         WHERE r.school_id = $1 AND r.concern_id = $2 ORDER BY r.place",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(&mut **tx)
    .await?;
    let state: String = row.get(1);
    Ok(Some(Standing {
        severity: Severity::try_from(row.get::<u8, _>(0)).unwrap_or(Severity::MAX),
        answered: state != "new",
        closed: state == "closed",
        told: usize::try_from(row.get::<i64, _>(2)).unwrap_or_default(),
        last_event_at: row.get(3),
        backlog: row.get(4),
        reason: Reason::from_code(row.get(5)).unwrap_or_default(),
        readers,
    }))
}

async fn carry_out(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    standing: &Standing,
    step: &Step,
    now: i64,
) -> Result<(), sqlx::Error> {
    let plan = telling.profile.plan(standing.severity);
    for reader in step.tell.iter().filter_map(|place| standing.readers.get(*place)) {
        let person_id = reader.person_id.as_str();
        let gathered = |sort, every_ms| Gathered {
            person_id,
            sort,
            concern_id: Some(concern_id),
            due_at: step.notices_at,
            every_ms,
        };
        let sort = match step.why {
            Why::Reminder => {
                // However many concerns wait, one person has one reminder of them at a time.
                let reminder = gathered(Sort::Reminder, plan.remind_after_ms);
                outbox::gather(tx, telling, &reminder, now).await?;
                continue;
            }
            _ if standing.backlog => {
                outbox::queue_digest(tx, telling, (person_id, concern_id), step.notices_at, now).await?;
                continue;
            }
            Why::New | Why::PassedOn | Why::NotReviewed | Why::Yours => Sort::New,
            Why::Risen => Sort::Risen,
            Why::Unanswered => Sort::Unanswered,
        };
        let own = sort == Sort::New && standing.severity == Severity::MAX;
        if !own && outbox::is_crowded(tx, telling, person_id, (sort, step.notices_at), now).await? {
            outbox::gather(tx, telling, &gathered(Sort::Several, CROWDED_MS), now).await?;
            continue;
        }
        let notice = OfConcern {
            concern_id,
            person_id,
            sort,
            why: step.why,
            due_at: step.notices_at,
        };
        outbox::queue_of_concern(tx, telling, &notice, now).await?;
    }
    sqlx::query(
        "UPDATE concern SET escalation_step = $1, next_due_at = $2, backlog = $3, timed_at = $4,
                quiet_until = CASE WHEN quiet_until > $4 THEN $4 ELSE quiet_until END
         WHERE school_id = $5 AND concern_id = $6",
    )
    .bind(i64::try_from(step.told).unwrap_or(i64::MAX))
    .bind(step.next_due_at)
    .bind(standing.backlog)
    .bind(now)
    .bind(&*telling.school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
