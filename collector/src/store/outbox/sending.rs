//! What the worker asks and writes down: which notices leave now, and what came of them.

use super::{Sort, Told};
use crate::store::Store;
use sqlx::AssertSqlSafe;
use std::sync::LazyLock;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const SHORTEST_PAUSE_MS: i64 = 5 * SECOND_MS;
/// Between tries at what a server cannot take now.
const LONGEST_PAUSE_MS: i64 = 30 * MINUTE_MS;
/// Between tries at what a server refuses for good: a person must put it right first.
const LONGEST_PAUSE_REFUSED_MS: i64 = 4 * 60 * MINUTE_MS;

/// A notice whose time has come.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Due {
    /// Its id.
    pub notice_id: String,
    /// What it is.
    #[sqlx(rename = "notice")]
    pub sort: Sort,
    /// To whom; empty when they have no address.
    pub address: String,
    /// Stable over all tries.
    pub message_id: String,
    /// What it tells.
    #[sqlx(rename = "matter", try_from = "String")]
    pub told: Told,
    /// When it was queued.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was tried first.
    pub first_tried_at: Option<i64>,
    /// How many things it is about.
    pub count: i64,
    /// The most serious of them; 0 when they have none.
    pub severity: u8,
    /// The concern, where it is about one.
    pub concern_id: Option<String>,
    /// When the concern comes to somebody else, or all are reminded.
    pub next_at: Option<i64>,
    /// The highest severity that the concern ever had, where that is higher than now.
    pub highest_severity: u8,
    /// Whether somebody is left who has not been told of it.
    pub others_left: bool,
}

/// Why a notice did not leave.
#[derive(Debug, Clone)]
pub struct Setback {
    /// The fault's code.
    pub code: &'static str,
    /// In words. Names no person.
    pub words: String,
    /// A person must put it right before it can leave.
    pub refused: bool,
    /// It is this reader who cannot be reached, rather than anybody.
    pub reader: bool,
}

/// Every open notice whose time has come, with what it is about now. A time that was set by a clock that has been put back
/// has come.
static OPEN: LazyLock<String> = LazyLock::new(|| {
    let each = |value: &str| -> String {
        let when = |sort: &Sort| {
            let about = sort.about();
            format!("WHEN '{}' THEN (SELECT {value} {about})", sort.code())
        };
        Sort::ALL.iter().map(when).collect::<Vec<_>>().join(" ")
    };
    format!(
        "SELECT outbox.notice_id, outbox.notice, outbox.message_id, outbox.matter, outbox.attempts,
                outbox.first_tried_at, outbox.created_at, outbox.due_at, outbox.concern_id, about.next_due_at AS next_at,
                COALESCE(about.highest_severity, 0) AS highest_severity,
                EXISTS (SELECT 1 FROM concern_reader AS next WHERE next.concern_id = about.concern_id
                    AND next.place >= about.escalation_step) AS others_left,
                COALESCE(NULLIF(outbox.address, ''), person.email, '') AS address,
                COALESCE(CASE outbox.notice {} END, 0) AS count,
                COALESCE(CASE outbox.notice {} END, 0) AS severity
         FROM outbox LEFT JOIN person
            ON person.school_id = outbox.school_id AND person.person_id = outbox.person_id AND person.active
         LEFT JOIN concern AS about ON about.concern_id = outbox.concern_id
         WHERE outbox.sent_at IS NULL AND outbox.ended_at IS NULL AND (outbox.due_at <= $1
            OR outbox.created_at > $1 + {LONGEST_PAUSE_REFUSED_MS}
            OR (outbox.attempts > 0 AND outbox.due_at > $1 + {LONGEST_PAUSE_REFUSED_MS}))",
        each("COUNT(*)"),
        each("MAX(severity)"),
    )
});

/// Notices whose time has come, the most serious first, with how much each has still to say.
pub async fn due(store: &Store, now: i64, most: i64) -> Result<Vec<Due>, sqlx::Error> {
    // INVARIANT 4: asked again at the moment of sending.
    let query = format!(
        "SELECT * FROM ({}) AS open WHERE count > 0 ORDER BY severity DESC, due_at LIMIT $2",
        *OPEN
    );
    sqlx::query_as(AssertSqlSafe(query))
        .bind(now)
        .bind(most)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// Ends every notice whose time has come and that is about nothing any more: answered meanwhile, superseded, too late, or
/// its reader may not see it.
pub async fn end_what_is_over(store: &Store, now: i64) -> Result<(), sqlx::Error> {
    let over = format!("SELECT notice_id FROM ({}) AS open WHERE count = 0", *OPEN);
    let over: Vec<String> = sqlx::query_scalar(AssertSqlSafe(over))
        .bind(now)
        .fetch_all(&mut *store.read().await?)
        .await?;
    if over.is_empty() {
        return Ok(());
    }
    let mut tx = store.write().await?;
    for notice_id in &over {
        sqlx::query(
            "UPDATE outbox SET ended_at = $1, matter = NULL WHERE notice_id = $2 AND sent_at IS NULL",
        )
        .bind(now)
        .bind(notice_id)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await
}

/// When the next notice comes due; none when nothing waits.
pub async fn next_due(store: &Store, now: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT MIN(due_at) FROM outbox WHERE sent_at IS NULL AND ended_at IS NULL AND due_at > $1",
    )
    .bind(now)
    .fetch_one(&mut *store.read().await?)
    .await
}

/// The mail server has taken it. What waits after another fault than its own reader's is tried at once: the server takes
/// mail again.
pub async fn sent(store: &Store, notice_id: &str, now: i64) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE outbox SET sent_at = $1, attempts = attempts + 1, last_error = NULL, fault = NULL,
                matter = NULL
         WHERE notice_id = $2",
    )
    .bind(now)
    .bind(notice_id)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "UPDATE outbox SET due_at = $1 WHERE sent_at IS NULL AND ended_at IS NULL AND attempts > 0 AND due_at > $1
         AND skipped_at IS NULL AND school_id = (SELECT school_id FROM outbox WHERE notice_id = $2)",
    )
    .bind(now)
    .bind(notice_id)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// Everything that is tried again is tried now: the program was started, perhaps because the settings were put right.
pub async fn try_all(store: &Store, now: i64) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE outbox SET due_at = $1 WHERE sent_at IS NULL AND ended_at IS NULL AND attempts > 0 AND due_at > $1",
    )
    .bind(now)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// It was not taken: tried again after a pause that grows. When it is the reader who cannot be reached, whoever is next is
/// told at once, unless they were told already. Says whether the reader cannot be reached.
pub async fn not_sent(store: &Store, notice: &Due, setback: &Setback, now: i64) -> Result<bool, sqlx::Error> {
    let first = notice.first_tried_at.filter(|first| *first <= now).unwrap_or(now);
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE outbox SET attempts = attempts + 1, first_tried_at = $1, due_at = $2, last_error = $3, fault = $4
         WHERE notice_id = $5",
    )
    .bind(first)
    .bind(now.saturating_add(pause_ms(now.saturating_sub(first), setback.refused)))
    .bind(&setback.words)
    .bind(setback.code)
    .bind(&notice.notice_id)
    .execute(&mut *tx)
    .await?;
    let mut skipped = false;
    if setback.reader {
        let done =
            sqlx::query("UPDATE outbox SET skipped_at = $1 WHERE notice_id = $2 AND skipped_at IS NULL")
                .bind(now)
                .bind(&notice.notice_id)
                .execute(&mut *tx)
                .await?;
        skipped = done.rows_affected() == 1;
    }
    if skipped {
        sqlx::query(
            "UPDATE concern SET next_due_at = $1 WHERE next_due_at > $1
             AND concern_id = (SELECT concern_id FROM outbox WHERE notice_id = $2)
             AND EXISTS (SELECT 1 FROM concern_reader AS reader
                WHERE reader.concern_id = concern.concern_id AND reader.place >= concern.escalation_step)
             AND NOT EXISTS (SELECT 1 FROM concern_reader AS mine
                JOIN concern_reader AS next ON next.concern_id = mine.concern_id AND next.place > mine.place
                JOIN person ON person.school_id = next.school_id AND person.person_id = next.person_id
                WHERE mine.concern_id = concern.concern_id AND next.place < concern.escalation_step
                AND person.email <> ''
                AND mine.person_id = (SELECT person_id FROM outbox WHERE notice_id = $2))",
        )
        .bind(now)
        .bind(&notice.notice_id)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(skipped)
}

/// A third of the time since the first try, so that a fault that lasted long is found mended soon after, and one that
/// lasts for days costs the server little.
fn pause_ms(since_first_ms: i64, refused: bool) -> i64 {
    let longest = if refused {
        LONGEST_PAUSE_REFUSED_MS
    } else {
        LONGEST_PAUSE_MS
    };
    (since_first_ms / 3).clamp(SHORTEST_PAUSE_MS, longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_an_hour_or_where_a_person_must_act_to_four() {
        assert_eq!(pause_ms(0, true), 5 * SECOND_MS);
        assert_eq!(pause_ms(90 * SECOND_MS, true), 30 * SECOND_MS);
        assert_eq!(pause_ms(7 * 24 * 60 * MINUTE_MS, false), 30 * MINUTE_MS);
        assert_eq!(pause_ms(7 * 24 * 60 * MINUTE_MS, true), 4 * 60 * MINUTE_MS);
    }
}
