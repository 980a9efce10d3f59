//! The one thread that writes the spool: takes what waits, keeps it with one fsync, then answers all of it.
//!
//! A spool that fails is opened anew (a sled handle does not recover from a full disk); one that is damaged is set
//! aside; and while the disk is full only what is severe is taken. Nothing here is a reason for the service not to start.

use super::ballast::Ballast;
use super::{DiskSpool, GapLedger, Kept, Key, New, SEVERE, Spool as _, SpoolError, Usage, Wanted};
use crate::clock;
use pastoral_proto::{Epoch, FlagId, Gap, Record};
use ring::rand::{SecureRandom as _, SystemRandom};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Commands that wait for the thread.
const COMMANDS: usize = 1024;
/// Records that wait for a disk that does not take them; beyond that the least severe goes.
const WAITING: usize = 2048;
/// Attempts to open the spool that ended with the process before it is set aside.
const OPENINGS: u32 = 5;
const SETTLE_AFTER_MS: i64 = 2000;
const TICK: Duration = Duration::from_secs(1);

/// Where the spool is and how large it may be.
#[derive(Debug, Clone)]
pub struct KeeperSettings {
    /// The state folder.
    pub state_dir: PathBuf,
    /// Bytes of records.
    pub bound_bytes: u64,
}

/// A record that was not kept. It is counted, and will be reported as a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there was no room to keep the record")]
pub struct NotKept;

/// How the spool stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
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

enum Command {
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
    commands: mpsc::Sender<Command>,
    standing: watch::Receiver<Standing>,
}

impl SpoolHandle {
    /// Hands a record over; the answer comes when it is durable.
    pub async fn keep(&self, new: New) -> oneshot::Receiver<Result<FlagId, NotKept>> {
        let (done, answer) = oneshot::channel();
        // The thread only ends with the service; the answer then never comes.
        let _ = self.commands.send(Command::Append(new, done)).await;
        answer
    }

    /// The next records to deliver.
    pub async fn read(&self, wanted: Wanted) -> Vec<Kept> {
        let (done, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Read(wanted, done)).await;
        answer.await.unwrap_or_default()
    }

    /// Forgets delivered records.
    pub async fn remove(&self, keys: Vec<Key>) {
        let _ = self.commands.send(Command::Remove(keys)).await;
    }

    /// Counts something that was not kept or not watched; it is reported before long.
    pub async fn gap(&self, gap: Gap) {
        let _ = self.commands.send(Command::Gap(gap)).await;
    }

    /// How the spool stands, and its changes.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Writes what waits and makes it durable. Later commands have no effect.
    pub async fn stop(&self) {
        let (done, answer) = oneshot::channel();
        let _ = self.commands.send(Command::Stop(done)).await;
        let _ = answer.await;
    }

    /// Lets the thread settle, report and recover from time to time, until told to stop.
    ///
    /// # Errors
    /// When the thread has ended.
    pub async fn tick(self, token: CancellationToken) -> anyhow::Result<()> {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                _ = interval.tick() => {
                    let sent = self.commands.send(Command::Tick).await;
                    sent.map_err(|_| anyhow::anyhow!("the spool's thread has ended"))?;
                }
            }
        }
    }
}

/// The thread's state.
pub struct Keeper {
    settings: KeeperSettings,
    ballast: Ballast,
    spool: Option<DiskSpool>,
    epoch: Option<Epoch>,
    /// Sequence numbers that were answered in this epoch.
    given_out: u64,
    waiting: Vec<New>,
    callers: Vec<Option<oneshot::Sender<Result<FlagId, NotKept>>>>,
    ledger: GapLedger,
    full: bool,
    trouble: String,
    appended_at_ms: i64,
    standing: watch::Sender<Standing>,
}

impl Keeper {
    /// Opens the spool and starts the thread.
    ///
    /// # Errors
    /// When another process has the spool open, or no thread can be started.
    pub fn start(settings: KeeperSettings) -> Result<(SpoolHandle, JoinHandle<()>), SpoolError> {
        let standing = Standing {
            epoch: Epoch([0; 16]),
            usage: Usage::default(),
            commits: 0,
            severe: 0,
            trouble: String::new(),
        };
        let (standing, watched) = watch::channel(standing);
        let (commands, received) = mpsc::channel(COMMANDS);
        let mut keeper = Self {
            ballast: Ballast::new(&settings.state_dir.join("ballast")),
            settings,
            spool: None,
            epoch: None,
            given_out: 0,
            waiting: Vec::new(),
            callers: Vec::new(),
            ledger: GapLedger::default(),
            full: false,
            trouble: String::new(),
            appended_at_ms: 0,
            standing,
        };
        keeper.open()?;
        if !keeper.full && !keeper.ballast.restore() {
            keeper.trouble_is(&SpoolError::Full);
        }
        keeper.publish(0, 0);
        let thread = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || keeper.run(received))?;
        Ok((
            SpoolHandle {
                commands,
                standing: watched,
            },
            thread,
        ))
    }

    fn run(mut self, mut commands: mpsc::Receiver<Command>) {
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
                    Command::Append(new, caller) => self.take(new, Some(caller)),
                    Command::Read(wanted, caller) => reads.push((wanted, caller)),
                    Command::Remove(keys) => self.remove(&keys),
                    Command::Gap(gap) => self.ledger.count(gap),
                    Command::Tick => tick = true,
                    Command::Stop(caller) => stopped = Some(caller),
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
            self.given_out = id.map_or(self.given_out, |id| id.sequence + 1);
            if let Some(caller) = caller {
                let _ = caller.send(id.ok_or(NotKept));
            }
        }
        self.waiting.clear();
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
        let idle = last || !(0..SETTLE_AFTER_MS).contains(&(now_ms - self.appended_at_ms));
        if let Some(spool) = self.spool.as_mut().filter(|_| idle) {
            match spool.settle(now_ms) {
                Ok(gone) => gone
                    .into_iter()
                    .for_each(|dropped| self.ledger.dropped(dropped, now_ms)),
                Err(error) => self.recover(&error),
            }
        }
        self.publish(0, 0);
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
            match self.try_open() {
                Ok(spool) => {
                    let (epoch, given_out) = spool.standing();
                    (self.epoch, self.given_out) = (Some(epoch), given_out);
                    self.spool = Some(spool);
                    return Ok(());
                }
                Err(SpoolError::InUse) if self.epoch.is_none() => return Err(SpoolError::InUse),
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

    fn try_open(&mut self) -> Result<DiskSpool, SpoolError> {
        let state = &self.settings.state_dir;
        let marker = state.join("spool.opening");
        let tried = fs::read_to_string(&marker)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0);
        if tried >= OPENINGS {
            self.set_aside();
            let _ = fs::remove_file(self.settings.state_dir.join("spool.opening"));
            return Err(SpoolError::Damaged(
                "opening it ended the service several times".into(),
            ));
        }
        // Says, should opening end the process, that it did. On a full disk there is no room for it, nor need.
        let _ = fs::write(&marker, (tried + 1).to_string());
        let opened = open_in(state, self.settings.bound_bytes, self.epoch, self.given_out);
        let _ = fs::remove_file(&marker);
        opened
    }

    fn set_aside(&mut self) {
        let state = self.settings.state_dir.clone();
        let now_ms = clock::now_ms();
        if let Err(error) = move_aside(&state, now_ms) {
            tracing::error!(%error, "the damaged spool cannot be set aside");
            return;
        }
        self.ledger.count(Gap {
            account: None,
            cause: "spool-damaged".into(),
            count: self.standing.borrow().usage.records,
            highest_severity: None,
            from_ms: now_ms,
            to_ms: now_ms,
        });
    }

    fn publish(&mut self, commits: u64, severe: u64) {
        let usage = self.spool.as_ref().map(super::Spool::usage);
        self.standing.send_if_modified(|standing| {
            let before = standing.clone();
            standing.epoch = self.epoch.unwrap_or(standing.epoch);
            standing.usage = usage.unwrap_or(standing.usage);
            standing.commits += commits;
            standing.severe += severe;
            standing.trouble.clone_from(&self.trouble);
            *standing != before
        });
    }
}

/// Opens the spool and makes sure that new records are of an epoch of this run: the one it has begun, without what an
/// unanswered append left, or else a fresh one.
fn open_in(
    state: &Path,
    bound_bytes: u64,
    epoch: Option<Epoch>,
    given_out: u64,
) -> Result<DiskSpool, SpoolError> {
    let mut spool = DiskSpool::open(&state.join("spool"), &state.join("spool.key"), bound_bytes)?;
    if epoch == Some(spool.standing().0) {
        spool.roll_back(given_out)?;
        return Ok(spool);
    }
    let mut fresh = [0; 16];
    let drawn = SystemRandom::new().fill(&mut fresh);
    drawn.map_err(|_| SpoolError::Io(std::io::Error::other("the system gives no random numbers")))?;
    spool.begin(Epoch(fresh), clock::now_ms())?;
    Ok(spool)
}

/// Keeps the damaged spool, with its key, for whoever wants to look; only the latest one.
fn move_aside(state: &Path, now_ms: i64) -> std::io::Result<()> {
    for entry in fs::read_dir(state)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with("spool.damaged-") {
            fs::remove_dir_all(path)?;
        }
    }
    let aside = state.join(format!("spool.damaged-{now_ms}"));
    match fs::rename(state.join("spool"), &aside) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => fs::create_dir(&aside)?,
        renamed => renamed?,
    }
    match fs::rename(state.join("spool.key"), aside.join("spool.key")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    crate::platform::sync_folder(state)
}
