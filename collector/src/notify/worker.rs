//! The worker that empties the outbox. It is woken at every commit that queued a notice, so that mail leaves at once.

use super::fault::NotSent;
use super::mail::Mailer;
use super::{Telling, text};
use crate::app::App;
use crate::clock;
use crate::store::outbox::{self, Due};
use std::collections::HashSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const BATCH: i64 = 64;
const TOGETHER: usize = 4;
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const AFTER_STORE_FAULT: Duration = Duration::from_secs(5);

/// Runs until stopped. What was being sent then is sent again after the next start, under the same Message-ID.
///
/// # Errors
/// When the store cannot be read; the caller starts it again.
pub async fn run(app: App, mailer: Mailer, stop: CancellationToken) -> Result<(), sqlx::Error> {
    outbox::try_all(&app.store, clock::now_ms()).await?;
    let mut sending = JoinSet::new();
    let mut in_flight = HashSet::new();
    loop {
        let woken = app.outbox_wake.notified();
        if in_flight.len() < TOGETHER {
            outbox::end_what_is_over(&app.store, clock::now_ms()).await?;
            let due = outbox::due(&app.store, clock::now_ms(), BATCH).await?;
            let due: Vec<_> = due
                .into_iter()
                .filter(|notice| !in_flight.contains(&notice.notice_id))
                .collect();
            for notice in due.into_iter().take(TOGETHER - in_flight.len()) {
                in_flight.insert(notice.notice_id.clone());
                let (app, mailer) = (app.clone(), mailer.clone());
                sending.spawn(async move { bring(&app, &mailer, notice).await });
            }
        }
        let sleep = sleep(&app).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(done) = sending.join_next() => {
                match done {
                    Ok(notice_id) => in_flight.remove(&notice_id),
                    Err(error) => return Err(sqlx::Error::Protocol(format!("sending a notice ended early: {error}"))),
                };
            }
            () = woken => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

async fn sleep(app: &App) -> Result<Duration, sqlx::Error> {
    let now = clock::now_ms();
    Ok(outbox::next_due(&app.store, now)
        .await?
        .map_or(LONGEST_SLEEP, |next| {
            let wait = next.saturating_sub(now).max(1);
            Duration::from_millis(wait.try_into().unwrap_or(1)).min(LONGEST_SLEEP)
        }))
}

/// Sends one notice, writes down what came of it, and says which it was.
async fn bring(app: &App, mailer: &Mailer, mut notice: Due) -> String {
    let gathered = text::Gathered {
        count: notice.count,
        severity: notice.severity,
    };
    if let Some(text) = text::gathered(&Telling::of(app), notice.sort, gathered) {
        (notice.subject, notice.body) = (text.subject, text.body);
    }
    let outcome = mailer.send(&notice, clock::now_ms()).await;
    let now = clock::now_ms();
    let recorded = match &outcome {
        Ok(()) => outbox::sent(&app.store, &notice.notice_id, now).await,
        Err(error) => not_taken(app, &notice, error, now).await,
    };
    if let Err(error) = recorded {
        // It stays due, and is sent again: at least once.
        tracing::error!(notice = %notice.notice_id, %error, "whether a notice was sent could not be written down");
        tokio::time::sleep(AFTER_STORE_FAULT).await;
    }
    notice.notice_id
}

async fn not_taken(app: &App, notice: &Due, error: &NotSent, now: i64) -> Result<(), sqlx::Error> {
    let setback = error.setback();
    tracing::warn!(notice = %notice.notice_id, attempts = notice.attempts + 1, reason = setback.words, "a notice was not sent");
    if outbox::not_sent(&app.store, notice, &setback, now).await? {
        tracing::error!(notice = %notice.notice_id, "its reader cannot be reached, so the next one is told; the console shows it");
        app.escalation_wake.notify_one();
    }
    Ok(())
}
