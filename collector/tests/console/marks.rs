//! On the pages: what marking everything as a false alarm does, who is asked about it, and review dates.

use super::*;
use axum::http::StatusCode;

async fn number(school: &School, query: &'static str) -> i64 {
    sqlx::query_scalar(query)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

pub(super) async fn mark(reader: &mut Browser, path: &str, is: &str) {
    let flag = reader.get(path).await.field("flag");
    let fields = [("flag", flag.as_str()), ("is", is)];
    let done = reader.post(path, &format!("{path}/false-alarm"), &fields).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_severe_concern_marked_as_a_false_alarm_waits_for_another_reader_who_closes_it() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut di] = signed_in(&school, &router, [ANN, BO, DI]).await;
    let path = format!("/concerns/{}", school.concern(&SEARCH).await);
    mark(&mut ann, &path, "yes").await;
    let page = ann.get(&path).await;
    assert!(page.body.contains("so nobody is told until"), "{}", page.body);
    assert!(page.body.contains("1 – "), "it shows severity 1");
    assert!(!page.body.contains("Concerns (1"), "who marked it is not asked");
    let page = bo.get("/queue").await;
    assert!(page.body.contains("waiting for your decision"), "{}", page.body);
    // INVARIANT 4: who may not see it counts nothing.
    assert!(!di.get("/queue").await.body.contains("waiting for your decision"));
    let page = bo.get(&path).await;
    assert!(page.body.contains("Ann Leigh proposes to close"), "{}", page.body);
    bo.post(&path, &format!("{path}/agree"), &[]).await;
    assert_eq!(
        number(&school, "SELECT count(*) FROM concern WHERE state = 'closed'").await,
        1
    );
    assert!(!bo.get("/queue").await.body.contains("waiting for your decision"));
}

#[tokio::test]
async fn refusing_a_false_alarm_or_taking_the_mark_back_restores_what_it_was() {
    for by_refusing in [true, false] {
        let (school, router) = school().await;
        let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
        let path = format!("/concerns/{}", school.concern(&SEARCH).await);
        let severity = number(&school, "SELECT severity FROM concern").await;
        mark(&mut ann, &path, "yes").await;
        assert_eq!(number(&school, "SELECT severity FROM concern").await, 1);
        if by_refusing {
            bo.post(&path, &format!("{path}/refuse"), &[("words", "Ask first.")])
                .await;
        } else {
            ann.post(&path, &format!("{path}/undo"), &[]).await;
        }
        assert_eq!(number(&school, "SELECT severity FROM concern").await, severity);
        assert_eq!(
            number(&school, "SELECT count(*) FROM flag WHERE false_alarm").await,
            0
        );
        assert_eq!(
            number(
                &school,
                "SELECT count(*) FROM concern WHERE close_proposed_by IS NOT NULL"
            )
            .await,
            0
        );
        let soon =
            "SELECT count(*) FROM concern WHERE next_due_at < changed_at + 3600000 AND quiet_until IS NULL";
        assert_eq!(number(&school, soon).await, 1, "its timers run");
    }
}

/// A lower severity that is shown is no way round the second person.
#[tokio::test]
async fn closing_goes_by_the_highest_severity_that_a_concern_ever_had() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = format!("/concerns/{}", school.concern(&SEARCH).await);
    mark(&mut ann, &path, "yes").await;
    let fields = [("outcome", "false-alarm"), ("words", "A song.")];
    ann.post(&path, &format!("{path}/close"), &fields).await;
    assert_eq!(
        number(&school, "SELECT count(*) FROM concern WHERE state = 'closed'").await,
        0
    );
}

#[tokio::test]
async fn the_owner_of_a_concern_sets_when_they_are_asked_about_it_and_nobody_else_does() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let path = format!("/concerns/{}", school.concern(&SEARCH).await);
    assert!(!ann.get(&path).await.body.contains("review-days"));
    ann.post(&path, &format!("{path}/acknowledge"), &[]).await;
    let first = number(&school, "SELECT review_at - acknowledged_at FROM concern").await;
    assert_eq!(first, 24 * 3_600_000, "severity 5: a day");
    let page = ann.get(&path).await;
    assert!(page.body.contains("To be looked at again") && page.body.contains("review-days"));
    ann.post(&path, &format!("{path}/review"), &[("days", "7")]).await;
    let chosen = number(&school, "SELECT review_at - acknowledged_at FROM concern").await;
    assert!(chosen >= 7 * 24 * 3_600_000, "{chosen}");
    assert!(
        ann.get(&path)
            .await
            .body
            .contains("will look at it again in 7 days")
    );
    for days in ["30", "x"] {
        let refused = ann
            .post(&path, &format!("{path}/review"), &[("days", days)])
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{days}");
    }
    let refused = bo.post(&path, &format!("{path}/review"), &[("days", "1")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "not theirs");
    assert!(!bo.get(&path).await.body.contains("review-days"));
    assert_eq!(
        number(&school, "SELECT review_at - acknowledged_at FROM concern").await,
        chosen
    );
}
