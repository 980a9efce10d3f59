//! The recovery sheets, as one of the two that an act on somebody's access takes: with the real command line.

use super::access::{proposal, told};
use super::acts_of_two::{agree, number, propose_reset};
use super::*;
use crate::school::SCHOOL;
use axum::http::StatusCode;
use pastoral_collector::seal::sheet::{self, Sheet};
use pastoral_collector::store::keys;
use pastoral_support::process;
use std::process::Command;

/// A sheet as `init` prints it.
async fn sheet(school: &School, which: Sheet) -> String {
    let publics = keys::publics(&mut school.app.store.read().await.unwrap(), SCHOOL)
        .await
        .unwrap();
    let privates: Vec<_> = school
        .privates
        .iter()
        .map(|(group, key)| (*group, key.clone()))
        .collect();
    sheet::text(which, "Oak Lane Primary", &privates, &publics).to_string()
}

/// `user …` on the school's own machine. Gives the exit code and all that it says.
fn user(school: &School, arguments: &[&str], typed: &str) -> (Option<i32>, String) {
    let config = school.folder().join("collector.toml");
    std::fs::write(&config, format!("data_dir = {:?}\n", school.folder())).unwrap();
    let mut command = Command::new(process::program("pastoral-collector").unwrap());
    command
        .env_clear()
        .arg("--config")
        .arg(&config)
        .arg("user")
        .args(arguments);
    process::run(&mut command, typed).unwrap()
}

/// A concern about the headteacher, which only the chair reads.
const ABOUT_CY: Seen<'static> = Seen {
    account: "cy",
    device: "STAFF-3",
    severity: 3,
    ..SEARCH
};

#[tokio::test]
async fn with_one_other_reader_left_a_reset_takes_a_sheet_that_they_do_not_keep_and_no_technician() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let concern = format!("/concerns/{}", school.concern(&TITLE).await);
    let [of_cy, of_di] = [
        sheet(&school, Sheet::Headteacher).await,
        sheet(&school, Sheet::Chair).await,
    ];
    // The headteacher's own sheet and the headteacher are one person.
    let recover = ["recover", "--duty", "dsl", "Ann Leigh <ann@oak.example>"];
    let (code, said) = user(&school, &recover, &of_cy);
    assert!(
        code == Some(1) && said.contains("one person is not two"),
        "{said}"
    );
    let waits = "SELECT count(*) FROM proposal WHERE state = 'proposed'";
    assert_eq!(number(&school, waits).await, 0);
    let (code, said) = user(&school, &["agree"], &of_di);
    assert!(code == Some(1) && said.contains("0 proposals"), "{said}");
    let told_code = told(&propose_reset(&mut cy, "ann").await);
    let page = cy.get("/people").await.body;
    assert!(
        page.contains("a recovery sheet that you do not keep yourself"),
        "{page}"
    );
    assert_eq!(agree(&school, &mut ed).await.status, StatusCode::NOT_FOUND);
    assert_eq!(agree(&school, &mut ann).await.status, StatusCode::NOT_FOUND);
    let (code, said) = user(&school, &["agree"], &of_cy);
    assert!(code == Some(1) && said.contains("bring the other one"), "{said}");
    let (code, said) = user(&school, &["agree"], &of_di);
    assert!(
        code == Some(0) && said.contains("Everybody who reads is told"),
        "{said}"
    );
    assert!(
        !said.contains("opens with this code"),
        "the code is not for the terminal: {said}"
    );
    let mut again = Browser::new(&router);
    let joined = again.join(&school.mailed_link("ann").await, &told_code).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert!(again.get(&concern).await.body.contains("<mark>unkind</mark>"));
    let log = cy.get("/audit").await.body;
    assert!(log.contains("Somebody with the chair’s sheet"), "{log}");
    assert!(log.contains("used a recovery sheet for the access of Ann Leigh"));
}

#[tokio::test]
async fn other_acts_of_the_only_reader_left_wait_for_a_sheet_and_no_technician() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let change = [
        ("given", "Ann"),
        ("family", "Leigh"),
        ("email", "other@oak.example"),
        ("role", "staff"),
    ];
    cy.post("/people/ann", "/people/ann/change", &change).await;
    assert_eq!(agree(&school, &mut ed).await.status, StatusCode::NOT_FOUND);
    assert_eq!(agree(&school, &mut ann).await.status, StatusCode::NOT_FOUND);
    let fields = [("person", "flo"), ("duty", "deputy")];
    cy.post("/people", "/people/grant", &fields).await;
    let of_di = sheet(&school, Sheet::Chair).await;
    // Another reader could agree to the grant, so that one alone waits for a sheet.
    let (code, said) = user(&school, &["agree"], &of_di);
    assert_eq!(code, Some(0), "{said}");
    assert!(ann.get("/account").await.body.contains("other@oak.example"));
    let duties = "SELECT count(*) FROM duty WHERE person_id = 'flo'";
    assert_eq!(number(&school, duties).await, 0);
    let (code, said) = user(&school, &["agree"], &of_di);
    assert!(code == Some(1) && said.contains("0 proposals"), "{said}");
}

#[tokio::test]
async fn a_sheet_lets_a_reader_in_again_with_its_own_keys_when_another_reader_agrees() {
    let (school, router) = school().await;
    let [mut cy, _di, mut ed] = signed_in(&school, &router, [CY, DI, ED]).await;
    let concern = format!("/concerns/{}", school.concern(&ABOUT_CY).await);
    let recover = ["recover", "--duty", "chair", "Di Everard <di@oak.example>"];
    let (code, said) = user(&school, &recover, &sheet(&school, Sheet::Headteacher).await);
    assert!(
        code == Some(1) && said.contains("needs the chair’s sheet"),
        "{said}"
    );
    let of_di = sheet(&school, Sheet::Chair).await;
    let (code, said) = user(&school, &recover, &of_di);
    assert!(
        code == Some(0) && said.contains("The code is shown to who agrees"),
        "{said}"
    );
    assert_eq!(agree(&school, &mut ed).await.status, StatusCode::NOT_FOUND);
    assert!(cy.get("/people").await.body.contains("A reset loses every key"));
    let agreed = agree(&school, &mut cy).await;
    let mut di = Browser::new(&router);
    let joined = di.join(&school.mailed_link("di").await, &told(&agreed)).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert!(di.get(&concern).await.body.contains("<mark>worrying</mark>"));
}

/// Whoever keeps a sheet has it, and signs in as well: that is one of two, however it is gone about.
#[tokio::test]
async fn who_keeps_a_sheet_agrees_to_nothing_that_it_proposed() {
    let (school, router) = school().await;
    let [mut ann, mut cy] = signed_in(&school, &router, [ANN, CY]).await;
    let recover = ["recover", "--duty", "deputy", "Flo Garside <flo@oak.example>"];
    let (code, said) = user(&school, &recover, &sheet(&school, Sheet::Headteacher).await);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(agree(&school, &mut cy).await.status, StatusCode::NOT_FOUND);
    assert!(!cy.get("/queue").await.body.contains("waits for you"));
    let id = proposal(&school).await;
    let agreed = agree(&school, &mut ann).await;
    assert_eq!(agreed.status, StatusCode::OK, "{id}: {}", agreed.body);
    let duties = "SELECT count(*) FROM duty WHERE person_id = 'flo' AND granted_by = 'headteacher sheet'";
    assert_eq!(number(&school, duties).await, 1);
}
