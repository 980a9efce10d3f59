//! The worker that empties the outbox. It is woken at every commit that queued a notice, so that mail leaves at once.

use super::fault::NotSent;
use super::mail::Mailer;
use super::text;
use crate::app::App;
use crate::clock;
use crate::store::outbox::{self, Due};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const BATCH: i64 = 64;
const TOGETHER: usize = 4;
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
const AFTER_STORE_FAULT: Duration = Duration::from_secs(5);
/// One fault is logged at most once in this time.
const LOGGED_EVERY_MS: i64 = 60 * 60_000;

/// When each fault was logged last. INVARIANT 4: a line for every notice would count what is told of concerns.
#[derive(Default)]
struct Logged(Mutex<HashMap<&'static str, i64>>);

impl Logged {
    fn is_new(&self, code: &'static str, now: i64) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = logged.get(code).copied();
        let is_new = last.is_none_or(|last| !(0..LOGGED_EVERY_MS).contains(&(now - last)));
        if is_new {
            logged.insert(code, now);
        }
        is_new
    }
}

/// Runs until stopped. What was being sent then is sent again after the next start, under the same Message-ID.
///
/// # Errors
/// When the store cannot be read; the caller starts it again.
pub async fn run(app: App, mailer: Mailer, stop: CancellationToken) -> Result<(), sqlx::Error> {
    outbox::try_all(&app.store, clock::now_ms()).await?;
    let logged = Arc::new(Logged::default());
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
                let (app, mailer, logged) = (app.clone(), mailer.clone(), Arc::clone(&logged));
                sending.spawn(async move { bring(&app, &mailer, &logged, notice).await });
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
async fn bring(app: &App, mailer: &Mailer, logged: &Logged, notice: Due) -> String {
    let text = text::leaving(&app.telling(), &notice, clock::now_ms());
    let outcome = mailer.send(&notice, &text, clock::now_ms()).await;
    let now = clock::now_ms();
    let recorded = match &outcome {
        Ok(()) => outbox::sent(&app.store, &notice.notice_id, now).await,
        Err(error) => not_taken(app, logged, &notice, error, now).await,
    };
    if let Err(error) = recorded {
        // It stays due, and is sent again: at least once.
        tracing::error!(%error, "whether a notice was sent could not be written down");
        tokio::time::sleep(AFTER_STORE_FAULT).await;
    }
    notice.notice_id
}

async fn not_taken(
    app: &App,
    logged: &Logged,
    notice: &Due,
    error: &NotSent,
    now: i64,
) -> Result<(), sqlx::Error> {
    let setback = error.setback();
    if logged.is_new(setback.code, now) {
        tracing::warn!(
            reason = setback.words,
            "mail was not taken; it is tried again, and `check` says how it stands"
        );
    }
    if outbox::not_sent(&app.store, notice, &setback, now).await? {
        // The next person is told instead; the console says it to those who may know.
        app.escalation_wake.notify_one();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_a_fault_once_an_hour_however_many_notices_meet_it() {
        let logged = Logged::default();
        let said = (0..600).filter(|second| logged.is_new("slow", second * 1000));
        assert_eq!(said.count(), 1);
        assert!(logged.is_new("login", 1) && logged.is_new("slow", LOGGED_EVERY_MS));
        assert!(logged.is_new("slow", 0), "the clock was set back");
    }
}
