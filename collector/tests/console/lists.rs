//! The keyword lists on the console: trying a text, changing them by two people, and which terms cry wolf (P8, P34).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: what fails, fails the test"
)]

use super::*;
use axum::http::StatusCode;
use pastoral_collector::lists::Rules;
use pastoral_collector::profile::Profile;
use pastoral_keywords::{Audience, KeywordList, Provenance, Source, Text};
use std::sync::Arc;

const LIST: &str = r#"
id = "pastoral-en"
version = 1
title = "Invented words"
language = "en"
author = "Pastoral"
date = 2026-01-31

[[term]]
id = "t-1"
text = "worrying"
topic = "self-harm"
severity = 5
reason = "An invented reason"

[[term]]
id = "t-2"
text = "unkind"
topic = "bullying"
severity = 2
reason = "An invented reason"
"#;

/// A school with a small list in force.
async fn with_list() -> (School, Router) {
    let (school, router) = school().await;
    let lists = vec![KeywordList::parse(LIST, "invented.toml").unwrap()];
    let rules = Rules::build(lists, Vec::new(), &[], 0, "2026-11-23").unwrap();
    school.app.lists.store(Arc::new(rules));
    (school, router)
}

fn raises(school: &School, text: &str) -> bool {
    let text = Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Ks2,
    };
    !school.app.lists.load().engine.find(&text).is_empty()
}

/// Goes from the form over what the change would do to the proposal. Gives the page in between.
async fn propose(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let preview = browser.post("/lists/changes", "/lists/preview", fields).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    let operation = preview
        .field("operation")
        .replace("&quot;", "\"")
        .replace("&#34;", "\"");
    let reason = preview.field("reason");
    let sent = [("operation", operation), ("reason", reason)];
    let proposed = browser
        .send("/lists/changes", &preview.field("csrf"), &sent)
        .await;
    assert_eq!(
        proposed.location(),
        "/lists/changes?done=list-proposed",
        "{}",
        proposed.body
    );
    preview.body
}

const ADD: [(&str, &str); 5] = [
    ("do", "add-term"),
    ("text", "oak house gossip"),
    ("topic", "bullying"),
    ("severity-ks2", "3"),
    ("reason", "A page about pupils of the school"),
];

#[tokio::test]
async fn a_change_is_in_force_only_when_another_person_of_the_leadership_has_agreed() {
    let (school, router) = with_list().await;
    let [mut ed, mut bo, mut ann] = signed_in(&school, &router, [ED, BO, ANN]).await;
    propose(&mut ed, &ADD).await;
    assert!(
        !raises(&school, "oak house gossip"),
        "in force before anybody agreed"
    );
    for browser in [&mut ed, &mut bo] {
        let answer = browser
            .post("/lists/changes", "/lists/changes/1/agree", &[])
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    assert!(!raises(&school, "oak house gossip"));
    let agreed = ann.post("/lists/changes/1", "/lists/changes/1/agree", &[]).await;
    assert_eq!(
        agreed.location(),
        "/lists/changes?done=list-agreed",
        "{}",
        agreed.body
    );
    assert!(raises(&school, "OAK HOUSE gossip"));
    let log = bo.get("/lists/changes").await.body;
    for part in ["oak house gossip", "Ed Farrow", "Ann Leigh", "change 1"] {
        assert!(log.contains(part), "{part} is missing: {log}");
    }
    let audit = ann.get("/audit").await.body;
    assert!(
        audit.contains("agreed to a change of the keyword lists")
            && audit.contains("proposed a change to the keyword lists"),
        "{audit}"
    );
}

#[tokio::test]
async fn nobody_agrees_to_their_own_change_and_what_is_refused_or_withdrawn_changes_nothing() {
    let (school, router) = with_list().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    propose(&mut ann, &ADD).await;
    let own = ann.post("/lists/changes/1", "/lists/changes/1/agree", &[]).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        own.body.contains("by somebody else than its proposer"),
        "{}",
        own.body
    );
    cy.post("/lists/changes/1", "/lists/changes/1/refuse", &[]).await;
    let late = cy.post("/lists/changes/1", "/lists/changes/1/agree", &[]).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    propose(&mut ann, &ADD).await;
    ann.post("/lists/changes/2", "/lists/changes/2/withdraw", &[])
        .await;
    assert!(!raises(&school, "oak house gossip"));
}

#[tokio::test]
async fn what_a_change_would_miss_is_shown_from_the_readers_own_flags_about_pupils_alone() {
    let (school, router) = with_list().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    let pupils = school.concern(&SEARCH).await;
    let staff = school
        .concern(&Seen {
            account: "flo",
            device: "STAFF-1",
            ..SEARCH
        })
        .await;
    let off = [
        ("do", "switch-off"),
        ("list", "pastoral-en"),
        ("term", "t-1"),
        ("reason", "It cries wolf"),
    ];
    let shown = propose(&mut ann, &off).await;
    assert!(shown.contains(&pupils) && !shown.contains(&staff), "{shown}");
    assert!(
        !shown.contains("an invented worrying search"),
        "content outside its concern"
    );
    let shown = propose(&mut ed, &off).await;
    assert!(
        shown.contains("You read no concerns") && !shown.contains(&pupils),
        "{shown}"
    );
    let narrow = [
        ("do", "switch-off"),
        ("list", "pastoral-en"),
        ("term", "t-2"),
        ("reason", "It cries wolf"),
    ];
    assert!(propose(&mut ann, &narrow).await.contains("None of the 1 flags"));
}

#[tokio::test]
async fn a_change_that_would_flag_harmless_texts_of_school_life_says_which() {
    let (school, router) = with_list().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let noisy = [
        ("do", "add-term"),
        ("text", "macbeth"),
        ("topic", "violence"),
        ("severity-ks2", "3"),
        ("reason", "Kings are killed"),
    ];
    let shown = propose(&mut ann, &noisy).await;
    assert!(shown.contains("Lady Macbeth"), "{shown}");
}

#[tokio::test]
async fn a_change_that_does_nothing_or_is_not_sound_is_refused_in_words() {
    let (school, router) = with_list().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    for (field, value, says) in [
        ("text", "Worrying", "is already the term"),
        ("text", "?!", "no letter or digit"),
        ("text", "", "one on each line"),
        ("topic", "", "Choose what it is about."),
        (
            "severity-ks2",
            "0",
            "Choose a severity for one audience at least.",
        ),
        ("severity-ks2", "9", "from 1 to 5"),
        ("reason", "", "Say why"),
    ] {
        let fields: Vec<_> = ADD
            .iter()
            .map(|(name, kept)| (*name, if *name == field { value } else { kept }))
            .collect();
        let refused = ann.post("/lists/changes", "/lists/preview", &fields).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{field} {value}"
        );
        assert!(refused.body.contains(says), "{field} {value}: {}", refused.body);
        assert!(
            field == "reason" || refused.body.contains("A page about pupils of the school"),
            "what was written is kept: {}",
            refused.body
        );
    }
    let term = "/lists/pastoral-en/t-1";
    let fields = [
        ("do", "add-exception"),
        ("list", "pastoral-en"),
        ("term", "t-1"),
        ("phrase", "an oboe"),
        ("reason", "Only music"),
    ];
    let refused = ann.post(term, "/lists/preview", &fields).await.body;
    for kept in ["an oboe", "Only music", "id=\"phrase-error\""] {
        assert!(
            refused.contains(kept),
            "{kept} is missing on the term's own page: {refused}"
        );
    }
    let forged = [
        ("operation", "{\"do\":\"anything\"}".to_owned()),
        ("reason", "why".to_owned()),
    ];
    let csrf = ann.get("/lists/changes").await.field("csrf");
    let answer = ann.send("/lists/changes", &csrf, &forged).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
}

#[tokio::test]
async fn trying_a_text_says_what_it_raises_and_why_and_keeps_it_nowhere() {
    let (school, router) = with_list().await;
    let [mut ed] = signed_in(&school, &router, [ED]).await;
    let text = "a quite Worrying zebrafinch";
    let shown = ed
        .post(
            "/lists/try",
            "/lists/try",
            &[("text", text), ("source", "search")],
        )
        .await
        .body;
    for part in [
        "<mark>Worrying</mark>",
        "Severity 5",
        "/lists/pastoral-en/t-1",
        "An invented reason",
    ] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    let page = ed
        .post("/lists/try", "/lists/try", &[("text", text), ("source", "title")])
        .await;
    assert!(
        page.body.contains("Severity 4") && !page.body.contains("Severity 5"),
        "{}",
        page.body
    );
    for entry in std::fs::read_dir(school.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            !bytes.windows(10).any(|part| part == b"zebrafinch"),
            "{} holds what was tried",
            path.display()
        );
    }
}

#[tokio::test]
async fn lists_show_their_terms_and_a_switched_off_one_is_said_to_be_off() {
    let (school, router) = with_list().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    assert!(ann.get("/lists").await.body.contains("Invented words"));
    let list = ann.get("/lists/pastoral-en?find=WORRY").await.body;
    assert!(
        list.contains("/lists/pastoral-en/t-1") && !list.contains("/lists/pastoral-en/t-2"),
        "{list}"
    );
    assert_eq!(ann.get("/lists/no-such").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ann.get("/lists/pastoral-en/no-such").await.status,
        StatusCode::NOT_FOUND
    );
    let off = [
        ("do", "switch-off"),
        ("list", "pastoral-en"),
        ("term", "t-2"),
        ("reason", "It cries wolf"),
    ];
    propose(&mut ann, &off).await;
    let shown = cy.get("/lists/changes/1").await.body;
    assert!(shown.contains("Agree: devices take it at once"), "{shown}");
}

#[tokio::test]
async fn terms_that_cry_wolf_are_counted_without_saying_whose_flags_they_were() {
    let (school, router) = with_list().await;
    let [mut ann, mut bo, mut ed, mut cy] = signed_in(&school, &router, [ANN, BO, ED, CY]).await;
    let close = |outcome| [("outcome", outcome), ("words", "Looked into.")];
    let wrong = format!("/concerns/{}", school.concern(&TITLE).await);
    ann.post(&wrong, &format!("{wrong}/close"), &close("false-alarm"))
        .await;
    let staff = school
        .concern(&Seen {
            account: "flo",
            device: "STAFF-1",
            ..TITLE
        })
        .await;
    let staff = format!("/concerns/{staff}");
    cy.post(&staff, &format!("{staff}/close"), &close("false-alarm"))
        .await;
    let shown = bo.get("/lists/noise").await.body;
    assert!(shown.contains("1 of 1") && shown.contains("0%"), "{shown}");
    ann.post(&wrong, &format!("{wrong}/reopen"), &[("words", "Again.")])
        .await;
    ann.post(&wrong, &format!("{wrong}/close"), &close("false-alarm"))
        .await;
    assert!(
        bo.get("/lists/noise").await.body.contains("1 of 1"),
        "one verdict counted twice"
    );
    assert_eq!(ed.get("/lists/noise").await.status, StatusCode::NOT_FOUND);
    let kept: Vec<(String, i64)> = sqlx::query_as("SELECT term_id, false_alarms FROM term_verdict")
        .fetch_all(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(
        kept,
        [("t-1".to_owned(), 1)],
        "the invented flags all name the term t-1"
    );
}

#[tokio::test]
async fn a_false_alarm_offers_its_own_words_as_the_harmless_phrase_but_none_that_staff_wrote() {
    let (school, router) = with_list().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let mark = async |reader: &mut Browser, path: &str| {
        let flag = reader.get(path).await.field("flag");
        let fields = [("flag", flag.as_str()), ("is", "yes")];
        reader.post(path, &format!("{path}/false-alarm"), &fields).await;
        reader.get(path).await
    };
    let pupil = format!("/concerns/{}", school.concern(&SEARCH).await);
    assert!(!ann.get(&pupil).await.body.contains("name=\"phrase\""));
    let page = mark(&mut ann, &pupil).await;
    let names = ["do", "list", "term", "phrase", "reason"];
    let fields = names.map(|name| (name, page.field(name)));
    assert_eq!(fields[3].1, SEARCH.text);
    let preview = ann.send("/lists/preview", &page.field("csrf"), &fields).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    assert!(
        preview.body.contains("these would not be raised any more"),
        "{}",
        preview.body
    );
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        ..TITLE
    };
    let staff = format!("/concerns/{}", school.concern(&staff).await);
    let page = mark(&mut cy, &staff).await;
    assert_eq!(page.field("phrase"), "");
}

#[tokio::test]
async fn what_is_about_staff_counts_nowhere_though_the_leads_may_read_it_with_the_pupils_key() {
    let (school, router) = with_list().await;
    let marks = Profile::parse(Profile::shipped("st-marks").unwrap(), "st-marks.toml").unwrap();
    school.app.profile.store(Arc::new(marks));
    let [mut ann, _bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let staff = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::IndecentImages,
        severity: 2,
        ..SEARCH
    };
    let concern = school.concern(&staff).await;
    let key: String = sqlx::query_scalar("SELECT reader_group FROM concern WHERE concern_id = ?")
        .bind(&concern)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(key, "pupil", "as this profile routes it");
    let off = [
        ("do", "switch-off"),
        ("list", "pastoral-en"),
        ("term", "t-1"),
        ("reason", "It cries wolf"),
    ];
    let shown = propose(&mut ann, &off).await;
    assert!(!shown.contains(&concern), "in what a change would miss: {shown}");
    let path = format!("/concerns/{concern}");
    let close = [("outcome", "false-alarm"), ("words", "Looked into.")];
    ann.post(&path, &format!("{path}/close"), &close).await;
    cy.post(&path, &format!("{path}/close"), &close).await;
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM term_verdict")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    let state: String = sqlx::query_scalar("SELECT state FROM concern WHERE concern_id = ?")
        .bind(&concern)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!((state.as_str(), counted), ("closed", 0), "in the noise counts");
}
