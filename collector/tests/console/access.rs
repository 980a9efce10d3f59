//! Coming in: links, passwords, codes, sessions, forged forms, and access granted by two people.

use super::*;
use crate::school::browser::PASSWORD;
use axum::body::Body;
use axum::http::{StatusCode, header};

/// The proposal that waits.
pub(crate) async fn proposal(school: &School) -> String {
    let waits = "SELECT proposal_id FROM proposal WHERE state IN ('asked', 'proposed')";
    let mut db = school.app.store.read().await.unwrap();
    sqlx::query_scalar(waits).fetch_one(&mut *db).await.unwrap()
}

/// The code that a page shows once.
pub(crate) fn told(page: &crate::school::browser::Page) -> String {
    let rest = page.body.split("id=\"code-words\">").nth(1);
    let rest = rest.unwrap_or_else(|| panic!("no code: {}", page.body));
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_works_once_and_a_changed_one_never() {
    let (school, router) = school().await;
    let invited = school.invite("ann", Duty::Dsl).await;
    let link = invited.path;
    let changed = format!("{}0", &link[..link.len() - 1]);
    let changed = if changed == link {
        format!("{}1", &link[..link.len() - 1])
    } else {
        changed
    };
    assert!(
        Browser::new(&router)
            .get(&changed)
            .await
            .body
            .contains("cannot be used")
    );
    let joined = Browser::new(&router).join(&link, &invited.code).await;
    assert_eq!(joined.status, StatusCode::OK);
    assert!(
        Browser::new(&router)
            .get(&link)
            .await
            .body
            .contains("cannot be used")
    );
}

#[tokio::test]
async fn a_code_and_a_recovery_code_each_serve_once() {
    let (school, router) = school().await;
    let [ann] = signed_in(&school, &router, [ANN]).await;
    assert_eq!(ann.recovery.len(), 10);
    let refused = |page: &crate::school::browser::Page| page.status == StatusCode::UNPROCESSABLE_ENTITY;
    let used = Browser::new(&router)
        .sign_in("ann", PASSWORD, &ann.joined_with)
        .await;
    assert!(refused(&used), "the code of joining");
    let next = ann.code(1);
    assert_eq!(
        Browser::new(&router)
            .sign_in("ann", PASSWORD, &next)
            .await
            .location(),
        "/"
    );
    assert!(
        refused(&Browser::new(&router).sign_in("ann", PASSWORD, &next).await),
        "used"
    );
    let recovery = ann.recovery[3].to_uppercase();
    assert_eq!(
        Browser::new(&router)
            .sign_in("ann", PASSWORD, &recovery)
            .await
            .location(),
        "/"
    );
    assert!(
        refused(&Browser::new(&router).sign_in("ann", PASSWORD, &recovery).await),
        "used"
    );
}

#[tokio::test]
async fn the_answer_does_not_say_whether_a_person_exists() {
    let (school, router) = school().await;
    let [ann] = signed_in(&school, &router, [ANN]).await;
    let mut bodies = Vec::new();
    for (person, password, code) in [
        ("ann", "wrong password!", ann.code(1)),
        ("ann", PASSWORD, "000000".into()),
        ("nobody", PASSWORD, ann.code(1)),
    ] {
        let mut browser = Browser::new(&router);
        let page = browser.sign_in(person, password, &code).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let csrf = page.field("csrf");
        bodies.push(page.body.replace(&csrf, "").replace(person, ""));
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn guessing_is_stopped_after_a_few_attempts() {
    let (school, router) = school().await;
    let [_ann] = signed_in(&school, &router, [ANN]).await;
    let mut last = StatusCode::OK;
    for _ in 0..8 {
        last = Browser::new(&router)
            .sign_in("ann", "wrong password!", "123456")
            .await
            .status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_form_without_its_token_or_from_another_site_is_refused() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&TITLE).await;
    let path = format!("/concerns/{id}");
    let page = ann.get(&path).await;
    let version = [("version", page.field("version"))];
    let others = bo.get(&path).await.field("csrf");
    for token in ["", "0", &others] {
        let refused = ann.send(&format!("{path}/acknowledge"), token, &version).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let body = format!("csrf={}&version={}", page.field("csrf"), page.field("version"));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://elsewhere.example"),
    ] {
        let request = ann
            .request("POST", &format!("{path}/acknowledge"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(name, value)
            .body(Body::from(body.clone()))
            .unwrap();
        assert_eq!(ann.answer(request).await.status, StatusCode::FORBIDDEN, "{name}");
    }
    assert!(
        ann.get("/queue").await.body.contains(">New<"),
        "nothing was changed"
    );
}

#[tokio::test]
async fn signed_out_everywhere_means_no_page_and_no_form() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let id = school.concern(&TITLE).await;
    let mut other = Browser::new(&router);
    let next = ann.code(1);
    assert_eq!(other.sign_in("ann", PASSWORD, &next).await.location(), "/");
    let new = "another horse battery";
    let fields = [("present", PASSWORD), ("password", new), ("again", new)];
    assert_eq!(
        ann.post("/account", "/account/password", &fields)
            .await
            .location(),
        "/account?done=password"
    );
    assert_eq!(
        other.get("/queue").await.location(),
        "/sign-in",
        "signed out elsewhere"
    );
    assert_eq!(ann.get("/queue").await.status, StatusCode::OK);
    ann.post("/queue", "/sign-out", &[]).await;
    assert_eq!(
        ann.get(&format!("/concerns/{id}")).await.location(),
        format!("/sign-in?back=/concerns/{id}")
    );
    assert_eq!(ann.live().await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn every_answer_forbids_scripts_of_others_framing_and_keeping() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let id = school.concern(&SEARCH).await;
    let concern = format!("/concerns/{id}");
    for path in [
        "/sign-in", "/queue", &concern, "/people", "/devices", "/audit", "/health", "/account", "/nothing",
        "/join/x",
    ] {
        let page = ann.get(path).await;
        let header = |name: &str| {
            page.headers
                .get(name)
                .map_or("", |value| value.to_str().unwrap())
                .to_owned()
        };
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        for inline in ["<style", " style=", " onclick=", "<script>", "javascript:"] {
            assert!(!page.body.contains(inline), "{inline} on {path}");
        }
    }
}

#[tokio::test]
async fn cookies_are_for_this_host_only_and_out_of_reach_of_scripts() {
    let (mut school, _) = school().await;
    school.app.secure_cookies = true;
    let router = pastoral_collector::console::router(school.app.clone());
    let page = Browser::new(&router).get("/sign-in").await;
    let cookie = page.headers.get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-pastoral"), "{cookie}");
    for part in ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
}

#[tokio::test]
async fn a_reader_s_access_takes_two_people_and_then_opens_what_was_sealed_before() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let not_hers = ann
        .post(
            "/people",
            "/people/grant",
            &[("person", "flo"), ("duty", "headteacher")],
        )
        .await;
    assert_eq!(
        not_hers.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "only keys that one holds"
    );
    let fields = [("person", "flo"), ("duty", "deputy")];
    let proposed = ann.post("/people", "/people/grant", &fields).await;
    assert_eq!(proposed.location(), "/people?done=proposed", "{}", proposed.body);
    let id = proposal(&school).await;
    let agree = format!("/people/proposals/{id}/agree");
    assert_eq!(
        ann.post("/people", &agree, &[]).await.status,
        StatusCode::NOT_FOUND,
        "not the proposer"
    );
    assert_eq!(
        ed.post("/people", &agree, &[]).await.status,
        StatusCode::NOT_FOUND,
        "there is a second reader"
    );
    let agreed = cy.post("/people", &agree, &[]).await;
    let link = school.mailed_link("flo").await;
    let mut flo = Browser::new(&router);
    let joined = flo.join(&link, &told(&agreed)).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert!(flo.get(&path).await.body.contains("<mark>unkind</mark>"));
    assert!(
        cy.get("/people")
            .await
            .body
            .contains("by Ann Leigh and Cy Dunstan")
    );
}

#[tokio::test]
async fn access_that_ends_and_conflicts_count_at_once() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    ann.post(
        "/people",
        "/people/conflicts",
        &[("reader", "ann"), ("about", "pip")],
    )
    .await;
    assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bo.get(&path).await.status, StatusCode::OK);
    let fields = [("reader", "ann"), ("about", "pip")];
    assert_eq!(
        ann.post("/people", "/people/conflicts/end", &fields).await.status,
        StatusCode::NOT_FOUND
    );
    cy.post("/people", "/people/conflicts/end", &fields).await;
    assert_eq!(ann.get(&path).await.status, StatusCode::OK);
    let duty: String = sqlx::query_scalar("SELECT duty_id FROM duty WHERE person_id = 'bo'")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    cy.post("/people", &format!("/people/duties/{duty}/end"), &[])
        .await;
    assert_eq!(
        bo.get(&path).await.status,
        StatusCode::OK,
        "one alone ends nobody's"
    );
    let agree = format!("/people/proposals/{}/agree", proposal(&school).await);
    ann.post("/people", &agree, &[]).await;
    assert!(bo.get(&path).await.location().starts_with("/sign-in"));
    assert!(
        cy.get("/audit")
            .await
            .body
            .contains("agreed to the end of the access as Deputy safeguarding lead for Bo Carrow")
    );
}

#[tokio::test]
async fn only_a_technician_or_headteacher_decides_about_devices() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    let to = "/devices/LAPTOP-12/revoke";
    assert_eq!(ann.post("/devices", to, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ed.post("/devices", to, &[]).await.location(),
        "/devices?done=revoked"
    );
    assert!(ed.get("/devices").await.body.contains("LAPTOP-12: Cut off"));
    assert_eq!(
        ed.post("/devices", to, &[]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn a_code_of_another_time_is_told_as_the_phone_s_clock_to_who_knows_the_password_alone() {
    let (school, router) = school().await;
    let [ann] = signed_in(&school, &router, [ANN]).await;
    let (off, wrong) = (ann.code(4), "wrong password!");
    let page = Browser::new(&router).sign_in("ann", PASSWORD, &off).await;
    assert!(
        page.body.contains("the clock of your phone is wrong"),
        "{}",
        page.body
    );
    let page = Browser::new(&router).sign_in("ann", wrong, &off).await;
    assert!(!page.body.contains("clock of your phone") && page.body.contains("is not right"));
}

#[tokio::test]
async fn an_easily_guessed_password_is_refused_with_advice_when_joining_and_when_changing() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    for weak in ["AnnLeigh2026!", "OakLanePrimary1", "passwordpassword"] {
        let fields = [("present", PASSWORD), ("password", weak), ("again", weak)];
        let page = ann.post("/account/password", "/account/password", &fields).await;
        assert!(page.body.contains("too easy to guess"), "{weak}: {}", page.body);
    }
}
