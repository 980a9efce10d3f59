//! One transaction: a batch of records, the concerns they change, and the notices that causes.

use super::Answer;
use super::concerns::Placed;
use super::epochs::{Epochs, Fate, fates};
use super::prepared::{Content, Prepared};
use super::{concerns, flags, others};
use crate::app::App;
use crate::clock;
use crate::notify::Telling;
use crate::profile::Profile;
use crate::store::people::Directory;
use crate::store::{Write, devices};
use pastoral_keywords::Topic;
use pastoral_proto::Record;
use sqlx::{QueryBuilder, Sqlite};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What the writer keeps in memory between batches. Everything in it can be read again.
#[derive(Default)]
pub(super) struct Caches {
    pub(super) directory: Option<Arc<Directory>>,
    pub(super) epochs: Epochs,
    pub(super) accounts: flags::Accounts,
    /// The topics of concerns that have been proposed a category for.
    pub(super) topics: HashMap<String, BTreeSet<Topic>>,
    pub(super) last_flag_id: Option<i64>,
}

/// What came of a batch.
pub(super) struct Done {
    pub(super) answers: Vec<Answer>,
    /// Concerns that opened or changed.
    pub(super) changed: Vec<String>,
    /// Whether somebody may have to be told.
    pub(super) notices: bool,
}

/// The transaction and what it works with.
pub(super) struct Batch<'a> {
    pub(super) tx: Write,
    pub(super) app: &'a App,
    pub(super) profile: Arc<Profile>,
    pub(super) directory: Arc<Directory>,
    pub(super) caches: &'a mut Caches,
    pub(super) now: i64,
}

/// A row of `delivered`.
struct Delivered {
    epoch_no: i64,
    sequence: i64,
    digest: [u8; 32],
    flag_id: Option<i64>,
}

impl<'a> Batch<'a> {
    /// Commits the records. With `refuse` they go to quarantine, whatever they are.
    pub(super) async fn commit(
        app: &'a App,
        caches: &'a mut Caches,
        records: &[Prepared],
        refuse: bool,
    ) -> Result<Done, sqlx::Error> {
        let mut tx = app.store.write().await?;
        let profile = app.profile.load_full();
        let directory = Directory::fresh(caches.directory.clone(), &mut tx, &app.school_id, &profile).await?;
        if !caches
            .directory
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, &directory))
        {
            caches.accounts.clear();
            caches.directory = Some(Arc::clone(&directory));
        }
        let mut batch = Self {
            tx,
            app,
            profile,
            directory,
            caches,
            now: clock::now_ms(),
        };
        let done = batch.store(records, refuse).await?;
        // INVARIANT 2: the commit is synced before it returns; answers are given only after.
        batch.tx.commit().await?;
        Ok(done)
    }

    /// What notices need to know, by the profile of this batch.
    pub(super) fn telling(&self) -> Telling {
        Telling {
            profile: Arc::clone(&self.profile),
            ..Telling::of(self.app)
        }
    }

    async fn store(&mut self, records: &[Prepared], refuse: bool) -> Result<Done, sqlx::Error> {
        let school_id = Arc::clone(&self.app.school_id);
        let fates = fates(
            &mut self.tx,
            &school_id,
            &mut self.caches.epochs,
            records,
            self.now,
        )
        .await?;
        let mut placed = Placed::default();
        let mut answers = Vec::with_capacity(records.len());
        let mut delivered = Vec::with_capacity(records.len());
        let (mut new_flags, mut repeats) = (Vec::new(), Vec::new());
        for (record, fate) in records.iter().zip(&fates) {
            let (epoch_no, conflicting) = match fate {
                Fate::Before => {
                    answers.push(Answer::Committed);
                    continue;
                }
                Fate::New(epoch_no) => (*epoch_no, false),
                Fate::Conflict(epoch_no) => (*epoch_no, true),
            };
            if conflicting {
                // The same identity came with another content: people must know.
                devices::note_cloned(&mut self.tx, &school_id, &record.device_id, true, self.now).await?;
            }
            let mut flag_id = None;
            let answer = match &record.content {
                Content::Good(decoded, content) if !refuse => {
                    match &**decoded {
                        Record::Flag(flag) => {
                            let row = self
                                .place(&mut placed, record, flag, content, epoch_no, conflicting)
                                .await?;
                            flag_id = Some(row.flag_id);
                            new_flags.push(row);
                        }
                        Record::Repeats(again) => repeats.push((record, again.clone())),
                        Record::Gap(gap) => self.note_gap(record, gap).await?,
                        Record::EpochStart(start) => {
                            others::note_start(&mut self.tx, epoch_no, start).await?;
                        }
                    }
                    Answer::Committed
                }
                content => self.quarantine(record, content).await?,
            };
            delivered.push(Delivered {
                epoch_no,
                sequence: record.sequence,
                digest: record.digest,
                flag_id,
            });
            answers.push(answer);
        }
        self.insert_delivered(&delivered).await?;
        self.insert_flags(&new_flags).await?;
        for (record, again) in repeats {
            others::add_repeats(&mut self.tx, &school_id, record, &again, self.now).await?;
        }
        let notices = concerns::settle(self, &mut placed).await?;
        Ok(Done {
            answers,
            changed: placed.into_changed(),
            notices,
        })
    }

    async fn insert_delivered(&mut self, rows: &[Delivered]) -> Result<(), sqlx::Error> {
        for rows in rows.chunks(flags::ROWS) {
            let mut insert: QueryBuilder<Sqlite> =
                QueryBuilder::new("INSERT INTO delivered (school_id, epoch_no, sequence, digest, flag_id) ");
            insert.push_values(rows, |mut bound, row| {
                bound
                    .push_bind(&*self.app.school_id)
                    .push_bind(row.epoch_no)
                    .push_bind(row.sequence)
                    .push_bind(&row.digest[..])
                    .push_bind(row.flag_id);
            });
            insert
                .build()
                .persistent(rows.len() == flags::ROWS)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(())
    }
}
