//! From delivered records to concerns.
//!
//! One writer task takes whatever devices have handed in, up to [`BATCH`] records, and commits it in one transaction:
//! records, concerns, readers and notices together. Only then is anything answered.
//!
//! INVARIANT 2: nothing is answered as committed that is not on disk. What cannot be stored now is answered "not now"
//! and stays on the device. A record that the store refuses for what it is goes to quarantine alone.

mod batch;
mod commit;
mod concerns;
mod epochs;
mod flags;
mod flood;
mod gate;
mod others;
mod prepared;
mod touched;
mod volume;

pub use others::reckon_missing;
pub use prepared::Incoming;

use super::Store;
use super::disk::Disk;
use crate::live::{Live, LiveChange};
use crate::metering::{HeldBack, Meter};
use crate::profile::Profile;
use crate::seal::content::Sealer;
use crate::telling::Telling;
use arc_swap::ArcSwap;
use batch::{Batch, Caches};
use commit::Done;
use pastoral_keywords::Severity;
use prepared::Prepared;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use volume::Volume;

/// Records in one transaction at most, give or take one device's message.
const BATCH: usize = 1024;
/// Messages of devices that wait for the writer.
const WAITING: usize = 64;
/// From this severity flags are let in while the disk is nearly full.
const SEVERE: u8 = 4;

/// What a device is told about one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is on disk here: the device may delete it.
    Committed,
    /// It could not be read, and is kept sealed: the device may delete it.
    Quarantined(String),
    /// It is not stored: the device keeps it and sends it again.
    NotNow {
        /// Why.
        reason: &'static str,
        /// When to try again.
        retry_after_ms: u32,
    },
}

/// What the writer needs of the running collector.
pub struct Context {
    /// The database.
    pub store: Store,
    /// What telling people takes, with the profile that was in force when this began.
    pub telling: Telling,
    /// The profile in force.
    pub profile: Arc<ArcSwap<Profile>>,
    /// Seals content to reader groups.
    pub sealer: Arc<Sealer>,
    /// Tells open consoles of changes.
    pub live: Live,
    /// Woken when a notice was queued.
    pub outbox_wake: Arc<Notify>,
    /// Woken when a concern's timers changed.
    pub escalation_wake: Arc<Notify>,
}

impl Context {
    /// What telling people takes, as things are now.
    fn telling(&self) -> Telling {
        Telling {
            profile: self.profile.load_full(),
            ..self.telling.clone()
        }
    }

    /// After a commit: open consoles are told what changed, and where somebody may have to be told, those who tell people
    /// are woken.
    fn committed(&self, done: &Done) {
        for concern_id in &done.changed {
            self.live.tell(LiveChange {
                school_id: self.telling.school_id.to_string(),
                concern_id: Some(concern_id.clone()),
            });
        }
        if done.notices {
            self.outbox_wake.notify_one();
            self.escalation_wake.notify_one();
        }
    }
}

struct Job {
    records: Vec<Prepared>,
    answer: oneshot::Sender<Vec<Answer>>,
}

/// The way in for delivered records. Cheap to clone.
#[derive(Clone)]
pub struct Ingest {
    jobs: mpsc::Sender<Job>,
}

impl Ingest {
    /// Starts the writer. It ends when `stop` is cancelled, after the batch at hand.
    #[must_use]
    pub fn start(
        context: Context,
        disk: Arc<Disk>,
        meter: Arc<Meter>,
        stop: CancellationToken,
    ) -> (Self, tokio::task::JoinHandle<()>) {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let writer = Writer {
            context,
            disk,
            meter,
            caches: Caches::default(),
            volume: Volume::default(),
        };
        (Self { jobs }, tokio::spawn(writer.run(waiting, stop)))
    }

    /// Hands in one device's records, waits until they are committed or not, and gives an answer for each, in order.
    pub async fn commit(&self, incoming: Vec<Incoming>) -> Vec<Answer> {
        let count = incoming.len();
        // Decoding and hashing here lets devices' messages be prepared beside each other.
        let records = incoming.into_iter().map(Prepared::from).collect();
        let (answer, answered) = oneshot::channel();
        let stopping = || vec![not_now("the collector is stopping"); count];
        if self.jobs.send(Job { records, answer }).await.is_err() {
            return stopping();
        }
        answered.await.unwrap_or_else(|_| stopping())
    }
}

struct Writer {
    context: Context,
    disk: Arc<Disk>,
    /// What each device uses of what is limited.
    meter: Arc<Meter>,
    caches: Caches,
    volume: Volume,
}

impl Writer {
    async fn run(mut self, mut waiting: mpsc::Receiver<Job>, stop: CancellationToken) {
        loop {
            let first = tokio::select! {
                () = stop.cancelled() => return,
                job = waiting.recv() => job,
            };
            let Some(first) = first else { return };
            let (mut records, mut answers) = (first.records, vec![(first.answer, 0)]);
            answers[0].1 = records.len();
            while records.len() < BATCH
                && let Ok(job) = waiting.try_recv()
            {
                answers.push((job.answer, job.records.len()));
                records.extend(job.records);
            }
            let mut results = self.commit(&records).await.into_iter();
            for (answer, count) in answers {
                let _stream_may_be_gone = answer.send(results.by_ref().take(count).collect());
            }
        }
    }

    /// Commits what can be committed now.
    async fn commit(&mut self, records: &[Prepared]) -> Vec<Answer> {
        self.disk.look();
        if !self.disk.is_low() {
            return self.commit_isolating(records).await;
        }
        let severe =
            |record: &Prepared| record.severity() >= Severity::try_from(SEVERE).unwrap_or(Severity::MAX);
        let admitted: Vec<_> = records.iter().filter(|record| severe(record)).cloned().collect();
        let mut answers = self.commit_isolating(&admitted).await.into_iter();
        let low = || not_now("the collector's disk is nearly full; only severe flags are taken");
        records
            .iter()
            .map(|record| {
                if severe(record) {
                    answers.next().unwrap_or_else(low)
                } else {
                    low()
                }
            })
            .collect()
    }

    /// Commits records together; when the store refuses one for what it is, finds it by halving, so that it alone
    /// is affected.
    async fn commit_isolating(&mut self, records: &[Prepared]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(records.len());
        let mut parts = if records.is_empty() { vec![] } else { vec![records] };
        while let Some(part) = parts.pop() {
            match self.commit_once(part, false).await {
                Ok(given) => answers.extend(given),
                Err(error) if is_passing(&error) => {
                    self.note_failure(&error);
                    answers.extend(vec![
                        not_now("the collector cannot write to its disk");
                        part.len()
                    ]);
                }
                Err(error) if part.len() == 1 => {
                    tracing::error!(%error, "the store refused a record; it is put into quarantine");
                    let kept = self.commit_once(part, true).await;
                    answers.push(
                        kept.ok()
                            .and_then(|mut given| given.pop())
                            .unwrap_or_else(|| not_now("the collector could not store this record")),
                    );
                }
                Err(_) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
            }
        }
        answers
    }

    async fn commit_once(&mut self, records: &[Prepared], refuse: bool) -> Result<Vec<Answer>, sqlx::Error> {
        let committed = Batch::commit(
            &self.context,
            &self.meter,
            &mut self.caches,
            &mut self.volume,
            records,
            refuse,
        )
        .await;
        let Ok(done) = committed else {
            // What was learnt in a transaction that did not happen is not so.
            self.caches = Caches::default();
            self.volume = Volume::default();
            return committed.map(|done| done.answers);
        };
        self.context.committed(&done);
        Ok(done.answers)
    }

    fn note_failure(&self, error: &sqlx::Error) {
        tracing::error!(%error, "delivered records cannot be stored; devices keep them");
        if primary_code(error) == Some(SQLITE_FULL) {
            self.disk.is_full();
        }
    }
}

/// A device that is beyond a limit waits for longer and longer.
fn held_back(held_back: HeldBack) -> Answer {
    Answer::NotNow {
        reason: held_back.what.told(),
        retry_after_ms: held_back.pause_ms,
    }
}

fn not_now(reason: &'static str) -> Answer {
    Answer::NotNow {
        reason,
        retry_after_ms: 5_000,
    }
}

const SQLITE_FULL: u32 = 13;

/// Whether the same records may be stored later: everything but what the store says about their form.
fn is_passing(error: &sqlx::Error) -> bool {
    const TOO_BIG: u32 = 18;
    const CONSTRAINT: u32 = 19;
    const MISMATCH: u32 = 20;
    match error {
        sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => false,
        _ => !matches!(primary_code(error), Some(TOO_BIG | CONSTRAINT | MISMATCH)),
    }
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code: u32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}
