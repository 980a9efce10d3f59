//! The profile in force: the last one accepted stays, whatever becomes of the file.

use super::rerouting::{self, GroupChanged};
use super::{Write, audit};
use crate::chain::Deed;
use crate::telling::Telling;

/// Puts `telling`'s profile in force and routes every concern by it. Policies must be made again; wake escalation and
/// outbox after the commit.
pub async fn accept(
    tx: &mut Write,
    telling: &Telling,
    by: &str,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    sqlx::query("UPDATE school SET profile = $1 WHERE school_id = $2")
        .bind(&telling.profile.toml)
        .bind(&*telling.school_id)
        .execute(&mut **tx)
        .await?;
    let detail = serde_json::json!({ "profile": telling.profile.name });
    let entry = audit::Entry {
        school_id: &telling.school_id,
        actor: by,
        deed: Deed::ProfileAccepted,
        concern_id: None,
        detail,
    };
    audit::append(tx, now, &entry).await?;
    rerouting::reroute_all(tx, telling, now).await
}
