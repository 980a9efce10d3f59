//! INVARIANT 5: the chain shows what was changed or removed, and survives retention.

use crate::school::{Concern, DAY, SCHOOL, School, monday};
use pastoral_collector::chain::{Deed, Step};
use pastoral_collector::retention;
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
            deed: Deed::Viewed,
            concern_id: Some("c1"),
            detail,
        };
        audit::append(&mut tx, monday() + number, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    school
}

async fn broken(school: &School) -> Option<Broken> {
    audit::verify(&school.app.store, SCHOOL, monday())
        .await
        .unwrap()
        .err()
}

#[tokio::test]
async fn a_whole_chain_verifies_and_names_its_head() {
    let school = with_entries(1500).await;
    let head = audit::verify(&school.app.store, SCHOOL, monday())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(head.sequence, 1500);
    let mut connection = school.app.store.read().await.unwrap();
    assert_eq!(
        audit::head(&mut connection, SCHOOL).await.unwrap(),
        Some(head.clone())
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
        "UPDATE audit SET form = 1 WHERE sequence = ?",
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

/// What entries stood for may go only where a recorded step of retention says so.
#[tokio::test]
async fn what_was_erased_without_a_step_of_retention_is_found() {
    let school = with_entries(5).await;
    school
        .run(
            "UPDATE audit SET salt = NULL, detail = NULL WHERE sequence = ?",
            &["3"],
        )
        .await;
    assert_eq!(broken(&school).await, Some(Broken::Erased(3)));
}

/// Somebody with root can append entries of their own; none of these accounts for what they erased.
#[tokio::test]
async fn no_invented_step_of_retention_accounts_for_what_was_not_old_enough() {
    let old = |days: i64| monday() - days * DAY;
    let step = |from, to, before, days| Step {
        from,
        to,
        before,
        days,
    };
    // Entry 3 was made a year and a day ago, entries 4 and 5 yesterday.
    for (step, made_at, erased, sound) in [
        (step(1, 3, old(365), 365), monday(), "3", true),
        (step(1, 5, old(0), 0), monday(), "4", false),
        (step(1, 5, old(-400), 365), monday(), "4", false),
        (step(1, 5, old(-1), 30), monday() + 40 * DAY, "4", false),
        (step(1, 2, old(365), 365), monday(), "3", false),
        (step(1, 3, old(367), 365), monday(), "3", false),
        (step(1, 9, old(365), 365), monday(), "6", false),
    ] {
        let school = School::new().await;
        let mut tx = school.app.store.write().await.unwrap();
        for days in [370, 368, 366, 1, 1] {
            audit::append(&mut tx, old(days), &look()).await.unwrap();
        }
        let said = Entry {
            deed: Deed::AuditErased,
            detail: serde_json::to_value(step).unwrap(),
            ..look()
        };
        audit::append(&mut tx, made_at, &said).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(broken(&school).await, None);
        school
            .run(
                "UPDATE audit SET salt = NULL, detail = NULL WHERE sequence = ?",
                &[erased],
            )
            .await;
        let found = broken(&school).await;
        let expected = (!sound).then(|| Broken::Erased(erased.parse().unwrap()));
        assert_eq!(found, expected, "{step:?} made at {made_at}");
    }
}

fn look() -> Entry<'static> {
    Entry {
        school_id: SCHOOL,
        actor: "dsl",
        deed: Deed::Viewed,
        concern_id: None,
        detail: serde_json::json!({}),
    }
}

/// A clock that was set ahead a year, and came back: heads leave daily again, and nothing was erased early.
#[tokio::test]
async fn a_clock_that_was_set_ahead_stops_no_head_and_erases_nothing_early() {
    let school = with_entries(3).await;
    for day in 0..3 {
        assert!(retention::daily(&school.app, monday() + day * DAY).await.unwrap());
    }
    let ahead = monday() + 3 * 365 * DAY;
    assert!(retention::daily(&school.app, ahead).await.unwrap());
    assert!(retention::daily(&school.app, ahead + DAY).await.unwrap());
    let erased = school
        .number("SELECT count(*) FROM audit WHERE salt IS NULL")
        .await;
    assert_eq!(
        erased,
        Some(0),
        "a wrong clock erases nothing before somebody can notice"
    );
    let back = monday() + 4 * DAY;
    assert!(retention::daily(&school.app, back).await.unwrap());
    assert!(!retention::daily(&school.app, back + DAY - 1).await.unwrap());
    assert!(retention::daily(&school.app, back + DAY).await.unwrap());
    assert!(
        audit::verify(&school.app.store, SCHOOL, back + DAY)
            .await
            .unwrap()
            .is_ok()
    );
}

/// In the end what is older than the school keeps goes, also when the collector was off over the summer.
#[tokio::test]
async fn what_is_old_is_erased_once_the_clock_has_gone_on_for_a_week() {
    let school = with_entries(3).await;
    retention::daily(&school.app, monday()).await.unwrap();
    let later = monday() + 500 * DAY;
    for day in 0..8 {
        retention::daily(&school.app, later + day * DAY).await.unwrap();
    }
    let left = school
        .number("SELECT count(*) FROM audit WHERE salt IS NOT NULL AND action = 'concern-viewed'")
        .await;
    assert_eq!(left, Some(0));
    assert!(
        audit::verify(&school.app.store, SCHOOL, later + 8 * DAY)
            .await
            .unwrap()
            .is_ok()
    );
}

/// INVARIANT 4: the log tells nobody of a concern they may not see.
#[tokio::test]
async fn entries_of_a_concern_show_only_to_its_readers() {
    let school = with_entries(3).await;
    school.open(&crate::school::Concern::default()).await;
    let store = &school.app.store;
    let seen_by = async |viewer| {
        overview::audit_log(&mut store.read().await.unwrap(), SCHOOL, viewer, (0, 100))
            .await
            .unwrap()
            .len()
    };
    assert_eq!(seen_by("dsl").await, 3);
    assert_eq!(seen_by("chair").await, 0);
    assert_eq!(seen_by("technician").await, 0);
}

/// What was timed by a clock that was ahead waits no longer than it would have, and heads are told again.
#[tokio::test]
async fn what_waits_for_a_time_comes_back_with_the_clock() {
    let school = School::new().await;
    let ahead = monday() + 365 * DAY;
    school
        .open(&Concern {
            event_at: ahead,
            now: ahead,
            ..Concern::default()
        })
        .await;
    assert!(retention::daily(&school.app, ahead).await.unwrap());
    assert!(retention::came_back(&school.app, ahead, monday()).await.unwrap());
    let late = school
        .number("SELECT max(max(created_at), max(due_at)) FROM outbox")
        .await;
    assert_eq!(late, Some(monday()));
    assert!(retention::daily(&school.app, monday()).await.unwrap());
    // A correction by seconds is none.
    assert!(
        !retention::came_back(&school.app, monday() + 1000, monday() + 500)
            .await
            .unwrap()
    );
}

/// Whoever sets the clock a year ahead for a minute gains no more by it than by the right one.
#[tokio::test]
async fn what_was_begun_by_a_clock_that_was_ahead_ends_as_if_it_had_begun_now() {
    let school = School::new().await;
    let (now, ahead) = (monday(), monday() + 365 * DAY);
    for statement in [
        "INSERT INTO conflict (school_id, reader_id, about_id, recorded_by, recorded_at, in_force, lapses_at)
         VALUES ('school-1', 'head', 'dsl', 'chair', ?1, TRUE, ?1 + 86400000)",
        "INSERT INTO invitation (school_id, invitation_id, person_id, resets, vouched, link_hash, code_hash, proposed_by,
                                 code_with, made_at, ready_at, expires_at)
         VALUES ('school-1', 'i1', 'head', FALSE, TRUE, x'00', x'00', 'init', 'init', ?1, ?1, ?1 + 86400000)",
        "INSERT INTO proposal (school_id, proposal_id, act, person_id, state, proposed_by, proposed_at, expires_at)
         VALUES ('school-1', 'p1', 'reset', 'head', 'proposed', 'chair', ?1, ?1 + 86400000)",
        "INSERT INTO held_import (school_id, import_id, state, reading, mark, confirms, held_by, held_at, expires_at)
         VALUES ('school-1', 'h1', 'waits', '', '', 'two', 'head', ?1, ?1 + 86400000)",
        "INSERT INTO token (school_id, token_id, secret_hash, group_name, uses_left, expires_at, created_by, created_at)
         VALUES ('school-1', 't1', x'00', 'pupils', 1, ?1 + 86400000, 'head', ?1)",
        "INSERT INTO draft (school_id, draft_id, person_id, sealed, written_at) VALUES ('school-1', 'd1', 'head', x'00', ?1)",
        "INSERT INTO writer (school_id, token_hash, person_id, began_at) VALUES ('school-1', x'00', 'head', ?1)",
        "INSERT INTO siege_told (school_id, person_id, told_at) VALUES ('school-1', 'head', ?1)",
    ] {
        let mut tx = school.app.store.write().await.unwrap();
        sqlx::query(statement).bind(ahead).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert!(retention::came_back(&school.app, ahead, now).await.unwrap());
    for (query, ends) in [
        ("SELECT max(lapses_at) FROM conflict", now + DAY),
        ("SELECT max(expires_at) FROM invitation", now + DAY),
        ("SELECT max(expires_at) FROM proposal", now + DAY),
        ("SELECT max(expires_at) FROM held_import", now + DAY),
        ("SELECT max(expires_at) FROM token", now + DAY),
        ("SELECT max(written_at) FROM draft", now),
        ("SELECT max(began_at) FROM writer", now),
        ("SELECT max(told_at) FROM siege_told", now),
    ] {
        assert_eq!(school.number(query).await, Some(ends), "{query}");
    }
}
