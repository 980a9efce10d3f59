//! Nobody is flooded, and nobody is forgotten.

use crate::school::{Concern, DAY, MINUTE, SCHOOL, School, monday};
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::concerns::naming::Strength;
use pastoral_collector::escalate::{look_after_readers, step_due};
use pastoral_collector::store::outbox::{self, Sort};
use pastoral_collector::store::{asking, reviews, wanted};

const HOUR: i64 = 60 * MINUTE;

/// Marks everything that is due as sent, and gives who was sent what.
async fn send_due(school: &School, now: i64) -> Vec<(String, Sort, i64)> {
    outbox::end_what_is_over(&school.app.store, now).await.unwrap();
    let mut sent = Vec::new();
    for due in outbox::due(&school.app.store, now, 1_000).await.unwrap() {
        outbox::sent(&school.app.store, &due.notice_id, now)
            .await
            .unwrap();
        let to = due.address.split('@').next().unwrap_or_default().to_owned();
        sent.push((to, due.sort, due.count));
    }
    sent
}

/// Eleven concerns of severity 5 made 22 mails each half hour, day and night.
#[tokio::test]
async fn eleven_unanswered_concerns_make_one_reminder_for_each_person_that_says_how_many_wait() {
    let school = School::new().await;
    for number in 0..11 {
        school
            .open(&Concern {
                id: &format!("c{number}"),
                severity: 5,
                event_at: monday() + number * MINUTE,
                now: monday() + number * MINUTE,
                ..Concern::default()
            })
            .await;
    }
    let mut own = send_due(&school, monday() + 11 * MINUTE).await;
    own.retain(|(_, sort, _)| *sort == Sort::New);
    assert_eq!(
        own.len(),
        22,
        "each of severity 5 has its own notice at once, to two people"
    );
    // Each by its own timer, until everybody has been told of all of them.
    let mut now = monday() + 11 * MINUTE;
    while now < monday() + 2 * HOUR {
        now += MINUTE;
        while step_due(&school.app, now).await.unwrap() > 0 {}
        send_due(&school, now).await;
    }
    for half_hour in 0..6 {
        let mut reminders = Vec::new();
        for _ in 0..30 {
            now += MINUTE;
            while step_due(&school.app, now).await.unwrap() > 0 {}
            reminders.extend(send_due(&school, now).await);
        }
        for person in ["dsl", "deputy", "head"] {
            let theirs: Vec<_> = reminders.iter().filter(|(to, ..)| to == person).collect();
            assert!(theirs.len() <= 1, "{half_hour}: {theirs:?}");
            assert!(
                theirs
                    .iter()
                    .all(|(_, sort, count)| (*sort, *count) == (Sort::Reminder, 11))
            );
        }
        assert!(
            half_hour == 0 || !reminders.is_empty(),
            "nobody is forgotten either"
        );
    }
}

/// INVARIANT 4: a reminder counts what its reader may see, and no more.
#[tokio::test]
async fn a_reminder_counts_only_what_its_reader_may_see() {
    let school = School::new().await;
    for (id, named) in [("c1", &[][..]), ("c2", &[("deputy", Strength::Certain)][..])] {
        school
            .open(&Concern {
                id,
                named,
                severity: 5,
                ..Concern::default()
            })
            .await;
    }
    let now = monday() + 3 * HOUR;
    for minute in 0..120 {
        while step_due(&school.app, now + minute * MINUTE).await.unwrap() > 0 {}
    }
    let sent = send_due(&school, now + 3 * HOUR).await;
    let reminded = |person: &str| {
        let found = sent
            .iter()
            .find(|(to, sort, _)| to == person && *sort == Sort::Reminder);
        found.map(|(.., count)| *count)
    };
    assert_eq!(
        (reminded("dsl"), reminded("deputy")),
        (Some(2), Some(1)),
        "{sent:?}"
    );
}

/// Over a weekend, concerns that wait for cover are two messages on Monday, however many they are.
#[tokio::test]
async fn what_waits_for_cover_is_not_a_mail_for_each() {
    let school = School::new().await;
    let sunday = monday() - DAY;
    for number in 0..9 {
        school
            .open(&Concern {
                id: &format!("c{number}"),
                severity: 2,
                event_at: sunday,
                now: sunday,
                ..Concern::default()
            })
            .await;
    }
    let sent = send_due(&school, monday()).await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.contains(&("dsl".into(), Sort::New, 1)) && sent.contains(&("dsl".into(), Sort::Several, 8)));
}

/// When many come due at the same time, the next person hears of them in two messages.
#[tokio::test]
async fn many_that_come_to_the_next_person_together_are_two_messages() {
    let school = School::new().await;
    for number in 0..9 {
        school
            .open(&Concern {
                id: &format!("c{number}"),
                ..Concern::default()
            })
            .await;
    }
    send_due(&school, monday()).await;
    let now = monday() + 31 * MINUTE;
    while step_due(&school.app, now).await.unwrap() > 0 {}
    let sent = send_due(&school, now).await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent.contains(&("deputy".into(), Sort::Several, 8)), "{sent:?}");
}

async fn acknowledge(school: &School, id: &str, owner: &str, now: i64) {
    school
        .run(
            "UPDATE concern SET state = 'acknowledged', owner_id = ?2, next_due_at = NULL WHERE concern_id = ?1",
            &[id, owner],
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    reviews::settle(&mut tx, &school.telling(), id, (owner, true), now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn state(school: &School, id: &str) -> String {
    school
        .texts("SELECT state FROM concern WHERE concern_id = ?", id)
        .await
        .remove(0)
}

/// An owner who acknowledges and does nothing more is asked, and then the next person has it.
#[tokio::test]
async fn an_acknowledged_concern_is_asked_about_and_goes_to_the_next_person_without_an_answer() {
    let school = School::new().await;
    school
        .open(&Concern {
            severity: 5,
            ..Concern::default()
        })
        .await;
    send_due(&school, monday()).await;
    acknowledge(&school, "c1", "dsl", monday()).await;
    assert_eq!(step_due(&school.app, monday() + DAY - MINUTE).await.unwrap(), 0);
    assert_eq!(step_due(&school.app, monday() + DAY).await.unwrap(), 1);
    assert_eq!(
        send_due(&school, monday() + DAY).await,
        [("dsl".into(), Sort::Review, 1)]
    );
    assert_eq!(state(&school, "c1").await, "acknowledged");
    // By the plan's reminder: half an hour.
    assert_eq!(
        step_due(&school.app, monday() + DAY + 29 * MINUTE).await.unwrap(),
        0
    );
    let late = monday() + DAY + 30 * MINUTE;
    assert_eq!(step_due(&school.app, late).await.unwrap(), 1);
    assert_eq!(state(&school, "c1").await, "new");
    assert_eq!(send_due(&school, late).await, [("deputy".into(), Sort::New, 1)]);
    assert_eq!(
        school
            .texts("SELECT action FROM action WHERE concern_id = ?", "c1")
            .await,
        ["review-missed"]
    );
    assert!(school.next_due("c1").await.unwrap() > late, "and its timers run");
}

/// Whoever answers in time keeps it, and is asked again another day.
#[tokio::test]
async fn an_owner_who_answers_keeps_the_concern_and_is_asked_again() {
    let school = School::new().await;
    school
        .open(&Concern {
            severity: 5,
            ..Concern::default()
        })
        .await;
    acknowledge(&school, "c1", "dsl", monday()).await;
    step_due(&school.app, monday() + DAY).await.unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    // Another's note is no answer of the owner's.
    for (by, at) in [("head", MINUTE), ("dsl", 2 * MINUTE)] {
        reviews::settle(&mut tx, &school.telling(), "c1", (by, false), monday() + DAY + at)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    outbox::end_what_is_over(&school.app.store, monday() + DAY + 3 * MINUTE)
        .await
        .unwrap();
    assert_eq!(step_due(&school.app, monday() + 2 * DAY).await.unwrap(), 0);
    assert_eq!(
        step_due(&school.app, monday() + 2 * DAY + 2 * MINUTE)
            .await
            .unwrap(),
        1
    );
    assert_eq!(state(&school, "c1").await, "acknowledged");
}

/// An owner who has left, or may not see it any more, is not waited for.
#[tokio::test]
async fn a_concern_whose_owner_has_gone_goes_to_the_next_person_at_once() {
    for gone in [
        "UPDATE person SET active = 0 WHERE person_id = 'dsl'",
        "DELETE FROM concern_reader WHERE person_id = 'dsl'",
        "UPDATE user SET disabled_at = 1 WHERE person_id = 'dsl'",
    ] {
        let school = School::new().await;
        school.open(&Concern::default()).await;
        send_due(&school, monday()).await;
        acknowledge(&school, "c1", "dsl", monday()).await;
        assert_eq!(step_due(&school.app, monday() + MINUTE).await.unwrap(), 0);
        school.run(gone, &[]).await;
        assert_eq!(
            step_due(&school.app, monday() + 2 * MINUTE).await.unwrap(),
            1,
            "{gone}"
        );
        assert_eq!(state(&school, "c1").await, "new", "{gone}");
        assert_eq!(
            step_due(&school.app, monday() + 2 * MINUTE).await.unwrap(),
            0,
            "once: {gone}"
        );
    }
}

/// A clock that was set ahead by a year and back stops no timer, no review and no mail.
#[tokio::test]
async fn a_clock_that_was_ahead_stops_nothing_when_it_comes_back() {
    let school = School::new().await;
    let ahead = monday() + 365 * DAY;
    for id in ["c1", "c2"] {
        school
            .open(&Concern {
                id,
                event_at: ahead,
                now: ahead,
                ..Concern::default()
            })
            .await;
    }
    acknowledge(&school, "c2", "dsl", ahead).await;
    step_due(&school.app, ahead + DAY).await.unwrap();
    assert_eq!(step_due(&school.app, monday()).await.unwrap(), 2);
    assert_eq!(
        step_due(&school.app, monday()).await.unwrap(),
        0,
        "and runs no circles"
    );
    assert!(school.next_due("c1").await.unwrap() < monday() + DAY);
    // What was to leave then leaves now.
    assert!(
        !outbox::due(&school.app.store, monday(), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Whoever's agreement is wanted is told and sees a count; INVARIANT 4: of what they may not see neither.
#[tokio::test]
async fn who_may_agree_is_told_and_counts_it_and_nobody_else() {
    let school = School::new().await;
    school
        .open(&Concern {
            named: &[("deputy", Strength::Certain)],
            ..Concern::default()
        })
        .await;
    send_due(&school, monday()).await;
    school
        .run(
            "UPDATE concern SET state = 'acknowledged', owner_id = 'dsl', close_proposed_by = 'dsl', outcome = 'other',
             changed_at = changed_at + 1",
            &[],
        )
        .await;
    school
        .run(
            "INSERT INTO list_change (school_id, operation, reason, state, proposed_by, proposed_at)
             VALUES ('school-1', '{}', 'why', 'proposed', 'deputy', 1)",
            &[],
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    asking::ask(&mut tx, &school.telling(), monday()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        send_due(&school, monday()).await,
        [("head".into(), Sort::AgreementWanted, 2)]
    );
    let counts = async |person| {
        let mut counts = wanted::of(
            &mut school.app.store.read().await.unwrap(),
            SCHOOL,
            person,
            monday(),
        )
        .await
        .unwrap();
        counts.sort_by_key(|(place, _)| format!("{place:?}"));
        counts
    };
    assert_eq!(
        counts("head").await,
        [(wanted::Place::Concerns, 1), (wanted::Place::Lists, 1)]
    );
    assert_eq!(
        counts("dsl").await,
        [(wanted::Place::Lists, 1)],
        "not their own proposal"
    );
    for other in ["deputy", "chair", "technician", "teacher"] {
        assert!(counts(other).await.is_empty(), "{other}");
    }
}

/// Who is asked for agreement is asked again daily, in the hours of cover, until it is decided; also who came to be asked
/// later, such as a new headteacher.
#[tokio::test]
async fn who_may_agree_is_asked_again_daily_until_it_is_decided() {
    let school = School::new().await;
    school
        .run(
            "INSERT INTO list_change (school_id, operation, reason, state, proposed_by, proposed_at)
             VALUES ('school-1', '{}', 'why', 'proposed', 'dsl', 1)",
            &[],
        )
        .await;
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE list_change SET proposed_at = ?")
        .bind(monday())
        .execute(&mut *tx)
        .await
        .unwrap();
    asking::ask(&mut tx, &school.telling(), monday()).await.unwrap();
    tx.commit().await.unwrap();
    let asked = [("head".to_owned(), Sort::AgreementWanted, 1)];
    assert_eq!(send_due(&school, monday()).await, asked);
    let mut left = Vec::new();
    // From Monday to the Tuesday of the week after, an hour at a time.
    for hour in 1..=8 * 24 {
        let now = monday() + hour * HOUR;
        look_after_readers(&school.app, now).await.unwrap();
        look_after_readers(&school.app, now).await.unwrap();
        for sent in send_due(&school, now).await {
            assert_eq!(sent, asked[0]);
            left.push(hour);
        }
    }
    assert_eq!(left.len(), 6, "once on each school day: {left:?}");
    assert!(left.windows(2).all(|two| two[1] - two[0] >= 24), "{left:?}");
    school.give_duty("teacher", Duty::Headteacher).await;
    let now = monday() + (8 * 24 + 1) * HOUR;
    look_after_readers(&school.app, now).await.unwrap();
    let sent = send_due(&school, now).await;
    assert_eq!(sent, [("teacher".to_owned(), Sort::AgreementWanted, 1)]);
    school.run("UPDATE list_change SET state = 'agreed'", &[]).await;
    look_after_readers(&school.app, now + 2 * DAY).await.unwrap();
    assert!(send_due(&school, now + 2 * DAY).await.is_empty());
}
