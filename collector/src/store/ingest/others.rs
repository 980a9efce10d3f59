//! What is not a flag: starts, repeats, gaps, what cannot be read, and clones.

use super::Answer;
use super::batch::{Batch, Further};
use super::flags::event_time;
use super::prepared::{Content, Prepared};
use crate::concerns::model::ReaderGroup;
use crate::store::Write;
use crate::store::safe::purpose;
use pastoral_proto::{EpochStart, Gap, Repeats, encode_record};

/// Unreadable records kept of one device; further ones are counted, not kept.
const QUARANTINED: i64 = 1_000;
/// More than any device gives out or counts; sums stay numbers.
const MOST: i64 = 1 << 40;

/// A flag that a device tells more about, as the store has it.
#[derive(sqlx::FromRow)]
struct Told {
    flag_id: i64,
    concern_id: String,
    /// It is that flag itself, not one that was counted on it.
    itself: bool,
}

impl Batch<'_> {
    pub(super) async fn note_gap(&mut self, record: &Prepared, gap: &Gap) -> Result<(), sqlx::Error> {
        let account_id = match &gap.account {
            Some(account) => Some(self.account(&record.device_id, account).await?.0),
            None => None,
        };
        let at = |ms| event_time(ms, record.clock_offset_ms, self.now);
        sqlx::query(
            "INSERT INTO gap (school_id, device_id, account_id, cause, count, highest_severity, from_at, to_at, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&*self.telling.school_id)
        .bind(&*record.device_id)
        .bind(account_id)
        .bind(&gap.cause)
        .bind(i64::try_from(gap.count).unwrap_or(MOST).min(MOST))
        .bind(gap.highest_severity.map(|severity| severity.get()))
        .bind(at(gap.from_ms))
        .bind(at(gap.to_ms))
        .bind(self.now)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Counts repeats of a flag, or further flags like it. One that was erased since, or never arrived, has nothing to
    /// count on.
    pub(super) async fn add_repeats(
        &mut self,
        record: &Prepared,
        repeats: &Repeats,
    ) -> Result<(), sqlx::Error> {
        let Ok(sequence) = i64::try_from(repeats.of.sequence) else {
            return Ok(());
        };
        let told: Option<Told> = sqlx::query_as(
            "SELECT f.flag_id, f.concern_id, f.device_id = $2 AND f.sequence = $4 AS itself
             FROM epoch e JOIN delivered d ON d.epoch_no = e.epoch_no AND d.sequence = $4
             JOIN flag f ON f.school_id = e.school_id AND f.flag_id = d.flag_id
             WHERE e.school_id = $1 AND e.device_id = $2 AND e.epoch = $3 ORDER BY f.flag_id LIMIT 1",
        )
        .bind(&*self.telling.school_id)
        .bind(&*record.device_id)
        .bind(&repeats.of.epoch.0[..])
        .bind(sequence)
        .fetch_optional(&mut *self.tx)
        .await?;
        let Some(told) = told else { return Ok(()) };
        let at = |ms| event_time(ms, record.clock_offset_ms, self.now);
        let (from_at, to_at) = (at(repeats.first_at_ms), at(repeats.last_at_ms));
        if repeats.further || !told.itself {
            let count = i64::from(repeats.count);
            let from_at = if repeats.further {
                from_at.min(to_at)
            } else {
                to_at
            };
            self.count_on(
                told.flag_id,
                Further {
                    count,
                    from_at,
                    to_at,
                },
            );
        } else {
            sqlx::query(
                "UPDATE flag SET repeats = repeats + $1,
                 last_repeat_at = CASE WHEN last_repeat_at > $2 THEN last_repeat_at ELSE $2 END
                 WHERE school_id = $3 AND flag_id = $4",
            )
            .bind(repeats.count)
            .bind(to_at)
            .bind(&*self.telling.school_id)
            .bind(told.flag_id)
            .execute(&mut *self.tx)
            .await?;
        }
        sqlx::query(
            "UPDATE concern SET last_event_at = CASE WHEN last_event_at > $1 THEN last_event_at ELSE $1 END,
             changed_at = $2 WHERE school_id = $3 AND concern_id = $4 AND state <> 'closed'",
        )
        .bind(to_at)
        .bind(self.now)
        .bind(&*self.telling.school_id)
        .bind(told.concern_id)
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
            sqlx::query_scalar("SELECT count(*) FROM quarantine WHERE school_id = $1 AND device_id = $2")
                .bind(&*self.telling.school_id)
                .bind(&*record.device_id)
                .fetch_one(&mut *self.tx)
                .await?;
        let purpose = purpose(&record.device_id);
        let bytes = if kept < QUARANTINED { bytes } else { Vec::new() };
        let safe = self.sealer.public(ReaderGroup::Safe);
        let sealed = safe.and_then(|key| key.seal(&bytes, purpose.as_bytes()));
        let sealed = sealed.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
        tracing::warn!(device = %record.device_id, %reason, "a record was put into quarantine");
        sqlx::query(
            "INSERT INTO quarantine (school_id, device_id, epoch, sequence, reason, sealed, received_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(&*self.telling.school_id)
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
        .and_then(|previous| i64::try_from(previous.sequence).ok())
        .filter(|last| *last <= MOST);
    // Of a run that nobody knows, because a backup from before it was brought back or its records never came, all is
    // missing so far. A device that joined again has its runs under its old identity.
    sqlx::query(
        "INSERT INTO epoch (school_id, device_id, epoch, first_seen_at)
         SELECT school_id, device_id, $1, first_seen_at FROM epoch AS this WHERE epoch_no = $2 AND $1 IS NOT NULL
         AND NOT EXISTS (SELECT 1 FROM epoch WHERE school_id = this.school_id AND epoch = $1)",
    )
    .bind(&previous)
    .bind(epoch_no)
    .execute(&mut **tx)
    .await?;
    sqlx::query("UPDATE epoch SET previous_epoch = $1, previous_last_sequence = $2 WHERE epoch_no = $3")
        .bind(previous)
        .bind(last)
        .bind(epoch_no)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Compares what each epoch's successor says with what arrived, and keeps one gap for what is missing. What arrives
/// late takes its gap away again. Called by a timer: while a device delivers, nothing is missing yet.
pub async fn reckon_missing(tx: &mut Write, school_id: &str, now_ms: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO gap (school_id, device_id, cause, count, from_at, to_at, received_at, epoch_no)
         SELECT next.school_id, next.device_id, 'records-missing', next.previous_last_sequence + 1 - before.delivered,
                before.first_seen_at, next.first_seen_at, $1, before.epoch_no
         FROM epoch AS next JOIN epoch AS before ON before.school_id = next.school_id
              AND before.device_id = next.device_id AND before.epoch = next.previous_epoch
         WHERE next.school_id = $2 AND next.first_seen_at < $1 - 300000
         AND next.previous_last_sequence + 1 > before.delivered
         ON CONFLICT (epoch_no) DO UPDATE SET count = excluded.count WHERE count <> excluded.count",
    )
    .bind(now_ms)
    .bind(school_id)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM gap WHERE school_id = $1 AND epoch_no IN (
             SELECT before.epoch_no FROM epoch AS before JOIN epoch AS next ON next.school_id = before.school_id
             AND next.device_id = before.device_id AND next.previous_epoch = before.epoch
             WHERE before.school_id = $1 AND next.previous_last_sequence + 1 <= before.delivered)",
    )
    .bind(school_id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
