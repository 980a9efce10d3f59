//! The profile in force: the last one accepted stays, whatever becomes of the file.

use super::routing::{self, GroupChanged};
use super::{Store, Write, audit};
use crate::notify::Telling;
use crate::profile::{Profile, ProfileError};
use sqlx::Row;

/// The last profile that was accepted.
///
/// # Errors
/// When the database cannot be read, or there is no such school.
pub async fn last_good(store: &Store, school_id: &str) -> Result<String, sqlx::Error> {
    let row = sqlx::query("SELECT profile FROM school WHERE school_id = ?").bind(school_id);
    Ok(row.fetch_one(store.read()).await?.get(0))
}

/// A profile to go on with.
#[derive(Debug)]
pub struct Chosen {
    /// The profile.
    pub profile: Profile,
    /// Whether it is another than the last one accepted: pass it to [`accept`].
    pub is_new: bool,
    /// Why the file was not taken, when it was not.
    pub refused: Option<ProfileError>,
}

/// INVARIANT 6: a bad profile is refused with the reason, and the last good one stays in force. `file` is the school's
/// file with its name, when it keeps one.
///
/// # Errors
/// When the last good one is no profile of this program's; then its fault.
pub fn choose(file: Option<(&str, &str)>, last_good: &str) -> Result<Chosen, ProfileError> {
    let refused = match file.map(|(toml, name)| Profile::parse(toml, name)) {
        Some(Ok(profile)) => {
            let is_new = profile.toml != last_good;
            return Ok(Chosen {
                profile,
                is_new,
                refused: None,
            });
        }
        Some(Err(error)) => Some(error),
        None => None,
    };
    let profile = Profile::parse(last_good, "the profile in force")?;
    Ok(Chosen {
        profile,
        is_new: false,
        refused,
    })
}

/// Puts `telling`'s profile in force and routes every concern by it. Policies must be made again; wake escalation and
/// outbox after the commit.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn accept(
    tx: &mut Write,
    telling: &Telling,
    by: &str,
    now: i64,
) -> Result<Vec<GroupChanged>, sqlx::Error> {
    sqlx::query("UPDATE school SET profile = ? WHERE school_id = ?")
        .bind(&telling.profile.toml)
        .bind(&*telling.school_id)
        .execute(&mut **tx)
        .await?;
    let detail = serde_json::json!({ "profile": telling.profile.name });
    let entry = audit::Entry {
        school_id: &telling.school_id,
        actor: by,
        action: "profile-accepted",
        concern_id: None,
        detail,
    };
    audit::append(tx, now, &entry).await?;
    routing::reroute_all(tx, telling, now).await
}
