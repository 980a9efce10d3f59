//! False alarms end what they began, and silence nothing.

use crate::school::{Concern, DAY, MINUTE, SCHOOL, School, monday};
use pastoral_collector::concerns::escalation::ConcernChange;
use pastoral_collector::escalate::step_due;
use pastoral_collector::store::{actions, escalation, false_alarms, flags, wanted};

/// A concern of severity `severities[0]` or lower, with a flag of each severity.
async fn concern(school: &School, severities: &[u8]) {
    let severity = severities.iter().copied().max().unwrap();
    school
        .open(&Concern {
            severity,
            ..Concern::default()
        })
        .await;
    for severity in severities {
        flag(school, *severity, monday()).await;
    }
}

async fn flag(school: &School, severity: u8, at: i64) {
    school
        .run(
            "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source,
             provenance, topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
             VALUES ('school-1', 'c1', 'd', 1, 1, 1, 'ks2', 'title', 'typed', 'self-harm', CAST(?1 AS INTEGER),
             CAST(?2 AS INTEGER), 0, CAST(?2 AS INTEGER), X'00', X'00')",
            &[&severity.to_string(), &at.to_string()],
        )
        .await;
}

/// Marks the flags of a severity, or of any, as false alarms or not.
async fn mark(school: &School, severity: Option<u8>, is: bool, now: i64) {
    let which = severity.map_or("severity".to_owned(), |severity| severity.to_string());
    let flags = school
        .texts(
            "SELECT CAST(flag_id AS TEXT) FROM flag WHERE ?1 IN ('severity', CAST(severity AS TEXT))",
            &which,
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    actions::touch(&mut tx, SCHOOL, "c1", now).await.unwrap();
    for flag in flags {
        let flag = flag.parse().ok();
        flags::set_false_alarm(&mut tx, SCHOOL, "c1", flag, is)
            .await
            .unwrap();
    }
    false_alarms::settle(&mut tx, &school.telling(), "c1", "dsl", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn severity(school: &School) -> (Option<i64>, Option<i64>) {
    (
        school.number("SELECT severity FROM concern").await,
        school.number("SELECT highest_severity FROM concern").await,
    )
}

async fn wanted_of(school: &School, person: &str) -> usize {
    wanted::of(
        &mut school.app.store.read().await.unwrap(),
        SCHOOL,
        person,
        monday(),
    )
    .await
    .unwrap()
    .len()
}

#[tokio::test]
async fn with_every_flag_marked_it_shows_severity_one_its_timers_stand_for_a_day_and_a_second_person_is_asked()
 {
    let school = School::new().await;
    concern(&school, &[5, 3]).await;
    let marked = monday() + MINUTE;
    mark(&school, None, true, marked).await;
    assert_eq!(severity(&school).await, (Some(1), Some(5)));
    assert_eq!(step_due(&school.app, marked + DAY - MINUTE).await.unwrap(), 0);
    // Who marked it is not asked, the others who may see it are.
    assert_eq!(
        (
            wanted_of(&school, "dsl").await,
            wanted_of(&school, "deputy").await
        ),
        (0, 1)
    );
    let asked = school
        .texts(
            "SELECT person_id FROM outbox WHERE notice = ? ORDER BY person_id",
            "agreement-wanted",
        )
        .await;
    assert_eq!(asked, ["deputy", "head"]);
    // Nobody agreed: it goes on, as fast as the highest severity that it ever had.
    assert_eq!(step_due(&school.app, marked + DAY).await.unwrap(), 1);
    assert_eq!(school.notices("c1").await.last().unwrap(), "head unanswered");
    assert_eq!(school.next_due("c1").await.unwrap(), marked + DAY + 30 * MINUTE);
    assert_eq!(
        severity(&school).await,
        (Some(1), Some(5)),
        "and never forgets it"
    );
}

#[tokio::test]
async fn below_the_severity_that_asks_for_two_nobody_else_is_asked() {
    let school = School::new().await;
    concern(&school, &[3]).await;
    mark(&school, None, true, monday() + MINUTE).await;
    assert_eq!(severity(&school).await, (Some(1), Some(3)));
    assert_eq!(wanted_of(&school, "deputy").await, 0);
    assert_eq!(school.next_due("c1").await, Some(monday() + MINUTE + DAY));
}

#[tokio::test]
async fn taking_a_mark_back_restores_severity_and_timers_at_once() {
    let school = School::new().await;
    concern(&school, &[5]).await;
    mark(&school, None, true, monday() + MINUTE).await;
    mark(&school, None, false, monday() + 2 * MINUTE).await;
    assert_eq!(severity(&school).await.0, Some(5));
    assert_eq!(wanted_of(&school, "deputy").await, 0, "nobody is asked any more");
    assert_eq!(school.notices("c1").await[2..], ["dsl risen", "deputy risen"]);
    assert_eq!(school.next_due("c1").await, Some(monday() + 12 * MINUTE));
}

#[tokio::test]
async fn a_flag_that_joins_starts_everything_again_whatever_its_severity() {
    for joins in [1, 5] {
        let school = School::new().await;
        concern(&school, &[5]).await;
        mark(&school, None, true, monday() + MINUTE).await;
        flag(&school, joins, monday() + 2 * MINUTE).await;
        let mut tx = school.app.store.write().await.unwrap();
        assert_eq!(false_alarms::all_marked(&mut tx, SCHOOL).await.unwrap(), ["c1"]);
        escalation::opened_or_risen(
            &mut tx,
            &school.telling(),
            "c1",
            ConcernChange::Joined,
            monday() + 2 * MINUTE,
        )
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(school.notices("c1").await[2..], ["dsl risen", "deputy risen"]);
        assert!(school.next_due("c1").await.unwrap() < monday() + DAY);
        assert_eq!(wanted_of(&school, "deputy").await, 0);
    }
}

#[tokio::test]
async fn of_flags_that_are_marked_in_part_the_rest_says_how_serious_it_is() {
    let school = School::new().await;
    concern(&school, &[5, 3]).await;
    mark(&school, Some(5), true, monday() + MINUTE).await;
    assert_eq!(severity(&school).await, (Some(3), Some(5)));
    assert_eq!(
        school.notices("c1").await,
        ["dsl new", "deputy new"],
        "nobody is told anew"
    );
    assert!(
        school.next_due("c1").await.unwrap() < monday() + DAY,
        "and the timers run on"
    );
}

/// One person alone may mark flags, so marking the severe ones slows nothing: a mild one that is left is no way round.
#[tokio::test]
async fn marking_in_part_slows_no_timer_and_takes_no_second_person_away() {
    let school = School::new().await;
    concern(&school, &[5, 1]).await;
    mark(&school, Some(5), true, monday() + MINUTE).await;
    assert_eq!(severity(&school).await, (Some(1), Some(5)));
    for minutes in [10, 40, 70] {
        let at = monday() + minutes * MINUTE;
        assert_eq!(step_due(&school.app, at).await.unwrap(), 1);
        assert_eq!(
            school.next_due("c1").await,
            Some(at + 30 * MINUTE),
            "as of severity 5"
        );
    }
    assert!(school.notices("c1").await.contains(&"head unanswered".to_owned()));
}

/// Marking, taking back and marking again buys no second day.
#[tokio::test]
async fn the_same_flags_stop_the_timers_once() {
    let school = School::new().await;
    concern(&school, &[5]).await;
    mark(&school, None, true, monday() + MINUTE).await;
    mark(&school, None, false, monday() + 2 * MINUTE).await;
    mark(&school, None, true, monday() + 3 * MINUTE).await;
    assert_eq!(step_due(&school.app, monday() + 3 * MINUTE).await.unwrap(), 1);
    // Another flag may be another false alarm.
    flag(&school, 5, monday() + 4 * MINUTE).await;
    mark(&school, None, false, monday() + 4 * MINUTE).await;
    mark(&school, None, true, monday() + 5 * MINUTE).await;
    assert_eq!(school.next_due("c1").await, Some(monday() + 5 * MINUTE + DAY));
}

/// What somebody wrote down about it is no false alarm of a device.
#[tokio::test]
async fn what_was_added_by_hand_keeps_its_severity() {
    let school = School::new().await;
    concern(&school, &[5]).await;
    school
        .run(
            "INSERT INTO action (school_id, concern_id, at, by_id, action, detail)
             VALUES ('school-1', 'c1', 1, 'head', 'added', '{\"severity\":4}')",
            &[],
        )
        .await;
    mark(&school, None, true, monday() + MINUTE).await;
    assert_eq!(severity(&school).await, (Some(4), Some(5)));
    assert!(school.next_due("c1").await.unwrap() < monday() + DAY);
}
