//! Notices on their way. A notice is in the outbox by the transaction that causes it and is tried until the mail server
//! has taken it or its sort's own end has come: at least once, always under the same Message-ID, never given up early.
//!
//! The store keeps what a notice tells, until it has left or ended; its words are made when it leaves, by `notify`. Of those
//! that gather what is of one person (how many concerns wait, what wants agreement) one waits at most for each person and
//! sort.

mod matter;
mod sending;
mod sort;
mod undelivered;

pub use matter::{Laptops, Matter, Told};
pub use sending::{Due, Setback, due, end_what_is_over, next_due, not_sent, sent, try_all};
pub use sort::Sort;
pub use undelivered::{Undelivered, last_error, undelivered, waits};

use super::{Store, Write};
use crate::telling::Telling;

const MINUTE_MS: i64 = 60_000;
/// Backlog concerns that arrive within this time are one digest, and there is one digest in an hour.
const DIGEST_WAIT_MS: i64 = MINUTE_MS;
const DIGEST_EVERY_MS: i64 = 60 * MINUTE_MS;

/// A notice to one person, who is written to at the address they have when it leaves.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// The concern, where it is about one.
    pub concern_id: Option<&'a str>,
    /// To whom.
    pub person_id: &'a str,
    /// Where this notice goes although their address is another.
    pub address: Option<&'a str>,
    /// What it tells.
    pub matter: Matter,
    /// When it may leave.
    pub due_at: i64,
}

impl<'a> Notice<'a> {
    /// About no concern, to the address that its reader has when it leaves.
    #[must_use]
    pub const fn to(person_id: &'a str, matter: Matter, due_at: i64) -> Self {
        Self {
            concern_id: None,
            person_id,
            address: None,
            matter,
            due_at,
        }
    }
}

/// A notice that gathers everything of one sort for one person.
#[derive(Debug, Clone)]
pub struct Gathered<'a> {
    /// To whom.
    pub person_id: &'a str,
    /// What it tells.
    pub matter: Matter,
    /// A concern that it is about, where its sort goes by them.
    pub concern_id: Option<&'a str>,
    /// When it may leave.
    pub due_at: i64,
    /// At most one leaves in this time.
    pub every_ms: i64,
}

/// Queues a notice, and gives its id. Wake the outbox after the commit.
pub async fn queue(
    tx: &mut Write,
    telling: &Telling,
    notice: &Notice<'_>,
    now: i64,
) -> Result<String, sqlx::Error> {
    let notice_id = uuid::Uuid::new_v4().to_string();
    let message_id = format!("<{notice_id}@{}>", telling.host());
    let matter = serde_json::to_string(&notice.matter).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT INTO outbox (school_id, notice_id, concern_id, person_id, address, notice, message_id, matter,
                             created_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&*telling.school_id)
    .bind(&notice_id)
    .bind(notice.concern_id)
    .bind(notice.person_id)
    .bind(notice.address.unwrap_or_default())
    .bind(notice.matter.sort())
    .bind(message_id)
    .bind(matter)
    .bind(now)
    .bind(notice.due_at)
    .execute(&mut **tx)
    .await?;
    Ok(notice_id)
}

/// Queues a gathering notice, or adds to the one that waits for this person already. Wake the outbox after the commit.
///
/// ONE WRITER: of a sort, one waits at most for each person.
pub async fn gather(
    tx: &mut Write,
    telling: &Telling,
    gathered: &Gathered<'_>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let (last, waiting): (Option<i64>, Option<String>) = sqlx::query_as(
        "SELECT (SELECT MAX(COALESCE(sent_at, ended_at)) FROM outbox
                 WHERE school_id = $1 AND person_id = $2 AND notice = $3),
                (SELECT notice_id FROM outbox WHERE school_id = $1 AND person_id = $2 AND notice = $3
                 AND sent_at IS NULL AND ended_at IS NULL ORDER BY due_at LIMIT 1)",
    )
    .bind(&*telling.school_id)
    .bind(gathered.person_id)
    .bind(gathered.matter.sort())
    .fetch_one(&mut **tx)
    .await?;
    // A time that is still to come was written down before the clock was set back.
    let last = last.filter(|last| *last <= now);
    let earliest = last.map_or(now, |last| last.saturating_add(gathered.every_ms));
    let due_at = earliest.max(gathered.due_at);
    let notice_id = match waiting {
        Some(notice_id) => {
            // What is being tried again keeps its pauses.
            sqlx::query(
                "UPDATE outbox SET due_at = $1 WHERE notice_id = $2 AND due_at > $1 AND attempts = 0",
            )
            .bind(due_at)
            .bind(&notice_id)
            .execute(&mut **tx)
            .await?;
            notice_id
        }
        None => {
            let matter = gathered.matter.clone();
            queue(tx, telling, &Notice::to(gathered.person_id, matter, due_at), now).await?
        }
    };
    sqlx::query(
        "INSERT INTO notice_concern (school_id, notice_id, concern_id) SELECT $1, $2, concern_id FROM concern
         WHERE concern_id = $3 ON CONFLICT DO NOTHING",
    )
    .bind(&*telling.school_id)
    .bind(notice_id)
    .bind(gathered.concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether a person has a notice of a sort that waits to leave at the same time or later, or was just queued.
pub async fn is_crowded(
    tx: &mut Write,
    telling: &Telling,
    person_id: &str,
    (sort, due_at): (Sort, i64),
    now: i64,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM outbox WHERE school_id = $1 AND person_id = $2 AND notice = $3
         AND ((sent_at IS NULL AND ended_at IS NULL AND $4 > $5 AND due_at > $5)
              OR ($4 <= $5 AND $3 = $6 AND created_at BETWEEN $5 - $7 AND $5)))",
    )
    .bind(&*telling.school_id)
    .bind(person_id)
    .bind(sort)
    .bind(due_at)
    .bind(now)
    .bind(Sort::Unanswered)
    .bind(MINUTE_MS)
    .fetch_one(&mut **tx)
    .await
}

/// Queues the digest of a backlog, unless one is waiting for this person already.
pub async fn queue_digest(
    tx: &mut Write,
    telling: &Telling,
    (person_id, concern_id): (&str, &str),
    due_at: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let digest = Gathered {
        person_id,
        matter: Matter::Digest,
        concern_id: Some(concern_id),
        due_at: due_at.max(now.saturating_add(DIGEST_WAIT_MS)),
        every_ms: DIGEST_EVERY_MS,
    };
    gather(tx, telling, &digest, now).await
}

/// INVARIANT 4: takes back notices that have not left yet and whose reader may not see the concern any more.
pub async fn withdraw_from_others(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM outbox WHERE school_id = $1 AND concern_id = $2 AND sent_at IS NULL AND ended_at IS NULL
         AND NOT EXISTS (SELECT 1 FROM concern_reader
            WHERE concern_reader.concern_id = outbox.concern_id AND concern_reader.person_id = outbox.person_id)",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Takes back notices of a concern that wait for cover to begin: somebody has answered.
pub async fn withdraw_waiting(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM outbox WHERE school_id = $1 AND concern_id = $2 AND sent_at IS NULL AND ended_at IS NULL
         AND attempts = 0 AND due_at > created_at",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets a person's links that have not left: they can be used no more, or another takes their place.
pub async fn withdraw_links(tx: &mut Write, school_id: &str, person_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM outbox WHERE school_id = $1 AND person_id = $2 AND notice = $3 AND sent_at IS NULL",
    )
    .bind(school_id)
    .bind(person_id)
    .bind(Sort::Link)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How many links have not left yet.
pub async fn links_waiting(store: &Store, school_id: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT count(*) FROM outbox WHERE school_id = $1 AND notice = $2 AND sent_at IS NULL AND ended_at IS NULL",
    )
    .bind(school_id)
    .bind(Sort::Link)
    .fetch_one(&mut *store.read().await?)
    .await
}
