//! A reset of somebody's sign-in: what it takes, what is lost, and how it comes back.

use super::access::{proposal, told};
use super::acts_of_two::{agree, mailed, propose_reset};
use super::*;
use crate::school::browser::PASSWORD;
use crate::school::email;
use axum::http::StatusCode;

#[tokio::test]
async fn a_reset_takes_two_others_ends_the_old_sign_in_and_is_told() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut di] = signed_in(&school, &router, [ANN, CY, DI]).await;
    let own = propose_reset(&mut cy, "cy").await;
    assert_eq!(own.status, StatusCode::NOT_FOUND, "not one's own");
    let page = ann.get("/people/cy").await.body;
    assert!(page.contains("A reset loses every key") && page.contains("concerns about staff does not come"));
    assert_eq!(
        propose_reset(&mut ann, "cy").await.location(),
        "/people?done=proposed"
    );
    let waits = format!("/people/proposals/{}/agree", proposal(&school).await);
    for (who, why) in [(&mut ann, "the proposer"), (&mut cy, "the subject")] {
        assert_eq!(
            who.post("/people", &waits, &[]).await.status,
            StatusCode::NOT_FOUND,
            "{why}"
        );
    }
    assert!(
        di.get("/people").await.body.contains("A reset loses every key"),
        "said before agreeing"
    );
    let agreed = di.post("/people", &waits, &[]).await;
    let code = told(&agreed);
    assert!(!agreed.body.contains("/join/"), "the link is shown to nobody");
    let link = school.mailed_link("cy").await;
    assert_eq!(
        mailed(&school, "link", "/join/").await,
        [email("ann"), email("cy"), email("di")],
        "each their own"
    );
    let everybody = [email("ann"), email("cy"), email("di")];
    assert_eq!(mailed(&school, "access", "is being reset").await, everybody);
    assert!(mailed(&school, "access", &code).await.is_empty());
    assert_eq!(
        cy.get("/queue").await.status,
        StatusCode::OK,
        "as before, until it is used"
    );
    let mut new = Browser::new(&router);
    let joined = new.join(&link, &code).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert_eq!(mailed(&school, "access", "was reset").await, everybody);
    assert_eq!(cy.get("/queue").await.location(), "/sign-in", "old sessions end");
    let by_old = Browser::new(&router)
        .sign_in("cy", PASSWORD, &cy.recovery[0])
        .await;
    assert_eq!(
        by_old.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "old recovery codes open nothing"
    );
    assert!(
        ann.get("/audit")
            .await
            .body
            .contains("reset their sign-in with the link")
    );
    assert!(
        Browser::new(&router)
            .get(&link)
            .await
            .body
            .contains("cannot be used"),
        "a link serves once"
    );
}

#[tokio::test]
async fn keys_that_nobody_gave_wait_until_a_holder_gives_them() {
    let (school, router) = school().await;
    let [mut ann, _cy, mut di] = signed_in(&school, &router, [ANN, CY, DI]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    // The chair and the independent reader hold no key of the headteacher's.
    let [mut gil] = signed_in(&school, &router, [("gil", Duty::Independent)]).await;
    propose_reset(&mut di, "cy").await;
    let code = told(&agree(&school, &mut gil).await);
    let mut cy = Browser::new(&router);
    cy.join(&school.mailed_link("cy").await, &code).await;
    let page = cy.get(&path).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("<mark>unkind</mark>"));
    let people = ann.get("/people").await.body;
    assert!(people.contains("Waits for the keys"), "{people}");
    let key = cy.get("/account").await.body;
    let key = key
        .split("id=\"key\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(
        ann.get("/people/cy").await.body.contains(key),
        "to be compared by voice"
    );
    let given = ann.post("/people/cy", "/people/cy/keys", &[]).await;
    assert_eq!(given.location(), "/people?done=keys", "{}", given.body);
    let mut again = Browser::new(&router);
    again.sign_in("cy", PASSWORD, &cy.recovery[0]).await;
    assert!(again.get(&path).await.body.contains("<mark>unkind</mark>"));
    let people = ann.get("/people").await.body;
    assert!(people.contains("concerns about staff") && !people.contains("concerns about pupils"));
}

/// Of a person who holds two duties: what neither of the two gives is lost until somebody who holds it gives it.
#[tokio::test]
async fn a_reset_of_who_holds_two_duties_says_which_keys_are_lost_and_brings_both_back() {
    let (school, router) = school().await;
    let [mut ann, mut bo, di] = signed_in(&school, &router, [ANN, BO, DI]).await;
    let [mut gil] = signed_in(&school, &router, [("gil", Duty::Independent)]).await;
    let fields = [("person", "di"), ("duty", "deputy")];
    ann.post("/people", "/people/grant", &fields).await;
    agree(&school, &mut bo).await;
    let mut before = Browser::new(&router);
    before.sign_in("di", PASSWORD, &di.code(1)).await;
    let of_pupils = format!("/concerns/{}", school.concern(&TITLE).await);
    let about_cy = Seen {
        account: "cy",
        device: "STAFF-3",
        ..SEARCH
    };
    let of_head = format!("/concerns/{}", school.concern(&about_cy).await);
    let (unkind, worrying) = ("<mark>unkind</mark>", "<mark>worrying</mark>");
    assert!(before.get(&of_pupils).await.body.contains(unkind));
    assert!(before.get(&of_head).await.body.contains(worrying));
    // Two who hold the keys of one of the duties only.
    let page = ann.get("/people/di").await.body;
    assert!(page.contains("A reset loses every key"), "{page}");
    assert!(
        page.contains("The key for concerns about pupils comes with the link"),
        "{page}"
    );
    assert!(
        page.contains("The key for concerns about the headteacher does not come with it"),
        "{page}"
    );
    propose_reset(&mut ann, "di").await;
    let page = bo.get("/people").await.body;
    assert!(
        page.contains("The key for concerns about the headteacher does not come with it"),
        "{page}"
    );
    // With the independent reader as the second, both come; each gives their own.
    let page = gil.get("/people").await.body;
    assert!(
        page.contains(
            "The key for concerns about pupils and concerns about the headteacher comes with the link"
        ) && !page.contains("does not come with it"),
        "{page}"
    );
    let code = told(&agree(&school, &mut bo).await);
    let mut one = Browser::new(&router);
    one.join(&school.mailed_link("di").await, &code).await;
    assert!(one.get(&of_pupils).await.body.contains(unkind));
    let lost = one.get(&of_head).await;
    assert!(
        lost.status == StatusCode::OK && !lost.body.contains(worrying),
        "{}",
        lost.body
    );
    let people = gil.get("/people").await.body;
    assert!(people.contains("Waits for the keys"), "{people}");
    let given = gil.post("/people/di", "/people/di/keys", &[]).await;
    assert_eq!(given.location(), "/people?done=keys", "{}", given.body);
    let mut two = Browser::new(&router);
    two.sign_in("di", PASSWORD, &one.recovery[0]).await;
    assert!(two.get(&of_pupils).await.body.contains(unkind));
    assert!(two.get(&of_head).await.body.contains(worrying), "both are back");
    // And at once where the two who act hold both.
    propose_reset(&mut ann, "di").await;
    let code = told(&agree(&school, &mut gil).await);
    let mut three = Browser::new(&router);
    three.join(&school.mailed_link("di").await, &code).await;
    assert!(three.get(&of_pupils).await.body.contains(unkind));
    assert!(three.get(&of_head).await.body.contains(worrying));
}
