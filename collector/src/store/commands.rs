//! What devices were asked to do once, and what came of it.

use super::audit::{self, Entry};
use super::{Store, Write};
use crate::chain::Deed;
use crate::codes::codes;
use serde_json::json;

/// Commands to one device that may be open at a time.
const OPEN: i64 = 4;
/// What was asked longer ago is forgotten; the audit log keeps that it was asked.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

codes! {
    /// What a device can be asked to do once; the words are what a person presses. What is sent for it and what its answer
    /// says stands in `devices/command.rs`; the console and `device ask` offer whatever stands here.
    pub enum Command {
        /// It says how it is, now, instead of at its next heartbeat.
        SayHowItIs = "say-how-it-is", "Ask how it is";
    }
}

impl Command {
    /// How long a device has: to be connected, to do it and to answer.
    #[must_use]
    pub const fn time_limit_ms(self) -> u32 {
        match self {
            Self::SayHowItIs => 60_000,
        }
    }
}

codes! {
    /// What became of a command.
    pub enum CommandState {
        /// The device is not connected, or was just asked.
        Asked = "asked", "waits for the device";
        /// It was sent, and not answered yet.
        Sent = "sent", "sent";
        /// The device did it.
        Done = "done", "done";
        /// The device could not do it.
        Failed = "failed", "not done";
        /// The time is over.
        Unanswered = "unanswered", "not answered in time";
    }
}

/// A command as it stands.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Asked {
    /// Its id.
    pub command_id: Vec<u8>,
    /// The device.
    pub device_id: String,
    /// What it is to do.
    pub command: Command,
    /// What became of it.
    pub state: CommandState,
    /// When it was asked.
    pub asked_at: i64,
    /// Until when there is an answer, or none.
    pub ends_at: i64,
    /// When it was answered.
    pub answered_at: Option<i64>,
    /// What the device says, in plain words.
    pub answer: String,
}

impl Asked {
    /// Whether an answer may still come.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, CommandState::Asked | CommandState::Sent)
    }
}

/// Why a device was not asked.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// There is no such device, or it may not connect.
    #[error("this device may not connect, so it cannot be asked anything")]
    NotThere,
    /// [`OPEN`] commands are open.
    #[error("this device was asked {OPEN} times and has not answered yet: wait a minute")]
    TooMany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] sqlx::Error),
}

const COLUMNS: &str = "SELECT command_id, device_id, command, state, asked_at, ends_at, answered_at, answer FROM device_command";

/// Asks a device for something, on behalf of `by`, and writes that down. Gives the command's id.
pub async fn ask(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    command: Command,
    by: &str,
    now: i64,
) -> Result<Vec<u8>, NotAsked> {
    let there: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM device WHERE school_id = $1 AND device_id = $2 AND state = 'approved')",
    )
    .bind(school_id)
    .bind(device_id)
    .fetch_one(&mut **tx)
    .await?;
    if !there {
        return Err(NotAsked::NotThere);
    }
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM device_command
         WHERE school_id = $1 AND device_id = $2 AND state IN ('asked', 'sent') AND ends_at > $3",
    )
    .bind(school_id)
    .bind(device_id)
    .bind(now)
    .fetch_one(&mut **tx)
    .await?;
    // ONE WRITER: nobody else asks meanwhile.
    if open >= OPEN {
        return Err(NotAsked::TooMany);
    }
    let command_id = uuid::Uuid::new_v4().as_bytes().to_vec();
    sqlx::query(
        "INSERT INTO device_command (school_id, command_id, device_id, command, state, asked_by, asked_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(school_id)
    .bind(&command_id)
    .bind(device_id)
    .bind(command)
    .bind(CommandState::Asked)
    .bind(by)
    .bind(now)
    .bind(now.saturating_add(command.time_limit_ms().into()))
    .execute(&mut **tx)
    .await?;
    let entry = Entry {
        school_id,
        actor: by,
        deed: Deed::DeviceCommanded,
        concern_id: None,
        detail: json!({ "device_id": device_id, "command": command }),
    };
    audit::append(tx, now, &entry).await?;
    Ok(command_id)
}

/// Commands that were not sent yet.
pub async fn to_send(store: &Store, school_id: &str, now: i64) -> Result<Vec<Asked>, sqlx::Error> {
    let query =
        format!("{COLUMNS} WHERE school_id = $1 AND state = 'asked' AND ends_at > $2 ORDER BY asked_at");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(now)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// A command was handed to the device's connection. It is never sent again.
pub async fn sent(tx: &mut Write, school_id: &str, command_id: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE device_command SET state = 'sent' WHERE school_id = $1 AND command_id = $2 AND state = 'asked'",
    )
    .bind(school_id)
    .bind(command_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A device has answered. False where it was not asked, or too long ago.
pub async fn answered(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    command_id: &[u8],
    (state, answer): (CommandState, &str),
    now: i64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE device_command SET state = $1, answer = $2, answered_at = $3
         WHERE school_id = $4 AND device_id = $5 AND command_id = $6 AND state IN ('asked', 'sent') AND ends_at > $3",
    )
    .bind(state)
    .bind(answer)
    .bind(now)
    .bind(school_id)
    .bind(device_id)
    .bind(command_id)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends what was not answered in time, and forgets what is old. Says whether anything ended.
pub async fn end_overdue(tx: &mut Write, school_id: &str, now: i64) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query(
        "UPDATE device_command SET state = 'unanswered'
         WHERE school_id = $1 AND ends_at <= $2 AND state IN ('asked', 'sent')",
    )
    .bind(school_id)
    .bind(now)
    .execute(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM device_command WHERE school_id = $1 AND asked_at < $2")
        .bind(school_id)
        .bind(now.saturating_sub(KEPT_MS))
        .execute(&mut **tx)
        .await?;
    Ok(ended.rows_affected() > 0)
}

/// The last command to each device.
pub async fn latest(store: &Store, school_id: &str) -> Result<Vec<Asked>, sqlx::Error> {
    let query = format!(
        "{COLUMNS} WHERE school_id = $1 AND NOT EXISTS (SELECT 1 FROM device_command AS later
         WHERE later.school_id = device_command.school_id AND later.device_id = device_command.device_id
         AND later.asked_at > device_command.asked_at)"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .fetch_all(&mut *store.read().await?)
        .await
}

/// One command.
pub async fn get(store: &Store, school_id: &str, command_id: &[u8]) -> Result<Option<Asked>, sqlx::Error> {
    let query = format!("{COLUMNS} WHERE school_id = $1 AND command_id = $2");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(school_id)
        .bind(command_id)
        .fetch_optional(&mut *store.read().await?)
        .await
}
