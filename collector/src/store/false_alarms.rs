//! What marking flags as false alarms does to a concern: its severity is that of what remains. When nothing remains, its
//! timers stand for a day, and where the highest severity that it ever had asks for a second person, one is asked whether
//! it may be closed. Unanswered, the timers start again. Functions here fail when the database does.

use super::{Write, asking, escalation};
use crate::concerns::ending::Ending;
use crate::concerns::escalation::ConcernChange;
use crate::concerns::model::ConcernState;
use crate::telling::Telling;

const DAY_MS: i64 = 24 * 60 * 60_000;
/// Of a concern of which nothing remains.
const LEAST: u8 = 1;

#[derive(sqlx::FromRow)]
struct Row {
    severity: u8,
    highest_severity: u8,
    state: ConcernState,
    by_hand: bool,
    quiet_until: Option<i64>,
    quieted_at: Option<i64>,
    close_proposed_by: Option<String>,
    flags: i64,
    /// Of flags that are no false alarms.
    remaining: Option<u8>,
    last_received_at: Option<i64>,
}

/// Flags of a concern were marked by somebody, or marks taken back.
pub async fn settle(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    by: &str,
    now: i64,
) -> Result<(), sqlx::Error> {
    let school_id = &*telling.school_id;
    let row: Option<Row> = sqlx::query_as(
        "SELECT severity, highest_severity, state, by_hand, quiet_until, quieted_at, close_proposed_by,
            (SELECT COUNT(*) FROM flag WHERE flag.concern_id = concern.concern_id) AS flags,
            (SELECT MAX(flag.severity) FROM flag
                WHERE flag.concern_id = concern.concern_id AND NOT flag.false_alarm) AS remaining,
            (SELECT MAX(flag.received_at) FROM flag WHERE flag.concern_id = concern.concern_id) AS last_received_at
         FROM concern WHERE school_id = $1 AND concern_id = $2 AND state <> 'closed'",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_optional(&mut **tx)
    .await?;
    // What somebody wrote down is no flag, and no false alarm.
    let Some(row) = row.filter(|row| row.flags > 0 && !row.by_hand) else {
        return Ok(());
    };
    let written = added_by_hand(tx, school_id, concern_id).await?;
    let remaining = row.remaining.max(written);
    let highest = row.severity.max(row.highest_severity);
    let shown = remaining.unwrap_or(LEAST);
    sqlx::query(
        "UPDATE concern SET severity = $1, highest_severity = $2 WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(shown)
    .bind(highest)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    match (remaining, row.quiet_until) {
        (None, None) => stand(tx, telling, concern_id, &row, (by, highest), now).await,
        (Some(_), Some(_)) => {
            escalation::opened_or_risen(tx, telling, concern_id, ConcernChange::Risen, now).await
        }
        (Some(_), None) if shown > row.severity => {
            escalation::opened_or_risen(tx, telling, concern_id, ConcernChange::Risen, now).await
        }
        _ => Ok(()),
    }
}

/// Its timers stand for a day, unless they stood before for the very flags that it has, and a second person is asked.
async fn stand(
    tx: &mut Write,
    telling: &Telling,
    concern_id: &str,
    row: &Row,
    (by, highest): (&str, u8),
    now: i64,
) -> Result<(), sqlx::Error> {
    let is_new = row.quieted_at.is_none_or(|at| row.last_received_at > Some(at));
    let until = if is_new { now.saturating_add(DAY_MS) } else { now };
    sqlx::query(
        "UPDATE concern SET quiet_until = $1, quieted_at = $2, timed_at = $2,
                next_due_at = CASE WHEN state = 'new' THEN $1 END
         WHERE school_id = $3 AND concern_id = $4",
    )
    .bind(until)
    .bind(now)
    .bind(&*telling.school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    let second = highest >= telling.profile.handling.second_person_from.get();
    if second && row.close_proposed_by.is_none() && row.state.is_open() {
        sqlx::query("UPDATE concern SET close_proposed_by = $1, outcome = $2 WHERE school_id = $3 AND concern_id = $4")
            .bind(by)
            .bind(Ending::FalseAlarm)
            .bind(&*telling.school_id)
            .bind(concern_id)
            .execute(&mut **tx)
            .await?;
        asking::ask(tx, telling, now).await?;
    }
    Ok(())
}

/// The highest severity of what was added by hand.
pub async fn added_by_hand(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<Option<u8>, sqlx::Error> {
    let details: Vec<String> = sqlx::query_scalar(
        "SELECT detail FROM action WHERE school_id = $1 AND concern_id = $2 AND action = 'added' AND undone_by IS NULL",
    )
    .bind(school_id)
    .bind(concern_id)
    .fetch_all(&mut **tx)
    .await?;
    let severity = |detail: &String| {
        let detail: serde_json::Value = serde_json::from_str(detail).ok()?;
        u8::try_from(detail.get("severity")?.as_u64()?).ok()
    };
    Ok(details.iter().filter_map(severity).max())
}

/// Concerns all of whose flags are marked, so that what joins starts everything again.
pub async fn all_marked(tx: &mut Write, school_id: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT concern_id FROM concern WHERE school_id = $1 AND quiet_until IS NOT NULL AND state <> 'closed'",
    )
    .bind(school_id)
    .fetch_all(&mut **tx)
    .await
}
