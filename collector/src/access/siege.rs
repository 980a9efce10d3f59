//! Telling somebody that others try to sign in as them, once in a day.

use crate::app::App;
use crate::chain::Deed;
use crate::net::source::Source;
use crate::store::outbox::{self, Matter, Notice};
use crate::store::{access as rows, audit, sieges};
use serde_json::json;

/// Tells whoever signs in with an address, if anybody does. Where it comes from is for the audit log: a technician can
/// find the machine by it, and the person cannot.
pub async fn tell(app: &App, email: &str, from: Source, now_ms: i64) -> Result<(), sqlx::Error> {
    let Some(user) = rows::user_by_email(&mut *app.store.read().await?, &app.school_id, email).await? else {
        return Ok(());
    };
    let mut tx = app.store.write().await?;
    if !sieges::is_to_be_told(&mut tx, &app.school_id, &user.person_id, now_ms).await? {
        return Ok(());
    }
    let notice = Notice::to(&user.person_id, Matter::Siege, now_ms);
    outbox::queue(&mut tx, &app.telling(), &notice, now_ms).await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: "pastoral",
        deed: Deed::SignInSiege,
        concern_id: None,
        detail: json!({ "person": user.person_id, "from": from.to_string() }),
    };
    audit::append(&mut tx, now_ms, &entry).await?;
    tx.commit().await?;
    tracing::warn!(%from, "somebody tries again and again to sign in as another; whoever it is was told by mail");
    app.outbox_wake.notify_one();
    Ok(())
}
