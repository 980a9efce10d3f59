//! The notices that escalation causes.

use super::super::outbox::{self, Gathered, Matter, Notice, Sort};
use super::super::{Write, actions};
use super::{Escalating, standing};
use crate::concerns::escalation::{Step, Why};
use crate::telling::Telling;
use pastoral_keywords::Severity;

/// So soon after another notice of its sort to the same person, a notice is gathered with others.
const CROWDED_MS: i64 = 60_000;

/// Tells one reader that a concern was passed to them. False when that person may not see it; then nobody is told.
pub async fn pass_on(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    to: &str,
    now: i64,
) -> Result<bool, sqlx::Error> {
    // INVARIANT 4: only who may see it is told of it.
    if !actions::reads(tx, &telling.school_id, concern_id, to).await? {
        return Ok(false);
    }
    let notice = Notice {
        concern_id: Some(concern_id),
        ..Notice::to(to, Matter::New(Why::PassedOn), now)
    };
    outbox::queue(tx, telling, &notice, now).await?;
    Ok(true)
}

/// Somebody has corrected whom a concern is about: everybody else who reads it is told, also where it is being dealt with.
pub async fn corrected(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    by: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let standing = standing(tx, &telling.school_id, concern_id).await?;
    let readers = standing.iter().flat_map(|standing| &standing.readers);
    for reader in readers.filter(|reader| reader.person_id != by) {
        let notice = Notice {
            concern_id: Some(concern_id),
            ..Notice::to(&reader.person_id, Matter::Corrected, now)
        };
        outbox::queue(tx, telling, &notice, now).await?;
    }
    Ok(())
}

pub(super) async fn carry_out(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    standing: &Escalating,
    step: &Step,
    now: i64,
) -> Result<(), sqlx::Error> {
    let plan = telling.profile.plan(standing.severity);
    for reader in step.tell.iter().filter_map(|place| standing.readers.get(*place)) {
        let person_id = reader.person_id.as_str();
        let gathered = |matter, every_ms| Gathered {
            person_id,
            matter,
            concern_id: Some(concern_id),
            due_at: step.notices_at,
            every_ms,
        };
        let matter = match step.why {
            Why::Reminder => {
                // However many concerns wait, one person has one reminder of them at a time.
                let reminder = gathered(Matter::Reminder, plan.remind_after_ms);
                outbox::gather(tx, telling, &reminder, now).await?;
                continue;
            }
            _ if standing.backlog => {
                outbox::queue_digest(tx, telling, (person_id, concern_id), step.notices_at, now).await?;
                continue;
            }
            Why::New | Why::PassedOn | Why::NotReviewed | Why::Yours => Matter::New(step.why),
            Why::Risen => Matter::Risen,
            Why::Unanswered => Matter::Unanswered,
        };
        let sort = matter.sort();
        let own = sort == Sort::New && standing.severity == Severity::MAX;
        if !own && outbox::is_crowded(tx, telling, person_id, (sort, step.notices_at), now).await? {
            outbox::gather(tx, telling, &gathered(Matter::Several, CROWDED_MS), now).await?;
            continue;
        }
        let notice = Notice {
            concern_id: Some(concern_id),
            ..Notice::to(person_id, matter, step.notices_at)
        };
        outbox::queue(tx, telling, &notice, now).await?;
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
