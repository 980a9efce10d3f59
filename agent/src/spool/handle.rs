//! The spool as the tasks of the service see it: what they ask of its thread, and how it stands.

use super::{Kept, Key, New, Usage, Wanted};
use pastoral_proto::{Epoch, FlagId, Gap};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

const TICK: Duration = Duration::from_secs(1);

/// A record that was not kept. It is counted, and will be reported as a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there was no room to keep the record")]
pub struct NotKept;

/// How the spool stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolStanding {
    /// The epoch of new records.
    pub epoch: Epoch,
    /// How much it holds.
    pub usage: Usage,
    /// Rises with every commit.
    pub commits: u64,
    /// Rises with every severe flag that is kept.
    pub severe: u64,
    /// What is wrong, in plain words; empty if nothing.
    pub trouble: String,
}

pub(super) enum SpoolCommand {
    Append(New, oneshot::Sender<Result<FlagId, NotKept>>),
    Read(Wanted, oneshot::Sender<Vec<Kept>>),
    Remove(Vec<Key>),
    Gap(Gap),
    Tick,
    Stop(oneshot::Sender<()>),
}

/// The spool, for the tasks of the service.
#[derive(Clone)]
pub struct SpoolHandle {
    pub(super) commands: mpsc::Sender<SpoolCommand>,
    pub(super) standing: watch::Receiver<SpoolStanding>,
}

impl SpoolHandle {
    /// Hands a record over; the answer comes when it is durable.
    pub async fn keep(&self, new: New) -> oneshot::Receiver<Result<FlagId, NotKept>> {
        let (done, answer) = oneshot::channel();
        // The thread only ends with the service; the answer then never comes.
        let _ = self.commands.send(SpoolCommand::Append(new, done)).await;
        answer
    }

    /// The next records to deliver.
    pub async fn read(&self, wanted: Wanted) -> Vec<Kept> {
        let (done, answer) = oneshot::channel();
        let _ = self.commands.send(SpoolCommand::Read(wanted, done)).await;
        answer.await.unwrap_or_default()
    }

    /// Forgets delivered records.
    pub async fn remove(&self, keys: Vec<Key>) {
        let _ = self.commands.send(SpoolCommand::Remove(keys)).await;
    }

    /// Counts something that was not kept or not watched; it is reported before long.
    pub async fn gap(&self, gap: Gap) {
        let _ = self.commands.send(SpoolCommand::Gap(gap)).await;
    }

    /// How the spool stands, and its changes.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<SpoolStanding> {
        self.standing.clone()
    }

    /// Writes what waits and makes it durable. Later commands have no effect.
    pub async fn stop(&self) {
        let (done, answer) = oneshot::channel();
        let _ = self.commands.send(SpoolCommand::Stop(done)).await;
        let _ = answer.await;
    }

    /// Lets the thread settle, report and recover.
    pub async fn settle(&self) -> anyhow::Result<()> {
        let sent = self.commands.send(SpoolCommand::Tick).await;
        sent.map_err(|_| anyhow::anyhow!("the spool's thread has ended"))
    }

    /// [`SpoolHandle::settle`] from time to time, until told to stop.
    pub async fn tick(self, token: CancellationToken) -> anyhow::Result<()> {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                _ = interval.tick() => self.settle().await?,
            }
        }
    }
}
