//! Specialist lists on the console: used by agreement, and never shown.

#![allow(clippy::unwrap_used, reason = "helpers of tests: what fails, fails the test")]

use super::*;
use axum::http::StatusCode;
use pastoral_collector::lists::Rules;
use pastoral_collector::seal::specialist::ListName;
use pastoral_collector::store::list_changes;
use pastoral_collector::store::specialist::{self, Imported};
use pastoral_keywords::changes::Operation;
use pastoral_keywords::{Audience, Provenance, Source, Text};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

const WORD: &str = "zebrafinch";
const DISGUISED: &str = "a z3brafinch and an oboe";
const LIST: &str = r#"
id = "specialist"
version = 3
title = "Invented watch list"
language = "en"
author = "An invented publisher"
date = 2026-01-31

[[term]]
text = "zebrafinch"
topic = "suicide"
severity = 5
reason = "The zebrafinch of the reason"
exceptions = ["zebrafinch cage"]
"#;
/// Pages of lists and terms that come with Pastoral are looked at up to so many.
const LISTS: usize = 30;

/// What `list import` does to the store.
async fn import(school: &School) {
    let app = &school.app;
    let name = ListName {
        school_id: &app.school_id,
        list_id: "specialist",
        version: 3,
    };
    let list = Imported {
        list_id: "specialist".into(),
        version: 3,
        title: "Invented watch list".into(),
        licence: "Invented licence 4711".into(),
        terms: 1,
        sealed: app.list_key.seal(&name, LIST.as_bytes()).unwrap(),
        imported_at: school.now,
    };
    let mut tx = app.store.write().await.unwrap();
    assert!(specialist::add(&mut tx, &app.school_id, &list).await.unwrap());
    tx.commit().await.unwrap();
    let operation = Operation::UseList {
        list: "specialist".into(),
        version: 3,
        title: "Invented watch list".into(),
        terms: 1,
    };
    propose(school, &operation).await;
}

async fn propose(school: &School, operation: &Operation) {
    let app = &school.app;
    let mut tx = app.store.write().await.unwrap();
    let of = (operation, "An invented reason");
    let proposed = list_changes::propose(&mut tx, &app.school_id, of, "command line", school.now).await;
    assert!(proposed.unwrap().is_some());
    tx.commit().await.unwrap();
}

async fn agree(browser: &mut Browser, change: i64) {
    let page = format!("/lists/changes/{change}");
    let done = browser.post(&page, &format!("{page}/agree"), &[]).await;
    assert_eq!(
        done.location(),
        "/lists/changes?done=list-agreed",
        "{}",
        done.body
    );
}

fn severity(school: &School, text: &str) -> Option<u8> {
    let text = Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Ks2,
    };
    let found = school.app.lists.load().engine.find(&text);
    found.first().map(|found| found.severity.get())
}

#[tokio::test]
async fn a_specialist_list_is_in_force_from_the_agreement_to_use_it_to_the_one_to_drop_it() {
    let (school, router) = school().await;
    let [mut ann, mut ed] = signed_in(&school, &router, [ANN, ED]).await;
    import(&school).await;
    assert_eq!(severity(&school, WORD), None, "imported, and not agreed to");
    let asked = "Use the specialist list Invented watch list, version 3, 1 term (its words are not shown)";
    assert!(ann.get("/lists/changes").await.body.contains(asked));
    let refused = ed.post("/lists/changes", "/lists/changes/1/agree", &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    agree(&mut ann, 1).await;
    assert_eq!(severity(&school, WORD), Some(5));
    let shown = ann.get("/lists").await.body;
    for part in [
        "Invented watch list",
        "Version 3",
        "Invented licence 4711",
        "Held in confidence",
    ] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    let drop = Operation::DropList {
        list: "specialist".into(),
        title: "Invented watch list".into(),
    };
    propose(&school, &drop).await;
    assert_eq!(severity(&school, WORD), Some(5), "its removal is not agreed to");
    agree(&mut ann, 2).await;
    assert_eq!(severity(&school, WORD), None);
    let left = specialist::all(&school.app.store, &school.app.school_id)
        .await
        .unwrap();
    assert!(left.is_empty(), "what is not used is not kept");
    assert!(
        !ann.get("/lists").await.body.contains("do nothing"),
        "nothing is stale"
    );
}

#[tokio::test]
async fn a_specialist_list_that_is_refused_is_not_kept() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    import(&school).await;
    cy.post("/lists/changes/1", "/lists/changes/1/refuse", &[]).await;
    let left = specialist::all(&school.app.store, &school.app.school_id)
        .await
        .unwrap();
    assert!(left.is_empty());
    assert_eq!(severity(&school, WORD), None);
}

/// Every page that links lead to, with its address.
async fn crawled(browser: &mut Browser) -> Vec<(String, String)> {
    let mut to_visit =
        VecDeque::from(["/queue", "/lists", "/lists/noise", "/lists/changes/1", "/audit"].map(str::to_owned));
    let (mut seen, mut pages) = (BTreeSet::new(), Vec::new());
    while let Some(path) = to_visit.pop_front() {
        let is_list = |path: &&String| path.starts_with("/lists/pastoral");
        let enough = is_list(&&path) && seen.iter().filter(is_list).count() >= LISTS;
        if enough || !seen.insert(path.clone()) {
            continue;
        }
        let body = browser.get(&path).await.body;
        let links = body
            .split("href=\"/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next());
        to_visit.extend(
            links
                .filter(|link| !link.starts_with("assets/"))
                .map(|link| format!("/{link}")),
        );
        pages.push((path, body));
    }
    pages
}

#[tokio::test]
async fn no_page_of_the_console_shows_a_word_of_a_specialist_list_to_anybody() {
    let (school, router) = school().await;
    let mut browsers = signed_in(&school, &router, [ANN, BO, CY, DI, ED]).await;
    import(&school).await;
    for browser in &mut browsers {
        assert_silent(browser).await;
    }
    agree(&mut browsers[0], 1).await;
    let seen = Seen {
        text: DISGUISED,
        marked: "z3brafinch",
        specialist: true,
        ..SEARCH
    };
    let concern = school.concern(&seen).await;
    let noisy = format!(
        "/concerns/{}",
        school
            .concern(&Seen {
                severity: 2,
                account: "quin",
                ..seen
            })
            .await
    );
    let close = [("outcome", "false-alarm"), ("words", "Looked into.")];
    browsers[0].post(&noisy, &format!("{noisy}/close"), &close).await;
    for browser in &mut browsers {
        assert_silent(browser).await;
        for page in [
            "/lists/specialist",
            "/lists/specialist/1",
            "/lists/specialist/zebrafinch",
        ] {
            assert_eq!(browser.get(page).await.status, StatusCode::NOT_FOUND, "{page}");
        }
        let tried = [("text", DISGUISED), ("source", "search")];
        let tried = browser.post("/lists/try", "/lists/try", &tried).await.body;
        let says =
            "Severity 5: A term of a specialist list (Invented watch list), whose words are not shown.";
        assert!(tried.contains(says), "{tried}");
        assert!(!tried.contains(WORD) && !tried.contains("<mark>"), "{tried}");
    }
    assert!(
        browsers[0]
            .get("/lists/noise")
            .await
            .body
            .contains("A term of a specialist list (Invented watch list), whose words")
    );
    let add = [
        ("do", "add-term"),
        ("text", WORD),
        ("topic", "hate"),
        ("severity-ks2", "3"),
        ("reason", "Why"),
    ];
    let preview = browsers[0].post("/lists/changes", "/lists/preview", &add).await;
    assert_eq!(
        preview.status,
        StatusCode::OK,
        "says that the word is in the list: {}",
        preview.body
    );
    assert!(
        browsers[0]
            .get(&format!("/concerns/{concern}"))
            .await
            .body
            .contains(DISGUISED)
    );
}

async fn assert_silent(browser: &mut Browser) {
    let pages = crawled(browser).await;
    assert!(pages.len() > 10, "{} pages", pages.len());
    for (path, body) in pages {
        assert!(!body.to_lowercase().contains(WORD), "{path} shows it: {body}");
    }
}

#[tokio::test]
async fn a_flag_of_a_specialist_list_reaches_the_lead_with_its_severity_and_marks_no_word() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    import(&school).await;
    agree(&mut ann, 1).await;
    let seen = Seen {
        text: DISGUISED,
        marked: "z3brafinch",
        specialist: true,
        ..SEARCH
    };
    let concern = school.concern(&seen).await;
    let page = ann.get(&format!("/concerns/{concern}")).await.body;
    for part in [
        DISGUISED,
        "5 – A life may be at risk",
        "A term of a specialist list (Invented watch list), whose words are not shown, severity 5",
    ] {
        assert!(page.contains(part), "{part} is missing: {page}");
    }
    assert!(!page.contains("<mark>"), "{page}");
}

#[tokio::test]
async fn a_specialist_list_whose_key_is_lost_is_said_and_can_be_dropped_and_taken_in_again() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    import(&school).await;
    agree(&mut ann, 1).await;
    std::fs::remove_file(school.folder().join("ca/specialist-lists.key")).unwrap();
    let app = &school.app;
    let rules = Rules::load(&app.store, &app.school_id, &app.profile.load(), &app.list_key).await;
    app.lists.store(Arc::new(rules.unwrap()));
    assert_eq!(
        severity(&school, "i want to kill myself"),
        Some(5),
        "without the other lists, too"
    );
    let shown = ann.get("/lists").await.body;
    assert!(shown.contains("remove it and import it again"), "{shown}");
    let drop = Operation::DropList {
        list: "specialist".into(),
        title: "Invented watch list".into(),
    };
    propose(&school, &drop).await;
    agree(&mut ann, 2).await;
    import(&school).await;
    agree(&mut ann, 3).await;
    assert_eq!(severity(&school, WORD), Some(5));
}
