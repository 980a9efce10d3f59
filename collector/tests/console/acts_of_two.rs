//! Acts of two people on somebody's access: what one alone cannot do, what links and codes open, and what is told.

use super::access::{proposal, told};
use super::*;
use crate::school::browser::{PASSWORD, Page};
use crate::school::letters;
use crate::school::{SCHOOL, email};
use axum::http::StatusCode;
use pastoral_collector::concerns::kind::SubjectRole;
use pastoral_collector::store::members;
use pastoral_collector::store::proposals::{self, PersonChange};
use std::collections::BTreeSet;

/// A number from the store.
pub(super) async fn number(school: &School, query: &'static str) -> i64 {
    let mut db = school.app.store.read().await.unwrap();
    sqlx::query_scalar(query).fetch_one(&mut *db).await.unwrap()
}

pub(super) async fn vault(school: &School, person: &str) -> Vec<u8> {
    let found = sqlx::query_scalar("SELECT vault FROM user WHERE person_id = ?").bind(person);
    found
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

/// Whom mails of a sort went to, sorted.
pub(super) async fn mailed(school: &School, sort: &str, part: &str) -> Vec<String> {
    let letters = letters::waiting(&school.app, sort).await.into_iter();
    let found = letters.filter(|letter| letter.words.contains(part));
    let found: BTreeSet<_> = found.map(|letter| letter.due.address).collect();
    found.into_iter().collect()
}

/// Changes the database, as somebody with root can.
pub(super) async fn tamper(school: &School, query: &'static str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(query).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn propose_reset(who: &mut Browser, person: &str) -> Page {
    let page = format!("/people/{person}");
    who.post(&page, &format!("{page}/link"), &[]).await
}

pub(super) async fn agree(school: &School, who: &mut Browser) -> Page {
    let path = format!("/people/proposals/{}/agree", proposal(school).await);
    who.post("/people", &path, &[]).await
}

#[tokio::test]
async fn a_duty_never_touches_how_somebody_signs_in() {
    let (school, router) = school().await;
    let [mut ann, mut bo, cy, mut ed] = signed_in(&school, &router, [ANN, BO, CY, ED]).await;
    let before = vault(&school, "cy").await;
    let fields = [("person", "cy"), ("duty", "technician")];
    let by_technician = ed.post("/people", "/people/grant", &fields).await;
    assert_eq!(
        by_technician.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a technician proposes nothing"
    );
    let fields = [("person", "cy"), ("duty", "deputy")];
    ann.post("/people", "/people/grant", &fields).await;
    let agreed = agree(&school, &mut bo).await;
    assert_eq!(
        agreed.location(),
        "/people?done=agreed",
        "no code, for there is no link"
    );
    let links = "SELECT count(*) FROM invitation WHERE person_id = 'cy' AND used_at IS NULL";
    assert_eq!(number(&school, links).await, 0);
    assert_eq!(vault(&school, "cy").await, before);
    let code = cy.code(1);
    let mut again = Browser::new(&router);
    assert_eq!(again.sign_in("cy", PASSWORD, &code).await.location(), "/");
    assert!(again.get("/queue").await.body.contains("Headteacher"));
    assert!(again.get("/queue").await.body.contains("Deputy"));
}

#[tokio::test]
async fn who_lost_their_duty_between_agrees_to_nothing_and_neither_counts_who_proposed() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    ann.post(
        "/people",
        "/people/grant",
        &[("person", "flo"), ("duty", "deputy")],
    )
    .await;
    let waits = format!("/people/proposals/{}/agree", proposal(&school).await);
    tamper(&school, "UPDATE duty SET ended_at = 1 WHERE person_id = 'bo'").await;
    assert!(
        bo.post("/sign-in", &waits, &[])
            .await
            .location()
            .starts_with("/sign-in")
    );
    tamper(&school, "UPDATE duty SET ended_at = 1 WHERE person_id = 'ann'").await;
    assert_eq!(
        cy.post("/people", &waits, &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        number(&school, "SELECT count(*) FROM duty WHERE person_id = 'flo'").await,
        0
    );
}

#[tokio::test]
async fn the_same_is_proposed_once_and_decided_once() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let fields = [("person", "flo"), ("duty", "deputy")];
    ann.post("/people", "/people/grant", &fields).await;
    let twice = bo.post("/people", "/people/grant", &fields).await;
    assert!(twice.body.contains("proposed already"), "{}", twice.body);
    let waits = format!("/people/proposals/{}/agree", proposal(&school).await);
    let page = cy.get("/people").await;
    let (mut other, csrf) = (cy.clone(), page.field("csrf"));
    let (one, two) = tokio::join!(cy.send(&waits, &csrf, &[]), other.send(&waits, &csrf, &[]));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::NOT_FOUND]);
    assert_eq!(
        number(&school, "SELECT count(*) FROM invitation WHERE person_id = 'flo'").await,
        1
    );
}

#[tokio::test]
async fn a_sign_in_of_the_command_line_alone_is_given_no_reader_s_duty() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut di, _ed] = signed_in(&school, &router, [ANN, CY, DI, ED]).await;
    let [_flo] = signed_in(&school, &router, [("flo", Duty::Technician)]).await;
    tamper(&school, "UPDATE user SET vouched = FALSE WHERE person_id = 'flo'").await;
    let fields = [("person", "flo"), ("duty", "deputy")];
    let refused = ann.post("/people", "/people/grant", &fields).await;
    assert!(
        refused.body.contains("propose a reset of it first"),
        "{}",
        refused.body
    );
    propose_reset(&mut ann, "flo").await;
    let code = told(&agree(&school, &mut cy).await);
    let mut flo = Browser::new(&router);
    flo.join(&school.mailed_link("flo").await, &code).await;
    ann.post("/people", "/people/grant", &fields).await;
    assert_eq!(agree(&school, &mut di).await.location(), "/people?done=agreed");
}

#[tokio::test]
async fn another_address_takes_two_and_is_told_to_the_old_and_the_new() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let taken = [
        ("given", "Bo"),
        ("family", "Carrow"),
        ("email", "CY@oak.example"),
        ("role", "staff"),
    ];
    ann.post("/people/bo", "/people/bo/change", &taken).await;
    let refused = agree(&school, &mut cy).await;
    assert!(
        refused.body.contains("somebody else has this e-mail address")
            || refused.body.contains("Somebody else has this"),
        "{}",
        refused.body
    );
    let withdraw = format!("/people/proposals/{}/withdraw", proposal(&school).await);
    ann.post("/people", &withdraw, &[]).await;
    let change = [
        ("given", "Bo"),
        ("family", "Marsh"),
        ("email", "bo.marsh@oak.example"),
        ("role", "staff"),
    ];
    ann.post("/people/bo", "/people/bo/change", &change).await;
    assert_eq!(
        agree(&school, &mut bo).await.status,
        StatusCode::NOT_FOUND,
        "not their own"
    );
    let page = cy.get("/people").await.body;
    assert!(
        page.contains("bo@oak.example becomes bo.marsh@oak.example"),
        "{page}"
    );
    assert_eq!(agree(&school, &mut cy).await.location(), "/people?done=agreed");
    let told = mailed(&school, "access", "about your own access").await;
    assert!(told.contains(&"bo@oak.example".to_owned()) && told.contains(&"bo.marsh@oak.example".to_owned()));
    assert!(bo.get("/account").await.body.contains("bo.marsh@oak.example"));
}

#[tokio::test]
async fn what_an_import_finds_about_somebody_with_a_duty_takes_two_readers() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    signed_in(&school, &router, [BO]).await;
    let change = PersonChange {
        given_name: "Bo".into(),
        family_name: "Marsh".into(),
        email: "it@elsewhere.example".into(),
        role: SubjectRole::Staff,
    };
    let telling = school.app.telling();
    for _ in 0..2 {
        let mut tx = school.app.store.write().await.unwrap();
        let waits = proposals::ask_change(&mut tx, &telling, "bo", &change, "people import", school.now);
        assert!(waits.await.unwrap());
        tx.commit().await.unwrap();
    }
    let id = proposal(&school).await;
    let act = |what: &str| format!("/people/proposals/{id}/{what}");
    assert_eq!(
        ed.post("/people", &act("propose"), &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        cy.post("/people", &act("agree"), &[]).await.status,
        StatusCode::NOT_FOUND,
        "nobody proposes it yet"
    );
    assert_eq!(
        ann.post("/people", &act("propose"), &[]).await.location(),
        "/people?done=proposed"
    );
    assert_eq!(
        ann.post("/people", &act("agree"), &[]).await.status,
        StatusCode::NOT_FOUND,
        "one person is not two"
    );
    assert_eq!(
        cy.post("/people", &act("refuse"), &[]).await.location(),
        "/people?done=proposal-refused"
    );
    let mut tx = school.app.store.write().await.unwrap();
    let again = proposals::ask_change(&mut tx, &telling, "bo", &change, "people import", school.now + 1);
    assert!(!again.await.unwrap(), "refused is refused");
    let name = members::find(&mut tx, SCHOOL, "bo")
        .await
        .unwrap()
        .unwrap()
        .name();
    assert_eq!(name, "Bo Carrow");
}

/// A lead under suspicion who keeps the headteacher or another reader out: she can, and everybody knows at once.
#[tokio::test]
async fn who_refuses_or_stops_what_lets_somebody_in_does_not_do_it_in_silence() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy, mut di] = signed_in(&school, &router, [ANN, BO, CY, DI]).await;
    propose_reset(&mut bo, "cy").await;
    let refuse = format!("/people/proposals/{}/refuse", proposal(&school).await);
    let refused = ann.post("/people", &refuse, &[]).await;
    assert_eq!(refused.location(), "/people?done=proposal-refused");
    let everybody = ["ann", "bo", "cy", "di"].map(email);
    assert_eq!(mailed(&school, "access", "a reader refused").await, everybody);
    propose_reset(&mut bo, "cy").await;
    agree(&school, &mut di).await;
    let link = "SELECT invitation_id FROM invitation WHERE used_at IS NULL AND withdrawn_at IS NULL";
    let link: String = sqlx::query_scalar(link)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    let stop = format!("/people/proposals/{link}/stop");
    let stopped = ann.post("/people", &stop, &[]).await;
    assert_eq!(stopped.location(), "/people?done=withdrawn", "{}", stopped.body);
    assert_eq!(
        mailed(&school, "access", "was stopped before it was used").await,
        everybody
    );
    // What is about oneself nobody refuses alone.
    propose_reset(&mut bo, "cy").await;
    let own = format!("/people/proposals/{}/refuse", proposal(&school).await);
    assert_eq!(cy.post("/people", &own, &[]).await.status, StatusCode::NOT_FOUND);
}
