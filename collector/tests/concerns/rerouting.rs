//! A concern that changes its readers: nobody deals with it who may not see it, those it comes to are told, and nobody
//! twice. And what nobody can read.

use crate::school::letters;
use crate::school::{Concern, DAY, MINUTE, SCHOOL, School, monday};
use pastoral_collector::concerns::kind::Kind;
use pastoral_collector::concerns::model::ConcernState;
use pastoral_collector::escalate::look_after_readers;
use pastoral_collector::store::outbox::{self, Sort};
use pastoral_collector::store::{actions, identity, rerouting, unread};

async fn reroute(school: &School) {
    let mut tx = school.app.store.write().await.unwrap();
    rerouting::reroute_all(&mut tx, &school.telling(), monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn acknowledged(school: &School, id: &str, by: &str) {
    school
        .open(&Concern {
            id,
            ..Concern::default()
        })
        .await;
    school
        .run(
            "UPDATE concern SET state = 'acknowledged', owner_id = ?1, acknowledged_at = 1, next_due_at = NULL,
             close_proposed_by = ?1, outcome = 'supported' WHERE concern_id = ?2",
            &[by, id],
        )
        .await;
}

async fn stands(school: &School, id: &str) -> (ConcernState, Option<String>, Option<String>) {
    let mut tx = school.app.store.write().await.unwrap();
    let standing = actions::standing(&mut tx, SCHOOL, id).await.unwrap();
    (standing.state, standing.owner_id, standing.close_proposed_by)
}

/// "… is dealing with it" never names somebody who cannot see it.
#[tokio::test]
async fn a_concern_whose_owner_may_not_see_it_any_more_is_new_and_comes_to_the_next() {
    for change in [
        "UPDATE duty SET ended_at = 1 WHERE person_id = ?",
        "UPDATE person SET active = 0 WHERE person_id = ?",
        "INSERT INTO conflict (school_id, reader_id, about_id, recorded_by, recorded_at)
         VALUES ('school-1', ?, 'pupil', 'head', 1)",
        "INSERT INTO concern_named (school_id, concern_id, person_id, strength) VALUES ('school-1', 'c1', ?, 'certain')",
    ] {
        let school = School::new().await;
        acknowledged(&school, "c1", "dsl").await;
        school.run(change, &["dsl"]).await;
        reroute(&school).await;
        assert_eq!(
            stands(&school, "c1").await,
            (ConcernState::New, None, None),
            "{change}"
        );
        assert_eq!(
            school.notices("c1").await.last().unwrap(),
            "deputy new",
            "{change}"
        );
        assert!(school.next_due("c1").await.is_some(), "{change}");
    }
}

#[tokio::test]
async fn identified_as_staff_it_is_new_for_the_headteacher() {
    let school = School::new().await;
    school
        .open(&Concern {
            person: None,
            ..Concern::default()
        })
        .await;
    school
        .run(
            "UPDATE concern SET state = 'acknowledged', owner_id = ?, by_hand = 1 WHERE concern_id = 'c1'",
            &["dsl"],
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    identity::name_person(&mut tx, &telling, "c1", "teacher", monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(school.readers("c1").await, ["head"]);
    assert_eq!(stands(&school, "c1").await, (ConcernState::New, None, None));
    assert_eq!(school.notices("c1").await.last().unwrap(), "head new");
}

#[tokio::test]
async fn what_an_owner_keeps_stays_theirs_and_is_announced_to_nobody() {
    let school = School::new().await;
    acknowledged(&school, "c1", "head").await;
    let before = school.notices("c1").await;
    school
        .run("UPDATE duty SET ended_at = 1 WHERE person_id = ?", &["dsl"])
        .await;
    reroute(&school).await;
    assert_eq!(stands(&school, "c1").await.1.as_deref(), Some("head"));
    assert!(school.notices("c1").await.len() <= before.len());
}

/// A proposal of somebody who may not see it any more waits for nobody.
#[tokio::test]
async fn a_proposal_to_close_ends_with_the_access_of_whoever_made_it() {
    let school = School::new().await;
    acknowledged(&school, "c1", "dsl").await;
    school
        .run(
            "UPDATE concern SET owner_id = ? WHERE concern_id = 'c1'",
            &["head"],
        )
        .await;
    school
        .run("UPDATE duty SET ended_at = 1 WHERE person_id = ?", &["dsl"])
        .await;
    reroute(&school).await;
    assert_eq!(
        stands(&school, "c1").await,
        (ConcernState::Acknowledged, Some("head".into()), None)
    );
}

#[tokio::test]
async fn many_concerns_that_change_hands_are_one_mail_to_each_who_has_them_now() {
    let school = School::new().await;
    for id in ["c1", "c2", "c3"] {
        acknowledged(&school, id, "dsl").await;
    }
    school
        .run("UPDATE duty SET ended_at = 1 WHERE person_id = ?", &["dsl"])
        .await;
    reroute(&school).await;
    let sent = school
        .texts("SELECT person_id FROM outbox WHERE notice = ?", "yours")
        .await;
    assert_eq!(sent, ["deputy"]);
    let due = outbox::due(&school.app.store, monday() + MINUTE, 10)
        .await
        .unwrap();
    let yours: Vec<_> = due.iter().filter(|due| due.sort == Sort::Yours).collect();
    assert_eq!((yours.len(), yours[0].count, yours[0].severity), (1, 3, 4));
    reroute(&school).await;
    let again = school.texts("SELECT notice_id FROM outbox WHERE notice = ?", "yours");
    assert_eq!(again.await.len(), 1, "nobody is told twice");
}

#[tokio::test]
async fn a_step_that_is_undone_brings_back_no_owner_who_may_not_see_it() {
    let school = School::new().await;
    acknowledged(&school, "c1", "dsl").await;
    let mut tx = school.app.store.write().await.unwrap();
    let before = actions::standing(&mut tx, SCHOOL, "c1").await.unwrap();
    tx.commit().await.unwrap();
    school
        .run("UPDATE duty SET ended_at = 1 WHERE person_id = ?", &["dsl"])
        .await;
    reroute(&school).await;
    let mut tx = school.app.store.write().await.unwrap();
    actions::set_standing(&mut tx, SCHOOL, "c1", &before, monday() + 2 * MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let (state, owner, _) = stands(&school, "c1").await;
    assert_eq!((state, owner), (ConcernState::New, None));
}

async fn told_unread(school: &School) -> Vec<String> {
    school
        .texts(
            "SELECT person_id FROM outbox WHERE notice = ? ORDER BY person_id",
            "unread",
        )
        .await
}

/// Readers without an address or sign-in are no readers.
#[tokio::test]
async fn what_nobody_can_read_is_told_at_once_to_somebody_who_may_know_of_it() {
    let no_address = "UPDATE person SET email = '' WHERE person_id = ?";
    let no_sign_in = "DELETE FROM user WHERE person_id = ?";
    for (subject, kind, unable, expected) in [
        ("pupil", Kind::SelfHarm, [no_address; 3], "chair"),
        ("pupil", Kind::SelfHarm, [no_sign_in; 3], "head"),
        ("head", Kind::StaffMisuse, [no_address; 3], "outsider"),
    ] {
        let school = School::new().await;
        let readers = if subject == "pupil" {
            ["dsl", "deputy", "head"]
        } else {
            ["chair"; 3]
        };
        school
            .open(&Concern {
                person: Some(subject),
                kind,
                ..Concern::default()
            })
            .await;
        look_after_readers(&school.app, monday()).await.unwrap();
        assert!(told_unread(&school).await.is_empty());
        for (statement, reader) in unable.into_iter().zip(readers) {
            school.run(statement, &[reader]).await;
        }
        look_after_readers(&school.app, monday()).await.unwrap();
        look_after_readers(&school.app, monday() + MINUTE).await.unwrap();
        assert_eq!(told_unread(&school).await, [expected], "{subject}");
        assert!(unread::is_any(&school.app.store, SCHOOL).await.unwrap());
        look_after_readers(&school.app, monday() + DAY).await.unwrap();
        assert_eq!(
            told_unread(&school).await,
            [expected, expected],
            "once a day while it lasts"
        );
    }
}

#[tokio::test]
async fn where_no_reader_can_be_told_the_technician_is_told_that_something_waits() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    for reader in ["dsl", "deputy", "head", "chair", "outsider"] {
        school
            .run("UPDATE person SET email = '' WHERE person_id = ?", &[reader])
            .await;
    }
    look_after_readers(&school.app, monday()).await.unwrap();
    assert_eq!(told_unread(&school).await, ["technician"]);
    let body = &letters::waiting(&school.app, "unread").await[0].words;
    assert!(!body.contains("/concerns/") && !body.contains("queue"), "{body}");
    // As soon as somebody can read it, nobody need be told.
    school
        .run(
            "UPDATE person SET email = 'dsl@oak.example' WHERE person_id = ?",
            &["dsl"],
        )
        .await;
    look_after_readers(&school.app, monday() + DAY).await.unwrap();
    assert_eq!(told_unread(&school).await, ["technician"]);
}
