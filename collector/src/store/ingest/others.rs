//! What is not a flag: starts, repeats, gaps, what cannot be read, and clones.

use super::Answer;
use super::batch::Batch;
use super::flags::event_time;
use super::prepared::{Content, Prepared};
use crate::concerns::model::ReaderGroup;
use crate::store::Write;
use crate::store::safe::purpose;
use pastoral_proto::{EpochStart, Gap, Repeats, encode_record};

/// Unreadable records kept of one device; further ones are counted, not kept.
const QUARANTINED: i64 = 1_000;

impl Batch<'_> {
    pub(super) async fn note_gap(&mut self, record: &Prepared, gap: &Gap) -> Result<(), sqlx::Error> {
        let account_id = match &gap.account {
            Some(account) => Some(self.account(&record.device_id, account).await?.0),
            None => None,
        };
        let at = |ms| event_time(ms, record.clock_offset_ms, self.now);
        sqlx::query(
            "INSERT INTO gap (school_id, device_id, account_id, cause, count, highest_severity, from_at, to_at, received_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&*self.app.school_id)
        .bind(&*record.device_id)
        .bind(account_id)
        .bind(&gap.cause)
        .bind(i64::try_from(gap.count).unwrap_or(i64::MAX))
        .bind(gap.highest_severity.map(|severity| severity.get()))
        .bind(at(gap.from_ms))
        .bind(at(gap.to_ms))
        .bind(self.now)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Keeps a record that cannot be read, sealed to the school safe's key.
    pub(super) async fn quarantine(
        &mut self,
        record: &Prepared,
        content: &Content,
    ) -> Result<Answer, sqlx::Error> {
        let (bytes, reason) = match content {
            Content::Bad(bytes, reason) => (bytes.clone(), reason.clone()),
            Content::Good(record, _) => (
                encode_record(record),
                "the collector could not store it".to_owned(),
            ),
        };
        let kept: i64 =
            sqlx::query_scalar("SELECT count(*) FROM quarantine WHERE school_id = ? AND device_id = ?")
                .bind(&*self.app.school_id)
                .bind(&*record.device_id)
                .fetch_one(&mut *self.tx)
                .await?;
        let purpose = purpose(&record.device_id);
        let bytes = if kept < QUARANTINED { bytes } else { Vec::new() };
        let safe = self.app.sealer.public(ReaderGroup::Safe);
        let sealed = safe.and_then(|key| key.seal(&bytes, purpose.as_bytes()));
        let sealed = sealed.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
        tracing::warn!(device = %record.device_id, %reason, "a record was put into quarantine");
        sqlx::query(
            "INSERT OR IGNORE INTO quarantine (school_id, device_id, epoch, sequence, reason, sealed, received_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&*self.app.school_id)
        .bind(&*record.device_id)
        .bind(&record.epoch)
        .bind(record.sequence)
        .bind(&reason)
        .bind(sealed)
        .bind(self.now)
        .execute(&mut *self.tx)
        .await?;
        Ok(Answer::Quarantined(reason))
    }
}

pub(super) async fn note_start(tx: &mut Write, epoch_no: i64, start: &EpochStart) -> Result<(), sqlx::Error> {
    let previous = start.previous.map(|previous| previous.epoch.0.to_vec());
    let last = start
        .previous
        .and_then(|previous| i64::try_from(previous.sequence).ok());
    // Of a run that nobody knows, because a backup from before it was brought back or its records never came, all is
    // missing so far. A device that joined again has its runs under its old identity.
    sqlx::query(
        "INSERT INTO epoch (school_id, device_id, epoch, first_seen_at)
         SELECT school_id, device_id, ?1, first_seen_at FROM epoch AS this WHERE epoch_no = ?2 AND ?1 IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM epoch WHERE school_id = this.school_id AND epoch = ?1)",
    )
    .bind(&previous)
    .bind(epoch_no)
    .execute(&mut **tx)
    .await?;
    sqlx::query("UPDATE epoch SET previous_epoch = ?, previous_last_sequence = ? WHERE epoch_no = ?")
        .bind(previous)
        .bind(last)
        .bind(epoch_no)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Counts repeats of a flag. One that was erased since, or never arrived, has nothing to count on.
pub(super) async fn add_repeats(
    tx: &mut Write,
    school_id: &str,
    record: &Prepared,
    repeats: &Repeats,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let Ok(sequence) = i64::try_from(repeats.of.sequence) else {
        return Ok(());
    };
    let last_at = event_time(repeats.last_at_ms, record.clock_offset_ms, now_ms);
    let concern_id: Option<String> = sqlx::query_scalar(
        "UPDATE flag SET repeats = repeats + ?1, last_repeat_at = max(coalesce(last_repeat_at, 0), ?2)
         WHERE school_id = ?3 AND flag_id = (SELECT d.flag_id FROM epoch AS e
             JOIN delivered AS d ON d.epoch_no = e.epoch_no AND d.sequence = ?6
             WHERE e.school_id = ?3 AND e.device_id = ?4 AND e.epoch = ?5 AND d.flag_id IS NOT NULL LIMIT 1)
         AND device_id = ?4 AND sequence = ?6 RETURNING concern_id",
    )
    .bind(repeats.count)
    .bind(last_at)
    .bind(school_id)
    .bind(&*record.device_id)
    .bind(&repeats.of.epoch.0[..])
    .bind(sequence)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(concern_id) = concern_id else {
        return Ok(());
    };
    sqlx::query(
        "UPDATE concern SET last_event_at = max(last_event_at, ?), changed_at = ?
         WHERE school_id = ? AND concern_id = ? AND state <> 'closed'",
    )
    .bind(last_at)
    .bind(now_ms)
    .bind(school_id)
    .bind(concern_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Compares what each epoch's successor says with what arrived, and keeps one gap for what is missing. What arrives
/// late takes its gap away again. Called by a timer: while a device delivers, nothing is missing yet.
///
/// # Errors
/// When the database cannot be written.
pub async fn reckon_missing(tx: &mut Write, school_id: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO gap (school_id, device_id, cause, count, from_at, to_at, received_at, epoch_no)
         SELECT next.school_id, next.device_id, 'records-missing', next.previous_last_sequence + 1 - before.delivered,
                before.first_seen_at, next.first_seen_at, ?1, before.epoch_no
         FROM epoch AS next JOIN epoch AS before ON before.school_id = next.school_id
              AND before.device_id = next.device_id AND before.epoch = next.previous_epoch
         WHERE next.school_id = ?2 AND next.first_seen_at < ?1 - 300000
         AND next.previous_last_sequence + 1 > before.delivered
         ON CONFLICT (epoch_no) DO UPDATE SET count = excluded.count WHERE count <> excluded.count",
    )
    .bind(now_ms)
    .bind(school_id)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM gap WHERE school_id = ?1 AND epoch_no IN (
             SELECT before.epoch_no FROM epoch AS before JOIN epoch AS next ON next.school_id = before.school_id
             AND next.device_id = before.device_id AND next.previous_epoch = before.epoch
             WHERE before.school_id = ?1 AND next.previous_last_sequence + 1 <= before.delivered)",
    )
    .bind(school_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
