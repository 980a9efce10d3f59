//! Carries out reviews: an acknowledged concern's owner is asked on a day how it stands, and without an answer it goes to
//! the next reader. Functions here fail when the database does.

use super::escalation::CLOCK_TOLERANCE_MS;
use super::outbox::{self, Gathered, Matter, Notice};
use super::readers::{self, Reader};
use super::{Store, Write, owner};
use crate::concerns::action::Action;
use crate::concerns::escalation::{self as rules, Why};
use crate::concerns::review::{self, Next, Review};
use crate::telling::Telling;
use pastoral_keywords::Severity;

/// One question about reviews leaves in this time, however many are due.
const ASK_EVERY_MS: i64 = 60 * 60_000;

/// An acknowledged concern.
#[derive(sqlx::FromRow)]
struct Row {
    severity: u8,
    highest_severity: u8,
    owner_id: Option<String>,
    owner_gone: bool,
    review_at: Option<i64>,
    review_answer_by: Option<i64>,
    timed_at: Option<i64>,
}

impl Row {
    /// Closing goes by the highest severity that it ever had, and so does looking at it again.
    fn severity(&self) -> Severity {
        Severity::try_from(self.severity.max(self.highest_severity)).unwrap_or(Severity::MAX)
    }
}

/// Sets the review date of a concern that was just acknowledged, and the next one when its owner has answered the question
/// by doing something with it. Takes the date away from one that is not acknowledged any more. `anew`: somebody else deals
/// with it than before.
pub async fn settle(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    (by, anew): (&str, bool),
    now: i64,
) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    let Some(row) = acknowledged(tx, school_id, concern_id).await? else {
        return set(tx, school_id, concern_id, None, now).await;
    };
    let answers = row.owner_id.as_deref() == Some(by) && row.review_at.is_none_or(|at| at <= now);
    if anew || answers || row.review_at.is_none() {
        let plan = telling.profile.plan(row.severity());
        let at = review::first(plan, &telling.profile.cover, now);
        set(tx, school_id, concern_id, Some(at), now).await?;
    }
    Ok(())
}

/// Sets the review date that an owner has chosen, or takes it away.
pub async fn set(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
    at: Option<i64>,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET review_at = $1, review_answer_by = NULL, timed_at = $2
         WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(at)
    .bind(now)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Acknowledged concerns whose owner is to be asked, has not answered, or is not there any more.
pub async fn due(store: &Store, school_id: &str, now: i64, most: i64) -> Result<Vec<String>, sqlx::Error> {
    let query = format!(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND state = 'acknowledged' AND erased_at IS NULL
         AND EXISTS (SELECT 1 FROM concern_reader AS reader WHERE reader.concern_id = concern.concern_id)
         AND (COALESCE(review_answer_by, review_at) <= $2 OR timed_at > $3 OR {GONE})
         ORDER BY severity DESC LIMIT $4"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(now)
        .bind(now.saturating_add(CLOCK_TOLERANCE_MS))
        .bind(most)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// Its owner has left, may not see it any more, or can no longer sign in.
const GONE: &str = "(owner_id IS NULL
    OR NOT EXISTS (SELECT 1 FROM concern_reader AS reader
        WHERE reader.concern_id = concern.concern_id AND reader.person_id = concern.owner_id)
    OR EXISTS (SELECT 1 FROM person WHERE person.school_id = concern.school_id
        AND person.person_id = concern.owner_id AND NOT person.active)
    OR EXISTS (SELECT 1 FROM \"user\" WHERE \"user\".school_id = concern.school_id
        AND \"user\".person_id = concern.owner_id AND \"user\".disabled_at IS NOT NULL))";

/// When the next review comes due; none when none does.
pub async fn next_due(store: &Store, school_id: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT MIN(COALESCE(review_answer_by, review_at)) FROM concern
         WHERE school_id = $1 AND state = 'acknowledged' AND erased_at IS NULL",
    )
    .bind(school_id)
    .fetch_one(&mut *store.read().await?)
    .await
}

/// Asks the owner of a concern, or passes it on. Looks again in the transaction whether that is still so.
pub async fn step(tx: &mut Write, telling: &Telling, concern_id: &str, now: i64) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    let Some(row) = acknowledged(tx, school_id, concern_id).await? else {
        return Ok(());
    };
    let readers = readers::of(tx, school_id, concern_id).await?;
    let owner = row.owner_id.as_ref().filter(|_| !row.owner_gone);
    let review = Review {
        owner: owner.and_then(|owner| readers.iter().position(|reader| reader.person_id == *owner)),
        readers: readers.len(),
        at: row.review_at.unwrap_or(now),
        answer_by: row.review_answer_by,
    };
    let (plan, cover) = (telling.profile.plan(row.severity()), &telling.profile.cover);
    match review::next(plan, cover, &review, now) {
        Next::Wait
            if row
                .timed_at
                .is_some_and(|at| at > now.saturating_add(CLOCK_TOLERANCE_MS)) =>
        {
            set(
                tx,
                school_id,
                concern_id,
                Some(review::first(plan, cover, now)),
                now,
            )
            .await
        }
        Next::Wait => Ok(()),
        Next::Nobody => Ok(()),
        Next::Ask { answer_by } => ask(tx, telling, concern_id, owner, answer_by, now).await,
        Next::PassOn { to } => {
            let next_due_at = rules::next_look(plan, cover, to + 1 < readers.len(), now);
            pass_on(tx, telling, concern_id, (&readers, to), next_due_at, now).await
        }
    }
}

async fn acknowledged(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<Option<Row>, sqlx::Error> {
    let query = format!(
        "SELECT severity, highest_severity, owner_id, {GONE} AS owner_gone, review_at, review_answer_by, timed_at FROM concern
         WHERE school_id = $1 AND concern_id = $2 AND state = 'acknowledged' AND erased_at IS NULL"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(concern_id)
        .fetch_optional(&mut **tx)
        .await
}

async fn ask(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    owner: Option<&String>,
    answer_by: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE concern SET review_answer_by = $1, review_at = CASE WHEN review_at > $2 THEN $2 ELSE review_at END,
                timed_at = $2
         WHERE concern_id = $3",
    )
    .bind(answer_by)
    .bind(now)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    let Some(owner) = owner else { return Ok(()) };
    let question = Gathered {
        person_id: owner,
        matter: Matter::Review,
        concern_id: Some(concern_id),
        due_at: now,
        every_ms: ASK_EVERY_MS,
    };
    outbox::gather(tx, telling, &question, now).await
}

/// It is nobody's again, and the reader at a place is told.
async fn pass_on(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    (readers, to): (&[Reader], usize),
    next_due_at: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    owner::lose(tx, school_id, concern_id, Action::ReviewMissed, now).await?;
    sqlx::query(
        "UPDATE concern SET next_due_at = $1, timed_at = $2,
                escalation_step = CASE WHEN escalation_step < $3 THEN $3 ELSE escalation_step END
         WHERE school_id = $4 AND concern_id = $5",
    )
    .bind(next_due_at)
    .bind(now)
    .bind(i64::try_from(to + 1).unwrap_or(i64::MAX))
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    let notice = Notice {
        concern_id: Some(concern_id),
        ..Notice::to(&readers[to].person_id, Matter::New(Why::NotReviewed), now)
    };
    outbox::queue(tx, telling, &notice, now).await?;
    Ok(())
}
