//! INVARIANT 4, for whoever runs the machines: what is told of concerns changes nothing that they can read.

use pastoral_support::collector::Collector;
use pastoral_support::device::Device;
use pastoral_support::records::{flag, is_committed, start};

const EPOCH: [u8; 16] = [7; 16];

/// What `check` says, but for the room on the disk.
fn checked(collector: &Collector) -> (Option<i32>, Vec<String>) {
    let (code, said) = collector.try_run(&["check"]);
    let lines = said.lines().filter(|line| !line.contains("MiB free"));
    (code, lines.map(str::to_owned).collect())
}

#[tokio::test]
async fn a_concern_about_a_reader_changes_nothing_in_check_device_list_or_the_log() {
    let mut collector = Collector::start();
    // A mail server that cannot be reached, as it was before.
    collector
        .add_config("\n[mail]\nhost = \"127.0.0.1\"\nport = 1\nfrom = \"ed@oak.example\"\ntls = \"none\"\n");
    let device = Device::joined(&collector).await;
    let database = collector.database().await;
    for statement in [
        "UPDATE person SET username = 'head' WHERE email = 'cy@oak.example'",
        "INSERT INTO \"user\" (school_id, person_id, vault_salt, vault, password_set_at, created_at)
         SELECT school_id, person_id, x'', x'', 0, 0 FROM person WHERE email <> '' ON CONFLICT DO NOTHING",
    ] {
        sqlx::query(statement).execute(&database).await.unwrap();
    }
    collector.kill();
    collector.serve();
    let mut stream = device.connect(&collector, EPOCH).await;
    assert!(is_committed(&stream.deliver(&[(0, &start(None))]).await[0]));
    let daily = "SELECT count(*) > 0 FROM outbox WHERE notice = 'audit-head' AND attempts > 0";
    collector.until(daily, 1).await;
    collector.until_logged("mail was not taken").await;
    collector
        .until("SELECT count(*) FROM device WHERE connected = 1", 1)
        .await;
    let list = |collector: &Collector| collector.run(&["device", "list"]);
    let (check, log, devices) = (checked(&collector), collector.log(), list(&collector));
    for number in 1..=20 {
        let about_the_head = flag("head", &format!("text {number}"), 5);
        let answers = stream.deliver(&[(number, &about_the_head)]).await;
        assert!(is_committed(&answers[0]));
    }
    let told = "SELECT count(*) > 0 FROM outbox JOIN person USING (school_id, person_id)
         WHERE notice = 'new' AND attempts > 0 AND person.email = 'di@oak.example'";
    collector.until(told, 1).await;
    assert_eq!(collector.count("SELECT count(*) FROM concern").await, 1);
    assert_eq!(checked(&collector), check);
    assert_eq!(collector.log(), log, "not a line more");
    assert_eq!(list(&collector), devices);
}
