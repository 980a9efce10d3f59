//! A damaged spool is set aside; a full disk costs nothing that was kept, and leaves room for what is severe.

use super::{everything, flag, text_of};
use pastoral_agent::spool::{Keeper, KeeperSettings, Kept, SpoolHandle};
use pastoral_proto::{Gap, Record, decode_record};
use pastoral_support::poll::{PATIENCE, comes_true};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::JoinHandle;
use tokio_util::sync::CancellationToken;

fn start(state: &Path) -> (SpoolHandle, JoinHandle<()>) {
    Keeper::start(KeeperSettings::new(state.to_owned(), 1 << 26)).unwrap()
}

async fn stop((spool, thread): (SpoolHandle, JoinHandle<()>)) {
    spool.stop().await;
    thread.join().unwrap();
}

fn gaps(kept: &[Kept]) -> Vec<Gap> {
    let gap = |kept: &Kept| match decode_record(&kept.bytes).unwrap() {
        Record::Gap(gap) => Some(gap),
        _ => None,
    };
    kept.iter().filter_map(gap).collect()
}

fn set_aside(state: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(state).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.to_string_lossy().contains("spool.damaged-"))
        .collect()
}

async fn damaged_spool(state: &Path, damage: impl Fn(&Path)) {
    let running = start(state);
    for number in 0..50 {
        running
            .0
            .keep(flag(1, 3, &format!("before {number}")))
            .await
            .await
            .unwrap()
            .unwrap();
    }
    stop(running).await;
    damage(state);
    let running = start(state);
    running.0.keep(flag(1, 3, "after")).await.await.unwrap().unwrap();
    stop(running).await;
    let running = start(state);
    let kept = running.0.read(everything()).await;
    assert!(kept.iter().filter_map(text_of).any(|text| text == "after"));
    let whole = kept
        .iter()
        .filter_map(text_of)
        .filter(|text| text.starts_with("before"))
        .count();
    assert!(
        whole == 50 || !gaps(&kept).is_empty(),
        "{whole} are left, and nothing was told"
    );
    stop(running).await;
}

#[tokio::test]
async fn a_spool_of_garbage_is_set_aside_with_its_key_and_told_as_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    damaged_spool(folder.path(), |state| {
        fs::write(state.join("spool/conf"), b"no such parameters").unwrap();
    })
    .await;
    let aside = set_aside(folder.path());
    assert_eq!(aside.len(), 1);
    assert!(aside[0].join("spool.key").exists() && aside[0].join("db").exists());
}

#[tokio::test]
async fn a_spool_with_damage_in_its_middle_is_no_reason_not_to_start() {
    for (from, to) in [(0, 64), (200, 260), (4000, 9000), (0, 1 << 20)] {
        let folder = tempfile::tempdir().unwrap();
        damaged_spool(folder.path(), |state| {
            let mut bytes = fs::read(state.join("spool/db")).unwrap();
            let range = from.min(bytes.len())..to.min(bytes.len());
            bytes[range].fill(0xa7);
            fs::write(state.join("spool/db"), bytes).unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn a_spool_that_was_cut_short_is_no_reason_not_to_start() {
    for length in [0, 1, 700, 6000] {
        let folder = tempfile::tempdir().unwrap();
        damaged_spool(folder.path(), |state| {
            let bytes = fs::read(state.join("spool/db")).unwrap();
            fs::write(state.join("spool/db"), &bytes[..length]).unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn a_spool_whose_key_is_no_key_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    damaged_spool(folder.path(), |state| {
        fs::write(state.join("spool.key"), b"short").unwrap()
    })
    .await;
    assert_eq!(set_aside(folder.path()).len(), 1);
}

#[tokio::test]
async fn a_spool_without_its_key_goes_on_and_tells_what_it_cannot_read() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.0.keep(flag(1, 3, "before")).await.await.unwrap().unwrap();
    stop(running).await;
    fs::remove_file(folder.path().join("spool.key")).unwrap();
    let running = start(folder.path());
    assert!(
        running
            .0
            .read(everything())
            .await
            .iter()
            .filter_map(text_of)
            .next()
            .is_none()
    );
    stop(running).await;
    let running = start(folder.path());
    let told = gaps(&running.0.read(everything()).await);
    assert!(
        told.iter()
            .any(|gap| gap.cause == "spool-unreadable" && gap.count >= 2),
        "{told:?}"
    );
    stop(running).await;
}

#[tokio::test]
async fn a_spool_that_ended_the_service_again_and_again_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    running.0.keep(flag(1, 3, "before")).await.await.unwrap().unwrap();
    stop(running).await;
    fs::write(folder.path().join("spool.opening"), "5").unwrap();
    let running = start(folder.path());
    running.0.keep(flag(1, 3, "after")).await.await.unwrap().unwrap();
    assert_eq!(set_aside(folder.path()).len(), 1);
    assert!(!folder.path().join("spool.opening").exists());
    stop(running).await;
}

#[tokio::test]
async fn a_second_service_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path());
    let second = Keeper::start(KeeperSettings::new(folder.path().to_owned(), 1 << 20));
    assert!(second.err().unwrap().to_string().contains("stop it first"));
    assert!(set_aside(folder.path()).is_empty());
    stop(running).await;
}

/// A small disk of its own, gone with the test.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    pub(crate) fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"])
            .arg(folder.path())
            .status();
        mounted
            .is_ok_and(|status| status.success())
            .then_some(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no byte free.
    pub(crate) fn fill(&self) {
        let _ = fs::write(self.0.path().join("filler"), vec![1; 32 * 1024 * 1024]);
    }

    pub(crate) fn empty(&self) {
        fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn on_a_full_disk_nothing_kept_is_lost_severe_flags_still_fit_and_it_recovers() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("not tried: a small disk needs root and mount");
        return;
    };
    let state = disk.path().join("state");
    fs::create_dir(&state).unwrap();
    let running = start(&state);
    let (spool, token) = (running.0.clone(), CancellationToken::new());
    let ticking = tokio::spawn(spool.clone().tick(token.clone()));
    let mut told = Vec::new();
    let mut refused = 0;
    for number in 0..20 {
        let text = format!("early {number}");
        spool.keep(flag(1, 1, &text)).await.await.unwrap().unwrap();
        told.push(text);
    }
    disk.fill();
    // Large notes, until the disk shows that it is full.
    for number in 0..600 {
        let text = format!("note {number} {}", "x".repeat(3000));
        match spool.keep(flag(1, 1, &text)).await.await.unwrap() {
            Ok(_) => told.push(text),
            Err(_) => refused += 1,
        }
        if refused > 3 {
            break;
        }
    }
    assert!(refused > 0, "the disk was never full");
    assert!(spool.standing().borrow().trouble.contains("disk is full"));
    for number in 0..200 {
        let text = format!("severe {number}");
        spool.keep(flag(2, 5, &text)).await.await.unwrap().unwrap();
        told.push(text);
    }
    disk.empty();
    let mut standing = spool.standing();
    let well = standing.wait_for(|standing| standing.trouble.is_empty());
    tokio::time::timeout(PATIENCE, well)
        .await
        .expect("it does not recover")
        .unwrap();
    spool.keep(flag(1, 1, "late")).await.await.unwrap().unwrap();
    told.push("late".into());
    token.cancel();
    ticking.await.unwrap().unwrap();
    stop(running).await;
    let running = start(&state);
    let kept = running.0.read(everything()).await;
    let mut texts: Vec<String> = kept.iter().filter_map(text_of).collect();
    let count = texts.len();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), count, "a flag is there twice");
    assert!(
        told.iter().all(|text| texts.binary_search(text).is_ok()),
        "something kept was lost"
    );
    assert!(
        gaps(&kept)
            .iter()
            .any(|gap| gap.cause == "disk-full" && gap.count >= refused),
        "{:?}",
        gaps(&kept)
    );
    stop(running).await;
}

#[tokio::test]
async fn a_spool_through_which_much_has_gone_goes_on_with_its_epoch_and_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, thread) = start(folder.path());
    let epoch = spool.standing().borrow().epoch;
    let mut last = None;
    for round in 0..21 {
        let mut answers = Vec::new();
        for number in 0..1000 {
            answers.push(spool.keep(flag(1, 4, &format!("{round} {number}"))).await);
        }
        for answer in answers {
            last = last.max(Some(answer.await.unwrap().unwrap().sequence));
        }
        let kept = spool.read(everything()).await;
        assert!(kept.len() >= 1000);
        spool.remove(kept.iter().map(|kept| kept.key).collect()).await;
    }
    let token = CancellationToken::new();
    let ticking = tokio::spawn(spool.clone().tick(token.clone()));
    // It is renewed where it is empty and nothing has come for a while.
    let on_disk = || fs::metadata(folder.path().join("spool/db")).map_or(u64::MAX, |file| file.len());
    let grown = on_disk();
    comes_true("its being renewed", async || on_disk() < grown).await;
    let kept = spool.keep(flag(1, 4, "after")).await.await.unwrap().unwrap();
    assert_eq!(
        (kept.epoch, Some(kept.sequence)),
        (epoch, last.map(|last| last + 1))
    );
    token.cancel();
    ticking.await.unwrap().unwrap();
    stop((spool.clone(), thread)).await;
    let (spool, thread) = start(folder.path());
    let texts: Vec<_> = spool
        .read(everything())
        .await
        .iter()
        .filter_map(text_of)
        .collect();
    assert_eq!(texts, ["after"]);
    stop((spool, thread)).await;
}

#[tokio::test]
async fn a_renewal_that_a_crash_cut_short_is_ended_and_loses_nothing() {
    let kept_before = |state: PathBuf| async move {
        let running = start(&state);
        running.0.keep(flag(1, 3, "before")).await.await.unwrap().unwrap();
        stop(running).await;
    };
    let whole = |state: PathBuf| async move {
        let running = start(&state);
        let kept = running.0.read(everything()).await;
        assert_eq!(kept.iter().filter_map(text_of).collect::<Vec<_>>(), ["before"]);
        assert!(gaps(&kept).is_empty(), "{:?}", gaps(&kept));
        for left in ["spool.fresh", "spool.grown"] {
            assert!(!state.join(left).exists(), "{left} is left");
        }
        stop(running).await;
    };
    // Before the old one was moved: the new one is not whole yet.
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    kept_before(state.to_owned()).await;
    fs::create_dir(state.join("spool.fresh")).unwrap();
    fs::write(state.join("spool.fresh/conf"), b"half").unwrap();
    whole(state.to_owned()).await;
    // Between the two moves.
    fs::rename(state.join("spool"), state.join("spool.fresh")).unwrap();
    fs::create_dir(state.join("spool.grown")).unwrap();
    whole(state.to_owned()).await;
    // Before the old one was removed.
    fs::create_dir(state.join("spool.grown")).unwrap();
    fs::write(state.join("spool.grown/db"), b"old").unwrap();
    whole(state.to_owned()).await;
}
