//! Invariant 4 and P41: who sees what, on every page, in every count and in the live stream.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

use super::*;
use axum::http::StatusCode;
use futures_util::StreamExt;
use std::time::Duration;

const PAGES: [&str; 8] = [
    "/queue",
    "/closed",
    "/concerns/new",
    "/devices",
    "/people",
    "/health",
    "/audit",
    "/account",
];

struct Case {
    id: String,
    text: &'static str,
    readers: &'static [&'static str],
}

async fn cases(school: &School) -> Vec<Case> {
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::Gambling,
        ..TITLE
    };
    let unknown = Seen {
        account: "guest-7",
        ..TITLE
    };
    let seen: [(Seen<'_>, &'static str, &'static [&'static str]); 7] = [
        (SEARCH, "an invented worrying search", &["ann", "bo", "cy"]),
        (staff.clone(), "zq staff", &["cy"]),
        (
            Seen {
                account: "ann",
                ..staff.clone()
            },
            "zq lead",
            &["cy"],
        ),
        (
            Seen {
                account: "cy",
                ..staff.clone()
            },
            "zq head",
            &["di"],
        ),
        (
            Seen {
                topic: Topic::Violence,
                provenance: "typed",
                ..TITLE
            },
            "zq unkind about Bo Carrow",
            &["ann", "cy"],
        ),
        (unknown.clone(), "zq guest", &["ann", "bo", "cy"]),
        (
            Seen {
                device: "STAFF-3",
                ..unknown
            },
            "zq office guest",
            &["cy"],
        ),
    ];
    let mut cases = Vec::new();
    for (seen, text, readers) in seen {
        let marked = text.split(' ').next().unwrap();
        let id = school.concern(&Seen { text, marked, ..seen }).await;
        cases.push(Case { id, text, readers });
    }
    cases
}

#[tokio::test]
async fn nobody_sees_counts_or_is_shown_live_a_concern_that_is_not_theirs() {
    let (school, router) = school().await;
    let people = signed_in(&school, &router, [ANN, BO, CY, DI, ED]).await;
    let cases = cases(&school).await;
    for ((person, _), mut browser) in [ANN, BO, CY, DI, ED].into_iter().zip(people) {
        let own: Vec<_> = cases
            .iter()
            .filter(|case| case.readers.contains(&person))
            .collect();
        for path in PAGES {
            let page = browser.get(path).await;
            for case in cases.iter().filter(|case| !case.readers.contains(&person)) {
                assert!(
                    !page.body.contains(&case.id),
                    "{person} finds {} on {path}",
                    case.text
                );
                assert!(
                    !page.body.contains(case.text),
                    "{person} reads {} on {path}",
                    case.text
                );
            }
        }
        for case in &cases {
            for path in [
                format!("/concerns/{}", case.id),
                format!("/concerns/{}/identify", case.id),
            ] {
                let page = browser.get(&path).await;
                if case.readers.contains(&person) {
                    continue;
                }
                assert_eq!(page.status, StatusCode::NOT_FOUND, "{person} {}", case.text);
                let there_is_none = browser
                    .get("/concerns/00000000-0000-4000-8000-000000000000")
                    .await;
                assert_eq!(
                    page.body, there_is_none.body,
                    "the answer says whether there is one"
                );
            }
        }
        let queue = browser.get("/queue").await;
        assert_eq!(
            queue.body.matches("<li class=\"app-card").count(),
            own.len(),
            "{person}"
        );
        for case in own {
            assert!(queue.body.contains(&case.id), "{person} misses {}", case.text);
        }
    }
}

#[tokio::test]
async fn a_new_concern_appears_in_its_readers_open_queues_and_in_no_others() {
    let (school, router) = school().await;
    let [ann, bo, cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let mut streams = Vec::new();
    for browser in [&ann, &bo, &cy] {
        let mut stream = browser.live().await.into_body().into_data_stream();
        // The first message is the queue as it is now.
        assert!(next(&mut stream).await.contains("Nothing is waiting"));
        streams.push(stream);
    }
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::Gambling,
        ..TITLE
    };
    let staff = school.concern(&staff).await;
    assert!(next(&mut streams[2]).await.contains(&staff));
    let pupil = school.concern(&SEARCH).await;
    let mut last = String::new();
    for (stream, sees_staff) in streams.iter_mut().zip([false, false, true]) {
        last = next(stream).await;
        assert!(
            last.contains(&pupil) && last.contains(&staff) == sees_staff,
            "{last}"
        );
    }
    assert!(!last.contains("worrying"), "the queue quotes nothing");
}

async fn next(stream: &mut axum::body::BodyDataStream) -> String {
    let mut text = String::new();
    while !text.contains("\n\n") || !text.contains("data:") {
        let chunk = tokio::time::timeout(Duration::from_secs(30), stream.next())
            .await
            .expect("a message in time");
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn a_technician_sees_no_concern_no_pupil_and_no_count() {
    let (school, router) = school().await;
    let [mut ed] = signed_in(&school, &router, [ED]).await;
    school.concern(&SEARCH).await;
    assert_eq!(ed.get("/").await.location(), "/devices");
    for path in ["/queue", "/queue/live", "/closed", "/concerns/new"] {
        assert_eq!(ed.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["/devices", "/people", "/health", "/audit", "/account"] {
        let page = ed.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for word in [
            "Pip",
            "Ibbotson",
            "Quin",
            "concern is",
            "concerns are",
            "/concerns/",
        ] {
            assert!(!page.body.contains(word), "{word} on {path}");
        }
    }
    let refused = ed
        .post(
            "/people",
            "/people/conflicts",
            &[("reader", "ann"), ("about", "pip")],
        )
        .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_look_is_recorded_before_it_is_shown() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let id = school.concern(&SEARCH).await;
    let looks = async || -> i64 {
        sqlx::query_scalar(
            "SELECT count(*) FROM audit WHERE action = 'concern-viewed' AND concern_id = ? AND actor = 'ann'",
        )
        .bind(&id)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
    };
    let page = ann.get(&format!("/concerns/{id}")).await;
    assert!(page.body.contains("<mark>worrying</mark>") && page.body.contains("Typed on this account"));
    assert_eq!(looks().await, 1);
    let mut full = school.app.store.write().await.unwrap();
    sqlx::query("CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'no room'); END")
        .execute(&mut *full)
        .await
        .unwrap();
    full.commit().await.unwrap();
    let page = ann.get(&format!("/concerns/{id}")).await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!page.body.contains("worrying"));
}

#[tokio::test]
async fn an_unknown_person_is_identified_without_seeing_content_and_goes_to_their_own_readers() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let id = school
        .concern(&Seen {
            account: "guest-7",
            ..TITLE
        })
        .await;
    let path = format!("/concerns/{id}");
    for address in [path.clone(), format!("{path}/identify")] {
        let page = ann.get(&address).await;
        assert!(
            page.status == StatusCode::OK && !page.body.contains("unkind title"),
            "{address}"
        );
    }
    let said = ann
        .post(
            &format!("{path}/identify?person=flo"),
            &format!("{path}/identify"),
            &[("person", "flo")],
        )
        .await;
    assert_eq!(said.location(), "/queue?done=identified");
    assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND);
    let page = cy.get(&path).await;
    assert!(
        page.body.contains("Flo Garside") && page.body.contains("<mark>unkind</mark>"),
        "{}",
        page.body
    );
}

#[tokio::test]
async fn what_an_unknown_person_saw_is_shown_only_after_a_reason_is_written_down() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school
        .concern(&Seen {
            account: "guest-7",
            ..SEARCH
        })
        .await;
    let path = format!("/concerns/{id}");
    let without = ann.post(&path, &format!("{path}/show"), &[("words", " ")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    let with = ann
        .post(
            &path,
            &format!("{path}/show"),
            &[("words", "A life may be at risk.")],
        )
        .await;
    assert!(
        ann.get(with.location())
            .await
            .body
            .contains("<mark>worrying</mark>")
    );
    let other = bo.get(&path).await;
    assert!(!other.body.contains("<mark>") && other.body.contains("A life may be at risk."));
}
