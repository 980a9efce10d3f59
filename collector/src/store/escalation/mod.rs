//! Carries out escalation: writes notices and timers in the transaction that causes them.

mod anew;
mod telling;

use crate::concerns::model::ConcernState;
pub(super) use anew::{Anew, begin_again, tell_anew};
pub use telling::{corrected, pass_on};

use super::outbox;
use super::readers::{self, Reader};
use super::{Store, Write, category};
use crate::concerns::escalation::{self as rules, ConcernChange, Plan, Progress};
use crate::concerns::routing::Reason;
use crate::telling::Telling;
use pastoral_keywords::Severity;
use telling::carry_out;

/// A timer that was set so much later than now was set by a clock that has been put back since.
pub(super) const CLOCK_TOLERANCE_MS: i64 = 60 * 60_000;

/// What escalation needs to know of a concern.
struct Escalating {
    /// The highest that it ever had. INVARIANT: marking flags as false alarms slows nothing; one person alone may do that.
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

impl Escalating {
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

/// A concern was opened, its severity rose, its readers changed or a flag joined it: proposes its category, and queues
/// the notices and sets the timer that follow. Wake escalation and outbox after the commit.
pub async fn opened_or_risen(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    change: ConcernChange,
    now: i64,
) -> Result<(), sqlx::Error> {
    category::repropose(tx, &telling.profile, &telling.school_id, concern_id).await?;
    // What comes after every flag was marked as a false alarm starts everything again.
    let change = match wake(tx, &telling.school_id, concern_id).await? {
        true if change == ConcernChange::Joined => ConcernChange::Risen,
        _ => change,
    };
    if change == ConcernChange::Joined {
        return Ok(());
    }
    let Some(mut standing) = standing(tx, &telling.school_id, concern_id).await? else {
        return Ok(());
    };
    if standing.closed {
        return Ok(());
    }
    if matches!(change, ConcernChange::Opened | ConcernChange::Risen) {
        standing.backlog = rules::is_backlog(standing.severity.get(), standing.last_event_at, now);
    }
    let (plan, cover) = (&standing.plan(telling), &telling.profile.cover);
    let readers = standing.readers.len();
    let progress = Progress {
        told: standing.told,
        answered: standing.answered,
    };
    let step = match change {
        ConcernChange::Risen => rules::risen(plan, cover, readers, progress, now),
        ConcernChange::Opened | ConcernChange::Joined => rules::start(plan, cover, readers, now),
    };
    carry_out(tx, telling, concern_id, &standing, &step, now).await
}

/// Concerns whose time to answer is over, the most serious first.
pub async fn due(store: &Store, school_id: &str, now: i64, most: i64) -> Result<Vec<String>, sqlx::Error> {
    let query = format!(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND {IS_DUE} ORDER BY severity DESC LIMIT $4"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(now)
        .bind(now.saturating_add(CLOCK_TOLERANCE_MS))
        .bind(most)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// `$2` is now, and what was timed after `$3` was timed by a clock that has been put back.
const IS_DUE: &str = "next_due_at IS NOT NULL AND (next_due_at <= $2 OR timed_at > $3)";

/// When the next concern comes due; none when none does.
pub async fn next_due(store: &Store, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT MIN(next_due_at) FROM concern WHERE school_id = $1 AND next_due_at IS NOT NULL",
    )
    .bind(school_id)
    .fetch_one(&mut *store.read().await?)
    .await
}

/// The next person is told: the time to answer is over. Asks again in the transaction whether that is still so.
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
pub async fn answered(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE concern SET next_due_at = NULL WHERE school_id = $1 AND concern_id = $2")
        .bind(school_id)
        .bind(concern_id)
        .execute(&mut **tx)
        .await?;
    outbox::withdraw_waiting(tx, school_id, concern_id).await
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
) -> Result<Option<Escalating>, sqlx::Error> {
    let row: Option<(u8, ConcernState, i64, i64, bool, Reason)> = sqlx::query_as(
        "SELECT CASE WHEN highest_severity > severity THEN highest_severity ELSE severity END, state, escalation_step, last_event_at, backlog, route
         FROM concern WHERE school_id = $1 AND concern_id = $2",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some((severity, state, told, last_event_at, backlog, reason)) = row else {
        return Ok(None);
    };
    Ok(Some(Escalating {
        severity: Severity::try_from(severity).unwrap_or(Severity::MAX),
        answered: !state.is_new(),
        closed: !state.is_open(),
        told: usize::try_from(told).unwrap_or_default(),
        last_event_at,
        backlog,
        reason,
        readers: readers::of(tx, school_id, concern_id).await?,
    }))
}
