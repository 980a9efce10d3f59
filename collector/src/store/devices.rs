//! Devices.

use super::{Read, Store, Write, accounts, audit};
use crate::chain::Deed;
use crate::codes::codes;
use pastoral_proto::Account;
use serde_json::json;

codes! {
    /// Whether a device may connect.
    pub enum DeviceState {
        /// Nobody has decided yet.
        Pending = "pending";
        /// It may.
        Approved = "approved";
        /// It may not: a person turned it away.
        Rejected = "rejected";
        /// It may no longer: it is retired, or cut off for good.
        Revoked = "revoked";
    }
}

/// A device as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Device {
    /// Its id.
    pub device_id: String,
    /// What it calls itself.
    pub host_name: String,
    /// Its operating system.
    pub os: String,
    /// Its group, such as `pupils`.
    #[sqlx(rename = "group_name")]
    pub group: String,
    /// Whether it may connect.
    pub state: DeviceState,
    /// Shown on both sides, so that people can tell it is this one.
    pub confirm_code: String,
    /// When it asked to join.
    pub asked_at: i64,
    /// The agent's version.
    pub agent_version: String,
    /// Whether its stream is open.
    pub connected: bool,
    /// When it was last heard.
    pub last_seen_at: Option<i64>,
    /// The collector's clock less the device's.
    pub clock_offset_ms: Option<i64>,
    /// When it was found to be a clone of another.
    pub cloned_at: Option<i64>,
    /// Why it refused the last policy.
    pub policy_refusal: Option<String>,
    /// What it last said of itself, as JSON.
    #[serde(skip)]
    pub health: Option<String>,
    /// When a person retired it: it is `revoked` then, until a person brings it back.
    pub retired_at: Option<i64>,
    /// When it last spoke although it is retired.
    pub retired_heard_at: Option<i64>,
    /// When a person last allowed it more than the limits.
    pub allowed_at: Option<i64>,
}

impl Device {
    /// Whether it may connect.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.state == DeviceState::Approved
    }
}

/// A device that asks to join.
#[derive(Debug, Clone)]
pub struct NewDevice<'a> {
    /// Its id, drawn by us.
    pub device_id: &'a str,
    /// What it calls itself.
    pub host_name: &'a str,
    /// Its operating system.
    pub os: &'a str,
    /// The agent's version.
    pub agent_version: &'a str,
    /// The token's group.
    pub group: &'a str,
    /// Shown on both sides.
    pub confirm_code: &'a str,
    /// SHA-256 of its public key.
    pub public_key_sha256: &'a [u8],
    /// Its request.
    pub csr_der: &'a [u8],
}

/// What a stream has learnt about its device since it was last written down.
#[derive(Debug, Clone, Default)]
pub struct DeviceSeen {
    /// The device.
    pub device_id: String,
    /// Whether its stream is open.
    pub connected: bool,
    /// When it was last heard; 0 when its stream has said nothing yet.
    pub last_seen_at: i64,
    /// The collector's clock less the device's.
    pub clock_offset_ms: Option<i64>,
    /// What it calls itself, its system and the agent's version.
    pub facts: Option<(String, String, String)>,
    /// JSON.
    pub health: Option<String>,
    /// Generation, counter and refusal of the last policy it spoke of.
    pub policy: Option<(i64, i64, Option<String>)>,
    /// Whether another device turned out to use its identity, or not to any more; none: nothing new.
    pub cloned: Option<bool>,
}

const COLUMNS: &str =
    "SELECT device_id, host_name, os, group_name, state, confirm_code, asked_at, agent_version,
    connected, last_seen_at, clock_offset_ms, cloned_at, policy_refusal, health, retired_at, retired_heard_at, allowed_at
    FROM device";

/// Every device of a school, those that wait for approval first.
pub async fn list(db: &mut Read, school_id: &str) -> Result<Vec<Device>, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!(
        "{COLUMNS} WHERE school_id = $1 ORDER BY state <> 'pending', host_name, device_id"
    ));
    sqlx::query_as(query).bind(school_id).fetch_all(db).await
}

/// One device.
pub async fn get(db: &mut Read, school_id: &str, device_id: &str) -> Result<Option<Device>, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE school_id = $1 AND device_id = $2"));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(device_id)
        .fetch_optional(db)
        .await
}

/// The device with a public key.
pub async fn by_key(
    tx: &mut Write,
    school_id: &str,
    public_key_sha256: &[u8],
) -> Result<Option<Device>, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!(
        "{COLUMNS} WHERE school_id = $1 AND public_key_sha256 = $2"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(public_key_sha256)
        .fetch_optional(&mut **tx)
        .await
}

/// Keeps a device that asks to join.
pub async fn add(
    tx: &mut Write,
    school_id: &str,
    device: &NewDevice<'_>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO device (school_id, device_id, host_name, os, group_name, state, confirm_code, public_key_sha256,
         csr_der, asked_at, agent_version) VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7, $8, $9, $10)",
    )
    .bind(school_id)
    .bind(device.device_id)
    .bind(device.host_name)
    .bind(device.os)
    .bind(device.group)
    .bind(device.confirm_code)
    .bind(device.public_key_sha256)
    .bind(device.csr_der)
    .bind(now_ms)
    .bind(device.agent_version)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Moves a device from one of the states in `from` to `to`. Says whether it was in one of them.
pub async fn decide(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    (from, to): ([DeviceState; 2], DeviceState),
    by: &str,
    now_ms: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE device SET state = $1, decided_at = $2, decided_by = $3
         WHERE school_id = $4 AND device_id = $5 AND state IN ($6, $7)",
    )
    .bind(to)
    .bind(now_ms)
    .bind(by)
    .bind(school_id)
    .bind(device_id)
    .bind(from[0])
    .bind(from[1])
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The devices that may not be connected.
pub async fn shut_out(store: &Store, school_id: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT device_id FROM device WHERE school_id = $1 AND state <> 'approved'")
        .bind(school_id)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// Nobody is connected: called when the collector starts.
pub async fn none_connected(tx: &mut Write, school_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE device SET connected = FALSE WHERE school_id = $1 AND connected")
        .bind(school_id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The person an account on a device is known to be; none where only another name said so.
pub async fn person_of_account(
    store: &Store,
    school_id: &str,
    device_id: &str,
    account: &Account,
) -> Result<Option<String>, sqlx::Error> {
    let known: Option<Option<String>> = sqlx::query_scalar(
        "SELECT person_id FROM account WHERE school_id = $1 AND device_id = $2 AND authority = $3 AND stable_id = $4
         AND (name = $5 OR identified_by <> 'user name')",
    )
    .bind(school_id)
    .bind(accounts::place(device_id, account))
    .bind(&account.authority)
    .bind(&account.stable_id)
    .bind(&account.name)
    .fetch_optional(&mut *store.read().await?)
    .await?;
    Ok(known.flatten())
}

/// Writes down what streams have learnt.
pub async fn write_seen(
    tx: &mut Write,
    school_id: &str,
    seen: &[DeviceSeen],
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    for seen in seen {
        let (host_name, os, version) = match &seen.facts {
            Some((host_name, os, version)) => (Some(host_name), Some(os), Some(version)),
            None => (None, None, None),
        };
        let (generation, counter, refusal) = match &seen.policy {
            Some((generation, counter, refusal)) => (Some(generation), Some(counter), refusal.as_deref()),
            None => (None, None, None),
        };
        sqlx::query(
            "UPDATE device SET connected = $1,
             last_seen_at = CASE WHEN $2 > 0 THEN $2 ELSE last_seen_at END, clock_offset_ms = coalesce($3, clock_offset_ms),
             host_name = coalesce($4, host_name), os = coalesce($5, os), agent_version = coalesce($6, agent_version),
             health = coalesce($7, health), policy_generation = coalesce($8, policy_generation),
             policy_counter = coalesce($9, policy_counter),
             policy_refusal = CASE WHEN $8 IS NULL THEN policy_refusal ELSE $10 END
             WHERE school_id = $11 AND device_id = $12",
        )
        .bind(seen.connected)
        .bind(seen.last_seen_at)
        .bind(seen.clock_offset_ms)
        .bind(host_name)
        .bind(os)
        .bind(version)
        .bind(&seen.health)
        .bind(generation)
        .bind(counter)
        .bind(refusal)
        .bind(school_id)
        .bind(&seen.device_id)
        .execute(&mut **tx)
        .await?;
        if let Some(cloned) = seen.cloned {
            note_cloned(tx, school_id, &seen.device_id, cloned, now_ms).await?;
        }
    }
    Ok(())
}

/// Another device uses this one's identity, or does not any more. What is known already is not noted again.
pub async fn note_cloned(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    cloned: bool,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let changed = sqlx::query(
        "UPDATE device SET cloned_at = $1 WHERE school_id = $2 AND device_id = $3 AND (cloned_at IS NULL) = $4",
    )
    .bind(cloned.then_some(now_ms))
    .bind(school_id)
    .bind(device_id)
    .bind(cloned)
    .execute(&mut **tx)
    .await?;
    if changed.rows_affected() > 0 {
        let entry = audit::Entry {
            school_id,
            actor: "pastoral",
            deed: if cloned {
                Deed::DeviceCloned
            } else {
                Deed::DeviceAloneAgain
            },
            concern_id: None,
            detail: json!({ "device_id": device_id }),
        };
        audit::append(tx, now_ms, &entry).await?;
    }
    Ok(())
}
