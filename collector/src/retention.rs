//! What is done once a day: verifying the audit chain, erasing what is older than the school keeps, and sending the head
//! of the chain to headteacher and chair.

use crate::app::App;
use crate::clock;
use crate::concerns::model::Duty;
use crate::notify::Telling;
use crate::notify::text::{self, Text};
use crate::store::outbox::{self, Notice, Sort};
use crate::store::people::Directory;
use crate::store::{Write, audit, invitations, retention};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DAY_MS: i64 = 86_400_000;
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Runs until stopped.
///
/// # Errors
/// When the store cannot be read or written; the caller starts it again.
pub async fn run(app: App, stop: CancellationToken) -> Result<(), sqlx::Error> {
    loop {
        daily(&app, clock::now_ms()).await?;
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Does what is due today, and says whether it was: a day after the last time.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn daily(app: &App, now: i64) -> Result<bool, sqlx::Error> {
    let last = audit::last_head_sent(&app.store, &app.school_id).await?;
    if last.is_some_and(|last| now < last.saturating_add(DAY_MS)) {
        return Ok(false);
    }
    let telling = Telling::of(app);
    verify_chain(app, &telling, now).await?;
    let cutoff = now.saturating_sub(telling.profile.retention_ms());
    let mut tx = app.store.write().await?;
    invitations::forget_expired(&mut tx, &app.school_id, now).await?;
    tx.commit().await?;
    retention::erase(&app.store, &app.school_id, cutoff, now).await?;
    // Whatever there was of it: a log says no number of concerns.
    tracing::info!("what is older than the school keeps is erased");
    send_audit_head(app, &telling, now).await?;
    Ok(true)
}

/// INVARIANT 5: the head of the chain leaves the machine daily.
async fn send_audit_head(app: &App, telling: &Telling, now: i64) -> Result<(), sqlx::Error> {
    let mut tx = app.store.write().await?;
    let detail = serde_json::json!({ "to": ["headteacher", "chair"] });
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: "pastoral",
        action: "audit-head-sent",
        concern_id: None,
        detail,
    };
    audit::append(&mut tx, now, &entry).await?;
    let Some(head) = audit::head(&mut tx, &app.school_id).await? else {
        return Ok(());
    };
    let text = text::audit_head(telling, &data_encoding::HEXLOWER.encode(&head.hash), now);
    tell_head_and_chair(&mut tx, telling, Sort::AuditHead, &text, now).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(())
}

/// INVARIANT 5: what was changed or removed is noticed within a day, and headteacher and chair learn of it.
async fn verify_chain(app: &App, telling: &Telling, now: i64) -> Result<(), sqlx::Error> {
    let broken = audit::verify(&app.store, &app.school_id).await?.err();
    let mut tx = app.store.write().await?;
    audit::note_broken(&mut tx, &app.school_id, broken.as_ref().map(|_| now)).await?;
    if let Some(broken) = &broken {
        tracing::error!("the audit log is not whole: {broken}");
        let entry = audit::Entry {
            school_id: &app.school_id,
            actor: "pastoral",
            action: "audit-broken",
            concern_id: None,
            detail: serde_json::json!({}),
        };
        audit::append(&mut tx, now, &entry).await?;
        tell_head_and_chair(
            &mut tx,
            telling,
            Sort::AuditBroken,
            &text::audit_broken(telling),
            now,
        )
        .await?;
    }
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(())
}

async fn tell_head_and_chair(
    tx: &mut Write,
    telling: &Telling,
    sort: Sort,
    text: &Text,
    now: i64,
) -> Result<(), sqlx::Error> {
    let directory = Directory::load(tx, &telling.school_id, &telling.profile).await?;
    let mut told = Vec::new();
    for person_id in [Duty::Headteacher, Duty::Chair]
        .iter()
        .flat_map(|duty| directory.duties().holders(*duty))
    {
        if told.contains(&person_id) {
            continue;
        }
        told.push(person_id);
        let notice = Notice {
            concern_id: None,
            person_id,
            address: None,
            sort,
            text: text.clone(),
            due_at: now,
        };
        outbox::queue(tx, telling, &notice, now).await?;
    }
    Ok(())
}
