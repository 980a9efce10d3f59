//! A reader's own flags of the last weeks, for trying what a change to the lists would do to them.
//!
//! INVARIANT 4: only flags of pupils' concerns that this reader may see; nothing of staff ever takes part.

use super::{Store, subject};
use crate::concerns::reference::Reference;
use crate::profile::Profile;
use crate::seal::content::DataKeyRow;
use pastoral_keywords::{Audience, Provenance, Source};
use std::collections::BTreeMap;

/// A flag, still sealed, with the key that seals it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RecentFlag {
    /// Its concern.
    pub concern_id: String,
    /// What people call it by.
    pub reference: Reference,
    /// For whom it was matched.
    #[sqlx(try_from = "String")]
    pub audience: Audience,
    /// What was observed.
    #[sqlx(try_from = "String")]
    pub source: Source,
    /// Who wrote it.
    #[sqlx(try_from = "String")]
    pub provenance: Provenance,
    /// Whether its concern was closed as a true one.
    pub confirmed: bool,
    /// What seals it.
    #[sqlx(flatten)]
    pub key: DataKeyRow,
    /// The flag.
    #[sqlx(rename = "flag_sealed")]
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
    let found: Vec<RecentFlag> = sqlx::query_as(
        "SELECT concern.concern_id, concern.reference, flag.audience, flag.source, flag.provenance,
                flag.sealed AS flag_sealed,
                concern.state = 'closed' AND concern.outcome <> 'false-alarm' AND NOT flag.false_alarm AS confirmed,
                data_key.data_key_id, data_key.reader_group, data_key.sealed
         FROM concern_reader
         JOIN concern ON concern.concern_id = concern_reader.concern_id
         JOIN flag ON flag.concern_id = concern.concern_id
         JOIN data_key ON data_key.data_key_id = flag.data_key_id
         WHERE concern_reader.school_id = $1 AND concern_reader.person_id = $2
           AND concern.reader_group = 'pupil' AND data_key.reader_group = 'pupil'
           AND (concern.person_id IS NULL OR EXISTS (SELECT 1 FROM person WHERE person.school_id = concern.school_id
                AND person.person_id = concern.person_id AND person.role = 'pupil'))
           AND concern.erased_at IS NULL AND flag.received_at >= $3
         ORDER BY flag.flag_id DESC LIMIT $4",
    )
    .bind(school_id)
    .bind(reader)
    .bind(since_ms)
    .bind(most)
    .fetch_all(&mut *store.read().await?)
    .await?;
    let mut of_pupils: BTreeMap<String, bool> = BTreeMap::new();
    let mut flags = Vec::new();
    for flag in found {
        let of_pupil = match of_pupils.get(&flag.concern_id) {
            Some(known) => *known,
            None => {
                subject::is_pupil(&mut *store.read().await?, school_id, profile, &flag.concern_id).await?
            }
        };
        of_pupils.insert(flag.concern_id.clone(), of_pupil);
        if of_pupil {
            flags.push(flag);
        }
    }
    Ok(flags)
}
