//! Notices on their way. A notice is in the outbox by the transaction that causes it and is sent until the mail server
//! has taken it: at least once, always under the same Message-ID.

use super::{Store, Write};
use crate::notify::Telling;
use crate::notify::text::Text;
use sqlx::{Row, SqliteConnection};

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const FIRST_DELAY_MS: i64 = 5 * SECOND_MS;
const LONGEST_DELAY_MS: i64 = 30 * MINUTE_MS;
/// After this long a notice counts as failed. Long enough for a weekend's broken mail server.
const GIVE_UP_AFTER_MS: i64 = 2 * 24 * 60 * MINUTE_MS;
const PERMANENT_TRIES: i64 = 5;
/// Backlog concerns that arrive within this time are one digest, and there is one digest in an hour.
const DIGEST_WAIT_MS: i64 = MINUTE_MS;
const DIGEST_EVERY_MS: i64 = 60 * MINUTE_MS;

/// What a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A concern is new to its reader, or was passed to them.
    New,
    /// A concern's severity rose.
    Risen,
    /// Nobody has answered.
    Unanswered,
    /// A backlog arrived.
    Digest,
    /// The head of the audit chain.
    AuditHead,
    /// The audit chain is broken.
    AuditBroken,
    /// Which laptops are silent, for technicians.
    LaptopsDaily,
    /// How many laptops are silent and which, for the safeguarding lead.
    LaptopsWeekly,
}

impl Sort {
    /// The code in the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Risen => "risen",
            Self::Unanswered => "unanswered",
            Self::Digest => "digest",
            Self::AuditHead => "audit-head",
            Self::AuditBroken => "audit-broken",
            Self::LaptopsDaily => "laptops-daily",
            Self::LaptopsWeekly => "laptops-weekly",
        }
    }
}

/// A notice to one person.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// The concern, where it is about one.
    pub concern_id: Option<&'a str>,
    /// To whom.
    pub person_id: &'a str,
    /// Their address.
    pub address: &'a str,
    /// What it is.
    pub sort: Sort,
    /// Its words.
    pub text: Text,
    /// When it may leave.
    pub due_at: i64,
}

/// A notice whose time has come.
#[derive(Debug, Clone)]
pub struct Due {
    /// Its id.
    pub notice_id: String,
    /// To whom.
    pub address: String,
    /// Stable over all tries.
    pub message_id: String,
    /// The subject line.
    pub subject: String,
    /// The message.
    pub body: String,
    /// When it was queued.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
}

/// A notice that could not be brought to its reader, for the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The concern, where it is about one.
    pub concern_id: Option<String>,
    /// To whom.
    pub person_id: Option<String>,
    /// Its sort's code.
    pub sort: String,
    /// When it was queued.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was given up; none while it is still tried.
    pub failed_at: Option<i64>,
    /// Why, the last time.
    pub last_error: String,
}

/// Queues a notice. Wake the outbox after the commit.
///
/// # Errors
/// When the database cannot be written.
pub async fn queue(
    tx: &mut Write,
    telling: &Telling,
    notice: &Notice<'_>,
    now: i64,
) -> Result<(), sqlx::Error> {
    let notice_id = uuid::Uuid::new_v4().to_string();
    let message_id = format!("<{notice_id}@{}>", telling.host());
    sqlx::query(
        "INSERT INTO outbox (school_id, notice_id, concern_id, person_id, address, notice, message_id, subject, body,
                             created_at, due_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&*telling.school_id)
    .bind(&notice_id)
    .bind(notice.concern_id)
    .bind(notice.person_id)
    .bind(notice.address)
    .bind(notice.sort.code())
    .bind(message_id)
    .bind(&notice.text.subject)
    .bind(&notice.text.body)
    .bind(now)
    .bind(notice.due_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Queues the digest of a backlog, unless one is waiting for this person already.
///
/// # Errors
/// When the database cannot be written.
pub async fn queue_digest(
    tx: &mut Write,
    telling: &Telling,
    person_id: &str,
    address: &str,
    due_at: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let last = sqlx::query(
        "SELECT MAX(due_at), MAX(CASE WHEN sent_at IS NULL AND failed_at IS NULL THEN due_at END)
         FROM outbox WHERE school_id = ? AND person_id = ? AND notice = 'digest'",
    )
    .bind(&*telling.school_id)
    .bind(person_id)
    .fetch_one(&mut **tx)
    .await?;
    let (last, waiting): (Option<i64>, Option<i64>) = (last.get(0), last.get(1));
    let earliest = last.map_or(due_at, |last| last.saturating_add(DIGEST_EVERY_MS));
    let due_at = earliest.max(due_at).max(now.saturating_add(DIGEST_WAIT_MS));
    match waiting {
        Some(waiting) if waiting <= due_at => Ok(()),
        Some(_) => {
            sqlx::query(
                "UPDATE outbox SET due_at = ? WHERE school_id = ? AND person_id = ? AND notice = 'digest'
                 AND sent_at IS NULL AND failed_at IS NULL",
            )
            .bind(due_at)
            .bind(&*telling.school_id)
            .bind(person_id)
            .execute(&mut **tx)
            .await?;
            Ok(())
        }
        None => {
            let text = crate::notify::text::digest(telling);
            let notice = Notice {
                concern_id: None,
                person_id,
                address,
                sort: Sort::Digest,
                text,
                due_at,
            };
            queue(tx, telling, &notice, now).await
        }
    }
}

/// INVARIANT 4: takes back notices that have not left yet and whose reader may not see the concern any more.
///
/// # Errors
/// When the database cannot be written.
pub async fn withdraw_from_others(
    tx: &mut Write,
    school_id: &str,
    concern_id: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM outbox WHERE school_id = ?1 AND concern_id = ?2 AND sent_at IS NULL AND failed_at IS NULL
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
///
/// # Errors
/// When the database cannot be written.
pub async fn withdraw_waiting(tx: &mut Write, school_id: &str, concern_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM outbox WHERE school_id = ? AND concern_id = ? AND sent_at IS NULL AND failed_at IS NULL
         AND attempts = 0 AND due_at > created_at",
    )
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notices whose time has come, the most serious first, for readers who may still see what they are about.
///
/// # Errors
/// When the database cannot be read.
pub async fn due(store: &Store, now: i64, most: i64) -> Result<Vec<Due>, sqlx::Error> {
    // INVARIANT 4: asked again at the moment of sending. A digest needs a backlog concern that its reader may see.
    let rows = sqlx::query(
        "SELECT notice_id, address, message_id, subject, body, created_at, attempts FROM outbox
         WHERE due_at <= ? AND sent_at IS NULL AND failed_at IS NULL
         AND (notice = 'audit-head'
              OR (notice = 'digest' AND EXISTS (
                    SELECT 1 FROM concern_reader JOIN concern USING (concern_id)
                    WHERE concern_reader.school_id = outbox.school_id
                    AND concern_reader.person_id = outbox.person_id
                    AND concern.backlog = 1 AND concern.state = 'new'))
              OR EXISTS (
                    SELECT 1 FROM concern_reader
                    WHERE concern_reader.concern_id = outbox.concern_id
                    AND concern_reader.person_id = outbox.person_id))
         ORDER BY COALESCE((SELECT severity FROM concern WHERE concern.concern_id = outbox.concern_id), 0) DESC, due_at
         LIMIT ?",
    )
    .bind(now)
    .bind(most)
    .fetch_all(store.read())
    .await?;
    Ok(rows
        .iter()
        .map(|row| Due {
            notice_id: row.get(0),
            address: row.get(1),
            message_id: row.get(2),
            subject: row.get(3),
            body: row.get(4),
            created_at: row.get(5),
            attempts: row.get(6),
        })
        .collect())
}

/// When the next notice comes due; none when nothing waits.
///
/// # Errors
/// When the database cannot be read.
pub async fn next_due(store: &Store, now: i64) -> Result<Option<i64>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT MIN(due_at) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL AND due_at > ?",
    )
    .bind(now)
    .fetch_one(store.read())
    .await?;
    Ok(row.get(0))
}

/// The mail server has taken it.
///
/// # Errors
/// When the database cannot be written.
pub async fn sent(store: &Store, notice_id: &str, now: i64) -> Result<(), sqlx::Error> {
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE outbox SET sent_at = ?, attempts = attempts + 1, last_error = NULL WHERE notice_id = ?",
    )
    .bind(now)
    .bind(notice_id)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// It was not taken: tried again with growing delay, and given up in the end. Then whoever is next is told at once.
/// Says whether it was given up.
///
/// # Errors
/// When the database cannot be written.
pub async fn not_sent(
    store: &Store,
    notice: &Due,
    error: &str,
    permanent: bool,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let attempts = notice.attempts + 1;
    let give_up = now.saturating_sub(notice.created_at) > GIVE_UP_AFTER_MS
        || (permanent && attempts >= PERMANENT_TRIES);
    let mut tx = store.write().await?;
    sqlx::query(
        "UPDATE outbox SET attempts = ?, due_at = ?, failed_at = ?, last_error = ? WHERE notice_id = ?",
    )
    .bind(attempts)
    .bind(now.saturating_add(delay_ms(attempts)))
    .bind(give_up.then_some(now))
    .bind(error)
    .bind(&notice.notice_id)
    .execute(&mut *tx)
    .await?;
    if give_up {
        sqlx::query(
            "UPDATE concern SET next_due_at = ?1 WHERE next_due_at > ?1
             AND concern_id = (SELECT concern_id FROM outbox WHERE notice_id = ?2)",
        )
        .bind(now)
        .bind(&notice.notice_id)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(give_up)
}

/// Doubles from 5 seconds to half an hour.
fn delay_ms(attempts: i64) -> i64 {
    let doublings = attempts.clamp(1, 20) - 1;
    (FIRST_DELAY_MS << doublings).min(LONGEST_DELAY_MS)
}

/// Notices that failed or are being tried again, newest first, at most `most`: those about concerns that this reader may
/// see, their own digests, and the audit chain's heads.
///
/// # Errors
/// When the database cannot be read.
pub async fn undelivered(
    connection: &mut SqliteConnection,
    school_id: &str,
    reader_id: &str,
    most: i64,
) -> Result<Vec<Undelivered>, sqlx::Error> {
    // INVARIANT 4: a notice about a concern shows only to those who may see the concern.
    let rows = sqlx::query(
        "SELECT concern_id, person_id, notice, created_at, attempts, failed_at, COALESCE(last_error, '') FROM outbox
         WHERE school_id = ?1 AND sent_at IS NULL AND attempts > 0
         AND (notice = 'audit-head' OR (concern_id IS NULL AND person_id = ?2) OR EXISTS (
                SELECT 1 FROM concern_reader
                WHERE concern_reader.concern_id = outbox.concern_id AND concern_reader.person_id = ?2))
         ORDER BY created_at DESC LIMIT ?3",
    )
    .bind(school_id)
    .bind(reader_id)
    .bind(most)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .iter()
        .map(|row| Undelivered {
            concern_id: row.get(0),
            person_id: row.get(1),
            sort: row.get(2),
            created_at: row.get(3),
            attempts: row.get(4),
            failed_at: row.get(5),
            last_error: row.get(6),
        })
        .collect())
}

/// Why the notice that was tried last did not leave. Names no person and says nothing of concerns.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_error(store: &Store, school_id: &str) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT last_error FROM outbox WHERE school_id = ? AND sent_at IS NULL AND last_error IS NOT NULL
         ORDER BY due_at DESC LIMIT 1",
    )
    .bind(school_id)
    .fetch_optional(store.read())
    .await
}

/// Counts for those who keep the system running: waiting, failed, and when mail last left. Says nothing of concerns.
///
/// # Errors
/// When the database cannot be read.
pub async fn health(store: &Store, school_id: &str) -> Result<(i64, i64, Option<i64>), sqlx::Error> {
    let row = sqlx::query(
        "SELECT COALESCE(SUM(sent_at IS NULL AND failed_at IS NULL AND attempts > 0), 0),
                COALESCE(SUM(failed_at IS NOT NULL), 0), MAX(sent_at)
         FROM outbox WHERE school_id = ?",
    )
    .bind(school_id)
    .fetch_one(store.read())
    .await?;
    Ok((row.get(0), row.get(1), row.get(2)))
}
