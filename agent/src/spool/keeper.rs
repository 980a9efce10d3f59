//! The one thread that writes the spool: takes what waits, keeps it with one fsync, then answers all of it.
//!
//! A spool that fails is opened anew (a sled handle does not recover from a full disk); one that is damaged is set
//! aside; and while the disk is full only what is severe is taken. Nothing here is a reason for the service not to start.

use super::ballast::Ballast;
use super::handle::{NotKept, SpoolCommand, SpoolHandle, SpoolStanding};
use super::opening::Opening;
use super::{DiskSpool, GapLedger, Kept, Key, New, Numbers, SEVERE, SpoolError, Usage, Wanted};
use crate::files::{Filesystem, RealFilesystem};
use crate::{clock, platform};
use pastoral_proto::{Epoch, FlagId, Gap, Record};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// Commands that wait for the thread.
const COMMANDS: usize = 1024;
/// Records that wait for a disk that does not take them; beyond that the least severe goes.
const WAITING: usize = 2048;

/// Where the spool is and how large it may be.
#[derive(Clone)]
pub struct KeeperSettings {
    /// The state folder.
    pub state_dir: PathBuf,
    /// Bytes of records.
    pub bound_bytes: u64,
    /// How it reaches its files.
    pub files: Arc<dyn Filesystem>,
    /// When it tidies up.
    pub pace: Pace,
}

impl KeeperSettings {
    /// A spool in this machine's files.
    #[must_use]
    pub fn new(state_dir: PathBuf, bound_bytes: u64) -> Self {
        Self {
            state_dir,
            bound_bytes,
            files: Arc::new(RealFilesystem),
            pace: Pace::default(),
        }
    }
}

/// When the spool tidies up.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Nothing has been kept for so long, in milliseconds.
    pub settle_after_ms: i64,
    /// So many records have gone through a spool that is empty: it is renewed.
    pub renew_after: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            settle_after_ms: 2000,
            renew_after: 20_000,
        }
    }
}

/// The thread's state.
pub struct Keeper {
    opening: Opening,
    ballast: Ballast,
    pace: Pace,
    spool: Option<DiskSpool>,
    /// What was answered in this run.
    numbers: Option<Numbers>,
    waiting: Vec<New>,
    callers: Vec<Option<oneshot::Sender<Result<FlagId, NotKept>>>>,
    ledger: GapLedger,
    full: bool,
    trouble: String,
    appended_at_ms: i64,
    /// Records since the spool was opened.
    appended: usize,
    standing: watch::Sender<SpoolStanding>,
}

impl Keeper {
    /// Opens the spool and starts the thread.
    ///
    /// # Errors
    /// When another process has the spool open, or no thread can be started.
    pub fn start(settings: KeeperSettings) -> Result<(SpoolHandle, JoinHandle<()>), SpoolError> {
        let standing = SpoolStanding {
            epoch: Epoch([0; 16]),
            usage: Usage::default(),
            commits: 0,
            severe: 0,
            trouble: String::new(),
        };
        let (standing, watched) = watch::channel(standing);
        let (commands, received) = mpsc::channel(COMMANDS);
        let mut keeper = Self {
            ballast: Ballast::new(Arc::clone(&settings.files), &settings.state_dir.join("ballast")),
            pace: settings.pace,
            opening: Opening::new(settings),
            spool: None,
            numbers: None,
            waiting: Vec::new(),
            callers: Vec::new(),
            ledger: GapLedger::default(),
            full: false,
            trouble: String::new(),
            appended_at_ms: 0,
            appended: 0,
            standing,
        };
        keeper.open()?;
        if !keeper.full && !keeper.ballast.restore() {
            keeper.trouble_is(&SpoolError::Full);
        }
        keeper.publish(0, 0);
        let thread = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || keeper.run(received))
            .map_err(SpoolError::Io)?;
        Ok((
            SpoolHandle {
                commands,
                standing: watched,
            },
            thread,
        ))
    }

    fn run(mut self, mut commands: mpsc::Receiver<SpoolCommand>) {
        let mut stopped = None;
        while stopped.is_none() {
            let Some(first) = commands.blocking_recv() else {
                break;
            };
            let mut next = Some(first);
            let mut reads = Vec::new();
            let mut tick = false;
            while let Some(command) = next {
                match command {
                    SpoolCommand::Append(new, caller) => self.take(new, Some(caller)),
                    SpoolCommand::Read(wanted, caller) => reads.push((wanted, caller)),
                    SpoolCommand::Remove(keys) => self.remove(&keys),
                    SpoolCommand::Gap(gap) => self.ledger.count(gap),
                    SpoolCommand::Tick => tick = true,
                    SpoolCommand::Stop(caller) => stopped = Some(caller),
                }
                let more = self.waiting.len() < COMMANDS && stopped.is_none();
                next = if more { commands.try_recv().ok() } else { None };
            }
            self.commit(stopped.is_some());
            for (wanted, caller) in reads {
                let kept = self.read(&wanted);
                let _ = caller.send(kept);
            }
            if tick || stopped.is_some() {
                self.settle(stopped.is_some());
            }
            if stopped.is_some() {
                // What settling found lost is told too.
                self.commit(true);
            }
        }
        drop(self.spool.take());
        if let Some(caller) = stopped {
            let _ = caller.send(());
        }
    }

    fn take(&mut self, new: New, caller: Option<oneshot::Sender<Result<FlagId, NotKept>>>) {
        self.waiting.push(new);
        self.callers.push(caller);
        if self.waiting.len() > WAITING {
            let least = (0..self.waiting.len()).min_by_key(|at| (self.waiting[*at].severity, *at));
            if let Some(at) = least {
                self.give_up(at, "disk-not-answering");
            }
        }
    }

    /// INVARIANT 8: what does not fit is counted.
    fn give_up(&mut self, at: usize, cause: &'static str) {
        let new = self.waiting.remove(at);
        let dropped = super::Dropped {
            account: new.account,
            severity: Some(new.severity),
            count: 1,
            cause,
        };
        self.ledger.dropped(dropped, clock::now_ms());
        if let Some(caller) = self.callers.remove(at) {
            let _ = caller.send(Err(NotKept));
        }
    }

    fn commit(&mut self, last: bool) {
        let now_ms = clock::now_ms();
        if self.full {
            for at in (0..self.waiting.len()).rev() {
                if self.waiting[at].severity.get() < SEVERE {
                    self.give_up(at, "disk-full");
                }
            }
        } else if self.spool.is_some() {
            let gaps = if last {
                self.ledger.all()
            } else {
                self.ledger.due(now_ms)
            };
            for gap in gaps {
                self.take(New::record(None, &Record::Gap(gap)), None);
            }
        }
        // Once as things are, once after the spool was opened anew, once after the ballast was given up.
        for _ in 0..3 {
            if self.waiting.is_empty() {
                return;
            }
            let Some(spool) = &mut self.spool else { return };
            match spool.append(&self.waiting, now_ms) {
                Ok(appended) => return self.answer(appended, now_ms),
                Err(error) => self.recover(&error),
            }
        }
    }

    fn answer(&mut self, appended: super::Appended, now_ms: i64) {
        for dropped in appended.dropped {
            self.ledger.dropped(dropped, now_ms);
        }
        let severe = self
            .waiting
            .iter()
            .filter(|new| new.severity.get() >= SEVERE)
            .count() as u64;
        for (id, caller) in appended.ids.into_iter().zip(self.callers.drain(..)) {
            if let Some(caller) = caller {
                let _ = caller.send(id.ok_or(NotKept));
            }
        }
        self.appended += self.waiting.len();
        self.waiting.clear();
        self.numbers = self.spool.as_ref().map(DiskSpool::numbers);
        self.appended_at_ms = now_ms;
        self.publish(1, severe);
    }

    fn read(&mut self, wanted: &Wanted) -> Vec<Kept> {
        let Some(spool) = &mut self.spool else {
            return Vec::new();
        };
        match spool.read(wanted) {
            Ok(kept) => kept,
            Err(error) => {
                self.recover(&error);
                Vec::new()
            }
        }
    }

    fn remove(&mut self, keys: &[Key]) {
        let Some(spool) = &mut self.spool else { return };
        // A removal that fails only means that the collector is told again, and knows it.
        if let Err(error) = spool.remove(keys) {
            self.recover(&error);
        }
        self.publish(0, 0);
    }

    fn settle(&mut self, last: bool) {
        let now_ms = clock::now_ms();
        if self.spool.is_none() {
            // Another process cannot have it: we held it. Whatever it is shows as trouble, and is tried again.
            let _ = self.open();
            self.commit(last);
        } else if self.full && self.ballast.restore() {
            tracing::info!("the disk has room again");
            self.full = false;
            self.trouble.clear();
        } else if !self.full && !self.trouble.is_empty() {
            self.trouble.clear();
        }
        let idle = last || !(0..self.pace.settle_after_ms).contains(&(now_ms - self.appended_at_ms));
        if let Some(spool) = self.spool.as_mut().filter(|_| idle) {
            self.opening.note(spool);
            match spool.settle(now_ms) {
                Ok(gone) => gone
                    .into_iter()
                    .for_each(|dropped| self.ledger.dropped(dropped, now_ms)),
                Err(error) => self.recover(&error),
            }
            if !last {
                self.renew();
            }
        }
        self.publish(0, 0);
    }

    /// Renews an empty spool, once much has gone through it.
    fn renew(&mut self) {
        let empty = |spool: &&DiskSpool| spool.usage().records == 0;
        let Some(spool) = self.spool.as_ref().filter(empty) else {
            return;
        };
        if self.appended < self.pace.renew_after {
            return;
        }
        let numbers = spool.numbers();
        drop(self.spool.take());
        if let Err(error) = self.opening.renew(numbers) {
            tracing::warn!(%error, "the spool stays as large as it has grown");
        }
        // Whatever stands in the way shows as trouble, and is tried again.
        let _ = self.open();
        platform::give_memory_back();
    }

    fn recover(&mut self, error: &SpoolError) {
        tracing::warn!(%error, "opening the spool anew");
        self.trouble_is(error);
        drop(self.spool.take());
        if matches!(error, SpoolError::Damaged(_)) {
            self.set_aside();
        }
        let _ = self.open();
    }

    fn trouble_is(&mut self, error: &SpoolError) {
        self.trouble = match error {
            SpoolError::Full => "the disk is full: only severe flags are kept; free some space".into(),
            other => other.to_string(),
        };
        if matches!(error, SpoolError::Full) {
            self.full = true;
            self.ballast.release();
        }
    }

    /// Opens the spool; sets it aside if it is damaged, and gives the ballast up if the disk is full.
    fn open(&mut self) -> Result<(), SpoolError> {
        for _ in 0..3 {
            match self.opening.open(self.numbers) {
                Ok((spool, lost)) => {
                    if let Some(count) = lost {
                        self.lost(count);
                    }
                    self.numbers = Some(spool.numbers());
                    self.spool = Some(spool);
                    self.appended = 0;
                    return Ok(());
                }
                Err(SpoolError::InUse) if self.numbers.is_none() => return Err(SpoolError::InUse),
                Err(error) => {
                    tracing::warn!(%error, "the spool does not open");
                    self.trouble_is(&error);
                    if matches!(error, SpoolError::Damaged(_)) {
                        self.set_aside();
                    }
                }
            }
        }
        Ok(())
    }

    fn set_aside(&mut self) {
        match self.opening.set_aside(clock::now_ms()) {
            Ok(()) => {
                let records = self.standing.borrow().usage.records;
                self.lost(records);
            }
            Err(error) => tracing::error!(%error, "the damaged spool cannot be set aside"),
        }
    }

    fn lost(&mut self, count: u64) {
        let now_ms = clock::now_ms();
        self.ledger.count(Gap {
            account: None,
            cause: "spool-damaged".into(),
            count,
            highest_severity: None,
            from_ms: now_ms,
            to_ms: now_ms,
        });
    }

    fn publish(&mut self, commits: u64, severe: u64) {
        let usage = self.spool.as_ref().map(DiskSpool::usage);
        self.standing.send_if_modified(|standing| {
            let before = standing.clone();
            standing.epoch = self.numbers.map_or(standing.epoch, |numbers| numbers.epoch);
            standing.usage = usage.unwrap_or(standing.usage);
            standing.commits += commits;
            standing.severe += severe;
            standing.trouble.clone_from(&self.trouble);
            *standing != before
        });
    }
}
