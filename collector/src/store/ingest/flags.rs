//! Flags: whose they are, who may read them, and their rows.

use super::batch::{Alike, Batch, Further, ROWS};
use super::concerns::Placed;
use super::gate::Gate;
use super::prepared::Prepared;
use crate::concerns::grouping::{Key, Placement, Whose};
use crate::concerns::kind::kind_of;
use crate::concerns::model::PersonId;
use crate::concerns::naming::Circumstances;
use crate::metering::HeldBack;
use crate::store::accounts;
use pastoral_proto::{Account, Flag};
use sqlx::{QueryBuilder, Sqlite};
use std::sync::Arc;

const ACCOUNTS_IN_MEMORY: usize = 50_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How long a device keeps a flag at most: what claims to be older comes from a clock that was wrong.
const OLDEST_MS: i64 = 400 * DAY_MS;

/// A row of `flag`.
pub(super) struct FlagRow {
    pub(super) flag_id: i64,
    concern_id: String,
    device_id: Arc<str>,
    account_id: i64,
    epoch_no: i64,
    sequence: i64,
    codes: [&'static str; 4],
    severity: u8,
    observed_at: i64,
    clock_offset_ms: i64,
    conflicting: bool,
    data_key_id: Vec<u8>,
    sealed: Vec<u8>,
}

/// What became of a flag.
pub(super) enum Made {
    /// It is kept in full.
    Kept(FlagRow),
    /// It is counted on this one: its account floods.
    Counted(i64),
    /// It would open a concern beyond those that its device may open in a day, and stays there.
    HeldBack(HeldBack),
}

impl Batch<'_> {
    /// Puts a flag into its concern and seals it for those who may read that.
    pub(super) async fn place(
        &mut self,
        (gate, placed): (&mut Gate<'_>, &mut Placed),
        record: &Prepared,
        flag: &Flag,
        content: &[u8],
        (epoch_no, conflicting): (i64, bool),
    ) -> Result<Made, sqlx::Error> {
        let (account_id, person_id) = self.account(&record.device_id, &flag.account).await?;
        let subject = self.directory.subject(person_id.as_deref(), &record.group);
        let topics = flag.matches.iter().map(|found| found.topic);
        let circumstances = Circumstances::of(subject.role, flag.provenance, topics);
        let mut named = self.directory.named_in(&flag.text, &circumstances);
        if let Some(person_id) = &person_id {
            named.remove(person_id);
        }
        let topic = flag.matches[0].topic;
        let whose = match &person_id {
            Some(person_id) => Whose::Person(person_id.clone()),
            None => Whose::Account(account_id),
        };
        let key = Key {
            whose,
            kind: kind_of(topic, subject.role),
            apart: self.directory.apart(&named),
        };
        let event_at = event_time(flag.observed_at_ms, record.clock_offset_ms, self.now);
        let placement = placed.find(self, &key, event_at).await?;
        if matches!(placement, Placement::Open { .. })
            && let Err(held_back) = gate.admit_concern(record)
        {
            return Ok(Made::HeldBack(held_back));
        }
        let (concern_id, sealed_to) = placed
            .place(
                self,
                (key, placement),
                &subject,
                named,
                event_at,
                topic,
                flag.severity,
            )
            .await?;
        let alike = Alike {
            concern_id: concern_id.clone(),
            account_id,
            topic: topic.code(),
            severity: flag.severity.get(),
            provenance: flag.provenance.code(),
        };
        if let Some(on) = self.counted_on(&alike).await? {
            placed.was_counted(&concern_id);
            self.count_on(on, Further::one(event_at));
            return Ok(Made::Counted(on));
        }
        let sealing = self.sealer.key_for(&concern_id, sealed_to);
        let data_key = sealing.map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
        let sealed = data_key
            .seal(content)
            .map_err(|error| sqlx::Error::Protocol(error.to_string()))?;
        let data_key_id = data_key.id().to_vec();
        placed.use_key(data_key);
        let flag_id = self.next_flag_id().await?;
        self.was_kept(alike, flag_id, sealed.len());
        Ok(Made::Kept(FlagRow {
            flag_id,
            concern_id,
            device_id: Arc::clone(&record.device_id),
            account_id,
            epoch_no,
            sequence: record.sequence,
            codes: [
                flag.audience.code(),
                flag.source.code(),
                flag.provenance.code(),
                topic.code(),
            ],
            severity: flag.severity.get(),
            observed_at: flag.observed_at_ms,
            clock_offset_ms: record.clock_offset_ms,
            conflicting,
            data_key_id,
            sealed,
        }))
    }

    /// The account's number, and the person it is known to be. A new one is taken for the person with its user name.
    pub(super) async fn account(
        &mut self,
        device_id: &Arc<str>,
        account: &Account,
    ) -> Result<(i64, Option<PersonId>), sqlx::Error> {
        let place = accounts::place(device_id, account).into();
        let key = (place, account.clone());
        if let Some(known) = self.caches.accounts.get(&key) {
            return Ok(known.clone());
        }
        if self.caches.accounts.len() > ACCOUNTS_IN_MEMORY {
            self.caches.accounts.clear();
        }
        let known = accounts::enter(
            &mut self.tx,
            &self.telling.school_id,
            &self.directory,
            (&key.0, account),
            self.now,
        )
        .await?;
        self.caches.accounts.insert(key, known.clone());
        Ok(known)
    }

    /// ONE WRITER: only this one gives numbers to flags, and remembers the last.
    async fn next_flag_id(&mut self) -> Result<i64, sqlx::Error> {
        let last = match self.caches.last_flag_id {
            Some(last) => last,
            None => {
                sqlx::query_scalar("SELECT coalesce(max(flag_id), 0) FROM flag")
                    .fetch_one(&mut *self.tx)
                    .await?
            }
        };
        self.caches.last_flag_id = Some(last + 1);
        Ok(last + 1)
    }

    pub(super) async fn insert_flags(&mut self, rows: &[FlagRow]) -> Result<(), sqlx::Error> {
        for rows in rows.chunks(ROWS) {
            let mut insert: QueryBuilder<Sqlite> = QueryBuilder::new(
                "INSERT INTO flag (school_id, flag_id, concern_id, device_id, account_id, epoch_no, sequence, audience,
                 source, provenance, topic, severity, observed_at, clock_offset_ms, received_at, conflicting, data_key_id,
                 sealed) ",
            );
            insert.push_values(rows, |mut bound, row| {
                bound
                    .push_bind(&*self.telling.school_id)
                    .push_bind(row.flag_id)
                    .push_bind(&row.concern_id)
                    .push_bind(&*row.device_id)
                    .push_bind(row.account_id)
                    .push_bind(row.epoch_no)
                    .push_bind(row.sequence);
                for code in row.codes {
                    bound.push_bind(code);
                }
                bound
                    .push_bind(row.severity)
                    .push_bind(row.observed_at)
                    .push_bind(row.clock_offset_ms)
                    .push_bind(self.now)
                    .push_bind(row.conflicting)
                    .push_bind(&row.data_key_id)
                    .push_bind(&row.sealed);
            });
            insert
                .build()
                .persistent(rows.len() == ROWS)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }
}

/// When it happened, by the collector's clock. A device's clock may be anything.
pub(super) fn event_time(observed_at: i64, clock_offset_ms: i64, now: i64) -> i64 {
    observed_at
        .saturating_add(clock_offset_ms)
        .clamp(now - OLDEST_MS, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_never_in_the_future_nor_older_than_a_device_keeps() {
        let now = 1_795_000_000_000;
        assert_eq!(event_time(now - 500, 200, now), now - 300);
        assert_eq!(event_time(now, DAY_MS, now), now);
        assert_eq!(event_time(0, 0, now), now - OLDEST_MS);
        assert_eq!(event_time(i64::MAX, i64::MAX, now), now);
    }
}
