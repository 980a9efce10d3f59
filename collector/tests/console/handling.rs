//! What readers do with concerns: two people, out-of-date forms, undo, handing over, by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

use super::*;
use axum::http::StatusCode;

async fn state(school: &School, id: &str) -> String {
    sqlx::query_scalar("SELECT state FROM concern WHERE concern_id = ?")
        .bind(id)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_concern_of_severity_five_closes_only_when_a_second_person_agrees() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&SEARCH).await;
    let path = format!("/concerns/{id}");
    let fields = [("outcome", "supported"), ("words", "Talked with the family.")];
    let proposed = ann.post(&path, &format!("{path}/close"), &fields).await;
    assert_eq!(proposed.location(), format!("{path}?done=close-proposed"));
    assert_eq!(state(&school, &id).await, "acknowledged");
    let alone = ann.post(&path, &format!("{path}/agree"), &[]).await;
    assert_eq!(alone.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(state(&school, &id).await, "acknowledged");
    let page = bo.get(&path).await;
    assert!(
        page.body.contains("Ann Leigh proposes to close") && page.body.contains("Talked with the family.")
    );
    bo.post(&path, &format!("{path}/agree"), &[]).await;
    assert_eq!(state(&school, &id).await, "closed");
    assert!(ann.get("/closed").await.body.contains(&id));
}

#[tokio::test]
async fn a_second_person_can_keep_a_concern_open_and_a_lesser_one_needs_none() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let fields = [("outcome", "no-action"), ("words", "Nothing more.")];
    let severe = format!("/concerns/{}", school.concern(&SEARCH).await);
    ann.post(&severe, &format!("{severe}/close"), &fields).await;
    bo.post(&severe, &format!("{severe}/refuse"), &[("words", "Not yet.")])
        .await;
    let page = ann.get(&severe).await;
    assert!(page.body.contains("did not agree") && page.body.contains("Propose to close"));
    let lesser = school.concern(&TITLE).await;
    ann.post(
        &format!("/concerns/{lesser}"),
        &format!("/concerns/{lesser}/close"),
        &fields,
    )
    .await;
    assert_eq!(state(&school, &lesser).await, "closed");
}

#[tokio::test]
async fn a_form_that_is_out_of_date_changes_nothing_and_shows_what_did() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&SEARCH).await;
    let path = format!("/concerns/{id}");
    let open = ann.get(&path).await;
    bo.post(&path, &format!("{path}/acknowledge"), &[]).await;
    let fields = [
        ("version", open.field("version")),
        ("words", "Written in vain?".to_owned()),
    ];
    let late = ann
        .send(&format!("{path}/note"), &open.field("csrf"), &fields)
        .await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains("Bo Carrow acknowledged it."), "{}", late.body);
    assert!(
        late.body.contains("Written in vain?</textarea>"),
        "what was typed is kept"
    );
    // It waits for its writer, and is in nobody's record.
    assert!(ann.get(&path).await.body.contains("Written in vain?</textarea>"));
    assert!(!bo.get(&path).await.body.contains("Written in vain?"));
}

#[tokio::test]
async fn the_last_step_can_be_undone_by_who_took_it_and_the_history_shows_both() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&TITLE).await;
    let path = format!("/concerns/{id}");
    ann.post(&path, &format!("{path}/acknowledge"), &[]).await;
    assert_eq!(
        bo.post(&path, &format!("{path}/undo"), &[]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    ann.post(&path, &format!("{path}/undo"), &[]).await;
    assert_eq!(state(&school, &id).await, "new");
    let page = ann.get(&path).await;
    assert!(
        page.body.contains("You undid the step before") && page.body.contains(">Undone<"),
        "{}",
        page.body
    );
    let actions: i64 = sqlx::query_scalar("SELECT count(*) FROM action WHERE concern_id = ?")
        .bind(&id)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(actions, 2, "an undo is added, nothing is taken away");
}

#[tokio::test]
async fn a_warning_raises_the_category_and_a_welfare_concern_has_neither() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let welfare = format!("/concerns/{}", school.concern(&SEARCH).await);
    let page = ann.get(&welfare).await;
    assert!(!page.body.contains("Record a warning") && !page.body.contains("Confirm the category"));
    let refused = ann
        .post(&welfare, &format!("{welfare}/warn"), &[("words", "w")])
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    assert!(ann.get(&path).await.body.contains("Category C proposed"));
    ann.post(
        &path,
        &format!("{path}/warn"),
        &[("words", "By the class teacher.")],
    )
    .await;
    ann.post(&path, &format!("{path}/category"), &[("code", "C")])
        .await;
    assert!(ann.get(&path).await.body.contains("Category C, confirmed."));
}

#[tokio::test]
async fn a_disclosure_on_a_staff_account_becomes_the_child_s_concern_in_one_step() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let seen = Seen {
        account: "bo",
        device: "STAFF-3",
        topic: Topic::Abuse,
        severity: 4,
        ..TITLE
    };
    let path = format!("/concerns/{}", school.concern(&seen).await);
    assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND);
    cy.post(
        &path,
        &format!("{path}/hand-over"),
        &[("child", "quin"), ("words", "Quin told Bo.")],
    )
    .await;
    let page = ann.get(&path).await;
    assert!(
        page.body.contains("Quin Jessop") && page.body.contains("<mark>unkind</mark>"),
        "{}",
        page.body
    );
    assert!(page.body.contains("Quin told Bo.") && page.body.contains("Cy Dunstan handed it over"));
    assert_eq!(
        bo.get(&path).await.status,
        StatusCode::NOT_FOUND,
        "it was seen on their account"
    );
    let again = ann
        .post(&path, &format!("{path}/hand-over"), &[("child", "pip")])
        .await;
    assert_eq!(
        again.status,
        StatusCode::NOT_FOUND,
        "only the headteacher, only once"
    );
}

#[tokio::test]
async fn a_concern_passed_on_waits_for_its_new_owner_who_is_told() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&TITLE).await;
    let path = format!("/concerns/{id}");
    let nobody = ann
        .post(&path, &format!("{path}/pass-on"), &[("to", "flo")])
        .await;
    assert_eq!(
        nobody.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "only to who may see it"
    );
    ann.post(
        &path,
        &format!("{path}/pass-on"),
        &[("to", "bo"), ("words", "Please.")],
    )
    .await;
    for (browser, words) in [
        (&mut bo, "It was passed on to you"),
        (&mut ann, "Passed on to Bo Carrow, who has not answered yet"),
    ] {
        for page in ["/queue", &path] {
            let page = browser.get(page).await.body;
            assert!(page.contains(words) && page.contains(">Passed on<"), "{page}");
            assert!(
                !page.contains(">New<")
                    && !page.contains("Bo Carrow is dealing")
                    && !page.contains("You are dealing")
            );
        }
    }
    let told: i64 =
        sqlx::query_scalar("SELECT count(*) FROM outbox WHERE concern_id = ? AND person_id = 'bo'")
            .bind(&id)
            .fetch_one(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn a_concern_recorded_by_hand_goes_to_those_who_may_see_it_and_no_others() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let form = |person, words| {
        [
            ("person", person),
            ("kind", "staff-misuse"),
            ("severity", "3"),
            ("words", words),
        ]
    };
    let done = ann
        .post(
            "/concerns/new",
            "/concerns/new",
            &form("flo", "Invented words by hand."),
        )
        .await;
    assert_eq!(done.location(), "/queue?done=recorded");
    assert!(!ann.get("/queue").await.body.contains("Flo Garside"));
    assert!(cy.get("/queue").await.body.contains("Flo Garside"));
    let wrong = ann
        .post("/concerns/new", "/concerns/new", &form("nobody", ""))
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn false_alarms_are_marked_flag_by_flag_and_parents_are_recorded() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let flag = ann.get(&path).await.field("flag");
    ann.post(
        &path,
        &format!("{path}/false-alarm"),
        &[("flag", &flag), ("is", "yes")],
    )
    .await;
    assert!(
        ann.get(&path)
            .await
            .body
            .contains("marked a flag as a false alarm")
    );
    let without = ann
        .post(
            &path,
            &format!("{path}/parents"),
            &[("told", "no"), ("words", "")],
        )
        .await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    ann.post(
        &path,
        &format!("{path}/parents"),
        &[("told", "no"), ("words", "It would be unsafe.")],
    )
    .await;
    let page = ann.get(&path).await;
    assert!(
        page.body.contains("recorded why parents or carers were not told")
            && page.body.contains("It would be unsafe.")
    );
}

#[tokio::test]
async fn what_is_written_stands_in_no_file_of_the_store() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    ann.post(
        &path,
        &format!("{path}/note"),
        &[("words", "Zebra-crossing note.")],
    )
    .await;
    assert!(ann.get(&path).await.body.contains("Zebra-crossing note."));
    for file in std::fs::read_dir(school.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for word in ["Zebra-crossing", "unkind title"] {
            assert!(
                !bytes.windows(word.len()).any(|window| window == word.as_bytes()),
                "{word}"
            );
        }
    }
}

#[tokio::test]
async fn where_nobody_else_may_see_it_a_serious_concern_stays_open_and_says_why() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    let seen = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::IndecentImages,
        severity: 5,
        ..TITLE
    };
    let id = school.concern(&seen).await;
    let path = format!("/concerns/{id}");
    assert!(cy.get(&path).await.body.contains("nobody else may see this one"));
    let fields = [("outcome", "referred"), ("words", "To the LADO.")];
    cy.post(&path, &format!("{path}/close"), &fields).await;
    assert_ne!(state(&school, &id).await, "closed");
}

#[tokio::test]
async fn a_notice_that_could_not_be_sent_is_shown_to_who_may_see_the_concern_and_no_other() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::Gambling,
        ..TITLE
    };
    let id = school.concern(&staff).await;
    let mut tx = school.app.store.write().await.unwrap();
    let not_taken = "UPDATE outbox SET attempts = 9, skipped_at = created_at, last_error = 'no such mailbox'
         WHERE concern_id IS NOT NULL";
    sqlx::query(not_taken).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(
        cy.get("/health").await.body.contains(&id)
            && cy.get("/health").await.body.contains("Cannot be reached")
    );
    // Who keeps mail running learns why the last did not leave, not what it was about.
    for (other, runs_mail) in [(&mut ann, false), (&mut ed, true)] {
        let page = other.get("/health").await;
        assert!(!page.body.contains(&id) && !page.body.contains("Cannot be reached"));
        assert_eq!(page.body.contains("no such mailbox"), runs_mail);
        // To everybody else it would say that there is such a concern.
        assert_eq!(page.body.contains("Mail is not getting out"), runs_mail);
    }
}

#[tokio::test]
async fn many_flags_do_not_push_the_procedure_out_of_sight() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern_id = school.concern(&TITLE).await;
    let mut tx = school.app.store.write().await.unwrap();
    for _ in 0..4 {
        sqlx::query(
            "INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source,
             provenance, topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
             SELECT school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source, provenance,
             topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed
             FROM flag WHERE concern_id = ? LIMIT 1",
        )
        .bind(&concern_id)
        .execute(&mut *tx)
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
    let body = ann.get(&format!("/concerns/{concern_id}")).await.body;
    let at = |what: &str| body.find(what).expect(what);
    assert_eq!(body.matches("<article").count(), 5);
    assert!(at("2 more, less serious or older") < at("id=\"procedure\""));
    let open = &body[..at("2 more, less serious or older")];
    assert_eq!(open.matches("<article").count(), 3);
}
