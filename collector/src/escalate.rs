//! Brings concerns to the next person when their time to answer is over, and asks owners of acknowledged ones how they
//! stand. Whoever's agreement is wanted is told again daily.

use crate::app::App;
use crate::clock;
use crate::live::LiveChange;
use crate::store::{asking, conflicts, escalation, reviews, unread};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const AT_ONCE: i64 = 100;
/// Another process, such as the command line, may have changed a timer; and the machine may have slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Runs until stopped.
///
/// # Errors
/// When the store cannot be read or written; the caller starts it again.
pub async fn run(app: App, stop: CancellationToken) -> Result<(), sqlx::Error> {
    loop {
        let woken = app.escalation_wake.notified();
        let now = clock::now_ms();
        let stepped = step_due(&app, now).await?;
        look_after_readers(&app, now).await?;
        if stepped >= usize::try_from(AT_ONCE).unwrap_or_default() {
            continue;
        }
        let next = [
            escalation::next_due(&app.store, &app.school_id).await?,
            reviews::next_due(&app.store, &app.school_id).await?,
        ];
        let next = next.into_iter().flatten().min();
        let sleep = next.map_or(LONGEST_SLEEP, |next| {
            until(next, clock::now_ms()).min(LONGEST_SLEEP)
        });
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = woken => {}
            () = tokio::time::sleep(sleep) => {}
        }
    }
}

/// Ends conflicts of interest that nobody has agreed to in time, has those told again whose agreement is wanted, and has
/// somebody told of what nobody can read.
pub async fn look_after_readers(app: &App, now: i64) -> Result<(), sqlx::Error> {
    let telling = app.telling();
    if conflicts::is_any_over(&mut *app.store.read().await?, &app.school_id, now).await? {
        let mut tx = app.store.write().await?;
        conflicts::lapse(&mut tx, &telling, now).await?;
        tx.commit().await?;
        app.changed(None);
        tracing::info!("conflicts of interest have ended, because nobody agreed in time");
    }
    if asking::remind(&app.store, &telling, now).await? {
        app.outbox_wake.notify_one();
    }
    unread::forget(&app.store, &app.school_id).await?;
    if unread::tell(&app.store, &telling, now).await? {
        app.outbox_wake.notify_one();
        tracing::error!("a concern waits that nobody can read; run `check`");
    }
    Ok(())
}

/// Takes the next step of every concern that is due, and says how many there were.
pub async fn step_due(app: &App, now: i64) -> Result<usize, sqlx::Error> {
    let unanswered = escalation::due(&app.store, &app.school_id, now, AT_ONCE).await?;
    let reviewed = reviews::due(&app.store, &app.school_id, now, AT_ONCE).await?;
    if unanswered.is_empty() && reviewed.is_empty() {
        return Ok(0);
    }
    let telling = app.telling();
    let mut tx = app.store.write().await?;
    for concern_id in &unanswered {
        escalation::step(&mut tx, &telling, concern_id, now).await?;
    }
    for concern_id in &reviewed {
        reviews::step(&mut tx, &telling, concern_id, now).await?;
    }
    tx.commit().await?;
    let due: Vec<String> = unanswered.into_iter().chain(reviewed).collect();
    app.outbox_wake.notify_one();
    for concern_id in &due {
        app.live.tell(LiveChange {
            school_id: app.school_id.to_string(),
            concern_id: Some(concern_id.clone()),
        });
    }
    Ok(due.len())
}

fn until(at: i64, now: i64) -> Duration {
    Duration::from_millis(at.saturating_sub(now).max(1).try_into().unwrap_or(1))
}
