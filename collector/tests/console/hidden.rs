//! Nothing counts what is hidden: what a viewer is shown is the same, byte for byte, before and after a concern that they
//! may not see was made, flagged, handled and closed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

use super::*;
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use pastoral_collector::concerns::reference::Reference;
use pastoral_collector::live::LiveChange;
use std::collections::BTreeMap;
use std::time::Duration;

/// The audit log first: looking at the concern at the end is an entry of it.
const PAGES: [&str; 15] = [
    "/audit",
    "/audit?page=2",
    "/",
    "/queue",
    "/queue?page=2",
    "/closed",
    "/closed?page=2",
    "/concerns/new",
    "/devices",
    "/people",
    "/lists",
    "/lists/noise",
    "/lists/changes",
    "/health",
    "/account",
];

/// What somebody is shown everywhere, without what always differs: the time that a page was made.
async fn shown(browser: &mut Browser, own: &str) -> BTreeMap<String, String> {
    let mut shown = BTreeMap::new();
    let own = [format!("/concerns/{own}"), format!("/concerns/{own}/identify")];
    for path in PAGES.into_iter().map(str::to_owned).chain(own) {
        let page = browser.get(&path).await;
        let body = page
            .body
            .split(" max=\"")
            .map(|part| part.split_once('"').map_or(part, |(_, rest)| rest));
        let headers: Vec<_> = page
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        let text = format!("{} {headers:?} {}", page.status, body.collect::<String>());
        shown.insert(path, text);
    }
    shown
}

/// A concern about the safeguarding lead, whose headteacher does everything with it that there is to do.
async fn hide_one(school: &School, cy: &mut Browser) -> String {
    let about_ann = Seen {
        account: "ann",
        device: "STAFF-3",
        topic: Topic::Gambling,
        minutes_ago: 1,
        ..TITLE
    };
    let id = school.concern(&about_ann).await;
    let path = format!("/concerns/{id}");
    let page = cy.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    let flag = page.field("flag");
    for (action, fields) in [
        ("acknowledge", vec![]),
        ("note", vec![("words", "Noted.")]),
        ("false-alarm", vec![("flag", flag.as_str()), ("is", "yes")]),
        ("undo", vec![]),
        ("close", vec![("outcome", "false-alarm"), ("words", "Closed.")]),
    ] {
        let done = cy.post(&path, &format!("{path}/{action}"), &fields).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{action}: {}", done.body);
    }
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE outbox SET sent_at = due_at + 60000 WHERE concern_id = ?")
        .bind(&id)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

/// The audit log without the looks that the rounds of this test are themselves.
fn others_rows(page: &str) -> Vec<&str> {
    let rows = page.split("<tr class=\"govuk-table__row\">").skip(1);
    rows.filter(|row| !row.contains("looked at the concern"))
        .collect()
}

#[tokio::test]
async fn no_page_differs_by_a_concern_that_its_viewer_may_not_see() {
    let (school, router) = school().await;
    let people = [ANN, BO, ED];
    let mut browsers = signed_in(&school, &router, people).await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    let own = school.concern(&SEARCH).await;
    let lesser = school.concern(&TITLE).await;
    browsers[0]
        .post(
            &format!("/concerns/{lesser}"),
            &format!("/concerns/{lesser}/close"),
            &[("outcome", "false-alarm"), ("words", "Nothing.")],
        )
        .await;
    let mut before = Vec::new();
    for browser in &mut browsers {
        // The look that the first round leaves in the log would be the only difference.
        shown(browser, &own).await;
    }
    for browser in &mut browsers {
        before.push(shown(browser, &own).await);
    }
    hide_one(&school, &mut cy).await;
    for ((browser, (person, _)), before) in browsers.iter_mut().zip(people).zip(before) {
        for (path, after) in shown(browser, &own).await {
            let was = &before[&path];
            if path.starts_with("/audit") {
                assert_eq!(others_rows(was), others_rows(&after), "{person} on {path}");
                continue;
            }
            assert_eq!(*was, after, "{person} on {path}");
        }
    }
}

#[tokio::test]
async fn what_is_not_theirs_answers_as_what_is_not_there() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let hidden = hide_one(&school, &mut cy).await;
    let csrf = ann.get("/queue").await.field("csrf");
    let none = "00000000-0000-4000-8000-000000000000";
    let answer = |page: school::browser::Page| {
        let mut headers: Vec<_> = page
            .headers
            .iter()
            .filter(|(name, _)| *name != header::SET_COOKIE)
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        // What was asked for may be said again to who asked.
        (
            page.status,
            headers,
            page.body.replace(&hidden, "it").replace(none, "it"),
        )
    };
    for end in ["", "/identify", "/close", "/nothing", "?page=2", "?done=closed"] {
        let own = ann.get(&format!("/concerns/{hidden}{end}")).await;
        let other = ann.get(&format!("/concerns/{none}{end}")).await;
        assert_eq!(answer(own), answer(other), "{end}");
    }
    for action in [
        "note",
        "acknowledge",
        "close",
        "undo",
        "identify",
        "show",
        "false-alarm",
        "hand-over",
        "agree",
    ] {
        for version in ["1", "", "x"] {
            let fields = [
                ("version", version.to_owned()),
                ("words", "Words.".to_owned()),
                ("flag", "1".to_owned()),
            ];
            let own = ann
                .send(&format!("/concerns/{hidden}/{action}"), &csrf, &fields)
                .await;
            let other = ann
                .send(&format!("/concerns/{none}/{action}"), &csrf, &fields)
                .await;
            assert_eq!(own.status, StatusCode::NOT_FOUND);
            assert_eq!(answer(own), answer(other), "{action} {version}");
        }
    }
}

async fn reference_of(school: &School, id: &str) -> Reference {
    sqlx::query_scalar("SELECT reference FROM concern WHERE concern_id = ?")
        .bind(id)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_reference_finds_what_its_viewer_may_see_and_says_the_same_of_all_else() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let hidden = hide_one(&school, &mut cy).await;
    let own = school.concern(&SEARCH).await;
    let mut tx = school.app.store.write().await.unwrap();
    for (id, number) in [(&own, 17_i64), (&hidden, 18)] {
        sqlx::query("UPDATE concern SET number = ?, reference = ? WHERE concern_id = ?")
            .bind(number)
            .bind(Reference::from_random(8_675_309 * number.unsigned_abs()))
            .bind(id)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let (called, of_other) = (
        reference_of(&school, &own).await,
        reference_of(&school, &hidden).await,
    );
    let csrf = ann.get("/queue").await.field("csrf");
    let mut find = async |typed: &str| {
        ann.send("/queue/find", &csrf, &[("reference", typed.to_owned())])
            .await
    };
    for typed in [
        called.to_string(),
        called.to_string().to_lowercase().replace('-', " "),
        "17".to_owned(),
    ] {
        assert_eq!(
            find(&typed).await.location(),
            format!("/concerns/{own}"),
            "{typed}"
        );
    }
    let unknown = find("19").await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    for typed in ["18".to_owned(), of_other.to_string()] {
        let page = find(&typed).await;
        assert_eq!(
            page.body,
            unknown
                .body
                .replace("value=\"19\"", &format!("value=\"{typed}\"")),
            "{typed}"
        );
    }
}

#[tokio::test]
async fn the_pace_of_the_live_queue_tells_nothing_of_what_is_hidden() {
    let (school, router) = school().await;
    let [ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let own = school.concern(&TITLE).await;
    let mut stream = ann.live().await.into_body().into_data_stream();
    let mut next = async || {
        let chunk = tokio::time::timeout(Duration::from_secs(120), stream.next()).await;
        String::from_utf8(chunk.expect("the stream lives").unwrap().unwrap().to_vec()).unwrap()
    };
    assert!(next().await.contains(&own));
    let hidden = hide_one(&school, &mut cy).await;
    // One change after the other of what they may not see: the stream beats on as if there were none.
    let live = school.app.live.clone();
    let busy = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            live.tell(LiveChange {
                school_id: school::SCHOOL.into(),
                concern_id: Some(hidden.clone()),
            });
        }
    });
    let beat = next().await;
    assert!(beat.starts_with(':') && !beat.contains("data"), "{beat}");
    busy.abort();
}
