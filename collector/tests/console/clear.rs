//! What people are told: pages that say what is wrong, and words that need no explaining.

use super::*;
use crate::school::browser::PASSWORD;
use crate::school::letters::Letter;
use axum::http::StatusCode;
use pastoral_collector::concerns::reference::Reference;
use pastoral_collector::faults::Fault;
use pastoral_collector::profile::Profile;
use pastoral_collector::retention;
use std::sync::Arc;

#[tokio::test]
async fn a_page_that_is_not_shown_says_why_and_keeps_the_menu_of_who_is_signed_in() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    let has_menu = |body: &str| body.contains("href=\"/health\"") && body.contains("Sign out");
    let lost = ann.get("/nothing").await;
    assert!(lost.status == StatusCode::NOT_FOUND && has_menu(&lost.body));
    assert!(lost.body.contains("href=\"/queue\"") && lost.body.contains("Page not found"));
    let not_his = ed.get("/queue").await;
    assert!(has_menu(&not_his.body) && !not_his.body.contains("href=\"/queue\""));
    let forged = ann.send("/people/grant", "0", &[]).await;
    assert!(forged.status == StatusCode::FORBIDDEN && has_menu(&forged.body));
    let mut last = ann.get("/account").await;
    for _ in 0..8 {
        last = ann
            .post(
                "/account",
                "/account/recovery-codes",
                &[("codes-present", "wrong password!")],
            )
            .await;
    }
    assert!(last.status == StatusCode::TOO_MANY_REQUESTS && has_menu(&last.body));
    change(&school, "ALTER TABLE duty RENAME TO elsewhere").await;
    let broken = ann.get("/people").await;
    assert_eq!(broken.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        broken.body.contains("Something went wrong"),
        "also when the store fails"
    );
    let visitor = Browser::new(&router).get("/nothing").await;
    assert!(visitor.status == StatusCode::NOT_FOUND && !has_menu(&visitor.body));
}

async fn change(school: &School, statement: &'static str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_password_older_than_the_school_allows_opens_only_the_page_that_changes_it() {
    let (school, router) = school().await;
    let days = school.app.profile.load().handling.password_days;
    assert_eq!(days, Some(90), "the profile's own number");
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&SEARCH).await);
    let age = |days: i64| {
        format!(
            "UPDATE user SET password_set_at = {}",
            school.now - days * 86_400_000
        )
    };
    let set = async |statement: String| {
        let mut tx = school.app.store.write().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    };
    set(age(80)).await;
    assert!(
        ann.get("/queue")
            .await
            .body
            .contains("Your password must be changed by")
    );
    set(age(91)).await;
    for address in ["/queue", "/account", "/people", "/queue/live", path.as_str()] {
        assert_eq!(
            ann.get(address).await.location(),
            "/account/password",
            "{address}"
        );
    }
    let page = ann.get("/account/password").await;
    assert!(page.body.contains("has run out") && !page.body.contains("href=\"/queue\""));
    let from = "/account/password";
    let same = [("present", PASSWORD), ("password", PASSWORD), ("again", PASSWORD)];
    assert!(
        ann.post(from, from, &same)
            .await
            .body
            .contains("another password than the present one")
    );
    let new = "another horse battery";
    let fields = [("present", PASSWORD), ("password", new), ("again", new)];
    assert_eq!(
        ann.post(from, from, &fields).await.location(),
        "/account?done=password"
    );
    assert_eq!(ann.get(&path).await.status, StatusCode::OK);
    let forever = school.app.profile.load().toml.replace("password_days = 90", "");
    school
        .app
        .profile
        .store(Arc::new(Profile::parse(&forever, "profile").unwrap()));
    set(age(900)).await;
    assert_eq!(
        ann.get("/queue").await.status,
        StatusCode::OK,
        "a school may not want it"
    );
}

#[tokio::test]
async fn a_broken_audit_chain_is_said_to_headteacher_and_chair_on_the_console_and_by_mail() {
    let (school, router) = school().await;
    let mut people = signed_in(&school, &router, [ANN, CY, DI, ED]).await;
    retention::daily(&school.app, school.now).await.unwrap();
    let said = "The audit log was changed, or entries are missing";
    assert!(!people[1].get("/health").await.body.contains(said));
    change(&school, "UPDATE audit SET actor = 'somebody' WHERE sequence = 2").await;
    retention::daily(&school.app, school.now + 86_400_000)
        .await
        .unwrap();
    for (browser, told) in people.iter_mut().zip([false, true, true, false]) {
        assert_eq!(browser.get("/health").await.body.contains(said), told);
    }
    let mailed = crate::school::letters::waiting(&school.app, "audit-broken").await;
    let to: Vec<_> = mailed.iter().map(|letter| letter.person_id.as_str()).collect();
    assert_eq!(to, ["cy", "di"]);
    let says_what_to_do = |letter: &Letter| letter.words.contains("pastoral-collector audit verify");
    assert!(mailed.iter().all(says_what_to_do));
    change(
        &school,
        "UPDATE audit SET actor = (SELECT actor FROM audit WHERE sequence = 1) WHERE sequence = 2",
    )
    .await;
}

#[tokio::test]
async fn a_full_disk_is_said_to_everybody_and_what_the_technician_runs_to_those_who_run_it() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    school.app.faults.begin(Fault::Disk, "The disk is full.");
    school.app.faults.begin(Fault::Profile, "The profile is refused.");
    for (browser, runs_it) in [(&mut ann, false), (&mut cy, true), (&mut ed, true)] {
        let page = browser.get("/devices").await.body;
        assert!(page.contains("The disk is full."));
        assert_eq!(page.contains("The profile is refused."), runs_it);
    }
    school.app.faults.end(Fault::Disk);
    assert!(!ann.get("/devices").await.body.contains("The disk is full."));
}

#[tokio::test]
async fn devices_of_one_name_are_told_apart_everywhere() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    assert!(ann.get(&path).await.body.contains("on LAPTOP-12,"));
    change(
        &school,
        "UPDATE device SET host_name = 'trolley' WHERE device_id IN ('LAPTOP-12', 'STAFF-3')",
    )
    .await;
    let page = ed.get("/devices").await.body;
    assert!(
        page.contains("trolley (LAPTOP-1): ") && page.contains("trolley (STAFF-3): "),
        "{page}"
    );
    assert!(ann.get(&path).await.body.contains("on trolley (LAPTOP-1),"));
    ed.post("/devices", "/devices/STAFF-3/revoke", &[]).await;
    assert!(ed.get("/audit").await.body.contains("cut off trolley (STAFF-3)"));
}

#[tokio::test]
async fn the_audit_log_is_in_plain_words() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    cy.post(&path, &format!("{path}/acknowledge"), &[]).await;
    cy.post(
        &path,
        &format!("{path}/note"),
        &[("words", "Spoke with the class teacher.")],
    )
    .await;
    let log = cy.get("/audit").await.body;
    for words in [
        "looked at the concern",
        "acknowledged the concern",
        "wrote a note",
        "set up their sign-in",
    ] {
        assert!(log.contains(words), "{words}");
    }
    for code in ["concern acknowledged", "concern note", "no words for"] {
        assert!(!log.contains(code), "{code}");
    }
}

#[tokio::test]
async fn what_is_recorded_by_hand_can_join_the_open_concern_of_the_same_kind() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let open = school.concern(&TITLE).await;
    let form = |place: &'static str, id: &str, severity: &'static str| {
        [
            ("person", "pip".to_owned()),
            ("kind", "bullying".to_owned()),
            ("severity", severity.to_owned()),
            ("words", "Pip was pushed at break.".to_owned()),
            ("where", place.to_owned()),
            ("open", id.to_owned()),
        ]
    };
    let csrf = ann.get("/concerns/new").await.field("csrf");
    let asked = ann.send("/concerns/new", &csrf, &form("", "", "4")).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    let offered = format!("Concern {} about Pip Ibbotson", Reference::from_random(1));
    assert!(asked.body.contains(&offered) && asked.body.contains("Pip was pushed"));
    let added = ann.send("/concerns/new", &csrf, &form("add", &open, "4")).await;
    assert_eq!(added.location(), format!("/concerns/{open}?done=added"));
    let page = bo.get(&format!("/concerns/{open}")).await.body;
    assert!(page.contains("Ann Leigh added what else happened") && page.contains("Pip was pushed at break."));
    assert!(
        page.contains("4 – Serious"),
        "it is as serious as the worst of it"
    );
    let own = ann.send("/concerns/new", &csrf, &form("own", &open, "1")).await;
    let own = own.location().split('?').next().unwrap().to_owned();
    assert_ne!(own, format!("/concerns/{open}"));
    assert!(ann.get(&own).await.body.contains(&format!(
        "It belongs together with concern {}, which is open",
        Reference::from_random(1)
    )));
}

#[tokio::test]
async fn what_is_recorded_about_somebody_whose_concerns_one_may_not_see_offers_nothing() {
    let (school, router) = school().await;
    let [mut ann, _cy] = signed_in(&school, &router, [ANN, CY]).await;
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::Buying,
        ..TITLE
    };
    school.concern(&staff).await;
    let form = [
        ("person", "flo"),
        ("kind", "staff-misuse"),
        ("severity", "2"),
        ("words", "Invented words."),
    ];
    let done = ann.post("/concerns/new", "/concerns/new", &form).await;
    assert_eq!(done.location(), "/queue?done=recorded");
}

#[tokio::test]
async fn an_account_that_is_identified_links_its_concerns_with_the_person_s_open_ones() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let known = school.concern(&TITLE).await;
    let unknown = Seen {
        account: "guest-7",
        ..TITLE
    };
    let unknown = format!("/concerns/{}", school.concern(&unknown).await);
    let to = format!("{unknown}/identify");
    ann.post(&format!("{to}?person=pip"), &to, &[("person", "pip")])
        .await;
    let page = ann.get(&unknown).await.body;
    assert!(
        page.contains(&format!(
            "It belongs together with concern {}, which is open",
            Reference::from_random(1)
        )),
        "{page}"
    );
    assert!(
        ann.get(&format!("/concerns/{known}"))
            .await
            .body
            .contains(&format!(
                "It belongs together with concern {}",
                Reference::from_random(2)
            ))
    );
}

#[tokio::test]
async fn a_disclosure_is_handed_over_also_when_nobody_knows_yet_which_child() {
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
    let fields = [("child", "unknown"), ("words", "Bo will say who.")];
    cy.post(&path, &format!("{path}/hand-over"), &fields).await;
    let page = ann.get(&path).await;
    assert!(page.body.contains("A child, not named yet") && page.body.contains("<mark>unkind</mark>"));
    assert_eq!(
        bo.get(&path).await.status,
        StatusCode::NOT_FOUND,
        "it was seen on their account"
    );
    // Whatever becomes of duties and people, it stays with those who read pupils' concerns.
    cy.post(
        "/people",
        "/people/conflicts",
        &[("reader", "bo"), ("about", "quin")],
    )
    .await;
    assert_eq!(ann.get(&path).await.status, StatusCode::OK);
    let from = format!("{path}/identify");
    let form = ann.get(&from).await;
    assert!(form.body.contains("Which child is it about?") && !form.body.contains("Flo Garside</option>"));
    let asked = format!("{from}?person=quin");
    assert_eq!(
        ann.post(&asked, &from, &[("person", "flo")]).await.status,
        StatusCode::NOT_FOUND
    );
    ann.post(&asked, &from, &[("person", "quin")]).await;
    assert!(ann.get(&path).await.body.contains("Quin Jessop"));
}

#[tokio::test]
async fn times_that_are_said_alike_are_said_once() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let noon = school.now - school.now % 86_400_000 - 43_200_000;
    let set = format!("UPDATE concern SET first_event_at = {noon}, last_event_at = {noon} + 40000");
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(set))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(!ann.get(&path).await.body.contains("Seen from"));
}

#[tokio::test]
async fn outside_cover_hours_nobody_is_said_to_be_told_of_what_waits_until_cover_begins() {
    let (school, router) = school().await;
    let day = |ahead: i64| {
        let at = jiff::Timestamp::from_millisecond(school.now + ahead * 86_400_000).unwrap();
        at.strftime("%Y-%m-%d").to_string()
    };
    let toml = school.app.profile.load().toml.clone();
    let (before, rest) = toml.split_once("terms = [").unwrap();
    let (_, after) = rest.split_once("\n]").unwrap();
    let toml = format!(
        "{before}terms = [{{ from = {}, to = {} }}]{after}",
        day(3),
        day(300)
    );
    school
        .app
        .profile
        .store(Arc::new(Profile::parse(&toml, "profile").unwrap()));
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    for address in ["/queue", path.as_str()] {
        let body = ann.get(address).await.body;
        assert!(
            body.contains("Told when cover begins, at ") && !body.contains("Told: you"),
            "{body}"
        );
    }
    school.concern(&SEARCH).await;
    assert!(
        ann.get("/queue").await.body.contains("Told: you"),
        "what may cost a life waits for nothing"
    );
}

#[tokio::test]
async fn health_says_what_the_profile_asks_for_and_nothing_does() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    for browser in [&mut ann, &mut ed] {
        let health = browser.get("/health").await.body;
        assert!(
            health.contains("Not done yet: lock_after_minutes (30 of pupils"),
            "{health}"
        );
    }
}
