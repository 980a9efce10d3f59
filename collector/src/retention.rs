//! What is done once a day: verifying the audit chain, erasing what is older than the school keeps, and sending the head
//! of the chain to headteacher and chair.

use crate::access::school_keys;
use crate::app::App;
use crate::chain::{Deed, number};
use crate::clock;
use crate::concerns::model::Duty;
use crate::store::outbox::Matter;
use crate::store::{audit, came_back, held_import, holders, invitations, keys, retention};
use crate::telling::Telling;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DAY_MS: i64 = 86_400_000;
/// Heads by which a clock that was set ahead is told from one that has gone on.
const STEADY_DAYS: i64 = 7;
/// Who keeps the heads of the audit chain.
const KEEP_HEADS: [Duty; 2] = [Duty::Headteacher, Duty::Chair];
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Clocks are corrected by less than this.
const CLOCK_TOLERANCE_MS: i64 = 5 * 60 * 1000;

/// Runs until stopped.
///
/// # Errors
/// When the store cannot be read or written; the caller starts it again.
pub async fn run(app: App, stop: CancellationToken) -> Result<(), sqlx::Error> {
    let mut latest = i64::MIN;
    loop {
        let now = clock::now_ms();
        came_back(&app, latest, now).await?;
        latest = now;
        daily(&app, now).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Brings back what waits, when the clock was set ahead and has come back: it is earlier than when this looked last, or than
/// the last entry of the audit log. Says whether it was.
pub async fn came_back(app: &App, latest: i64, now: i64) -> Result<bool, sqlx::Error> {
    let mut connection = app.store.read().await?;
    let recorded = audit::last_at(&mut connection, &app.school_id).await?;
    drop(connection);
    let jump = latest.max(recorded.unwrap_or(i64::MIN)).saturating_sub(now);
    if jump < CLOCK_TOLERANCE_MS {
        return Ok(false);
    }
    tracing::warn!(minutes = jump / 60_000, "the clock was ahead and has come back");
    let mut tx = app.store.write().await?;
    came_back::bring_back(&mut tx, &app.school_id, jump, now).await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: "pastoral",
        deed: Deed::ClockCameBack,
        concern_id: None,
        detail: serde_json::json!({ "minutes": jump / 60_000 }),
    };
    audit::append(&mut tx, now, &entry).await?;
    tx.commit().await?;
    app.escalation_wake.notify_one();
    app.outbox_wake.notify_one();
    Ok(true)
}

/// Does what is due today, and says whether it was: a day after the last time, or when the last time lies ahead, because
/// the clock was set ahead and has come back.
pub async fn daily(app: &App, now: i64) -> Result<bool, sqlx::Error> {
    let heads = audit::sent_heads(&mut *app.store.read().await?, &app.school_id, STEADY_DAYS).await?;
    let heads: Vec<i64> = heads.iter().map(|head| head.at).collect();
    if heads
        .first()
        .is_some_and(|last| (*last..last.saturating_add(DAY_MS)).contains(&now))
    {
        return Ok(false);
    }
    let telling = app.telling();
    verify_chain(app, &telling, now).await?;
    let mut tx = app.store.write().await?;
    invitations::forget_expired(&mut tx, &app.school_id, now).await?;
    school_keys::differ(app, &mut tx, ("pastoral", &[]), now).await?;
    tx.commit().await?;
    let cutoff = steady(now, &heads).saturating_sub(telling.profile.retention_ms());
    retention::erase(&app.store, &app.school_id, cutoff, now).await?;
    // Whatever there was of it: a log says no number of concerns.
    tracing::info!("what is older than the school keeps is erased");
    let mut tx = app.store.write().await?;
    held_import::forget_old(&mut tx, &app.school_id, now).await?;
    tx.commit().await?;
    send_audit_head(app, &telling, now).await?;
    Ok(true)
}

/// The time that retention goes by: a clock that is set ahead erases nothing for a week, in which it is noticed. `heads`:
/// when the last heads were sent, by the clock of then.
fn steady(now: i64, heads: &[i64]) -> i64 {
    let week = (STEADY_DAYS + 1).saturating_mul(DAY_MS);
    heads.iter().map(|at| at.saturating_add(week)).fold(now, i64::min)
}

/// INVARIANT 5: the head of the chain leaves the machine daily.
async fn send_audit_head(app: &App, telling: &Telling, now: i64) -> Result<(), sqlx::Error> {
    let mut tx = app.store.write().await?;
    let keys = crate::seal::fingerprint(&keys::publics(&mut tx, &app.school_id).await?);
    let detail = serde_json::json!({ "to": ["headteacher", "chair"], "keys": keys });
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: "pastoral",
        deed: Deed::AuditHeadSent,
        concern_id: None,
        detail,
    };
    audit::append(&mut tx, now, &entry).await?;
    let Some(head) = audit::head(&mut tx, &app.school_id).await? else {
        return Ok(());
    };
    let matter = Matter::AuditHead {
        number: number::of_head(&head.hash),
        keys,
        at: now,
    };
    holders::tell(&mut tx, telling, &KEEP_HEADS, &matter, now).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(())
}

/// INVARIANT 5: what was changed or removed is noticed within a day, and headteacher and chair learn of it.
async fn verify_chain(app: &App, telling: &Telling, now: i64) -> Result<(), sqlx::Error> {
    let broken = audit::verify(&app.store, &app.school_id, now).await?.err();
    let mut tx = app.store.write().await?;
    audit::note_broken(&mut tx, &app.school_id, broken.as_ref().map(|_| now)).await?;
    if let Some(broken) = &broken {
        tracing::error!("the audit log is not whole: {broken}");
        let entry = audit::Entry {
            school_id: &app.school_id,
            actor: "pastoral",
            deed: Deed::AuditBroken,
            concern_id: None,
            detail: serde_json::json!({}),
        };
        audit::append(&mut tx, now, &entry).await?;
        holders::tell(&mut tx, telling, &KEEP_HEADS, &Matter::AuditBroken, now).await?;
    }
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(())
}
