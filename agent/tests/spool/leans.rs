//! What the spool leans on of sled's inside (docs/adr/0016-sled.md). A test that fails here says that sled has changed:
//! mend `agent/src/spool/log.rs`, then the page, then the test.

use super::faults::SmallDisk;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD: &str = "PASTORAL_TEST_SLED";
const BEGIN: &str = "the flush begins";
const END: &str = "the flush is over";

fn open(folder: &Path) -> sled::Result<sled::Db> {
    sled::Config::new().path(folder).flush_every_ms(None).open()
}

/// Once the threads of a handle that is gone have let go.
fn open_again(folder: &Path) -> sled::Db {
    loop {
        match open(folder) {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::yield_now();
            }
            opened => return opened.unwrap(),
        }
    }
}

#[test]
fn all_that_counts_is_in_db_and_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, part) = (folder.path().join("whole"), folder.path().join("part"));
    let db = open(&whole).unwrap();
    db.insert(b"small", b"value").unwrap();
    db.insert(b"large", vec![7; 200_000]).unwrap();
    db.flush().unwrap();
    let names: BTreeSet<String> = fs::read_dir(&whole)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with("snap."))
        .collect();
    assert_eq!(names, ["blobs", "conf", "db"].map(String::from).into());
    fs::create_dir_all(part.join("blobs")).unwrap();
    fs::copy(whole.join("db"), part.join("db")).unwrap();
    let mut blobs = 0;
    for blob in fs::read_dir(whole.join("blobs")).unwrap() {
        let blob = blob.unwrap();
        fs::copy(blob.path(), part.join("blobs").join(blob.file_name())).unwrap();
        blobs += 1;
    }
    assert!(blobs > 0, "the large one is elsewhere");
    // An empty one is what a power cut leaves of a file that nobody synced.
    fs::write(part.join("conf"), b"").unwrap();
    let again = open(&part).unwrap();
    assert_eq!(again.get(b"small").unwrap().unwrap(), b"value");
    assert_eq!(again.get(b"large").unwrap().unwrap().len(), 200_000);
}

#[test]
fn the_lock_is_on_db_and_is_told_in_these_words() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path()).unwrap();
    assert!(File::open(folder.path().join("db")).unwrap().try_lock().is_err());
    let Err(sled::Error::Io(told)) = open(folder.path()) else {
        panic!("it opens twice, or says otherwise why not");
    };
    assert!(told.to_string().contains("could not acquire lock"), "{told}");
    drop(db);
}

#[test]
fn a_log_that_was_cut_short_opens_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path()).unwrap();
    for number in 0..200_u32 {
        db.insert(number.to_be_bytes(), vec![7; 100]).unwrap();
    }
    db.flush().unwrap();
    drop(db);
    drop(open_again(folder.path()));
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("snap.") {
            fs::remove_file(path).unwrap();
        }
    }
    let log = File::options()
        .write(true)
        .open(folder.path().join("db"))
        .unwrap();
    log.set_len(6000).unwrap();
    assert!(open_again(folder.path()).len() < 200);
}

#[test]
fn a_handle_does_not_recover_from_a_full_disk() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("not tried: a small disk needs root and mount");
        return;
    };
    let db = open(&disk.path().join("log")).unwrap();
    let write = |number: u32| {
        db.insert(number.to_be_bytes(), vec![7; 3000])
            .and_then(|_| db.flush())
    };
    write(0).unwrap();
    disk.fill();
    let failed = (1..2000).find(|number| write(*number).is_err());
    assert!(failed.is_some(), "the disk was never full");
    disk.empty();
    assert!(write(5000).is_err(), "it recovers now");
}

/// Not a test of its own: what the tests below run, in a process of its own, to look at from outside.
#[test]
fn child_that_opens_a_log_and_flushes_it() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let before = resident_kib();
    let db = open(Path::new(&folder)).unwrap();
    db.insert(b"key", b"value").unwrap();
    say(BEGIN);
    db.flush().unwrap();
    say(END);
    say(&format!("took {}", resident_kib() - before));
}

fn say(line: &str) {
    println!("\n{line}");
    std::io::stdout().flush().unwrap();
}

fn resident_kib() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn child(mut command: Command, folder: &Path) -> String {
    let output = command
        .args([
            "--exact",
            "leans::child_that_opens_a_log_and_flushes_it",
            "--nocapture",
        ])
        .env(CHILD, folder)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_open_log_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let said = child(Command::new(std::env::current_exe().unwrap()), folder.path());
    let taken = said.lines().find_map(|line| line.strip_prefix("took "));
    let taken: i64 = taken.unwrap().parse().unwrap();
    // Without the feature it is more than 21 MiB.
    assert!(taken < 12 * 1024, "{taken} KiB");
}

#[test]
fn a_flush_of_sled_syncs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-e", "trace=write,fsync,fdatasync,sync_file_range", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap());
    if !Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|it| it.success())
    {
        eprintln!("not tried: there is no strace");
        return;
    }
    child(traced, &folder.path().join("log"));
    let calls = fs::read_to_string(trace).unwrap();
    let (_, flush) = calls.split_once(BEGIN).unwrap();
    let (flush, _) = flush.split_once(END).unwrap();
    assert!(flush.contains("sync_file_range("), "{flush}");
    assert!(
        !flush.contains("fsync(") && !flush.contains("fdatasync("),
        "{flush}"
    );
}
