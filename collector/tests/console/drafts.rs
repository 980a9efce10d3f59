//! What was typed is never lost, and comes back to its writer alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

use super::*;
use crate::school::browser::{PASSWORD, Page};
use axum::http::StatusCode;

const WORDS: &str = "Two pages that nobody wants to write again.";

/// Sends a note with what an open page holds, whoever is signed in by now.
async fn late_note(browser: &mut Browser, path: &str, open: &Page) -> Page {
    let fields = [("version", open.field("version")), ("words", WORDS.to_owned())];
    browser
        .send(&format!("{path}/note"), &open.field("csrf"), &fields)
        .await
}

async fn drafts(school: &School) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM draft")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

async fn sign_out(browser: &mut Browser) {
    let csrf = browser.get("/account").await.field("csrf");
    browser.send("/sign-out", &csrf, &[]).await;
}

#[tokio::test]
async fn a_form_whose_session_has_ended_comes_back_to_its_writer_alone() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let open = ann.get(&path).await;
    sign_out(&mut ann).await;
    let late = late_note(&mut ann, &path, &open).await;
    assert_eq!(late.location(), format!("/sign-in?back={path}&kept=yes"));
    let code = ann.code(1);
    assert!(
        ann.get(late.location())
            .await
            .body
            .contains("What you wrote is kept for a day")
    );
    assert!(!bo.get(&path).await.body.contains(WORDS));
    ann.sign_in("ann", PASSWORD, &code).await;
    let again = ann.get(&path).await;
    assert!(
        again.body.contains(&format!("{WORDS}</textarea>")),
        "{}",
        again.body
    );
    assert!(again.body.contains("What you wrote was kept"));
    assert!(!again.body.contains("wrote a note"), "it is only kept");
    for file in std::fs::read_dir(school.folder()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(path).unwrap();
            assert!(!bytes.windows(20).any(|part| part == &WORDS.as_bytes()[..20]));
        }
    }
    let done = late_note(&mut ann, &path, &again).await;
    assert_eq!(done.location(), format!("{path}?done=noted"));
    assert_eq!(drafts(&school).await, 0);
    assert!(!ann.get(&path).await.body.contains("What you wrote was kept"));
}

#[tokio::test]
async fn who_signs_in_next_on_the_same_browser_gets_nothing_of_it() {
    let (school, router) = school().await;
    let [mut ann, bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let open = ann.get(&path).await;
    sign_out(&mut ann).await;
    // The same browser; the page is still open in another tab.
    ann.sign_in("bo", PASSWORD, &bo.code(1)).await;
    let late = late_note(&mut ann, &path, &open).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert!(!ann.get(&path).await.body.contains(WORDS));
    sign_out(&mut ann).await;
    let code = ann.code(1);
    ann.sign_in("ann", PASSWORD, &code).await;
    assert!(ann.get(&path).await.body.contains(&format!("{WORDS}</textarea>")));
}

#[tokio::test]
async fn a_restart_and_a_stale_page_lose_nothing_either() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let open = ann.get(&path).await;
    bo.post(&path, &format!("{path}/acknowledge"), &[]).await;
    assert_eq!(
        late_note(&mut ann, &path, &open).await.status,
        StatusCode::CONFLICT
    );
    // The browser is closed without a look at the answer; later the page is opened anew.
    assert!(ann.get(&path).await.body.contains(&format!("{WORDS}</textarea>")));
    let page = ann.get(&path).await;
    ann.send("/kept/throw-away", &page.field("csrf"), &[("page", path.clone())])
        .await;
    assert_eq!(drafts(&school).await, 0);
    ann.restarted(&console::router(school.app.clone()));
    let late = late_note(&mut ann, &path, &page).await;
    assert_eq!(late.location(), format!("/sign-in?back={path}&kept=yes"));
    let code = ann.code(1);
    ann.sign_in("ann", PASSWORD, &code).await;
    assert!(ann.get(&path).await.body.contains(&format!("{WORDS}</textarea>")));
}

#[tokio::test]
async fn what_is_kept_is_bounded_ends_after_a_day_and_is_never_a_secret() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let open = ann.get(&path).await;
    let account = ann.get("/account/password").await.field("csrf");
    sign_out(&mut ann).await;
    for _ in 0..30 {
        late_note(&mut ann, &path, &open).await;
    }
    assert_eq!(drafts(&school).await, 20);
    let fields = [
        ("present", PASSWORD.to_owned()),
        ("password", "another long secret".to_owned()),
    ];
    ann.send("/account/password", &account, &fields).await;
    assert_eq!(drafts(&school).await, 20);
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE draft SET written_at = written_at - 86400001")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let code = ann.code(1);
    ann.sign_in("ann", PASSWORD, &code).await;
    assert!(!ann.get(&path).await.body.contains(WORDS));
    assert_eq!(drafts(&school).await, 0);
}
