//! Bytes of flags kept of each account, and of the whole school, on a day (UTC).
//!
//! Counted in memory and written down in the transaction that keeps them, whenever another [`STEP`] has come together: on
//! an ordinary day nothing is written, and a restart forgets less than a step of each.

use crate::store::Write;
use std::collections::HashMap;

const MIB: i64 = 1024 * 1024;
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Bytes of flags kept of an account in a day.
pub(super) const ACCOUNT_BYTES: i64 = 16 * MIB;
/// Bytes of flags kept of a school in a day.
pub(super) const SCHOOL_BYTES: i64 = 2048 * MIB;
const STEP: i64 = MIB;
/// The number of the whole school, which no account has.
const SCHOOL: i64 = 0;

/// Bytes kept on a day.
#[derive(Debug, Default)]
pub(super) struct Volume {
    day: Option<i64>,
    /// By account; the school's beside them.
    counts: HashMap<i64, Count>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    bytes: i64,
    written: i64,
}

impl Volume {
    /// Begins a day, or goes on with what was written down of it.
    pub(super) async fn turn(
        &mut self,
        tx: &mut Write,
        school_id: &str,
        now: i64,
    ) -> Result<(), sqlx::Error> {
        let day = now / DAY_MS;
        if self.day == Some(day) {
            return Ok(());
        }
        let rows: Vec<(i64, i64)> =
            sqlx::query_as("SELECT account_id, bytes FROM kept_bytes WHERE school_id = $1 AND day = $2")
                .bind(school_id)
                .bind(day)
                .fetch_all(&mut **tx)
                .await?;
        let count = |(account_id, bytes)| {
            let written = bytes;
            (account_id, Count { bytes, written })
        };
        self.counts = rows.into_iter().map(count).collect();
        self.day = Some(day);
        Ok(())
    }

    /// Writes down, with the flags themselves, what has grown by a step with what this transaction keeps. Gives what is
    /// kept of whom and what of it is written down, for [`Volume::add`] after the commit.
    pub(super) async fn write(
        &self,
        tx: &mut Write,
        school_id: &str,
        mut kept: HashMap<i64, i64>,
    ) -> Result<Vec<(i64, i64, bool)>, sqlx::Error> {
        let all = kept.values().copied().fold(0, i64::saturating_add);
        kept.insert(SCHOOL, all);
        let mut counted = Vec::with_capacity(kept.len());
        for (account_id, more) in kept {
            let count = self.counts.get(&account_id).copied().unwrap_or_default();
            let bytes = count.bytes.saturating_add(more);
            let grown = bytes - count.written >= STEP;
            if grown {
                sqlx::query(
                    "INSERT INTO kept_bytes (school_id, account_id, day, bytes) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (school_id, account_id) DO UPDATE SET day = excluded.day, bytes = excluded.bytes",
                )
                .bind(school_id)
                .bind(account_id)
                .bind(self.day)
                .bind(bytes)
                .execute(&mut **tx)
                .await?;
            }
            counted.push((account_id, bytes, grown));
        }
        Ok(counted)
    }

    /// What a transaction kept is on disk.
    pub(super) fn add(&mut self, counted: Vec<(i64, i64, bool)>) {
        for (account_id, bytes, written) in counted {
            let count = self.counts.entry(account_id).or_default();
            count.bytes = bytes;
            if written {
                count.written = bytes;
            }
        }
    }

    /// Whether an account, with what the transaction at hand keeps of it, or the school is beyond its bytes.
    pub(super) fn is_beyond(&self, account_id: i64, pending: &HashMap<i64, i64>) -> bool {
        let of = |number| self.counts.get(&number).map_or(0, |count| count.bytes);
        let pending = pending.get(&account_id).copied().unwrap_or(0);
        of(account_id).saturating_add(pending) > ACCOUNT_BYTES || of(SCHOOL) > SCHOOL_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    async fn keeps(volume: &mut Volume, store: &Store, now: i64, kept: &[(i64, i64)]) {
        let mut tx = store.write().await.unwrap();
        volume.turn(&mut tx, "school", now).await.unwrap();
        let kept = kept.iter().copied().collect();
        let counted = volume.write(&mut tx, "school", kept).await.unwrap();
        tx.commit().await.unwrap();
        volume.add(counted);
    }

    async fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("store.db")).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn an_account_s_bytes_are_bounded_and_another_s_are_its_own() {
        let (_folder, store) = store().await;
        let (mut volume, nothing) = (Volume::default(), HashMap::new());
        keeps(&mut volume, &store, DAY_MS, &[(1, ACCOUNT_BYTES)]).await;
        assert!(!volume.is_beyond(1, &nothing));
        assert!(volume.is_beyond(1, &HashMap::from([(1, 1)])));
        keeps(&mut volume, &store, DAY_MS, &[(1, 1)]).await;
        assert!(volume.is_beyond(1, &nothing) && !volume.is_beyond(2, &nothing));
        keeps(&mut volume, &store, 2 * DAY_MS, &[]).await;
        assert!(!volume.is_beyond(1, &nothing), "another day");
    }

    #[tokio::test]
    async fn a_school_s_bytes_are_bounded() {
        let (_folder, store) = store().await;
        let mut volume = Volume::default();
        let accounts = 1..=SCHOOL_BYTES / ACCOUNT_BYTES + 1;
        let kept: Vec<_> = accounts.map(|account| (account, ACCOUNT_BYTES)).collect();
        keeps(&mut volume, &store, 0, &kept).await;
        assert!(volume.is_beyond(9_999, &HashMap::new()));
    }

    #[tokio::test]
    async fn what_was_kept_on_a_day_bounds_it_after_a_restart_too_but_for_less_than_a_step() {
        let (_folder, store) = store().await;
        let mut volume = Volume::default();
        for _ in 0..40 {
            keeps(&mut volume, &store, DAY_MS, &[(1, ACCOUNT_BYTES / 39), (2, 400)]).await;
        }
        let mut again = Volume::default();
        keeps(&mut again, &store, DAY_MS + 1, &[]).await;
        assert!(again.is_beyond(1, &HashMap::from([(1, STEP)])));
        let mut tx = store.write().await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM kept_bytes")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(rows, 2, "an ordinary account writes nothing");
    }
}
