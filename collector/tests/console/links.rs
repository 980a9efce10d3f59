//! What links and their codes open, and who learns of them.

use super::access::told;
use super::acts_of_two::{agree, mailed, number, tamper, vault};
use super::*;
use crate::school::browser::PASSWORD;
use crate::school::{SCHOOL, email};
use axum::http::StatusCode;
use pastoral_collector::access::{self, Link, Refused, SecondFactor, Typed, VoiceCode, Work, acts};
use pastoral_collector::store::members;

#[tokio::test]
async fn a_technician_who_agrees_never_learns_the_code() {
    let (school, router) = school().await;
    let [mut cy, mut ed] = signed_in(&school, &router, [CY, ED]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let fields = [("person", "flo"), ("duty", "dsl")];
    let code = told(&cy.post("/people", "/people/grant", &fields).await);
    assert_eq!(
        mailed(&school, "link", "/join/").await,
        [email("cy"), email("ed")],
        "not before they agree"
    );
    let agreed = agree(&school, &mut ed).await;
    assert_eq!(agreed.location(), "/people?done=agreed");
    assert!(!ed.get("/people").await.body.contains(&code));
    let link = school.mailed_link("flo").await;
    let guessed = Browser::new(&router).join(&link, "00000-00000").await;
    assert!(
        guessed.body.contains("not the one that belongs to this link"),
        "{}",
        guessed.body
    );
    let mut flo = Browser::new(&router);
    assert_eq!(flo.join(&link, &code).await.status, StatusCode::OK);
    assert!(flo.get(&path).await.body.contains("<mark>unkind</mark>"));
}

#[tokio::test]
async fn ten_wrong_codes_end_a_link_and_are_told() {
    let (school, router) = school().await;
    let [_ann] = signed_in(&school, &router, [ANN]).await;
    let invited = school.invite("flo", Duty::Deputy).await;
    let link = || Link::parse(invited.path.strip_prefix("/join/").unwrap()).unwrap();
    let factor = SecondFactor::generate().unwrap();
    let work = Work::default();
    let typed = |heard: &str| Typed {
        heard: heard.to_owned().into(),
        password: PASSWORD.to_owned().into(),
        present_password: None,
        code: String::from("000000").into(),
    };
    let now = pastoral_collector::clock::now_ms();
    for left in (0..10).rev() {
        let wrong = VoiceCode::generate().unwrap().shown();
        let refused = access::accept(&school.app, &work, link(), typed(&wrong), &factor, now).await;
        assert!(
            matches!(refused, Err(Refused::VoiceCode(found)) if found == left),
            "{left}"
        );
    }
    let right = access::accept(&school.app, &work, link(), typed(&invited.code), &factor, now).await;
    assert!(matches!(right, Err(Refused::Link)), "it opens nothing any more");
    assert_eq!(
        mailed(&school, "access", "wrong codes").await,
        [email("ann"), email("flo")]
    );
    let kept = "SELECT count(*) FROM invitation WHERE person_id = 'flo' AND wrapped_keys IS NOT NULL";
    assert_eq!(number(&school, kept).await, 0);
    // The phone's code is looked at after the link's: a wrong one costs no try.
    let invited = school.invite("flo", Duty::Deputy).await;
    let mut flo = Browser::new(&router);
    assert_eq!(
        flo.join(&invited.path, &invited.code).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_store_refuses_a_link_that_would_overwrite_a_sign_in() {
    let (school, router) = school().await;
    let [_cy] = signed_in(&school, &router, [CY]).await;
    let before = vault(&school, "cy").await;
    // As the command line would make it for a technician with the headteacher's address, whatever checks were forgotten.
    let made = access::NewLink::make(&[]).unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    let person = members::find(&mut tx, SCHOOL, "cy").await.unwrap().unwrap();
    let about = acts::Issued {
        person: &person,
        proposal_id: None,
        proposed_by: "command line",
        agreed_by: None,
        vouched: false,
    };
    let telling = school.app.telling();
    acts::issue(&mut tx, &telling, &made, &about, school.now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let done = Browser::new(&router)
        .join(&made.link.path(), &made.code.shown())
        .await;
    assert_eq!(done.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(vault(&school, "cy").await, before);
    let used = "SELECT count(*) FROM invitation WHERE proposed_by = 'command line' AND used_at IS NOT NULL";
    assert_eq!(number(&school, used).await, 0);
}

#[tokio::test]
async fn a_link_brings_no_key_of_a_duty_that_has_ended_since() {
    let (school, router) = school().await;
    school.invite("flo", Duty::Deputy).await;
    let link = school.invite("flo", Duty::Headteacher).await;
    tamper(
        &school,
        "UPDATE duty SET ended_at = 1 WHERE person_id = 'flo' AND duty = 'headteacher'",
    )
    .await;
    let mut flo = Browser::new(&router);
    let joined = flo.join(&link.path, &link.code).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    let held: String = sqlx::query_scalar("SELECT key_groups FROM user WHERE person_id = 'flo'")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(held, "pupil");
}
