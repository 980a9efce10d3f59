//! Carries out escalation: writes notices and timers in the transaction that causes them.

use super::outbox::{self, Notice, Sort};
use super::{Store, Write, category};
use crate::concerns::escalation::{self as rules, Change, Progress, Step, Why};
use crate::concerns::model::PersonId;
use crate::notify::{Telling, text};
use pastoral_keywords::Severity;
use sqlx::Row;

/// What escalation needs to know of a concern.
struct Standing {
    severity: Severity,
    answered: bool,
    closed: bool,
    told: usize,
    last_event_at: i64,
    backlog: bool,
    /// In the order in which they are told. Who has no address is told when they have one, and the next one meanwhile.
    readers: Vec<PersonId>,
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
    let (plan, cover) = (telling.profile.plan(standing.severity), &telling.profile.cover);
    let readers = standing.readers.len();
    let progress = Progress {
        told: standing.told,
        answered: standing.answered,
    };
    let step = match change {
        Change::Risen => rules::risen(plan, cover, readers, progress, now),
        // Whoever is on it stays on it.
        Change::Rerouted if standing.answered => return Ok(()),
        Change::Opened | Change::Rerouted | Change::Joined => rules::start(plan, cover, readers, now),
    };
    carry_out(tx, telling, concern_id, &standing, &step, now).await
}

/// Concerns whose time to answer is over, the most serious first.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(store: &Store, school_id: &str, now: i64, most: i64) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT concern_id FROM concern WHERE school_id = ? AND next_due_at <= ? ORDER BY severity DESC LIMIT ?",
    )
    .bind(school_id)
    .bind(now)
    .bind(most)
    .fetch_all(store.read())
    .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

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
    let still =
        sqlx::query("SELECT 1 FROM concern WHERE school_id = ? AND concern_id = ? AND next_due_at <= ?")
            .bind(&*telling.school_id)
            .bind(concern_id)
            .bind(now)
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
    let plan = telling.profile.plan(standing.severity);
    let step = rules::due(
        plan,
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
    let row = sqlx::query(
        "SELECT concern.severity FROM concern_reader JOIN concern USING (concern_id)
         WHERE concern_reader.school_id = ? AND concern_id = ? AND concern_reader.person_id = ?",
    )
    .bind(&*telling.school_id)
    .bind(concern_id)
    .bind(to)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let about = text::About {
        concern_id,
        severity: row.get(0),
        next_at: None,
        others_left: false,
    };
    let notice = Notice {
        concern_id: Some(concern_id),
        person_id: to,
        address: None,
        sort: Sort::New,
        text: text::concern(telling, Why::PassedOn, &about),
        due_at: now,
    };
    outbox::queue(tx, telling, &notice, now).await?;
    Ok(true)
}

async fn standing(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT severity, state, escalation_step, last_event_at, backlog FROM concern WHERE school_id = ? AND concern_id = ?",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let readers = sqlx::query_scalar(
        "SELECT person_id FROM concern_reader WHERE school_id = ? AND concern_id = ? ORDER BY place",
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
    let about = text::About {
        concern_id,
        severity: standing.severity.get(),
        next_at: step.next_due_at,
        others_left: step.told < standing.readers.len(),
    };
    for person_id in step.tell.iter().filter_map(|place| standing.readers.get(*place)) {
        if standing.backlog {
            outbox::queue_digest(tx, telling, (person_id, concern_id), step.notices_at, now).await?;
            continue;
        }
        let sort = match step.why {
            Why::New | Why::PassedOn => Sort::New,
            Why::Risen => Sort::Risen,
            Why::Unanswered => Sort::Unanswered,
        };
        let text = text::concern(telling, step.why, &about);
        let concern_id = Some(concern_id);
        let notice = Notice {
            concern_id,
            person_id,
            address: None,
            sort,
            text,
            due_at: step.notices_at,
        };
        outbox::queue(tx, telling, &notice, now).await?;
    }
    sqlx::query(
        "UPDATE concern SET escalation_step = ?, next_due_at = ?, backlog = ? WHERE school_id = ? AND concern_id = ?",
    )
    .bind(i64::try_from(step.told).unwrap_or(i64::MAX))
    .bind(step.next_due_at)
    .bind(standing.backlog)
    .bind(&*telling.school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
