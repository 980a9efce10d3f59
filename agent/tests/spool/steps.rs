//! Every step that the spool takes on its files has each fault once: what was answered as kept is there afterwards, once.

use super::disk::{Fault, FaultyDisk, READ_ONLY_STEPS};
use super::{everything, severity};
use pastoral_agent::spool::{Keeper, KeeperSettings, Kept, New, NotKept, Pace, SpoolHandle};
use pastoral_proto::{FlagId, Gap, Record, decode_record};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::oneshot::Receiver;

/// Larger than what sled keeps in its log: it goes into a file of its own.
const LARGE: usize = 200_000;

type Answer = Receiver<Result<FlagId, NotKept>>;

/// Records as they were handed over, and what was answered.
#[derive(Default)]
struct Life {
    waiting: Vec<(Vec<u8>, Answer)>,
    told: BTreeMap<Vec<u8>, FlagId>,
    refused: BTreeSet<Vec<u8>>,
    removed: BTreeSet<Vec<u8>>,
    was_damaged: bool,
}

type Running = (SpoolHandle, JoinHandle<()>);

impl Life {
    async fn keep(&mut self, spool: &SpoolHandle, level: u8, bytes: Vec<u8>) {
        let new = New {
            account: None,
            severity: severity(level),
            bytes: bytes.clone(),
        };
        self.waiting.push((bytes, spool.keep(new).await));
        // Answered when what came before is done.
        spool.read(everything()).await;
    }

    async fn deliver(&mut self, spool: &SpoolHandle) {
        let kept = spool.read(everything()).await;
        self.removed.extend(kept.iter().map(|kept| kept.bytes.clone()));
        spool.remove(kept.iter().map(|kept| kept.key).collect()).await;
        let _ = spool.settle().await;
        spool.read(everything()).await;
    }

    async fn stop(&mut self, (spool, thread): Running) {
        spool.stop().await;
        thread.join().unwrap();
        for (bytes, mut answer) in self.waiting.drain(..) {
            match answer.try_recv() {
                Ok(Ok(id)) => drop(self.told.insert(bytes, id)),
                Ok(Err(NotKept)) => drop(self.refused.insert(bytes)),
                // The thread ended first: nothing was promised.
                Err(_) => {}
            }
        }
    }
}

fn start(state: &Path, disk: Option<&Arc<FaultyDisk>>) -> Running {
    let mut settings = KeeperSettings::new(state.to_owned(), 1 << 26);
    if let Some(disk) = disk {
        settings.files = Arc::<FaultyDisk>::clone(disk);
    }
    settings.pace = Pace {
        settle_after_ms: 0,
        renew_after: 4,
    };
    Keeper::start(settings).unwrap()
}

/// Opened, kept, delivered, renewed, closed and opened again.
async fn ordinary(life: &mut Life, state: &Path, disk: &Arc<FaultyDisk>) {
    let running = start(state, Some(disk));
    let spool = running.0.clone();
    life.keep(&spool, 1, b"note".to_vec()).await;
    life.keep(&spool, 5, vec![b'x'; LARGE]).await;
    life.keep(&spool, 5, b"severe".to_vec()).await;
    life.keep(&spool, 2, b"another".to_vec()).await;
    life.deliver(&spool).await;
    life.keep(&spool, 5, b"after the renewal".to_vec()).await;
    let _ = spool.settle().await;
    life.stop(running).await;
    let running = start(state, Some(disk));
    life.keep(&running.0, 5, b"of the second run".to_vec()).await;
    life.stop(running).await;
}

/// Opened on something that is no spool any more, with what was set aside before still there.
async fn damaged(life: &mut Life, state: &Path, disk: &Arc<FaultyDisk>) {
    let running = start(state, None);
    life.keep(&running.0, 3, b"before".to_vec()).await;
    life.stop(running).await;
    life.removed.insert(b"before".to_vec());
    life.was_damaged = true;
    fs::write(state.join("spool/conf"), b"no such parameters").unwrap();
    fs::create_dir_all(state.join("spool.damaged-1/blobs")).unwrap();
    disk.sync_all_of(state);
    let running = start(state, Some(disk));
    life.keep(&running.0, 5, b"of the next one".to_vec()).await;
    let _ = running.0.settle().await;
    life.stop(running).await;
}

/// Memory syncs at once; what is on the disk is up to [`FaultyDisk`] here.
fn folder_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

fn check(life: &Life, kept: &[Kept], how: &str) {
    let mut times: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for kept in kept {
        *times.entry(&kept.bytes).or_default() += 1;
        assert!(
            ids.insert((kept.id.epoch.0, kept.id.sequence)),
            "{how}: a number was given twice"
        );
    }
    let name = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(30)]).into_owned();
    for (bytes, id) in &life.told {
        let found = kept.iter().find(|kept| kept.bytes == *bytes);
        assert!(
            found.is_some() || life.removed.contains(bytes),
            "{how}: lost {:?}",
            name(bytes)
        );
        assert!(
            found.is_none_or(|found| found.id == *id),
            "{how}: another number for {:?}",
            name(bytes)
        );
    }
    for (bytes, times) in times {
        assert_eq!(times, 1, "{how}: {times} times {:?}", name(bytes));
        assert!(
            !life.refused.contains(bytes),
            "{how}: refused and yet there: {:?}",
            name(bytes)
        );
    }
}

fn gaps(kept: &[Kept]) -> Vec<Gap> {
    let gap = |kept: &Kept| match decode_record(&kept.bytes) {
        Ok(Record::Gap(gap)) => Some(gap),
        _ => None,
    };
    kept.iter().filter_map(gap).collect()
}

/// Lives through a life once for every step of it.
async fn each_step(fault: Fault, is_damaged: bool) {
    // What lasts for some steps need not begin at each.
    let apart = if fault == Fault::ReadOnly {
        READ_ONLY_STEPS / 2
    } else {
        1
    };
    for at in (0..).step_by(apart) {
        let folder = folder_in_memory();
        let (state, after) = (folder.path().join("state"), folder.path().join("after"));
        fs::create_dir(&state).unwrap();
        let disk = Arc::new(FaultyDisk::new(&state, &after, at, fault));
        let mut life = Life::default();
        if is_damaged {
            damaged(&mut life, &state, &disk).await;
        } else {
            ordinary(&mut life, &state, &disk).await;
        }
        let Some(struck) = disk.struck() else {
            assert!(at > 25, "only {at} steps were tried");
            assert!(life.refused.is_empty() && life.waiting.is_empty());
            return;
        };
        let how = format!("{fault:?} at step {at}, {struck}");
        if disk.is_dead() {
            lives_on(&life, &after, &how).await;
            continue;
        }
        disk.cut_power();
        lives_on(&life, &after, &format!("{how}, and the power went at the end")).await;
        let kept = lives_on(&life, &state, &how).await;
        let refused = life.refused.len() as u64;
        let counted: u64 = gaps(&kept).iter().map(|gap| gap.count).sum();
        assert!(counted >= refused, "{how}: {refused} refused, and not counted");
    }
}

/// What was answered is there, and more can be kept; gives what is there in the end.
async fn lives_on(life: &Life, state: &Path, how: &str) -> Vec<Kept> {
    let running = start(state, None);
    check(life, &running.0.read(everything()).await, how);
    let mut later = Life::default();
    later.keep(&running.0, 1, b"later".to_vec()).await;
    let _ = running.0.settle().await;
    // What settling found is told with what comes next.
    running.0.read(everything()).await;
    let kept = running.0.read(everything()).await;
    if !life.was_damaged {
        let causes = gaps(&kept).into_iter().map(|gap| gap.cause);
        let of_refused = |cause: &String| cause == "disk-full" || cause == "disk-not-answering";
        let others: Vec<_> = causes.filter(|cause| !of_refused(cause)).collect();
        assert!(
            others.is_empty(),
            "{how}: told as lost, and nothing was: {others:?}"
        );
    }
    let trouble = running.0.standing().borrow().trouble.clone();
    later.stop(running).await;
    assert_eq!(later.told.len(), 1, "{how}: nothing is kept any more: {trouble}");
    kept
}

#[tokio::test]
async fn a_full_disk_at_any_step_loses_nothing_that_was_answered() {
    each_step(Fault::Full, false).await;
}

#[tokio::test]
async fn a_failing_disk_at_any_step_loses_nothing_that_was_answered() {
    each_step(Fault::SaidToFail, false).await;
}

#[tokio::test]
async fn a_refusal_at_any_step_loses_nothing_that_was_answered() {
    each_step(Fault::Refused, false).await;
}

#[tokio::test]
async fn a_disk_that_cannot_be_written_for_a_while_loses_nothing_that_was_answered() {
    each_step(Fault::ReadOnly, false).await;
}

#[tokio::test]
async fn a_kill_at_any_step_loses_nothing_that_was_answered() {
    each_step(Fault::Kill, false).await;
}

#[tokio::test]
async fn a_power_cut_at_any_step_loses_nothing_that_was_answered() {
    each_step(Fault::PowerCut, false).await;
}

#[tokio::test]
async fn setting_a_damaged_spool_aside_goes_on_after_a_full_disk_at_any_step() {
    each_step(Fault::Full, true).await;
}

#[tokio::test]
async fn setting_a_damaged_spool_aside_goes_on_after_a_failure_at_any_step() {
    each_step(Fault::SaidToFail, true).await;
}

#[tokio::test]
async fn setting_a_damaged_spool_aside_goes_on_where_nothing_can_be_written_for_a_while() {
    each_step(Fault::ReadOnly, true).await;
}

#[tokio::test]
async fn setting_a_damaged_spool_aside_goes_on_after_a_kill_at_any_step() {
    each_step(Fault::Kill, true).await;
}

#[tokio::test]
async fn setting_a_damaged_spool_aside_goes_on_after_a_power_cut_at_any_step() {
    each_step(Fault::PowerCut, true).await;
}
