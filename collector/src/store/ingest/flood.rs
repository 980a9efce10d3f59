//! A flood of flags by one account is one concern with a count: the first ones are kept in full, further ones of the
//! same account, topic, severity and provenance are counted on the last that was kept. A rise of severity, another
//! topic, and what was typed beside what a page wrote are kept in full whatever floods.
//!
//! | bound | why |
//! |---|---|
//! | [`KEPT`] alike in a concern and day | nobody reads more of the same; a day of backlog has fewer |
//! | [`super::volume::ACCOUNT_BYTES`] of an account and day, then [`KEPT_BEYOND`] alike | 500 of each sort of the longest flags are a disk |
//! | [`super::volume::SCHOOL_BYTES`] of a school and day, then the same for all | many accounts, invented on many stolen devices |
//!
//! What is counted is committed and answered like what is kept, so that the device lets go of it (invariant 2).

use super::batch::{Alike, Batch, Further, Kept};
use super::volume::DAY_MS;

/// Flags alike that are kept in full of a concern and day.
pub(super) const KEPT: i64 = 500;
/// The same, of an account or school beyond its bytes.
pub(super) const KEPT_BEYOND: i64 = 3;
/// Sorts of flags kept in memory.
const IN_MEMORY: usize = 20_000;

impl Batch<'_> {
    /// The flag that one more of the same is counted on; none while it is to be kept in full.
    pub(super) async fn counted_on(&mut self, alike: &Alike) -> Result<Option<i64>, sqlx::Error> {
        let today = self.now / DAY_MS;
        let known = self.caches.floods.get(alike).filter(|kept| kept.day == today);
        let kept = match known {
            Some(kept) => *kept,
            None => self.kept_today(alike, today).await?,
        };
        let beyond = self.volume.is_beyond(alike.account_id, &self.kept_bytes);
        let most = if beyond { KEPT_BEYOND } else { KEPT };
        Ok((kept.count >= most).then_some(kept.last))
    }

    /// One more was kept.
    pub(super) fn was_kept(&mut self, alike: Alike, flag_id: i64, bytes: usize) {
        let day = self.now / DAY_MS;
        let nothing = Kept {
            day,
            count: 0,
            last: flag_id,
        };
        *self.kept_bytes.entry(alike.account_id).or_default() += i64::try_from(bytes).unwrap_or(i64::MAX);
        let kept = self.caches.floods.entry(alike).or_insert(nothing);
        if kept.day != day {
            *kept = nothing;
        }
        kept.count += 1;
        kept.last = flag_id;
    }

    async fn kept_today(&mut self, alike: &Alike, day: i64) -> Result<Kept, sqlx::Error> {
        if self.caches.floods.len() > IN_MEMORY {
            self.caches.floods.clear();
        }
        let (count, last): (i64, Option<i64>) = sqlx::query_as(
            "SELECT count(*), max(flag_id) FROM flag WHERE school_id = $1 AND concern_id = $2 AND account_id = $3
             AND topic = $4 AND severity = $5 AND provenance = $6 AND received_at >= $7",
        )
        .bind(&*self.telling.school_id)
        .bind(&alike.concern_id)
        .bind(alike.account_id)
        .bind(alike.topic)
        .bind(alike.severity)
        .bind(alike.provenance)
        .bind(day * DAY_MS)
        .fetch_one(&mut *self.tx)
        .await?;
        let kept = Kept {
            day,
            count,
            last: last.unwrap_or(0),
        };
        self.caches.floods.insert(alike.clone(), kept);
        Ok(kept)
    }

    /// Writes what was counted on flags that are kept.
    pub(super) async fn write_further(&mut self) -> Result<(), sqlx::Error> {
        for (flag_id, further) in std::mem::take(&mut self.further) {
            sqlx::query(
                "UPDATE flag SET further = further + $1,
                 further_from_at = CASE WHEN further_from_at < $2 THEN further_from_at ELSE $2 END,
                 further_to_at = CASE WHEN further_to_at > $3 THEN further_to_at ELSE $3 END
                 WHERE school_id = $4 AND flag_id = $5",
            )
            .bind(further.count)
            .bind(further.from_at)
            .bind(further.to_at)
            .bind(&*self.telling.school_id)
            .bind(flag_id)
            .execute(&mut *self.tx)
            .await?;
        }
        Ok(())
    }

    /// Counts flags that are not kept on one that is.
    pub(super) fn count_on(&mut self, flag_id: i64, further: Further) {
        self.further
            .entry(flag_id)
            .and_modify(|before| *before = before.and(further))
            .or_insert(further);
    }
}
