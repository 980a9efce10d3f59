//! A wrong person can be corrected, before and after: nothing is lost, and only who may see it now does (P44).

use super::*;
use crate::school::SCHOOL;
use axum::http::StatusCode;
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::store::keys;

const REASON: &str = "the form tutor saw who sat there";

/// Names a person on the correcting page, is asked, and says yes. Gives the answer to each step.
async fn correct(
    browser: &mut Browser,
    concern: &str,
    fields: &[(&str, &str)],
) -> (crate::school::browser::Page, crate::school::browser::Page) {
    let path = format!("/concerns/{concern}/reassign");
    let fields: Vec<_> = [("account", "1")].iter().chain(fields).copied().collect();
    let asked = browser.post(&path, &path, &fields).await;
    let sure: Vec<_> = fields.iter().copied().chain([("sure", "yes")]).collect();
    let done = browser.post(&path, &path, &sure).await;
    (asked, done)
}

async fn concerns_of(school: &School, person: &str) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT concern_id, state FROM concern WHERE school_id = ? AND person_id = ? ORDER BY opened_at, state",
    )
    .bind(SCHOOL)
    .bind(person)
    .fetch_all(&mut *school.app.store.read().await.unwrap())
    .await
    .unwrap()
}

#[tokio::test]
async fn who_an_account_is_said_to_be_is_asked_about_before_it_is_recorded() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let unknown = Seen {
        account: "guest-7",
        ..TITLE
    };
    let path = format!("/concerns/{}/identify", school.concern(&unknown).await);
    let choosing = ann.get(&path).await.body;
    assert!(
        !choosing.contains(&format!("method=\"post\" action=\"{path}\"")),
        "one click too few"
    );
    let asked = ann.get(&format!("{path}?person=pip")).await.body;
    assert!(asked.contains("Is this Pip Ibbotson?"), "{asked}");
    for detail in ["year 5", "pip", "Yes, this is whose account it is"] {
        assert!(asked.contains(detail), "{detail}");
    }
    let nobody = ann.get(&format!("{path}?person=")).await.body;
    assert!(nobody.contains("Choose the person first."));
    assert!(concerns_of(&school, "pip").await.is_empty());
}

#[tokio::test]
async fn a_wrong_person_is_corrected_and_both_histories_say_so() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = school.concern(&SEARCH).await;
    let earlier = school.concern(&TITLE).await;
    let page = ann.get(&format!("/concerns/{concern}")).await.body;
    assert!(page.contains(&format!("href=\"/concerns/{concern}/reassign\"")));
    let (asked, done) = correct(&mut ann, &concern, &[("person", "quin"), ("words", REASON)]).await;
    assert!(
        asked.body.contains("Is it Quin Jessop’s?") && asked.body.contains("year 3"),
        "{}",
        asked.body
    );
    assert_eq!(done.location(), format!("/concerns/{concern}?done=reassigned"));

    let wrong = ann.get(&format!("/concerns/{concern}")).await.body;
    for words in [REASON, "corrected whose it is: Quin Jessop, not Pip Ibbotson"] {
        assert!(wrong.contains(words), "{words}: {wrong}");
    }
    assert!(
        !wrong.contains("invented <mark>worrying"),
        "what was seen is still in the wrong record"
    );
    let right = concerns_of(&school, "quin").await;
    assert_eq!(right.len(), 2, "everything that the account raised moves");
    assert!(right.iter().all(|(_, state)| state == "new"), "{right:?}");
    let mut texts = String::new();
    for (id, _) in &right {
        let page = ann.get(&format!("/concerns/{id}")).await.body;
        assert!(
            page.contains(REASON) && page.contains("corrected whose it is"),
            "{page}"
        );
        texts.push_str(&page);
    }
    assert!(texts.contains("<mark>worrying</mark>") && texts.contains("<mark>unkind</mark>"));
    let ended = concerns_of(&school, "pip").await;
    assert_eq!(ended.len(), 2);
    for (id, state) in &ended {
        let waits = if *id == earlier { "closed" } else { "acknowledged" };
        assert_eq!(state, waits, "severity 5 is closed by two");
    }
    let page = ann.get(&format!("/concerns/{earlier}")).await.body;
    assert!(page.contains("It was about somebody else"), "{page}");
    // Their readers are told of the concerns as of new ones.
    for (id, _) in &right {
        let told: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE concern_id = ? AND notice = 'new'")
                .bind(id)
                .fetch_one(&mut *school.app.store.read().await.unwrap())
                .await
                .unwrap();
        assert!(told > 0);
    }
    let owner: String = sqlx::query_scalar("SELECT person_id FROM account WHERE name = 'pip'")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(owner, "quin", "what the account raises from now on is theirs");
}

#[tokio::test]
async fn what_turns_out_to_be_somebody_on_the_staffs_leaves_the_lead_and_reaches_the_headteacher() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let concern = school.concern(&SEARCH).await;
    let (_, done) = correct(&mut ann, &concern, &[("person", "flo"), ("words", REASON)]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let right = concerns_of(&school, "flo").await;
    let [(id, _)] = right.as_slice() else {
        panic!("{right:?}")
    };
    assert_eq!(
        ann.get(&format!("/concerns/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(!ann.get("/queue").await.body.contains(id));
    assert!(
        cy.get(&format!("/concerns/{id}"))
            .await
            .body
            .contains("<mark>worrying</mark>")
    );
}

#[tokio::test]
async fn a_warning_given_to_the_wrong_person_makes_no_repetition() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = school.concern(&TITLE).await;
    let path = format!("/concerns/{concern}");
    ann.post(&path, &format!("{path}/warn"), &[("words", "told on Monday")])
        .await;
    correct(&mut ann, &concern, &[("person", "quin"), ("words", REASON)]).await;
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM warning")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert!(
        ann.get(&path).await.body.contains("recorded a warning"),
        "that it was given stays on record"
    );
}

#[tokio::test]
async fn an_account_of_several_people_is_named_flag_by_flag() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = super::flags::with_flags(&school, 2).await;
    let none = [("person", "quin"), ("words", REASON), ("shared", "yes")];
    let (asked, _) = correct(&mut ann, &concern, &none).await;
    assert!(
        asked.body.contains("Choose which flags are this person’s."),
        "{}",
        asked.body
    );
    let one = [none.as_slice(), &[("flag-2", "yes")]].concat();
    let (_, done) = correct(&mut ann, &concern, &one).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let count = async |person: &str| -> i64 {
        sqlx::query_scalar("SELECT coalesce(sum(flag_count), 0) FROM concern WHERE person_id = ?")
            .bind(person.to_owned())
            .fetch_one(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap()
    };
    assert_eq!((count("pip").await, count("quin").await), (2, 1));
    let shared: bool =
        sqlx::query_scalar("SELECT shared FROM account WHERE name = 'pip' AND person_id IS NULL")
            .fetch_one(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap();
    assert!(shared);
}

#[tokio::test]
async fn who_may_not_see_a_concern_cannot_correct_it_and_a_stale_form_changes_nothing() {
    let (school, router) = school().await;
    let [mut ann, mut di] = signed_in(&school, &router, [ANN, DI]).await;
    let concern = school.concern(&SEARCH).await;
    let path = format!("/concerns/{concern}/reassign");
    assert_eq!(di.get(&path).await.status, StatusCode::NOT_FOUND);
    let csrf = di.get("/queue").await.field("csrf");
    let fields = [
        ("person", "quin"),
        ("words", REASON),
        ("version", "1"),
        ("sure", "yes"),
    ];
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    assert_eq!(di.send(&path, &csrf, &fields).await.status, StatusCode::NOT_FOUND);
    let csrf = ann.get(&path).await.field("csrf");
    let stale = ann.send(&path, &csrf, &fields).await;
    assert!(stale.body.contains("changed while you had it open") && stale.body.contains(REASON));
    assert!(concerns_of(&school, "quin").await.is_empty());
}

#[tokio::test]
async fn two_pupils_of_one_name_and_year_are_told_apart_everywhere() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(
        "INSERT INTO person (school_id, person_id, source_id, role, year_group, class_name, username, given_name, family_name)
         SELECT school_id, 'pip2', 'pip2', role, year_group, '5K', 'pingham2', given_name, family_name
         FROM person WHERE person_id = 'pip'",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let concern = school.concern(&SEARCH).await;
    assert!(
        ann.get("/queue")
            .await
            .body
            .contains("Pip Ibbotson, year 5, user name pip<")
    );
    assert!(
        ann.get(&format!("/concerns/{concern}"))
            .await
            .body
            .contains("Pip Ibbotson, year 5, user name pip<")
    );
    for page in [
        "/concerns/new".to_owned(),
        format!("/concerns/{concern}/reassign"),
    ] {
        let body = ann.get(&page).await.body;
        assert!(body.contains("Pip Ibbotson, user name pip<"), "{page}");
        assert!(
            body.contains("Pip Ibbotson, class 5K, user name pingham2<"),
            "{page}"
        );
    }
}

/// What a concern shows, the highest severity that it ever had, and its state.
async fn severities(school: &School, concern: &str) -> (i64, i64, String) {
    sqlx::query_as("SELECT severity, highest_severity, state FROM concern WHERE concern_id = ?")
        .bind(concern)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_was_marked_and_then_moved_still_takes_two_to_close() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = super::flags::with_flags(&school, 1).await;
    run(
        &school,
        "UPDATE flag SET severity = 5 WHERE flag_id = (SELECT min(flag_id) FROM flag)",
    )
    .await;
    run(&school, "UPDATE concern SET severity = 5").await;
    let path = format!("/concerns/{concern}");
    super::marks::mark(&mut ann, &path, "yes").await;
    assert_eq!(severities(&school, &concern).await, (2, 5, "new".to_owned()));
    correct(&mut ann, &concern, &[("person", "quin"), ("words", REASON)]).await;
    let right = concerns_of(&school, "quin").await;
    for id in [&concern, &right[0].0] {
        assert_eq!(severities(&school, id).await.1, 5);
        let path = format!("/concerns/{id}");
        let fields = [("outcome", "no-action"), ("words", "Nothing in it.")];
        ann.post(&path, &format!("{path}/close"), &fields).await;
        ann.post(&path, &format!("{path}/agree"), &[]).await;
        assert_ne!(severities(&school, id).await.2, "closed");
    }
}

#[tokio::test]
async fn what_a_severe_flag_has_left_is_closed_by_a_second_person() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let concern = school.concern(&SEARCH).await;
    let path = format!("/concerns/{concern}");
    correct(&mut ann, &concern, &[("person", "quin"), ("words", REASON)]).await;
    assert_ne!(severities(&school, &concern).await.2, "closed");
    let asked: Vec<String> = sqlx::query_scalar(
        "SELECT person_id FROM outbox WHERE notice = 'agreement-wanted' ORDER BY person_id",
    )
    .fetch_all(&mut *school.app.store.read().await.unwrap())
    .await
    .unwrap();
    assert!(
        asked.contains(&"bo".to_owned()) && !asked.contains(&"ann".to_owned()),
        "{asked:?}"
    );
    let page = bo.get(&path).await.body;
    assert!(
        page.contains("Ann Leigh proposes to close") && page.contains("about somebody else"),
        "{page}"
    );
    bo.post(&path, &format!("{path}/agree"), &[]).await;
    assert_eq!(severities(&school, &concern).await.2, "closed");
}

#[tokio::test]
async fn what_somebody_wrote_down_about_a_person_stays_open_in_their_record() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = school.concern(&TITLE).await;
    let fields = [
        ("person", "pip"),
        ("kind", "bullying"),
        ("severity", "2"),
        ("words", "Seen in the yard too."),
        ("where", "add"),
        ("open", &concern),
    ];
    let added = ann.post("/concerns/new", "/concerns/new", &fields).await;
    assert_eq!(added.location(), format!("/concerns/{concern}?done=added"));
    correct(&mut ann, &concern, &[("person", "quin"), ("words", REASON)]).await;
    assert_eq!(severities(&school, &concern).await.2, "new");
    assert!(
        ann.get(&format!("/concerns/{concern}"))
            .await
            .body
            .contains("Seen in the yard too.")
    );
}

#[tokio::test]
async fn whoever_else_reads_a_severe_concern_is_told_that_its_person_was_corrected() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    for (severity, told) in [("3", 0), ("5", 1)] {
        let fields = [
            ("person", "pip"),
            ("kind", "self-harm"),
            ("severity", severity),
            ("words", "As told."),
        ];
        let fields = [fields.as_slice(), &[("where", "own")]].concat();
        let done = bo.post("/concerns/new", "/concerns/new", &fields).await;
        let path = done.location().split('?').next().unwrap().to_owned();
        let concern = path.strip_prefix("/concerns/").unwrap();
        let reassign = format!("{path}/reassign");
        let fields = [("person", "quin"), ("words", REASON), ("sure", "yes")];
        let done = ann.post(&reassign, &reassign, &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        // Whoever acknowledges it does not take the question away from the others.
        ann.post(&path, &format!("{path}/acknowledge"), &[]).await;
        let left: Vec<String> = sqlx::query_scalar(
            "SELECT person_id FROM outbox WHERE concern_id = ? AND notice = 'corrected' AND ended_at IS NULL",
        )
        .bind(concern)
        .fetch_all(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
        assert_eq!(left.len(), told, "{left:?}");
        assert!(!left.contains(&"ann".to_owned()));
    }
}

#[tokio::test]
async fn flags_that_a_session_has_no_key_for_stay_and_are_moved_by_somebody_who_has() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let concern = super::flags::with_flags(&school, 1).await;
    // As if one had come while the concern's readers were others.
    let mut tx = school.app.store.write().await.unwrap();
    let of = (SCHOOL, concern.as_str());
    let content = keys::seal_for(&mut tx, &school.app.sealer, of, ReaderGroup::Staff, b"")
        .await
        .unwrap();
    sqlx::query(
        "UPDATE flag SET data_key_id = ?, sealed = ? WHERE flag_id = (SELECT max(flag_id) FROM flag)",
    )
    .bind(content.0)
    .bind(content.1)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let held = async |person: &str| -> (i64, i64) {
        sqlx::query_as(
            "SELECT count(*), coalesce(max(concern.state = 'closed'), 0) FROM flag JOIN concern USING (concern_id)
             WHERE concern.person_id = ?",
        )
        .bind(person.to_owned())
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
    };
    correct(&mut ann, &concern, &[("person", "quin"), ("words", REASON)]).await;
    assert_eq!(
        (held("quin").await, held("pip").await),
        ((1, 0), (1, 0)),
        "what is left stays open"
    );
    let page = ann.get(&format!("/concerns/{concern}")).await.body;
    assert!(
        page.contains("1 flag could not be opened with their keys"),
        "{page}"
    );
    correct(&mut cy, &concern, &[("person", "quin"), ("words", REASON)]).await;
    assert_eq!((held("quin").await.0, held("pip").await.0), (2, 0));
}

#[tokio::test]
async fn flags_beyond_the_two_hundredth_are_chosen_one_by_one_too() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = super::flags::with_flags(&school, 250).await;
    let path = format!("/concerns/{concern}/reassign");
    let first = ann.get(&path).await.body;
    assert!(first.contains("Flags 1 to 200 of 251.") && !first.contains("id=\"flag-240\""));
    let chosen = [
        ("shared", "yes"),
        ("person", "quin"),
        ("words", REASON),
        ("flag-3", "yes"),
    ];
    let turned = ann
        .post(&path, &path, &[chosen.as_slice(), &[("turn", "2")]].concat())
        .await;
    assert_eq!(turned.status, StatusCode::OK);
    for kept in [
        "name=\"flag-3\" value=\"yes\"",
        "id=\"flag-240\"",
        "value=\"quin\" selected",
        REASON,
        "1 so far",
    ] {
        assert!(turned.body.contains(kept), "{kept}: {}", turned.body);
    }
    let both = [chosen.as_slice(), &[("flag-240", "yes")]].concat();
    let (_, done) = correct(&mut ann, &concern, &both).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let moved: Vec<i64> = sqlx::query_scalar(
        "SELECT flag_id - (SELECT min(flag_id) FROM flag) + 1 FROM flag JOIN concern USING (concern_id)
         WHERE person_id = 'quin' ORDER BY 1",
    )
    .fetch_all(&mut *school.app.store.read().await.unwrap())
    .await
    .unwrap();
    assert_eq!(moved, [3, 240]);
}

#[tokio::test]
async fn an_account_of_several_people_is_not_made_one_person_s_by_an_old_page() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let unknown = Seen {
        account: "guest-7",
        ..TITLE
    };
    let concern = school.concern(&unknown).await;
    let path = format!("/concerns/{concern}");
    run(&school, "UPDATE account SET shared = 1 WHERE name = 'guest-7'").await;
    assert_eq!(
        ann.get(&format!("{path}/identify")).await.status,
        StatusCode::NOT_FOUND
    );
    let late = ann
        .post(&path, &format!("{path}/identify"), &[("person", "pip")])
        .await;
    assert!(
        late.body.contains("Several people use this account."),
        "{}",
        late.body
    );
    assert!(concerns_of(&school, "pip").await.is_empty());
}

async fn run(school: &School, statement: &'static str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}
