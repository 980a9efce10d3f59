//! A concern's page: every flag can be reached, and looks are recorded once.

use super::*;
use axum::http::StatusCode;

/// A concern with this many flags more, each as many seconds older as its number.
pub(super) async fn with_flags(school: &School, more: i64) -> String {
    let concern_id = school.concern(&TITLE).await;
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
         INSERT INTO flag (school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source,
         provenance, topic, severity, observed_at, clock_offset_ms, received_at, data_key_id, sealed)
         SELECT school_id, concern_id, device_id, account_id, epoch_no, sequence, audience, source, provenance,
         topic, severity, observed_at - 1000 * n.i, clock_offset_ms, received_at, data_key_id, sealed
         FROM (SELECT * FROM flag WHERE concern_id = ?1 LIMIT 1) CROSS JOIN n",
    )
    .bind(&concern_id)
    .bind(more)
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("UPDATE concern SET flag_count = 1 + ?2 WHERE concern_id = ?1")
        .bind(&concern_id)
        .bind(more)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    concern_id
}

fn flags_on(page: &str) -> Vec<String> {
    let flags = page.split("name=\"flag\" value=\"").skip(1);
    flags
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_flag_of_a_concern_can_be_reached_by_plain_links() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", with_flags(&school, 119).await);
    let (mut address, mut seen, mut pages) = (path.clone(), Vec::new(), 0);
    loop {
        let page = ann.get(&address).await;
        assert_eq!(page.status, StatusCode::OK);
        pages += 1;
        seen.extend(flags_on(&page.body));
        let open = page.body.split("more, less serious or older").next().unwrap();
        assert_eq!(open.matches("<article").count(), 3, "what follows is folded");
        let (flags, procedure) = (
            page.body.find("id=\"flags-shown\""),
            page.body.find("id=\"procedure\""),
        );
        assert!(flags.unwrap() < procedure.unwrap());
        let next = format!("href=\"{path}?page={}\" rel=\"next\"", pages + 1);
        if !page.body.contains(&next) {
            break;
        }
        address = format!("{path}?page={}", pages + 1);
    }
    seen.sort();
    seen.dedup();
    assert_eq!((pages, seen.len()), (3, 120));
    assert!(ann.get(&address).await.body.contains("Flags 101 to 120 of 120."));
}

#[tokio::test]
async fn a_form_on_a_later_page_comes_back_to_it() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", with_flags(&school, 60).await);
    let second = format!("{path}?page=2");
    let page = ann.get(&second).await;
    assert_eq!(page.field("page"), "2");
    let flag = flags_on(&page.body).remove(0);
    let fields = [("flag", flag.as_str()), ("is", "yes"), ("page", "2")];
    let done = ann.post(&second, &format!("{path}/false-alarm"), &fields).await;
    assert_eq!(done.location(), format!("{path}?page=2&done=false-alarm"));
    let refused = ann
        .post(&second, &format!("{path}/note"), &[("words", ""), ("page", "2")])
        .await;
    assert!(
        refused.body.contains("Flags 51 to 61 of 61."),
        "also when it was not taken"
    );
}

async fn looks(school: &School) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit WHERE action = 'concern-viewed'")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_page_that_answers_a_form_is_no_second_look_and_every_other_page_is_one() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&SEARCH).await);
    let done = ann.post(&path, &format!("{path}/acknowledge"), &[]).await;
    assert_eq!(looks(&school).await, 1);
    let answer = done.location().to_owned();
    assert!(ann.get(&answer).await.body.contains("<mark>worrying</mark>"));
    assert_eq!(looks(&school).await, 1, "the form's own entry tells of it");
    ann.get(&answer).await;
    assert_eq!(looks(&school).await, 2, "once only");
    // Somebody else changes it in between: what is shown is no longer what was seen.
    ann.post(&path, &format!("{path}/note"), &[("words", "One.")])
        .await;
    bo.post(&path, &format!("{path}/note"), &[("words", "Two.")])
        .await;
    let before = looks(&school).await;
    ann.get(&path).await;
    assert_eq!(looks(&school).await, before + 1);
}

#[tokio::test]
async fn what_a_form_brings_to_light_is_a_look_of_its_own() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let unknown = Seen {
        account: "guest-7",
        ..SEARCH
    };
    let path = format!("/concerns/{}", school.concern(&unknown).await);
    let done = ann
        .post(
            &path,
            &format!("{path}/show"),
            &[("words", "A life may be at risk.")],
        )
        .await;
    let before = looks(&school).await;
    assert!(
        ann.get(done.location())
            .await
            .body
            .contains("<mark>worrying</mark>")
    );
    assert_eq!(looks(&school).await, before + 1);
}

#[tokio::test]
async fn a_flag_says_in_plain_words_what_lowered_it_and_which_exceptions_do_not_cover_it() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern = school.concern(&TITLE).await;
    let page = ann.get(&format!("/concerns/{concern}")).await.body;
    for said in [
        "An invented reason for an invented term. Written just so.",
        "Lowered from 5 to 4: written by a page, not typed.",
        "Also looked at: the harmless phrase “unkind poster”, which does not cover it.",
        "(List pastoral-en, version 1.)",
    ] {
        assert!(page.contains(said), "{said} is missing: {page}");
    }
}

#[tokio::test]
async fn a_flood_is_one_flag_and_says_how_many_more_came_and_when() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    assert!(!ann.get(&path).await.body.contains("more like it"));
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(
        "UPDATE flag SET further = 98012, further_from_at = received_at, further_to_at = received_at + 720000",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let page = ann.get(&path).await.body;
    assert!(
        page.contains("And 98,012 more like it by this account, between"),
        "{page}"
    );
}
