//! INVARIANT 5: the chain shows what was changed or removed, and survives retention.

use crate::school::{SCHOOL, School, monday};
use pastoral_collector::store::audit::{self, Broken, Entry};
use pastoral_collector::store::overview;

async fn with_entries(count: i64) -> School {
    let school = School::new().await;
    let mut tx = school.app.store.write().await.unwrap();
    for number in 0..count {
        let detail = serde_json::json!({ "number": number });
        let entry = Entry {
            school_id: SCHOOL,
            actor: "dsl",
            action: "concern-viewed",
            concern_id: Some("c1"),
            detail,
        };
        audit::append(&mut tx, monday() + number, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    school
}

async fn broken(school: &School) -> Option<Broken> {
    audit::verify(&school.app.store, SCHOOL).await.unwrap().err()
}

#[tokio::test]
async fn a_whole_chain_verifies_and_names_its_head() {
    let school = with_entries(1500).await;
    let head = audit::verify(&school.app.store, SCHOOL)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(head.sequence, 1500);
    let mut connection = school.app.store.read().acquire().await.unwrap();
    assert_eq!(
        audit::head(&mut connection, SCHOOL).await.unwrap(),
        Some(head.clone())
    );
    assert!(
        audit::contains(&school.app.store, SCHOOL, &head.hash)
            .await
            .unwrap()
    );
    assert!(
        !audit::contains(&school.app.store, SCHOOL, &[7; 32])
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_change_to_any_column_of_any_entry_is_found() {
    for statement in [
        "UPDATE audit SET actor = 'somebody' WHERE sequence = ?",
        "UPDATE audit SET action = 'other' WHERE sequence = ?",
        "UPDATE audit SET at = at + 1 WHERE sequence = ?",
        "UPDATE audit SET concern_id = 'c2' WHERE sequence = ?",
        "UPDATE audit SET concern_id = NULL WHERE sequence = ?",
        "UPDATE audit SET detail = '{}' WHERE sequence = ?",
        "UPDATE audit SET salt = NULL WHERE sequence = ?",
        "UPDATE audit SET detail_hash = x'00' WHERE sequence = ?",
    ] {
        let school = with_entries(5).await;
        school.run(statement, &["3"]).await;
        assert_eq!(broken(&school).await, Some(Broken::Changed(3)), "{statement}");
    }
}

#[tokio::test]
async fn a_removed_entry_is_found() {
    let school = with_entries(5).await;
    school.run("DELETE FROM audit WHERE sequence = ?", &["3"]).await;
    assert_eq!(broken(&school).await, Some(Broken::Missing(3)));
}

/// INVARIANT 4: the log tells nobody of a concern they may not see.
#[tokio::test]
async fn entries_of_a_concern_show_only_to_its_readers() {
    let school = with_entries(3).await;
    school.open(&crate::school::Concern::default()).await;
    let store = school.app.store.read();
    let seen_by = async |viewer| {
        overview::audit_log(store, SCHOOL, viewer, (0, 100))
            .await
            .unwrap()
            .len()
    };
    assert_eq!(seen_by("dsl").await, 3);
    assert_eq!(seen_by("chair").await, 0);
    assert_eq!(seen_by("technician").await, 0);
}
