//! Which records are new. A record's identity is device, epoch and sequence, for ever.

use super::gate::Gate;
use super::prepared::Prepared;
use crate::metering::HeldBack;
use crate::store::Write;
use sqlx::QueryBuilder;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A run of a device's service.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub(super) struct Known {
    pub(super) epoch_no: i64,
    high_water: i64,
    forgotten_below: i64,
}

/// Epochs seen before, so that they need not be looked up.
pub(super) type Epochs = HashMap<(Arc<str>, Vec<u8>), Known>;

/// What a record's identity says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not seen before.
    New(i64),
    /// Committed before, or so long ago that it was forgotten.
    Before,
    /// The same identity with another content: two devices are clones of each other.
    Conflict(i64),
    /// Its device is beyond a limit: it stays there for now.
    HeldBack(HeldBack),
}

const EPOCHS_IN_MEMORY: usize = 20_000;
/// Records that one query looks up.
const ROWS: usize = 500;

/// Tells of a batch's records, one after the other, which are new and come in, and writes down the new ones' epochs.
pub(super) struct Fates {
    known: Vec<Option<Known>>,
    /// The digests that were committed under an identity, or are in this batch.
    seen: HashMap<(i64, i64), Vec<[u8; 32]>>,
    /// How many came in of each epoch, and the highest.
    raised: HashMap<i64, (i64, i64)>,
}

impl Fates {
    /// Looks up what is known of a batch's records.
    pub(super) async fn read(
        tx: &mut Write,
        school_id: &str,
        epochs: &mut Epochs,
        records: &[Prepared],
    ) -> Result<Self, sqlx::Error> {
        if epochs.len() > EPOCHS_IN_MEMORY {
            epochs.clear();
        }
        let mut known = Vec::with_capacity(records.len());
        let mut read_again = HashSet::new();
        for record in records {
            let key = (Arc::clone(&record.device_id), record.epoch.clone());
            // Retention forgets what is below the high-water mark, so there the store is asked, not memory.
            let in_memory = epochs
                .get(&key)
                .filter(|known| record.sequence > known.high_water || read_again.contains(&known.epoch_no));
            known.push(match in_memory {
                Some(known) => Some(*known),
                None => {
                    let read = find(tx, school_id, &record.device_id, &record.epoch).await?;
                    if let Some(read) = read {
                        read_again.insert(read.epoch_no);
                        epochs.insert(key, read);
                    }
                    read
                }
            });
        }
        Ok(Self {
            seen: delivered_before(tx, records, &known).await?,
            known,
            raised: HashMap::new(),
        })
    }

    /// The fate of the record with this number. One that is admitted either comes in, or has no identity yet: the same may
    /// come again, in this very batch.
    pub(super) async fn of(
        &self,
        tx: &mut Write,
        school_id: &str,
        epochs: &mut Epochs,
        gate: &mut Gate<'_>,
        (number, record): (usize, &Prepared),
        now_ms: i64,
    ) -> Result<Fate, sqlx::Error> {
        let key = (Arc::clone(&record.device_id), record.epoch.clone());
        // Another record of the batch may have begun the epoch.
        let known = self.known[number].or_else(|| epochs.get(&key).copied());
        let digests = |known: Known| self.seen.get(&(known.epoch_no, record.sequence));
        let before = |known: Known| {
            record.sequence < known.forgotten_below
                || digests(known).is_some_and(|digests| digests.contains(&record.digest))
        };
        if known.is_some_and(before) {
            return Ok(Fate::Before);
        }
        if let Err(held_back) = gate.admit(record, known.is_none()) {
            return Ok(Fate::HeldBack(held_back));
        }
        let known = match known {
            Some(known) => known,
            None => {
                let added = add(tx, school_id, record, now_ms).await?;
                epochs.insert(key, added);
                added
            }
        };
        Ok(if digests(known).is_some_and(|digests| !digests.is_empty()) {
            Fate::Conflict(known.epoch_no)
        } else {
            Fate::New(known.epoch_no)
        })
    }

    /// A record comes in: its identity is taken.
    pub(super) fn came_in(&mut self, record: &Prepared, epoch_no: i64, conflicting: bool) {
        let digests = self.seen.entry((epoch_no, record.sequence)).or_default();
        digests.push(record.digest);
        if !conflicting {
            let (count, highest) = self.raised.entry(epoch_no).or_insert((0, record.sequence));
            (*count, *highest) = (*count + 1, (*highest).max(record.sequence));
        }
    }

    /// Raises the high-water marks of what came in.
    pub(super) async fn raise(
        &self,
        tx: &mut Write,
        epochs: &mut Epochs,
        records: &[Prepared],
    ) -> Result<(), sqlx::Error> {
        raise(tx, &self.raised).await?;
        for record in records {
            if let Some(known) = epochs.get_mut(&(Arc::clone(&record.device_id), record.epoch.clone()))
                && let Some((_, highest)) = self.raised.get(&known.epoch_no)
            {
                known.high_water = known.high_water.max(*highest);
            }
        }
        Ok(())
    }
}

async fn find(
    tx: &mut Write,
    school_id: &str,
    device_id: &str,
    epoch: &[u8],
) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as(
        "SELECT epoch_no, high_water, forgotten_below FROM epoch
         WHERE school_id = $1 AND device_id = $2 AND epoch = $3",
    )
    .bind(school_id)
    .bind(device_id)
    .bind(epoch)
    .fetch_optional(&mut **tx)
    .await
}

/// ONE WRITER: nobody else adds it meanwhile.
async fn add(tx: &mut Write, school_id: &str, record: &Prepared, now_ms: i64) -> Result<Known, sqlx::Error> {
    sqlx::query_as(
        "INSERT INTO epoch (school_id, device_id, epoch, first_seen_at) VALUES ($1, $2, $3, $4)
         RETURNING epoch_no, high_water, forgotten_below",
    )
    .bind(school_id)
    .bind(&*record.device_id)
    .bind(&record.epoch)
    .bind(now_ms)
    .fetch_one(&mut **tx)
    .await
}

/// The digests that were committed under the records' identities. Above the high-water mark there are none.
async fn delivered_before(
    tx: &mut Write,
    records: &[Prepared],
    known: &[Option<Known>],
) -> Result<HashMap<(i64, i64), Vec<[u8; 32]>>, sqlx::Error> {
    let mut seen: HashMap<_, Vec<_>> = HashMap::new();
    let asked: Vec<(i64, i64)> = records
        .iter()
        .zip(known)
        .filter_map(|(record, known)| known.map(|known| (record, known)))
        .filter(|(record, known)| record.sequence <= known.high_water)
        .map(|(record, known)| (known.epoch_no, record.sequence))
        .collect();
    for asked in asked.chunks(ROWS) {
        let mut query = QueryBuilder::new("WITH asked (epoch_no, sequence) AS (");
        query.push_values(asked, |mut row, (epoch_no, sequence)| {
            row.push_bind(*epoch_no).push_bind(*sequence);
        });
        // A cross join keeps the order: each record that was asked for is looked up by its key.
        query.push(
            ") SELECT delivered.epoch_no, delivered.sequence, digest FROM asked CROSS JOIN delivered
             WHERE delivered.epoch_no = asked.epoch_no AND delivered.sequence = asked.sequence",
        );
        let rows: Vec<(i64, i64, Vec<u8>)> = query.build_query_as().fetch_all(&mut **tx).await?;
        for (epoch_no, sequence, digest) in rows {
            let digests = seen.entry((epoch_no, sequence)).or_default();
            let digest = digest.try_into().unwrap_or_default();
            if !digests.contains(&digest) {
                digests.push(digest);
            }
        }
    }
    Ok(seen)
}

async fn raise(tx: &mut Write, raised: &HashMap<i64, (i64, i64)>) -> Result<(), sqlx::Error> {
    let raised: Vec<_> = raised.iter().collect();
    for raised in raised.chunks(ROWS) {
        let mut update = QueryBuilder::new("WITH given (epoch_no, count, highest) AS (");
        update.push_values(raised, |mut row, (epoch_no, (count, highest))| {
            row.push_bind(**epoch_no).push_bind(*count).push_bind(*highest);
        });
        update.push(
            ") UPDATE epoch SET delivered = delivered + given.count,
                high_water = CASE WHEN high_water < given.highest THEN given.highest ELSE high_water END
             FROM given WHERE epoch.epoch_no = given.epoch_no",
        );
        update.build().persistent(false).execute(&mut **tx).await?;
    }
    Ok(())
}
