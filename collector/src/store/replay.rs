//! A reader's own flags of the last weeks, for trying what a change to the lists would do to them.
//!
//! INVARIANT 4: only flags of pupils' concerns that this reader may see; nothing of staff ever takes part.

use super::{Store, subject};
use crate::concerns::model::ReaderGroup;
use crate::concerns::reference::Reference;
use crate::profile::Profile;
use crate::seal::content::DataKeyRow;
use sqlx::Row;
use std::collections::BTreeMap;

/// A flag, still sealed, with the key that seals it.
#[derive(Debug, Clone)]
pub struct RecentFlag {
    /// Its concern.
    pub concern_id: String,
    /// What people call it by.
    pub reference: Reference,
    /// For whom it was matched.
    pub audience: String,
    /// What was observed.
    pub source: String,
    /// Who wrote it.
    pub provenance: String,
    /// Whether its concern was closed as a true one.
    pub confirmed: bool,
    /// What seals it.
    pub key: DataKeyRow,
    /// The flag.
    pub sealed: Vec<u8>,
}

/// The latest `most` flags since a time that a reader may see.
pub async fn recent_flags(
    store: &Store,
    school_id: &str,
    profile: &Profile,
    reader: &str,
    since_ms: i64,
    most: i64,
) -> Result<Vec<RecentFlag>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT concern.concern_id, concern.reference, flag.audience, flag.source, flag.provenance, flag.sealed,
                concern.state = 'closed' AND concern.outcome <> 'false-alarm' AND flag.false_alarm = 0 AS confirmed,
                data_key.data_key_id, data_key.sealed AS key_sealed
         FROM concern_reader
         JOIN concern ON concern.concern_id = concern_reader.concern_id
         JOIN flag ON flag.concern_id = concern.concern_id
         JOIN data_key ON data_key.data_key_id = flag.data_key_id
         WHERE concern_reader.school_id = ? AND concern_reader.person_id = ?
           AND concern.reader_group = 'pupil' AND data_key.reader_group = 'pupil'
           AND (concern.person_id IS NULL OR EXISTS (SELECT 1 FROM person WHERE person.school_id = concern.school_id
                AND person.person_id = concern.person_id AND person.role = 'pupil'))
           AND concern.erased_at IS NULL AND flag.received_at >= ?
         ORDER BY flag.flag_id DESC LIMIT ?",
    )
    .bind(school_id)
    .bind(reader)
    .bind(since_ms)
    .bind(most)
    .fetch_all(store.read())
    .await?;
    let read = |row: &sqlx::sqlite::SqliteRow| RecentFlag {
        concern_id: row.get("concern_id"),
        reference: row.get("reference"),
        audience: row.get("audience"),
        source: row.get("source"),
        provenance: row.get("provenance"),
        confirmed: row.get("confirmed"),
        key: DataKeyRow {
            data_key_id: row.get("data_key_id"),
            concern_id: row.get("concern_id"),
            group: ReaderGroup::Pupil,
            sealed: row.get("key_sealed"),
        },
        sealed: row.get("sealed"),
    };
    let mut of_pupils: BTreeMap<String, bool> = BTreeMap::new();
    let mut flags = Vec::new();
    for flag in rows.iter().map(read) {
        let of_pupil = match of_pupils.get(&flag.concern_id) {
            Some(known) => *known,
            None => subject::is_pupil(store.read(), school_id, profile, &flag.concern_id).await?,
        };
        of_pupils.insert(flag.concern_id.clone(), of_pupil);
        if of_pupil {
            flags.push(flag);
        }
    }
    Ok(flags)
}
