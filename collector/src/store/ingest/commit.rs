//! One transaction: a batch of records, the concerns they change, and the notices that causes.

use super::batch::{Batch, Caches, ROWS};
use super::concerns::Placed;
use super::epochs::{Fate, Fates};
use super::flags::{FlagRow, Made};
use super::gate::Gate;
use super::prepared::{Content, Prepared};
use super::volume::Volume;
use super::{Answer, Context, concerns, held_back, others};
use crate::clock;
use crate::metering::{HeldBack, Meter};
use crate::store::devices;
use crate::store::people::Directory;
use pastoral_proto::{Record, Repeats};
use sqlx::{QueryBuilder, Sqlite};
use std::collections::HashMap;
use std::sync::Arc;

/// What came of a batch.
pub(super) struct Done {
    pub(super) answers: Vec<Answer>,
    /// Concerns that opened or changed.
    pub(super) changed: Vec<String>,
    /// Whether somebody may have to be told.
    pub(super) notices: bool,
}

/// A row of `delivered`.
struct Delivered {
    epoch_no: i64,
    sequence: i64,
    digest: [u8; 32],
    flag_id: Option<i64>,
}

/// What a batch has to write.
#[derive(Default)]
struct Work<'r> {
    placed: Placed,
    delivered: Vec<Delivered>,
    new_flags: Vec<FlagRow>,
    repeats: Vec<(&'r Prepared, &'r Repeats)>,
}

/// Whether a record that was admitted came in, and what stands for it.
enum Taken {
    In(Answer, Option<i64>),
    HeldBack(HeldBack),
}

impl<'a> Batch<'a> {
    /// Commits the records. With `refuse` they go to quarantine, whatever they are.
    pub(super) async fn commit(
        context: &'a Context,
        meter: &Meter,
        caches: &'a mut Caches,
        volume: &'a mut Volume,
        records: &[Prepared],
        refuse: bool,
    ) -> Result<Done, sqlx::Error> {
        let mut tx = context.store.write().await?;
        let telling = context.telling();
        let school_id = Arc::clone(&telling.school_id);
        let directory =
            Directory::fresh(caches.directory.clone(), &mut tx, &school_id, &telling.profile).await?;
        if !caches
            .directory
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &directory))
        {
            caches.accounts.clear();
            caches.directory = Some(Arc::clone(&directory));
        }
        let now = clock::now_ms();
        volume.turn(&mut tx, &school_id, now).await?;
        let mut gate = Gate::new(meter, telling.profile.cover.day(now), now, refuse);
        let mut batch = Self {
            tx,
            telling,
            sealer: &context.sealer,
            directory,
            caches,
            volume,
            kept_bytes: HashMap::new(),
            further: HashMap::new(),
            now,
        };
        let done = batch.store(&mut gate, records, refuse).await?;
        let counted = batch
            .volume
            .write(&mut batch.tx, &school_id, batch.kept_bytes)
            .await?;
        // INVARIANT 2: the commit is synced before it returns; answers are given only after.
        batch.tx.commit().await?;
        batch.volume.add(counted);
        gate.settle();
        Ok(done)
    }

    async fn store(
        &mut self,
        gate: &mut Gate<'_>,
        records: &[Prepared],
        refuse: bool,
    ) -> Result<Done, sqlx::Error> {
        let school_id = Arc::clone(&self.telling.school_id);
        let mut fates = Fates::read(&mut self.tx, &school_id, &mut self.caches.epochs, records).await?;
        let mut work = Work::default();
        let mut answers = Vec::with_capacity(records.len());
        for (number, record) in records.iter().enumerate() {
            let fate = fates
                .of(
                    &mut self.tx,
                    &school_id,
                    &mut self.caches.epochs,
                    gate,
                    (number, record),
                    self.now,
                )
                .await?;
            let (epoch_no, conflicting) = match fate {
                Fate::Before => {
                    answers.push(Answer::Committed);
                    continue;
                }
                Fate::HeldBack(held) => {
                    answers.push(held_back(held));
                    continue;
                }
                Fate::New(epoch_no) => (epoch_no, false),
                Fate::Conflict(epoch_no) => (epoch_no, true),
            };
            if conflicting {
                // The same identity came with another content: people must know.
                devices::note_cloned(&mut self.tx, &school_id, &record.device_id, true, self.now).await?;
            }
            let (answer, flag_id) = match self
                .take(gate, &mut work, record, (epoch_no, conflicting), refuse)
                .await?
            {
                Taken::In(answer, flag_id) => (answer, flag_id),
                Taken::HeldBack(held) => {
                    gate.stayed_out();
                    answers.push(held_back(held));
                    continue;
                }
            };
            gate.came_in();
            fates.came_in(record, epoch_no, conflicting);
            work.delivered.push(Delivered {
                epoch_no,
                sequence: record.sequence,
                digest: record.digest,
                flag_id,
            });
            answers.push(answer);
        }
        fates
            .raise(&mut self.tx, &mut self.caches.epochs, records)
            .await?;
        self.write(work, answers).await
    }

    /// Takes in a record that was admitted, unless it would open a concern beyond those that its device may open.
    async fn take<'r>(
        &mut self,
        gate: &mut Gate<'_>,
        work: &mut Work<'r>,
        record: &'r Prepared,
        (epoch_no, conflicting): (i64, bool),
        refuse: bool,
    ) -> Result<Taken, sqlx::Error> {
        let (decoded, content) = match &record.content {
            Content::Good(decoded, content) if !refuse => (decoded, content),
            content => return Ok(Taken::In(self.quarantine(record, content).await?, None)),
        };
        let mut flag_id = None;
        match &**decoded {
            Record::Flag(flag) => {
                let into = (gate, &mut work.placed);
                let made = self.place(into, record, flag, content, (epoch_no, conflicting));
                match made.await? {
                    Made::Kept(row) => {
                        flag_id = Some(row.flag_id);
                        work.new_flags.push(row);
                    }
                    Made::Counted(on) => flag_id = Some(on),
                    Made::HeldBack(held) => return Ok(Taken::HeldBack(held)),
                }
            }
            Record::Repeats(again) => {
                if let Err(held) = gate.admit_repeats(record)
                    && !self.has_come(record, again, &work.delivered).await?
                {
                    return Ok(Taken::HeldBack(held));
                }
                work.repeats.push((record, again));
            }
            Record::Gap(gap) => self.note_gap(record, gap).await?,
            Record::EpochStart(start) => others::note_start(&mut self.tx, epoch_no, start).await?,
        }
        Ok(Taken::In(Answer::Committed, flag_id))
    }

    /// Whether what is told more about has come in, before or in this batch.
    async fn has_come(
        &mut self,
        record: &Prepared,
        again: &Repeats,
        delivered: &[Delivered],
    ) -> Result<bool, sqlx::Error> {
        let Ok(sequence) = i64::try_from(again.of.sequence) else {
            return Ok(true);
        };
        let epoch: Option<(i64, bool)> = sqlx::query_as(
            "SELECT epoch_no, EXISTS (SELECT 1 FROM delivered
                WHERE delivered.epoch_no = epoch.epoch_no AND delivered.sequence = $4)
             FROM epoch WHERE school_id = $1 AND device_id = $2 AND epoch = $3",
        )
        .bind(&*self.telling.school_id)
        .bind(&*record.device_id)
        .bind(&again.of.epoch.0[..])
        .bind(sequence)
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(epoch.is_some_and(|(epoch_no, there)| {
            there
                || delivered
                    .iter()
                    .any(|row| (row.epoch_no, row.sequence) == (epoch_no, sequence))
        }))
    }

    async fn write(&mut self, mut work: Work<'_>, answers: Vec<Answer>) -> Result<Done, sqlx::Error> {
        self.insert_delivered(&work.delivered).await?;
        self.insert_flags(&work.new_flags).await?;
        for (record, again) in work.repeats {
            self.add_repeats(record, again).await?;
        }
        self.write_further().await?;
        let notices = concerns::settle(self, &mut work.placed).await?;
        Ok(Done {
            answers,
            changed: work.placed.into_changed(),
            notices,
        })
    }

    async fn insert_delivered(&mut self, rows: &[Delivered]) -> Result<(), sqlx::Error> {
        for rows in rows.chunks(ROWS) {
            let mut insert: QueryBuilder<Sqlite> =
                QueryBuilder::new("INSERT INTO delivered (school_id, epoch_no, sequence, digest, flag_id) ");
            insert.push_values(rows, |mut bound, row| {
                bound
                    .push_bind(&*self.telling.school_id)
                    .push_bind(row.epoch_no)
                    .push_bind(row.sequence)
                    .push_bind(&row.digest[..])
                    .push_bind(row.flag_id);
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
