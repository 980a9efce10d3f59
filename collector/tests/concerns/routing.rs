//! P20, INVARIANT 4: who may see a concern, as it stands in the store, whatever changes.

use crate::school::{Concern, MINUTE, SCHOOL, School, monday};
use pastoral_collector::concerns::kind::Kind;
use pastoral_collector::concerns::model::{ConcernState, Duty, ReaderGroup};
use pastoral_collector::concerns::naming::{Circumstances, Strength};
use pastoral_collector::store::people::Directory;
use pastoral_collector::store::{actions, identity, rerouting, routing};
use pastoral_keywords::Provenance;
use std::sync::Arc;

async fn reroute(school: &School) -> Vec<rerouting::GroupChanged> {
    let mut tx = school.app.store.write().await.unwrap();
    let changed = rerouting::reroute_all(&mut tx, &school.telling(), monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    changed
}

#[tokio::test]
async fn what_names_the_lead_is_neither_shown_nor_told_to_the_lead() {
    let school = School::new().await;
    let directory = school.directory().await;
    let named = directory.named_in("why does Miss Leigh hate me", &TYPED);
    assert_eq!(directory.apart(&named), "dsl");
    school
        .open(&Concern {
            named: &[("dsl", Strength::Certain)],
            ..Concern::default()
        })
        .await;
    assert_eq!(school.readers("c1").await, ["deputy", "head"]);
    assert_eq!(school.notices("c1").await, ["deputy new"]);
}

const TYPED: Circumstances = Circumstances {
    by_adult: false,
    provenance: Provenance::Typed,
    of_abuse: false,
};

/// A page "Safeguarding team: …" keeps nothing from anybody, and tells the next reader as well.
#[tokio::test]
async fn who_is_perhaps_named_is_told_and_so_is_the_next_who_is_not() {
    let school = School::new().await;
    let directory = school.directory().await;
    let page = Circumstances {
        provenance: Provenance::Page,
        ..TYPED
    };
    let title = "Safeguarding team: Mrs Leigh, Ms Carrow, Mr Dunstan";
    let named = directory.named_in(title, &page);
    assert!(named.len() == 3 && named.values().all(|strength| *strength == Strength::Weak));
    assert_eq!(directory.apart(&named), "");
    let team = ["dsl", "deputy", "head"].map(|person| (person, Strength::Weak));
    school
        .open(&Concern {
            named: &team,
            ..Concern::default()
        })
        .await;
    assert_eq!(school.readers("c1").await, ["dsl", "chair", "deputy", "head"]);
    assert_eq!(school.notices("c1").await, ["dsl new", "chair new"]);
}

/// A pupil's search that holds the surnames of all readers, at severity 5.
#[tokio::test]
async fn at_severity_5_all_who_remain_are_told_at_once_when_anybody_is_named() {
    for strength in [Strength::Weak, Strength::Strong, Strength::Certain] {
        let school = School::new().await;
        let four = ["dsl", "deputy", "head", "chair"].map(|person| (person, strength));
        school
            .open(&Concern {
                named: &four,
                severity: 5,
                ..Concern::default()
            })
            .await;
        let readers = school.readers("c1").await;
        let told: Vec<_> = readers.iter().map(|reader| format!("{reader} new")).collect();
        assert!(readers.contains(&"outsider".to_owned()), "{readers:?}");
        assert_eq!(readers.len(), if strength == Strength::Weak { 4 } else { 1 });
        assert_eq!(school.notices("c1").await, told);
    }
}

/// P27: in the store, whatever the severity and whatever a page offers.
#[tokio::test]
async fn who_may_be_meant_closes_nothing_alone() {
    let school = School::new().await;
    school
        .open(&Concern {
            named: &[("dsl", Strength::Weak), ("deputy", Strength::Weak)],
            severity: 1,
            ..Concern::default()
        })
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    let standing = actions::standing(&mut tx, SCHOOL, "c1").await.unwrap();
    let closed = actions::ConcernStanding {
        state: ConcernState::Closed,
        ..standing
    };
    for (closing, may) in [
        (["dsl"].as_slice(), false),
        (&["deputy"], false),
        (&["dsl", "deputy"], false),
        (&["teacher", "dsl"], false),
        (&["dsl", "head"], true),
        (&["head"], true),
    ] {
        let done = actions::close(&mut tx, SCHOOL, "c1", closing, &closed, monday()).await;
        assert_eq!(done.unwrap(), may, "{closing:?}");
    }
}

#[tokio::test]
async fn a_new_conflict_takes_the_concern_and_its_unsent_notice_from_a_reader() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    school
        .run(
            "INSERT INTO conflict (school_id, reader_id, about_id, recorded_by, recorded_at)
             VALUES ('school-1', ?, 'pupil', 'head', 1)",
            &["dsl"],
        )
        .await;
    assert!(reroute(&school).await.is_empty());
    assert_eq!(school.readers("c1").await, ["deputy", "head"]);
    assert_eq!(school.notices("c1").await, ["deputy new"]);
}

#[tokio::test]
async fn a_new_deputy_reads_too_and_nobody_is_told_twice() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    school.give_duty("teacher", Duty::Deputy).await;
    reroute(&school).await;
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "teacher", "head"]);
    assert_eq!(school.notices("c1").await, ["dsl new"]);
}

/// INVARIANT 4: recomputed when the subject's own duties change.
#[tokio::test]
async fn a_concern_about_somebody_who_becomes_headteacher_goes_to_the_chair() {
    let school = School::new().await;
    school
        .open(&Concern {
            person: Some("teacher"),
            kind: Kind::StaffMisuse,
            ..Concern::default()
        })
        .await;
    assert_eq!(school.readers("c1").await, ["head"]);
    school.give_duty("teacher", Duty::Headteacher).await;
    let changed = reroute(&school).await;
    assert_eq!(changed[0].to, ReaderGroup::Head);
    assert_eq!(school.readers("c1").await, ["chair"]);
}

/// An unknown account's concern is the person's as soon as a reviewer says who it is.
#[tokio::test]
async fn an_identified_account_brings_its_concerns_to_the_readers_of_that_person() {
    let school = School::new().await;
    school
        .run(
            "INSERT INTO device (school_id, device_id, host_name, os, group_name, state, confirm_code, public_key_sha256,
                                 csr_der, asked_at)
             VALUES ('school-1', ?, 'h', 'linux', 'pupils', 'approved', '', x'', x'', 0)",
            &["d1"],
        )
        .await;
    school
        .run(
            "INSERT INTO account (school_id, account_id, device_id, authority, stable_id, name, first_seen_at)
             VALUES ('school-1', 7, ?, 'local', '1001', 'guest', 0)",
            &["d1"],
        )
        .await;
    let kind = Kind::Bullying;
    school
        .open(&Concern {
            person: None,
            account: Some(7),
            kind,
            ..Concern::default()
        })
        .await;
    add_flag(&school, "c1", 7, "bullying").await;
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    let changed = identity::identify(&mut tx, &telling, 7, "teacher", "dsl", monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (changed[0].from, changed[0].to),
        (ReaderGroup::Pupil, ReaderGroup::Staff)
    );
    assert_eq!(school.readers("c1").await, ["head"]);
    assert_eq!(
        school
            .texts("SELECT kind FROM concern WHERE concern_id = ?", "c1")
            .await,
        ["staff-misuse"]
    );
    assert_eq!(school.notices("c1").await, ["head new"]);
    // Corrected: it was a pupil's after all.
    let mut tx = school.app.store.write().await.unwrap();
    identity::identify(&mut tx, &telling, 7, "pupil", "head", monday() + 2 * MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
    assert_eq!(
        school
            .texts("SELECT kind FROM concern WHERE concern_id = ?", "c1")
            .await,
        ["bullying"]
    );
}

/// P20, P23: a child's disclosure on a staff account becomes the child's concern in one step.
#[tokio::test]
async fn a_childs_disclosure_on_a_staff_account_is_handed_to_the_lead() {
    let school = School::new().await;
    school
        .open(&Concern {
            person: Some("teacher"),
            kind: Kind::Disclosure,
            ..Concern::default()
        })
        .await;
    add_flag(&school, "c1", 7, "abuse").await;
    assert_eq!(school.readers("c1").await, ["head"]);
    let mut tx = school.app.store.write().await.unwrap();
    let changed = identity::hand_over(&mut tx, &school.telling(), "c1", Some("pupil"), monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(changed.unwrap().to, ReaderGroup::Pupil);
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
    assert_eq!(
        school
            .texts("SELECT kind FROM concern WHERE concern_id = ?", "c1")
            .await,
        ["exploitation"]
    );
    assert_eq!(school.notices("c1").await.last().unwrap(), "dsl new");
}

#[tokio::test]
async fn a_concern_is_sealed_to_the_safe_only_where_nobody_but_its_subject_reads_and_reported() {
    let school = School::new().await;
    let named = ["dsl", "deputy", "head", "chair", "outsider"].map(|person| (person, Strength::Certain));
    school
        .open(&Concern {
            named: &named,
            id: "c0",
            ..Concern::default()
        })
        .await;
    assert_eq!(school.readers("c0").await, ["outsider"]);
    assert_eq!(
        school
            .texts("SELECT route FROM concern WHERE concern_id = ?", "c0")
            .await,
        ["last"]
    );
    school
        .run("UPDATE duty SET ended_at = 1 WHERE person_id <> ?", &["dsl"])
        .await;
    school
        .open(&Concern {
            person: Some("dsl"),
            kind: Kind::StaffMisuse,
            ..Concern::default()
        })
        .await;
    assert!(school.readers("c1").await.is_empty() && school.notices("c1").await.is_empty());
    assert!(routing::without_reader(&school.app.store, SCHOOL).await.unwrap());
}

/// The snapshot that the ingest decides by is never older than its transaction, whoever changed something.
#[tokio::test]
async fn the_directory_is_read_again_after_any_change_that_matters() {
    let school = School::new().await;
    let profile = school.app.profile.load_full();
    let fresh = async |known: Option<Arc<Directory>>| {
        let mut tx = school.app.store.write().await.unwrap();
        Directory::fresh(known, &mut tx, SCHOOL, &profile).await.unwrap()
    };
    let first = fresh(None).await;
    let same = fresh(Some(first.clone())).await;
    assert!(Arc::ptr_eq(&first, &same));
    let mut known = same;
    for (statement, parameter) in [
        ("UPDATE person SET active = 0 WHERE person_id = ?", "teacher"),
        ("UPDATE duty SET ended_at = 1 WHERE person_id = ?", "deputy"),
        (
            "INSERT INTO conflict (school_id, reader_id, about_id, recorded_by, recorded_at)
             VALUES ('school-1', ?, 'pupil', 'head', 1)",
            "dsl",
        ),
        ("UPDATE user SET disabled_at = 1 WHERE person_id = ?", "head"),
    ] {
        school.run(statement, &[parameter]).await;
        let next = fresh(Some(known.clone())).await;
        assert!(!Arc::ptr_eq(&known, &next), "{statement}");
        known = next;
    }
    assert!(
        known.duties().holders(Duty::Headteacher).is_empty()
            && known.duties().holders(Duty::Deputy).is_empty()
    );
}

async fn add_flag(school: &School, concern_id: &str, account_id: i64, topic: &str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(
        "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source, provenance,
                           topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
         VALUES (?, ?, 'd1', ?, 1, 1, 'ks2', 'search', 'typed', ?, 4, 0, 0, 0, x'', x'')",
    )
    .bind(SCHOOL)
    .bind(concern_id)
    .bind(account_id)
    .bind(topic)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
