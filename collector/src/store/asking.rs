//! Asking people by mail for the agreement that is wanted of them.

use super::outbox::{self, Gathered, Matter, Sort};
use super::wanted::QUERY;
use super::{Store, Write};
use crate::telling::Telling;

/// At most one mail about it in this time.
const EVERY_MS: i64 = 10 * 60_000;
/// Whoever has not decided is asked again after this time, in the hours of cover.
const REMIND_MS: i64 = 24 * 60 * 60_000;

/// Asks everybody again whose agreement is still wanted and who was not told for a day. Says whether there was anybody.
pub async fn remind(store: &Store, telling: &Telling, now: i64) -> Result<bool, sqlx::Error> {
    let query = format!(
        "SELECT DISTINCT person_id FROM ({}) AS wanted WHERE school_id = $2 AND NOT EXISTS (SELECT 1 FROM outbox
            WHERE outbox.school_id = wanted.school_id AND outbox.person_id = wanted.person_id AND outbox.notice = $3
            AND ((outbox.sent_at IS NULL AND outbox.ended_at IS NULL)
                 OR (outbox.sent_at > $1 - {REMIND_MS} AND outbox.sent_at <= $1)))",
        *QUERY
    );
    let people: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(now)
        .bind(&*telling.school_id)
        .bind(Sort::AgreementWanted)
        .fetch_all(&mut *store.read().await?)
        .await?;
    if people.is_empty() {
        return Ok(false);
    }
    let due_at = telling.profile.cover.next_open(now).unwrap_or(now);
    let mut tx = store.write().await?;
    for person_id in &people {
        gather(&mut tx, telling, person_id, due_at, now).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Asks everybody whose agreement is wanted since now. Call it in the transaction that asks for it, and wake the outbox
/// after the commit.
pub async fn ask(tx: &mut Write, telling: &Telling, now: i64) -> Result<(), sqlx::Error> {
    let query = format!(
        "SELECT DISTINCT person_id FROM ({}) AS wanted WHERE school_id = $2 AND since >= $1 ORDER BY person_id",
        *QUERY
    );
    let people: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(now)
        .bind(&*telling.school_id)
        .fetch_all(&mut **tx)
        .await?;
    for person_id in &people {
        gather(tx, telling, person_id, now, now).await?;
    }
    Ok(())
}

async fn gather(
    tx: &mut Write,
    telling: &Telling,
    person_id: &str,
    due_at: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let wanted = Gathered {
        person_id,
        matter: Matter::AgreementWanted,
        concern_id: None,
        due_at,
        every_ms: EVERY_MS,
    };
    outbox::gather(tx, telling, &wanted, now).await
}
