//! The public half of each person's own key: in the audit chain alone, whose head is mailed, so that nobody puts another
//! in its place unseen. The latest entry of a person counts; one without a key says that nothing is sealed to them.

use super::{Read, Write, audit};
use crate::chain::Deed;
use crate::seal::GroupPublicKey;
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};
use std::collections::HashMap;

/// What is recorded of a person.
#[derive(Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Their key.
    Key(GroupPublicKey),
    /// Somebody signed in as them with another key than the one recorded. Ends with a reset of their sign-in.
    Doubt,
}

impl Recorded {
    /// The key, where there is no doubt about it.
    #[must_use]
    pub const fn key(&self) -> Option<&GroupPublicKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Doubt => None,
        }
    }
}

/// Records a person's key, in the transaction that stores the vault with its other half; or that it is in doubt.
pub async fn record(
    tx: &mut Write,
    school_id: &str,
    person_id: &str,
    recorded: &Recorded,
    now: i64,
) -> Result<(), sqlx::Error> {
    let key = recorded.key().map(|key| BASE32_NOPAD.encode(&key.to_bytes()));
    let entry = audit::Entry {
        school_id,
        actor: person_id,
        deed: Deed::OwnKey,
        concern_id: None,
        detail: json!({ "key": key }),
    };
    audit::append(tx, now, &entry).await
}

/// Everybody of whom a key is recorded.
pub async fn all(db: &mut Read, school_id: &str) -> Result<HashMap<String, Recorded>, sqlx::Error> {
    // The action stands in the text, so that the index of these entries serves.
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "SELECT actor, detail FROM audit WHERE school_id = $1 AND action = 'own-key' ORDER BY sequence",
    )
    .bind(school_id)
    .fetch_all(db)
    .await?;
    let read = |detail: Option<String>| {
        let detail: Value = serde_json::from_str(&detail?).ok()?;
        let key = BASE32_NOPAD
            .decode(detail.get("key")?.as_str()?.as_bytes())
            .ok()?;
        GroupPublicKey::from_bytes(&key).ok()
    };
    let rows = rows.into_iter();
    Ok(rows
        .map(|(person, detail)| (person, read(detail).map_or(Recorded::Doubt, Recorded::Key)))
        .collect())
}

/// What is recorded of one person.
pub async fn of(db: &mut Read, school_id: &str, person_id: &str) -> Result<Option<Recorded>, sqlx::Error> {
    Ok(all(db, school_id).await?.remove(person_id))
}

/// Whether the key of somebody who can sign in is in doubt.
pub async fn are_in_doubt(connection: &mut Read, school_id: &str) -> Result<bool, sqlx::Error> {
    let recorded = all(connection, school_id).await?;
    if !recorded.values().any(|recorded| *recorded == Recorded::Doubt) {
        return Ok(false);
    }
    let users: Vec<String> =
        sqlx::query_scalar("SELECT person_id FROM \"user\" WHERE school_id = $1 AND disabled_at IS NULL")
            .bind(school_id)
            .fetch_all(connection)
            .await?;
    Ok(users
        .iter()
        .any(|user| recorded.get(user) == Some(&Recorded::Doubt)))
}

/// Whether a person came in by a link, as everybody does.
pub async fn has_joined(db: &mut Read, school_id: &str, person_id: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM audit WHERE school_id = $1 AND action = $2 AND actor = $3)",
    )
    .bind(school_id)
    .bind(Deed::Joined)
    .bind(person_id)
    .fetch_one(db)
    .await
}
