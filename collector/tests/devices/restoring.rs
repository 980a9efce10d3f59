//! P40: a backup that was made by the program is brought back by it, and devices go on.

use pastoral_proto::device::{Policy, collector_message::Message as Down};
use pastoral_proto::{Epoch, FlagId};
use pastoral_support::clock::now_ms;
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::records::{flag, is_committed, start};
use prost::Message as _;
use std::path::{Path, PathBuf};

const EPOCH: [u8; 16] = [1; 16];
const UNSEEN: [u8; 16] = [2; 16];
const NEXT: [u8; 16] = [3; 16];

fn policy(message: Down) -> Option<Policy> {
    match message {
        Down::Policy(signed) => Some(Policy::decode(&*signed.policy).unwrap()),
        _ => None,
    }
}

fn after(epoch: [u8; 16], sequence: u64) -> Option<FlagId> {
    Some(FlagId {
        epoch: Epoch(epoch),
        sequence,
    })
}

/// What `backup` made in a folder.
fn backup(collector: &Collector, folder: &Path) -> PathBuf {
    let said = collector.run(&["backup", "--to", folder.to_str().unwrap()]);
    let made = PathBuf::from(said.trim());
    assert!(made.starts_with(folder) && made.join("ca/ca.key.pem").exists());
    made
}

#[tokio::test]
async fn a_restored_backup_is_followed_by_devices_and_what_it_lacks_is_shown_as_gaps() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    let first = stream.until(policy).await;
    stream
        .deliver(&[(0, &start(None)), (1, &flag("1001", "kept", 3))])
        .await;
    // While it serves, and a device is connected.
    let made = backup(&collector, folder.path());
    let lost = stream
        .deliver(&[(2, &flag("1001", "lost", 4)), (3, &flag("1001", "lost too", 4))])
        .await;
    assert!(lost.iter().all(is_committed));
    collector.change_profile("lock_after_minutes = 30", "lock_after_minutes = 5");
    let second = stream.until(policy).await;
    assert!(second.counter > first.counter && second.generation == first.generation);
    let (code, said) = collector.try_run(&["restore", made.to_str().unwrap()]);
    assert_eq!(code, Some(1), "not while it serves: {said}");
    collector.kill();

    let said = collector.run(&["restore", made.to_str().unwrap()]);
    assert!(said.contains("2 records in all"), "{said}");
    assert!(said.contains("is kept as"), "{said}");
    collector.serve();
    assert_eq!(collector.count("SELECT count(*) FROM flag").await, 1);
    // The device goes on in the run it is in, and takes the policy although it has a higher counter.
    let mut stream = device.connect(&collector, EPOCH).await;
    let third = stream.until(policy).await;
    assert!(third.generation > second.generation, "{third:?}");
    assert!(is_committed(
        &stream.deliver(&[(4, &flag("1001", "new", 3))]).await[0]
    ));
    // It starts again; in between there was a run that only the lost store knew.
    let mut stream = device.connect(&collector, NEXT).await;
    stream.deliver(&[(0, &start(after(UNSEEN, 6)))]).await;
    let mut unseen = device.connect(&collector, [4; 16]).await;
    unseen.deliver(&[(0, &start(after(EPOCH, 4)))]).await;
    let database = collector.database().await;
    let school: String = sqlx::query_scalar("SELECT school_id FROM school")
        .fetch_one(&database)
        .await
        .unwrap();
    let store = pastoral_collector::store::Store::open(&collector.data_dir.join("collector.db"))
        .await
        .unwrap();
    let mut tx = store.write().await.unwrap();
    pastoral_collector::store::ingest::reckon_missing(&mut tx, &school, now_ms() + 600_000)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let missing: Vec<i64> =
        sqlx::query_scalar("SELECT count FROM gap WHERE cause = 'records-missing' ORDER BY count")
            .fetch_all(&database)
            .await
            .unwrap();
    assert_eq!(
        missing,
        [2, 7],
        "of the run in the backup, and of the one that it does not know"
    );
    let said = collector.try_run(&["check"]).1;
    assert!(said.contains("unbroken"), "{said}");
}

#[tokio::test]
async fn a_backup_alone_makes_a_collector_on_another_machine() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let device = Device::joined(&collector).await;
    device
        .connect(&collector, EPOCH)
        .await
        .deliver(&[(0, &start(None)), (1, &flag("1001", "kept", 3))])
        .await;
    let made = backup(&collector, folder.path());
    collector.kill();
    std::fs::remove_dir_all(&collector.data_dir).unwrap();
    let said = collector.run(&["restore", made.to_str().unwrap()]);
    assert!(
        said.contains("laptop-7") && said.contains("2 records are in the backup"),
        "{said}"
    );
    collector.serve();
    let mut stream = device.connect(&collector, EPOCH).await;
    assert!(is_committed(
        &stream.deliver(&[(2, &flag("1001", "new", 3))]).await[0]
    ));
    assert_eq!(collector.count("SELECT count(*) FROM flag").await, 2);
}

#[tokio::test]
async fn a_backup_that_is_damaged_or_was_changed_is_refused_and_nothing_is_replaced() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let changed = backup(&collector, folder.path());
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(changed.join("collector.db"));
    let database = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("UPDATE audit SET actor = 'somebody' WHERE sequence = 1")
        .execute(&database)
        .await
        .unwrap();
    database.close().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let damaged = backup(&collector, elsewhere.path()).join("collector.db");
    let mut bytes = std::fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xee);
    std::fs::write(&damaged, bytes).unwrap();
    collector.kill();
    let before = std::fs::read(collector.data_dir.join("ca/ca.der")).unwrap();
    for (from, why) in [(&changed, "entry 1 was changed"), (&damaged, "backup")] {
        let (code, said) = collector.try_run(&["restore", from.to_str().unwrap()]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(
        std::fs::read(collector.data_dir.join("ca/ca.der")).unwrap(),
        before
    );
    collector.serve();
    assert_eq!(collector.count("SELECT generation FROM school").await, 1);
}

#[tokio::test]
async fn a_backup_is_made_by_itself_and_only_so_many_are_kept() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    for old in ["20260101-000000", "20260102-000000"] {
        let old = folder.path().join(format!("pastoral-{old}"));
        std::fs::create_dir(&old).unwrap();
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        std::fs::File::open(&old).unwrap().set_modified(long_ago).unwrap();
    }
    collector.kill();
    collector.add_config(&format!("[backup]\ndir = {:?}\nkeep = 2\n", folder.path()));
    collector.serve();
    collector.until_logged("a backup is made").await;
    let mut kept: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(kept[0], "pastoral-20260102-000000");
    let (_, said) = collector.try_run(&["check"]);
    assert!(said.contains("0 hours old"), "{said}");
}

/// What was ended stands again: whoever brings a backup back, such as a technician for somebody who lost a duty, must not
/// be the only one who knows. And devices follow it, also when a clock was ahead at an earlier restore.
#[tokio::test]
async fn a_restore_is_told_to_all_who_read_and_goes_above_every_generation_that_devices_follow() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let devices = [Device::joined(&collector).await, Device::joined(&collector).await];
    for device in &devices {
        device.connect(&collector, EPOCH).await.until(policy).await;
    }
    let made = backup(&collector, folder.path());
    collector.kill();
    let database = collector.database().await;
    let far = now_ms() / 1000 + 10 * 365 * 86_400;
    for (order, follows) in [("ASC", far), ("DESC", i64::MAX)] {
        let query = format!(
            "UPDATE device SET policy_generation = ? WHERE device_id = (SELECT device_id FROM device ORDER BY device_id {order})"
        );
        sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(follows)
            .execute(&database)
            .await
            .unwrap();
    }
    database.close().await;
    collector.run(&["restore", made.to_str().unwrap()]);
    assert_eq!(
        collector.count("SELECT generation FROM school").await,
        far + 1,
        "what no clock can have made counts for nothing"
    );
    let to: Vec<String> = sqlx::query_scalar(
        "SELECT email FROM outbox JOIN person USING (person_id) WHERE notice = 'restored' ORDER BY email",
    )
    .fetch_all(&collector.database().await)
    .await
    .unwrap();
    assert_eq!(to, ["cy@oak.example", "di@oak.example"], "not the technician");
}

/// Root puts the file of before back: the record in it is whole, and lacks the number that was mailed since.
#[tokio::test]
async fn an_old_database_put_back_by_hand_lacks_the_number_that_was_mailed_since_and_what_devices_have() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let device = Device::joined(&collector).await;
    let mut stream = device.connect(&collector, EPOCH).await;
    stream
        .deliver(&[(0, &start(None)), (1, &flag("1001", "kept", 3))])
        .await;
    let old = backup(&collector, folder.path());
    collector.run(&["user", "invite-technician", "Tess Newcome <tess@oak.example>"]);
    let lost = stream.deliver(&[(2, &flag("1001", "lost", 5))]).await;
    assert!(lost.iter().all(is_committed));
    let head: Vec<u8> = sqlx::query_scalar("SELECT hash FROM audit ORDER BY sequence DESC LIMIT 1")
        .fetch_one(&collector.database().await)
        .await
        .unwrap();
    let mailed = pastoral_collector::chain::number::of_head(&head);
    collector.kill();
    for file in ["collector.db-wal", "collector.db-shm"] {
        let _may_not_be_there = std::fs::remove_file(collector.data_dir.join(file));
    }
    std::fs::copy(old.join("collector.db"), collector.data_dir.join("collector.db")).unwrap();
    let data_dir = collector.data_dir.to_str().unwrap();
    let (code, said) = collector.try_run(&["audit", "verify", data_dir, "--head", &mailed]);
    assert_eq!(code, Some(3), "{said}");
    assert!(
        said.contains("no entry was changed or removed") && said.contains("is not in it"),
        "{said}"
    );
    // Nothing in the file says so; the laptop does, at its next start.
    collector.serve();
    let mut stream = device.connect(&collector, NEXT).await;
    stream.deliver(&[(0, &start(after(EPOCH, 2)))]).await;
    let store = pastoral_collector::store::Store::open(&collector.data_dir.join("collector.db"))
        .await
        .unwrap();
    let school: String = sqlx::query_scalar("SELECT school_id FROM school")
        .fetch_one(&mut *store.read().await.unwrap())
        .await
        .unwrap();
    let mut tx = store.write().await.unwrap();
    pastoral_collector::store::ingest::reckon_missing(&mut tx, &school, now_ms() + 600_000)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let missing = "SELECT COALESCE(SUM(count), 0) FROM gap WHERE cause = 'records-missing'";
    assert_eq!(collector.count(missing).await, 1);
}
