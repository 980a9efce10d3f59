//! An account that several people use.

use pastoral_collector::store::Store;
use pastoral_collector::store::reassign::{self, Owner};
use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::records::{flag, is_committed};

const EPOCH: [u8; 16] = [5; 16];
const OTHER: [u8; 16] = [6; 16];

/// Whoever the name belongs to: what an account of several people raises is named by somebody, flag by flag.
#[tokio::test]
async fn what_an_account_of_several_people_raises_is_nobody_s_until_somebody_says_whose() {
    let mut collector = Collector::start();
    let device = Device::joined(&collector).await;
    let database = collector.database().await;
    let school: String = sqlx::query_scalar("SELECT school_id FROM school")
        .fetch_one(&database)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO person (school_id, person_id, source_id, role, year_group, username, given_name, family_name)
         VALUES (?, 'p1', 'p1', 'pupil', '5', '1001', 'Pip', 'Ibbotson')",
    )
    .bind(&school)
    .execute(&database)
    .await
    .unwrap();
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, EPOCH).await;
    let answers = stream.deliver(&[(0, &flag("1001", "first", 2))]).await;
    assert!(is_committed(&answers[0]));
    let pips = "SELECT coalesce(sum(flag_count), 0) FROM concern WHERE person_id = 'p1'";
    let nobodys = "SELECT coalesce(sum(flag_count), 0) FROM concern WHERE person_id IS NULL";
    assert_eq!(
        (collector.count(pips).await, collector.count(nobodys).await),
        (1, 0)
    );

    let store = Store::open(&collector.data_dir.join("collector.db"))
        .await
        .unwrap();
    let account = collector.count("SELECT account_id FROM account").await;
    let mut tx = store.write().await.unwrap();
    reassign::set_owner(&mut tx, &school, account, Owner::Shared, "dsl")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // At once, while its person is still in memory, and after a restart, by its name.
    let answers = stream.deliver(&[(1, &flag("1001", "second", 2))]).await;
    assert!(is_committed(&answers[0]));
    assert_eq!(
        (collector.count(pips).await, collector.count(nobodys).await),
        (1, 1)
    );
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, OTHER).await;
    let answers = stream.deliver(&[(0, &flag("1001", "third", 2))]).await;
    assert!(is_committed(&answers[0]));
    assert_eq!(
        (collector.count(pips).await, collector.count(nobodys).await),
        (1, 2)
    );
}
