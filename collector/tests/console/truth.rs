//! One truth: pages say of a concern what is so, count what they do not show, and give back what they do not take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

use super::*;
use axum::http::StatusCode;
use pastoral_collector::people::{File, Reader};
use pastoral_collector::store::import;

#[tokio::test]
async fn what_was_done_is_said_only_where_it_is_so() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let said = format!("{path}?done=closed");
    assert!(!ann.get(&said).await.body.contains("This concern is closed."));
    let fields = [("outcome", "no-action"), ("words", "Nothing more.")];
    let closed = ann.post(&path, &format!("{path}/close"), &fields).await;
    assert!(
        ann.get(closed.location())
            .await
            .body
            .contains("This concern is closed.")
    );
    assert!(
        !bo.get(closed.location())
            .await
            .body
            .contains("This concern is closed.")
    );
    ann.post(&path, &format!("{path}/reopen"), &[("words", "More came.")])
        .await;
    let open = ann.get(closed.location()).await.body;
    assert!(!open.contains("This concern is closed.") && open.contains("You are dealing with it"));
    assert!(!open.contains(">New<"));
}

#[tokio::test]
async fn an_adult_s_parents_are_told_nothing() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::Gambling,
        ..TITLE
    };
    let path = format!("/concerns/{}", school.concern(&staff).await);
    assert!(!cy.get(&path).await.body.contains("parents were told"));
    let fields = [("told", "yes"), ("words", "Told.")];
    let refused = cy.post(&path, &format!("{path}/parents"), &fields).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let child = format!("/concerns/{}", school.concern(&TITLE).await);
    assert!(cy.get(&child).await.body.contains("parents were told"));
}

#[tokio::test]
async fn who_has_left_keeps_their_name_and_the_file_is_asked_for() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    bo.post(&path, &format!("{path}/note"), &[("words", "Seen.")])
        .await;
    ann.post(&path, &format!("{path}/pass-on"), &[("to", "bo")]).await;
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE person SET active = 0 WHERE person_id IN ('pip', 'bo')")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let page = ann.get(&path).await.body;
    assert!(
        page.contains("Pip Ibbotson, year 5 (has left)") && page.contains("child protection file"),
        "{page}"
    );
    assert!(page.contains("You passed it on to Bo Carrow.") && page.contains("Bo Carrow wrote a note."));
    assert!(ann.get("/audit").await.body.contains("Bo Carrow"));
}

#[tokio::test]
async fn a_gap_is_shown_with_its_device_and_cause_and_one_of_an_account_only_with_its_concern() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let staff = Seen {
        account: "ann",
        device: "STAFF-3",
        topic: Topic::Gambling,
        ..TITLE
    };
    let path = format!("/concerns/{}", school.concern(&staff).await);
    let mut tx = school.app.store.write().await.unwrap();
    for (device, account, cause) in [
        ("LAPTOP-12", None, "spool-damaged"),
        ("STAFF-3", Some("ann"), "flood"),
    ] {
        sqlx::query(
            "INSERT INTO gap (school_id, device_id, account_id, cause, count, from_at, to_at, received_at)
             VALUES (?, ?, (SELECT account_id FROM account WHERE name = ?), ?, 7, ?, ?, ?)",
        )
        .bind(school::SCHOOL)
        .bind(device)
        .bind(account)
        .bind(cause)
        .bind(school.now)
        .bind(school.now)
        .bind(school.now)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let health = ann.get("/health").await.body;
    assert!(
        health.contains("LAPTOP-12, ") && health.contains("was damaged"),
        "{health}"
    );
    assert!(
        !health.contains("STAFF-3"),
        "it would say that something of theirs was flagged"
    );
    assert!(cy.get(&path).await.body.contains("so much matched at once"));
}

#[tokio::test]
async fn a_flag_by_rules_of_another_year_says_so() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let id = school.concern(&TITLE).await;
    let path = format!("/concerns/{id}");
    assert!(
        !ann.get(&path)
            .await
            .body
            .contains("did not know yet whose account")
    );
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE flag SET audience = 'ks1' WHERE concern_id = ?")
        .bind(&id)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let page = ann.get(&path).await.body;
    assert!(
        page.contains("The device did not know yet whose account it was"),
        "{page}"
    );
}

/// What was flagged in year 2 was flagged by the rules for year 2, also when the pupil is in year 3.
#[tokio::test]
async fn a_list_that_moves_a_pupil_up_a_year_leaves_their_old_flags_in_the_year_then() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let up = async |year: &str, days: i64| {
        let pip = format!("pip,student,pip,Pip,Ibbotson,pip@oak.example,{year}");
        let list = people::list(&["pip"], &[&pip]);
        let list = File {
            name: "users.csv",
            bytes: list.as_bytes(),
        };
        let at = school.now + days * 86_400_000;
        let reading = Reader::on(at, &school.app.profile.load()).read(&[list]).unwrap();
        let telling = school.app.telling();
        let mut tx = school.app.store.write().await.unwrap();
        let (plan, directory) = import::plan(&mut tx, &telling, &reading).await.unwrap();
        import::take(&mut tx, &telling, &plan, &directory, "test", at)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    up("2", -30).await;
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE flag SET audience = 'ks1'")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let first = ann.get(&path).await.body;
    assert!(first.contains("Pip Ibbotson, year 2"), "{first}");
    for wrong in ["was in year", "did not know yet"] {
        assert!(!first.contains(wrong), "{wrong}");
    }
    up("3", 30).await;
    let later = ann.get(&path).await.body;
    assert!(later.contains("Pip Ibbotson, year 3"), "{later}");
    assert!(later.contains("Pip Ibbotson was in year 2 then."), "{later}");
    assert!(!later.contains("did not know yet"), "{later}");
    let since = school
        .concern(&Seen {
            minutes_ago: -60 * 24 * 40,
            ..TITLE
        })
        .await;
    let page = ann.get(&format!("/concerns/{since}")).await.body;
    assert!(!page.contains("was in year"), "{page}");
}

#[tokio::test]
async fn what_is_too_long_comes_back_whole_with_what_is_wrong() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let words = format!("{}The end of it.", "A long account. ".repeat(300));
    let fields = [("outcome", "referred"), ("words", words.as_str())];
    let page = ann.post(&path, &format!("{path}/close"), &fields).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("The end of it.</textarea>") && page.body.contains("characters too long"));
    assert!(
        page.body.contains("value=\"referred\" checked"),
        "the outcome stays chosen"
    );
    let without = ann
        .post(
            &path,
            &format!("{path}/close"),
            &[("outcome", "referred"), ("words", "")],
        )
        .await;
    assert!(
        without.body.contains("value=\"referred\" checked"),
        "also without a reason"
    );
    let long = "A very long account. ".repeat(10_000);
    let by_hand = [
        ("kind", "bullying"),
        ("severity", "3"),
        ("person", "pip"),
        ("words", long.as_str()),
    ];
    let page = ann.post("/concerns/new", "/concerns/new", &by_hand).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains(long.trim()) && page.body.contains("characters too long"));
}

#[tokio::test]
async fn concerns_beyond_the_hundredth_are_on_the_next_page_and_counted() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let id = school.concern(&TITLE).await;
    let mut tx = school.app.store.write().await.unwrap();
    for number in 1..=102 {
        let other = format!("other-{number}");
        sqlx::query(
            "INSERT INTO concern (school_id, concern_id, reference, person_id, account_id, kind, reader_group, severity,
             state, flag_count, first_event_at, last_event_at, opened_at, changed_at)
             SELECT school_id, ?1, 1000 + ?2, person_id, account_id, kind, reader_group, 1, state, 0, first_event_at,
             last_event_at, opened_at, changed_at FROM concern WHERE concern_id = ?3",
        )
        .bind(&other)
        .bind(number)
        .bind(&id)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO concern_reader (school_id, concern_id, person_id, place) VALUES (?, ?, 'ann', 1)",
        )
        .bind(school::SCHOOL)
        .bind(&other)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let cards = |page: &str| page.matches("<li class=\"app-card").count();
    let first = ann.get("/queue").await.body;
    assert!(cards(&first) == 100 && first.contains("Concerns 1 to 100 of 103."));
    let second = ann.get("/queue?page=2").await.body;
    assert!(cards(&second) == 3 && second.contains("Concerns 101 to 103 of 103."));
    assert!(second.contains("/queue/live?page=2"));
    let page = ann.get(&format!("/concerns/{id}")).await.body;
    assert!(page.contains("Related concerns 1 to 20 of 102."));
    let last = ann.get(&format!("/concerns/{id}?related=6")).await.body;
    assert!(last.contains("Related concerns 101 to 102 of 102."), "{last}");
}
