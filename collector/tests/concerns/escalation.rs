//! P18, P19: who is told, and what happens when nobody answers.

use crate::school::{Concern, DAY, MINUTE, School, monday};
use pastoral_collector::concerns::escalation::ConcernChange;
use pastoral_collector::concerns::naming::Strength;
use pastoral_collector::escalate::step_due;
use pastoral_collector::store::{escalation, outbox};

/// P19: nobody reading it is itself escalated.
#[tokio::test]
async fn a_concern_nobody_answers_goes_to_the_next_reader_and_then_to_all_again() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    assert_eq!(school.notices("c1").await, ["dsl new"]);
    let mut now = monday();
    for expected in ["deputy unanswered", "head unanswered"] {
        assert_eq!(step_due(&school.app, now + 29 * MINUTE).await.unwrap(), 0);
        now = school.next_due("c1").await.unwrap();
        assert_eq!(step_due(&school.app, now).await.unwrap(), 1);
        assert_eq!(school.notices("c1").await.last().unwrap(), expected);
    }
    now = school.next_due("c1").await.unwrap();
    step_due(&school.app, now).await.unwrap();
    // One reminder for each person, of everything that waits for them.
    let reminders = "SELECT person_id FROM outbox WHERE notice = ? ORDER BY rowid";
    assert_eq!(
        school.texts(reminders, "reminder").await,
        ["dsl", "deputy", "head"]
    );
}

#[tokio::test]
async fn an_acknowledged_concern_goes_to_nobody_else_and_what_waits_is_taken_back() {
    let school = School::new().await;
    let sunday = monday() - DAY;
    school
        .open(&Concern {
            severity: 2,
            event_at: sunday,
            now: sunday,
            ..Concern::default()
        })
        .await;
    assert_eq!(school.notices("c1").await, ["dsl new"]);
    school
        .run(
            "UPDATE concern SET state = 'acknowledged' WHERE concern_id = ?",
            &["c1"],
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    escalation::answered(&mut tx, crate::school::SCHOOL, "c1")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(school.notices("c1").await.is_empty());
    assert_eq!(school.next_due("c1").await, None);
}

/// Outside cover hours severity 4 is told at once, 2 waits for Monday.
#[tokio::test]
async fn outside_cover_hours_only_the_serious_ones_are_told_at_once() {
    let school = School::new().await;
    let sunday = monday() - DAY;
    school
        .open(&Concern {
            event_at: sunday,
            now: sunday,
            ..Concern::default()
        })
        .await;
    school
        .open(&Concern {
            id: "c2",
            severity: 2,
            event_at: sunday,
            now: sunday,
            ..Concern::default()
        })
        .await;
    let due = outbox::due(&school.app.store, sunday, 10).await.unwrap();
    assert_eq!(due.len(), 1);
    // Monday, 8:00.
    let cover = outbox::next_due(&school.app.store, sunday).await.unwrap();
    assert_eq!(cover, Some(monday() - 120 * MINUTE));
}

/// Each rise of severity notifies once, also when the concern was already acknowledged.
#[tokio::test]
async fn each_rise_is_told_once_also_when_acknowledged() {
    let school = School::new().await;
    school
        .open(&Concern {
            severity: 3,
            ..Concern::default()
        })
        .await;
    school
        .run(
            "UPDATE concern SET state = 'acknowledged', severity = 4 WHERE concern_id = ?",
            &["c1"],
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    escalation::opened_or_risen(&mut tx, &telling, "c1", ConcernChange::Risen, monday() + MINUTE)
        .await
        .unwrap();
    escalation::opened_or_risen(&mut tx, &telling, "c1", ConcernChange::Joined, monday() + MINUTE)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(school.notices("c1").await, ["dsl new", "dsl risen"]);
    assert_eq!(school.next_due("c1").await, None);
}

/// A backlog makes one digest, severity 5 excepted.
#[tokio::test]
async fn a_backlog_makes_one_digest_for_each_reader_and_severity_five_its_own_notice() {
    let school = School::new().await;
    let names: Vec<String> = (0..40).map(|number| format!("c{number}")).collect();
    for id in &names {
        school
            .open(&Concern {
                id,
                severity: 3,
                event_at: monday() - 10 * DAY,
                ..Concern::default()
            })
            .await;
    }
    school
        .open(&Concern {
            id: "life",
            severity: 5,
            event_at: monday() - 10 * DAY,
            ..Concern::default()
        })
        .await;
    assert_eq!(school.digests().await, ["dsl"]);
    assert_eq!(school.notices("life").await, ["dsl new", "deputy new"]);
    assert!(school.notices("c7").await.is_empty());
    // Nobody answers: the next one hears of all of them in one message too.
    let due = school.next_due("c0").await.unwrap();
    while step_due(&school.app, due).await.unwrap() > 0 {}
    assert_eq!(school.digests().await, ["dsl", "deputy"]);
}

/// INVARIANT 4: a digest leaves only while its reader may see a concern it is about.
#[tokio::test]
async fn a_digest_is_not_sent_to_somebody_who_may_see_none_of_it_any_more() {
    let school = School::new().await;
    school
        .open(&Concern {
            severity: 3,
            event_at: monday() - 10 * DAY,
            ..Concern::default()
        })
        .await;
    assert_eq!(
        outbox::due(&school.app.store, monday() + DAY, 10)
            .await
            .unwrap()
            .len(),
        1
    );
    school
        .run("DELETE FROM concern_reader WHERE person_id = ?", &["dsl"])
        .await;
    assert!(
        outbox::due(&school.app.store, monday() + DAY, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

/// P20: only who may see a concern can be told of it by passing it on.
#[tokio::test]
async fn a_concern_is_passed_on_only_to_its_readers() {
    let school = School::new().await;
    school
        .open(&Concern {
            named: &[("deputy", Strength::Certain)],
            ..Concern::default()
        })
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    let telling = school.telling();
    for (to, told) in [
        ("head", true),
        ("deputy", false),
        ("teacher", false),
        ("technician", false),
    ] {
        assert_eq!(
            escalation::pass_on(&mut tx, &telling, "c1", to, monday())
                .await
                .unwrap(),
            told,
            "{to}"
        );
    }
    tx.commit().await.unwrap();
    assert_eq!(school.notices("c1").await, ["dsl new", "head new"]);
}
