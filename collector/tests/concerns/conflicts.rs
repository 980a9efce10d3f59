//! P20: conflicts of interest against whoever would use them to be alone with a concern.

use crate::school::letters::{self, Letter};
use crate::school::{Concern, DAY, MINUTE, SCHOOL, School, monday};
use pastoral_collector::concerns::kind::Kind;
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::escalate::look_after_readers;
use pastoral_collector::store::conflicts::{self, Conflict, Refused};
use pastoral_collector::store::{audit, rerouting, wanted};

async fn record(school: &School, by: &str, reader: &str, about: &str, at: i64) -> Result<Conflict, Refused> {
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    let recorded = conflicts::record(&mut tx, &telling, (reader, about), by, at)
        .await
        .unwrap();
    rerouting::reroute_all(&mut tx, &telling, at).await.unwrap();
    tx.commit().await.unwrap();
    recorded
}

async fn told(school: &School) -> Vec<String> {
    school
        .texts(
            "SELECT person_id FROM outbox WHERE notice = ? ORDER BY created_at",
            "conflict",
        )
        .await
}

/// Tried: a lead who records alone that headteacher and chair are in conflict with herself.
#[tokio::test]
async fn alone_a_reader_keeps_only_themselves_out() {
    let school = School::new().await;
    let at = monday();
    for (by, reader, about) in [
        ("dsl", "head", "dsl"),
        ("dsl", "chair", "dsl"),
        ("head", "head", "head"),
    ] {
        assert_eq!(record(&school, by, reader, about, at).await, Err(Refused::Theirs));
    }
    school.open(&Concern::default()).await;
    let own = record(&school, "dsl", "dsl", "pupil", at).await.unwrap();
    assert!(own.in_force && own.lapses_at.is_none());
    assert_eq!(school.readers("c1").await, ["deputy", "head"]);
}

#[tokio::test]
async fn a_conflict_lapses_unless_a_second_person_agrees_within_a_day() {
    let school = School::new().await;
    let at = monday();
    school.open(&Concern::default()).await;
    let conflict = record(&school, "dsl", "deputy", "pupil", at).await.unwrap();
    assert!(conflict.in_force);
    assert_eq!(school.readers("c1").await, ["dsl", "head"]);
    for (person, may) in [
        ("dsl", false),
        ("deputy", false),
        ("pupil", false),
        ("head", true),
        ("chair", true),
    ] {
        assert_eq!(conflict.may_agree(person), may, "{person}");
    }
    look_after_readers(&school.app, at + DAY - MINUTE).await.unwrap();
    assert_eq!(school.readers("c1").await, ["dsl", "head"]);
    look_after_readers(&school.app, at + DAY).await.unwrap();
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
    // Recorded again each day it does nothing until somebody agrees.
    let again = record(&school, "dsl", "deputy", "pupil", at + DAY + MINUTE)
        .await
        .unwrap();
    assert!(!again.in_force);
    assert_eq!(school.readers("c1").await, ["dsl", "deputy", "head"]);
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    let agreed = conflicts::agree(&mut tx, &telling, &again, "head", at + DAY + 2 * MINUTE).await;
    assert_eq!(agreed.unwrap(), Ok(()));
    rerouting::reroute_all(&mut tx, &telling, at + DAY + 2 * MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    look_after_readers(&school.app, at + 9 * DAY).await.unwrap();
    assert_eq!(school.readers("c1").await, ["dsl", "head"]);
    assert!(
        audit::verify(&school.app.store, SCHOOL, monday())
            .await
            .unwrap()
            .is_ok()
    );
}

/// A lead under suspicion, who keeps out one after another until she is alone with it.
#[tokio::test]
async fn nobody_comes_to_be_alone_with_a_concern_by_keeping_out_one_after_another() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    assert!(
        record(&school, "dsl", "deputy", "pupil", monday())
            .await
            .unwrap()
            .in_force
    );
    assert!(
        !record(&school, "dsl", "head", "pupil", monday())
            .await
            .unwrap()
            .in_force
    );
    assert_eq!(school.readers("c1").await, ["dsl", "head"]);
}

#[tokio::test]
async fn the_last_reader_is_never_kept_out() {
    let school = School::new().await;
    school
        .run(
            "UPDATE duty SET ended_at = 1 WHERE duty IN (?1, ?2)",
            &["chair", "independent"],
        )
        .await;
    school
        .open(&Concern {
            person: Some("teacher"),
            kind: Kind::StaffMisuse,
            ..Concern::default()
        })
        .await;
    for by in ["dsl", "head"] {
        assert_eq!(
            record(&school, by, "head", "teacher", monday()).await,
            Err(Refused::LastReader)
        );
    }
    assert_eq!(school.readers("c1").await, ["head"]);
}

/// Two readers who may not read about each other.
#[tokio::test]
async fn two_readers_in_conflict_with_each_other_leave_what_concerns_either_to_a_third() {
    let school = School::new().await;
    for (person, id) in [("head", "c1"), ("chair", "c2")] {
        school
            .open(&Concern {
                id,
                person: Some(person),
                kind: Kind::StaffMisuse,
                ..Concern::default()
            })
            .await;
    }
    assert!(
        record(&school, "dsl", "chair", "head", monday())
            .await
            .unwrap()
            .in_force
    );
    assert!(
        record(&school, "dsl", "head", "chair", monday())
            .await
            .unwrap()
            .in_force
    );
    assert_eq!(school.readers("c1").await, ["outsider"]);
    assert_eq!(school.readers("c2").await, ["outsider"]);
}

/// Whose conflict it is to know, and to undo; never one of the two.
#[tokio::test]
async fn each_step_is_told_to_the_senior_of_whoever_is_kept_out_and_seniors_can_end_it() {
    let school = School::new().await;
    for (number, (by, reader, about, senior)) in [
        ("dsl", "deputy", "pupil", "head"),
        ("dsl", "head", "teacher", "chair"),
        ("dsl", "chair", "head", "outsider"),
        ("head", "dsl", "pupil", "chair"),
        ("chair", "deputy", "head", "outsider"),
    ]
    .into_iter()
    .enumerate()
    {
        let at = monday() + i64::try_from(number).unwrap() * MINUTE;
        let conflict = record(&school, by, reader, about, at).await.unwrap();
        assert_eq!(
            told(&school).await.last().unwrap(),
            senior,
            "{reader} about {about}"
        );
        let directory = school.directory().await;
        for person in ["head", "chair"] {
            let is_other = person != reader && person != about;
            assert_eq!(
                conflict.may_end(&directory, person),
                is_other,
                "{person}: {reader} about {about}"
            );
            let knows = conflicts::may_know(&directory, person, reader, about, by);
            assert_eq!(
                knows,
                is_other || person == by,
                "{person}: {reader} about {about}"
            );
        }
        assert!(!conflict.may_end(&directory, reader));
        assert_eq!(
            conflict.may_end(&directory, "dsl"),
            (reader, about) == ("chair", "head")
        );
    }
    // No message says who, of what, or how many.
    let letters = letters::waiting(&school.app, "conflict").await;
    assert!(!letters.is_empty());
    for name in ["Leigh", "Carrow", "Dunstan", "Everard", "Garside"] {
        assert!(letters.iter().all(|letter| !letter.words.contains(name)));
    }
    // However long it waits, what it says stays true.
    let said = |letter: &Letter| letter.words.contains("within 24 hours");
    assert!(!letters.iter().any(said));
}

/// A school without headteacher and chair must be able to undo it too.
#[tokio::test]
async fn where_headteacher_and_chair_are_the_two_another_reader_can_end_it() {
    let school = School::new().await;
    let conflict = record(&school, "dsl", "chair", "head", monday()).await.unwrap();
    assert!(conflict.may_end(&school.directory().await, "outsider"));
    school
        .run(
            "UPDATE duty SET ended_at = 1 WHERE duty = ?",
            &[Duty::Independent.code()],
        )
        .await;
    assert!(conflict.may_end(&school.directory().await, "dsl"));
}

async fn agree(school: &School, conflict: &Conflict, by: &str, at: i64) -> Result<(), Refused> {
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    let agreed = conflicts::agree(&mut tx, &telling, conflict, by, at)
        .await
        .unwrap();
    rerouting::reroute_all(&mut tx, &telling, at).await.unwrap();
    tx.commit().await.unwrap();
    agreed
}

/// Somebody is made a deputy for an hour, agrees, and has gone again: the lead is alone with it.
#[tokio::test]
async fn nobody_is_made_a_reader_in_order_to_agree() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    let conflict = record(&school, "dsl", "head", "pupil", monday()).await.unwrap();
    school.add_person("friend", "staff", "Flo", "Garside").await;
    school.give_duty("friend", Duty::Deputy).await;
    school
        .run(
            "UPDATE duty SET granted_at = CAST(? AS INTEGER) WHERE person_id = 'friend'",
            &[&(monday() + MINUTE).to_string()],
        )
        .await;
    let at = monday() + 2 * MINUTE;
    assert!(!wants(&school, "friend", at).await, "nor are they asked");
    assert_eq!(
        agree(&school, &conflict, "friend", at).await,
        Err(Refused::Joined)
    );
    assert_eq!(
        agree(&school, &conflict, "deputy", at).await,
        Ok(()),
        "who read before may"
    );
}

/// A deputy for a day keeps a reader out and leaves: nobody stands behind it any more, and it ends at once.
#[tokio::test]
async fn a_conflict_ends_with_the_duty_of_who_recorded_it_unless_a_second_person_agreed() {
    for agreed in [false, true] {
        let school = School::new().await;
        school.open(&Concern::default()).await;
        let conflict = record(&school, "deputy", "dsl", "pupil", monday()).await.unwrap();
        assert_eq!(school.readers("c1").await, ["deputy", "head"]);
        if agreed {
            assert_eq!(agree(&school, &conflict, "head", monday()).await, Ok(()));
        }
        school
            .run("UPDATE duty SET ended_at = 1 WHERE person_id = ?", &["deputy"])
            .await;
        look_after_readers(&school.app, monday() + MINUTE).await.unwrap();
        let mut tx = school.app.store.write().await.unwrap();
        rerouting::reroute_all(&mut tx, &school.telling(), monday() + MINUTE)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let readers = if agreed { vec!["head"] } else { vec!["dsl", "head"] };
        assert_eq!(school.readers("c1").await, readers);
    }
}

async fn wants(school: &School, person: &str, at: i64) -> bool {
    !wanted::of(&mut school.app.store.read().await.unwrap(), SCHOOL, person, at)
        .await
        .unwrap()
        .is_empty()
}

/// Where headteacher and chair are those whom it is about, others who may know of it are asked; else it would lapse unseen.
#[tokio::test]
async fn whoever_can_agree_to_a_conflict_is_asked_and_nobody_who_may_not_know_of_it() {
    for (by, reader, about, asked) in [
        ("dsl", "deputy", "pupil", vec!["head", "chair"]),
        ("dsl", "head", "pupil", vec!["chair"]),
        ("chair", "head", "pupil", vec!["dsl", "deputy"]),
        ("dsl", "chair", "head", vec!["outsider"]),
    ] {
        let school = School::new().await;
        record(&school, by, reader, about, monday()).await.unwrap();
        let directory = school.directory().await;
        for person in ["dsl", "deputy", "head", "chair", "outsider"] {
            let is_asked = wants(&school, person, monday()).await;
            assert_eq!(
                is_asked,
                asked.contains(&person),
                "{person}: {reader} about {about} by {by}"
            );
            let knows = conflicts::may_know(&directory, person, reader, about, by);
            assert!(!is_asked || knows, "{person}: {reader} about {about} by {by}");
        }
        let mailed = school
            .texts(
                "SELECT person_id FROM outbox WHERE notice = ? ORDER BY person_id",
                "agreement-wanted",
            )
            .await;
        let mut asked = asked;
        asked.sort_unstable();
        assert_eq!(mailed, asked, "{reader} about {about} by {by}");
    }
    // Who is kept out of the same is not asked: they may not know of it.
    let school = School::new().await;
    record(&school, "deputy", "deputy", "pupil", monday())
        .await
        .unwrap();
    record(&school, "chair", "head", "pupil", monday()).await.unwrap();
    assert!(!wants(&school, "deputy", monday()).await && wants(&school, "dsl", monday()).await);
}
