//! What is sealed to the school safe, for a reader who has typed in the sheet that opens it.
//!
//! INVARIANT 4: whoever holds the sheet opens nothing of what is about them. Every query here asks who the viewer is: a
//! concern shows to those whom routing makes its readers; where it has none, to readers who are neither its subject nor
//! named in it nor in conflict, and what is an adult's only to headteacher, chair and independent reader.

use super::actions::ActionRow;
use super::flags::{FLAGS, FlagRow};
use super::people::Directory;
use super::{Read, Write};
use crate::concerns::kind::Kind;
use crate::concerns::model::Duty;
use crate::concerns::reference::Reference;
use sqlx::{AssertSqlSafe, FromRow};

/// A concern of which something is sealed to the safe.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Kept {
    /// Its random id.
    pub concern_id: String,
    /// What people call it by.
    pub reference: Reference,
    /// Given and family name, where the person is known.
    pub name: Option<String>,
    /// What it is of.
    pub kind: Kind,
    /// 1 to 5.
    pub severity: i64,
    /// When it was opened here.
    pub opened_at: i64,
    /// How many flags.
    pub flag_count: i64,
    /// Whether somebody reads it now, whose key does not open what lies in the safe.
    pub has_readers: bool,
    /// Whether it is known to be about a pupil.
    pub of_pupil: bool,
}

const KEPT: &str =
    "SELECT c.concern_id, c.reference, p.given_name || ' ' || p.family_name AS name, c.kind, c.severity,
        c.opened_at, c.flag_count,
        EXISTS (SELECT 1 FROM concern_reader r WHERE r.concern_id = c.concern_id) AS has_readers,
        COALESCE(p.role = 'pupil', FALSE) AS of_pupil
    FROM concern c LEFT JOIN person p ON p.school_id = c.school_id AND p.person_id = c.person_id
    WHERE ";

/// `$1` the school, `$2` the viewer.
const MAY_OPEN: &str = "c.school_id = $1 AND c.erased_at IS NULL
    AND EXISTS (SELECT 1 FROM data_key k WHERE k.school_id = c.school_id AND k.concern_id = c.concern_id
        AND k.reader_group = 'safe')
    AND EXISTS (SELECT 1 FROM duty d WHERE d.school_id = c.school_id AND d.person_id = $2 AND d.ended_at IS NULL
        AND d.duty <> 'technician')
    AND (c.person_id IS NULL OR c.person_id <> $2)
    AND (EXISTS (SELECT 1 FROM concern_reader r WHERE r.concern_id = c.concern_id AND r.person_id = $2)
        OR (NOT EXISTS (SELECT 1 FROM concern_reader r WHERE r.concern_id = c.concern_id)
            AND NOT EXISTS (SELECT 1 FROM concern_named n WHERE n.concern_id = c.concern_id AND n.person_id = $2)
            AND NOT EXISTS (SELECT 1 FROM conflict x WHERE x.school_id = c.school_id AND x.reader_id = $2
                AND x.ended_at IS NULL AND x.in_force AND (x.about_id = c.person_id OR x.about_id = c.concern_id OR x.about_id IN
                    (SELECT person_id FROM concern_named WHERE concern_id = c.concern_id)))
            AND (EXISTS (SELECT 1 FROM person q WHERE q.school_id = c.school_id AND q.person_id = c.person_id
                    AND q.role = 'pupil')
                OR EXISTS (SELECT 1 FROM duty d WHERE d.school_id = c.school_id AND d.person_id = $2
                    AND d.ended_at IS NULL AND d.duty IN ('headteacher', 'chair', 'independent')))))";

/// The concerns in the safe that a viewer may open, the most serious first.
pub async fn concerns(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    most: i64,
) -> Result<Vec<Kept>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{KEPT} {MAY_OPEN} ORDER BY c.severity DESC, c.opened_at DESC, c.concern_id LIMIT $3"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(most)
        .fetch_all(db)
        .await
}

/// One of them; none when this viewer may not open it.
pub async fn concern(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
) -> Result<Option<Kept>, sqlx::Error> {
    let query = AssertSqlSafe(format!("{KEPT} {MAY_OPEN} AND c.concern_id = $3"));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .fetch_optional(db)
        .await
}

/// What was seen of one of them, the most serious first.
pub async fn flags(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
    most: i64,
) -> Result<Vec<FlagRow>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{FLAGS}
         JOIN concern c ON c.school_id = flag.school_id AND c.concern_id = flag.concern_id
         WHERE {MAY_OPEN} AND c.concern_id = $3
         ORDER BY flag.severity DESC, flag.observed_at DESC, flag.flag_id DESC LIMIT $4"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .bind(most)
        .fetch_all(db)
        .await
}

/// What was done with one of them, the latest first.
pub async fn history(
    db: &mut Read,
    school_id: &str,
    viewer: &str,
    concern_id: &str,
    most: i64,
) -> Result<Vec<ActionRow>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "SELECT a.*, p.given_name || ' ' || p.family_name AS by_name FROM concern c
         JOIN action a ON a.school_id = c.school_id AND a.concern_id = c.concern_id
         LEFT JOIN person p ON p.school_id = a.school_id AND p.person_id = a.by_id
         WHERE {MAY_OPEN} AND c.concern_id = $3 ORDER BY a.action_id DESC LIMIT $4"
    ));
    sqlx::query_as(query)
        .bind(school_id)
        .bind(viewer)
        .bind(concern_id)
        .bind(most)
        .fetch_all(db)
        .await
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Record {
    /// Which device sent it.
    pub device_id: String,
    /// What the device calls itself.
    pub host_name: String,
    /// The group of devices it is in.
    pub group_name: String,
    /// The run of its service.
    pub epoch: Vec<u8>,
    /// Its number in that run.
    pub sequence: i64,
    /// Why it could not be read.
    pub reason: String,
    /// The bytes, sealed.
    pub sealed: Vec<u8>,
    /// When it arrived.
    pub received_at: i64,
}

/// Which record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordId {
    /// The device.
    pub device_id: String,
    /// The run of its service.
    pub epoch: Vec<u8>,
    /// Its number in that run.
    pub sequence: i64,
}

const RECORD: &str =
    "SELECT q.device_id, d.host_name, d.group_name, q.epoch, q.sequence, q.reason, q.sealed, q.received_at
    FROM quarantine q JOIN device d ON d.school_id = q.school_id AND d.device_id = q.device_id
    WHERE q.school_id = $1 ";

/// The records that a viewer may open, the latest first: of devices that pupils use every reader, of others headteacher,
/// chair and independent reader. Whom a record names shows only when it is opened.
pub async fn records(
    db: &mut Read,
    (directory, school_id): (&Directory, &str),
    viewer: &str,
    most: i64,
) -> Result<Vec<Record>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{RECORD} ORDER BY q.received_at DESC, q.device_id, q.sequence LIMIT $2"
    ));
    let mut found: Vec<Record> = sqlx::query_as(query)
        .bind(school_id)
        .bind(most)
        .fetch_all(db)
        .await?;
    found.retain(|record| may_open(directory, viewer, record));
    Ok(found)
}

/// One of them; none when this viewer may not open it.
pub async fn record(
    db: &mut Read,
    (directory, school_id): (&Directory, &str),
    viewer: &str,
    id: &RecordId,
) -> Result<Option<Record>, sqlx::Error> {
    let query = AssertSqlSafe(format!(
        "{RECORD} AND q.device_id = $2 AND q.epoch = $3 AND q.sequence = $4"
    ));
    let found: Option<Record> = sqlx::query_as(query)
        .bind(school_id)
        .bind(&id.device_id)
        .bind(&id.epoch)
        .bind(id.sequence)
        .fetch_optional(db)
        .await?;
    Ok(found.filter(|record| may_open(directory, viewer, record)))
}

fn may_open(directory: &Directory, viewer: &str, record: &Record) -> bool {
    let duties = directory.duties();
    let of_pupils = directory.subject(None, &record.group_name).role.is_pupil();
    let all = [Duty::Headteacher, Duty::Chair, Duty::Independent];
    duties.is_reader(viewer) && (of_pupils || all.into_iter().any(|duty| duties.has(viewer, duty)))
}

/// What was done with a record, and why.
#[derive(Debug, Clone, FromRow)]
pub struct RecordAction {
    /// When.
    pub at: i64,
    /// Given and family name.
    pub by_name: Option<String>,
    /// Why, sealed to the safe.
    pub sealed: Vec<u8>,
}

/// What was done with a record, the latest first.
pub async fn record_actions(
    db: &mut Read,
    school_id: &str,
    id: &RecordId,
) -> Result<Vec<RecordAction>, sqlx::Error> {
    sqlx::query_as(
        "SELECT a.at, p.given_name || ' ' || p.family_name AS by_name, a.sealed FROM quarantine_action a
         LEFT JOIN person p ON p.school_id = a.school_id AND p.person_id = a.by_id
         WHERE a.school_id = $1 AND a.device_id = $2 AND a.epoch = $3 AND a.sequence = $4 ORDER BY a.at DESC LIMIT 50",
    )
    .bind(school_id)
    .bind(&id.device_id)
    .bind(&id.epoch)
    .bind(id.sequence)
    .fetch_all(db)
    .await
}

/// Keeps why somebody opened a record.
pub async fn add_record_action(
    tx: &mut Write,
    school_id: &str,
    id: &RecordId,
    (by, sealed): (&str, &[u8]),
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO quarantine_action (school_id, device_id, epoch, sequence, at, by_id, sealed)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(school_id)
    .bind(&id.device_id)
    .bind(&id.epoch)
    .bind(id.sequence)
    .bind(now_ms)
    .bind(by)
    .bind(sealed)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes a record. That it was delivered stays known.
pub async fn discard(tx: &mut Write, school_id: &str, id: &RecordId) -> Result<(), sqlx::Error> {
    for statement in [
        "DELETE FROM quarantine WHERE school_id = $1 AND device_id = $2 AND epoch = $3 AND sequence = $4",
        "DELETE FROM quarantine_action WHERE school_id = $1 AND device_id = $2 AND epoch = $3 AND sequence = $4",
    ] {
        sqlx::query(statement)
            .bind(school_id)
            .bind(&id.device_id)
            .bind(&id.epoch)
            .bind(id.sequence)
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// What a record is sealed for.
#[must_use]
pub fn purpose(device_id: &str) -> String {
    format!("quarantine of {device_id}")
}

/// What the reason for opening a record is sealed for.
#[must_use]
pub fn reason_purpose(id: &RecordId) -> String {
    format!(
        "reason to open a record of {}, number {}",
        id.device_id, id.sequence
    )
}
