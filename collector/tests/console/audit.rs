//! The audit log on the console: what is compared with the mails, what is a look, and what a stranger's key shows.

use super::*;
use crate::school::SCHOOL;
use crate::school::browser::PASSWORD;
use pastoral_collector::chain::Deed;
use pastoral_collector::concerns::action::Action;
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::retention;
use pastoral_collector::seal::GroupPrivateKey;
use pastoral_collector::seal::content::Sealer;
use pastoral_collector::store::actions::{self, NewAction};
use pastoral_collector::store::audit::{self, Entry};
use pastoral_collector::store::{codes, keys};
use serde_json::json;
use std::sync::Arc;

async fn count(school: &School, action: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit WHERE action = ?")
        .bind(action)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_number_and_the_keys_in_the_mail_stand_on_the_page_of_who_has_the_mail() {
    let (school, router) = school().await;
    let people = signed_in(&school, &router, [ANN, CY, DI, ED]).await;
    retention::daily(&school.app, school.now).await.unwrap();
    let letters = crate::school::letters::waiting(&school.app, "audit-head").await;
    let body = &letters
        .iter()
        .find(|letter| letter.person_id == "di")
        .unwrap()
        .words;
    let line = |label: &str| {
        let found = body.lines().find_map(|line| line.strip_prefix(label));
        found.unwrap_or_else(|| panic!("{label} in {body}")).to_owned()
    };
    let (number, keys) = (line("Number  "), line("Keys    "));
    for (mut browser, has_mail) in people.into_iter().zip([false, true, true, false]) {
        let page = browser.get("/audit").await.body;
        assert_eq!(page.contains(&number), has_mail);
        assert_eq!(page.contains(&keys), has_mail);
        assert!(page.contains("could rewrite what came after the last such mail: everything since"));
    }
    assert!(body.contains("not the technician") && body.contains("audit verify"));
}

#[tokio::test]
async fn a_list_of_concerns_is_a_look_that_is_recorded_once_a_visit() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&SEARCH).await;
    for _ in 0..3 {
        ann.get("/queue").await;
    }
    assert_eq!(count(&school, "open-concerns-listed").await, 1);
    let detail: String = sqlx::query_scalar("SELECT detail FROM audit WHERE action = 'open-concerns-listed'")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert!(detail.contains(&id), "it says which concerns were listed");
    ann.get("/closed").await;
    ann.get("/closed").await;
    ann.get("/closed?page=2").await;
    assert_eq!(
        count(&school, "closed-concerns-listed").await,
        2,
        "another page shows others"
    );
    // The live stream alone is a look as well.
    let mut stream = bo.live().await.into_body().into_data_stream();
    use futures_util::StreamExt as _;
    assert!(stream.next().await.is_some());
    assert_eq!(count(&school, "open-concerns-listed").await, 2);
    bo.get("/queue").await;
    assert_eq!(count(&school, "open-concerns-listed").await, 2);
    let log = bo.get("/audit").await.body;
    assert!(
        log.contains("looked at the list of open concerns")
            && log.contains("looked at the list of closed concerns")
    );
}

/// Somebody with root puts in a key of theirs: the next sign-in of whoever holds the true one shows it.
#[tokio::test]
async fn a_stranger_s_key_is_found_at_the_next_sign_in_and_said_to_all_who_read() {
    let (mut school, router) = school().await;
    let [mut cy, mut di] = signed_in(&school, &router, [CY, DI]).await;
    let code = |browser: &Browser| browser.code(1);
    assert_eq!(count(&school, "keys-differ").await, 0);
    let concern = school.concern(&SEARCH).await;
    let (_, stranger) = GroupPrivateKey::generate();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE reader_key SET public_key = ? WHERE reader_group = 'staff'")
        .bind(&stranger.to_bytes()[..])
        .execute(&mut *tx)
        .await
        .unwrap();
    // Handing it to the stranger's group would have the reader's own session seal it for them.
    sqlx::query("UPDATE concern SET reader_group = 'staff' WHERE concern_id = ?")
        .bind(&concern)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // Started again: it seals with what is in the store.
    let publics = keys::publics(&mut school.app.store.read().await.unwrap(), SCHOOL)
        .await
        .unwrap();
    school.app.sealer = Arc::new(Sealer::new(publics));
    let router = console::router(school.app.clone());
    let said = "sealed for a key that is not the readers’";
    let (code_cy, code_di) = (code(&cy), code(&di));
    cy = Browser::new(&router);
    di = Browser::new(&router);
    di.sign_in("di", PASSWORD, &code_di).await;
    assert!(
        !di.get("/queue").await.body.contains(said),
        "the chair holds other keys"
    );
    cy.sign_in("cy", PASSWORD, &code_cy).await;
    assert!(cy.get("/queue").await.body.contains(said));
    assert!(
        di.get("/queue").await.body.contains(said),
        "everybody who reads hears of it"
    );
    assert_eq!(count(&school, "keys-differ").await, 1);
    let mailed: Vec<String> =
        sqlx::query_scalar("SELECT person_id FROM outbox WHERE notice = 'keys-differ' ORDER BY 1")
            .fetch_all(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap();
    assert_eq!(mailed, ["cy", "di"]);
    let groups: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT reader_group FROM data_key WHERE concern_id = ?")
            .bind(&concern)
            .fetch_all(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap();
    assert_eq!(groups, ["pupil"], "nothing was sealed for the stranger");
    // A backup from before is brought back: the next sign-in finds it right, and the warning ends.
    let own = school.privates[&ReaderGroup::Staff].public();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE reader_key SET public_key = ? WHERE reader_group = 'staff'")
        .bind(&own.to_bytes()[..])
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("UPDATE user SET totp_last_step = 0")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let publics = keys::publics(&mut school.app.store.read().await.unwrap(), SCHOOL)
        .await
        .unwrap();
    school.app.sealer = Arc::new(Sealer::new(publics));
    let mut again = Browser::new(&console::router(school.app.clone()));
    again.sign_in("cy", PASSWORD, &code_cy).await;
    assert!(!again.get("/queue").await.body.contains(said));
}

/// Also where nobody who signs in holds the true key, such as the safe's: all were mailed.
#[tokio::test]
async fn a_stranger_s_key_for_the_safe_is_found_by_any_sign_in_and_by_the_daily_look() {
    let (mut school, router) = school().await;
    let [ann, _cy] = signed_in(&school, &router, [ANN, CY]).await;
    retention::daily(&school.app, school.now).await.unwrap();
    let (_, stranger) = GroupPrivateKey::generate();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("UPDATE reader_key SET public_key = ? WHERE reader_group = 'safe'")
        .bind(&stranger.to_bytes()[..])
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let publics = keys::publics(&mut school.app.store.read().await.unwrap(), SCHOOL)
        .await
        .unwrap();
    school.app.sealer = Arc::new(Sealer::new(publics));
    let mut browser = Browser::new(&console::router(school.app.clone()));
    browser.sign_in("ann", PASSWORD, &ann.code(1)).await;
    assert!(
        browser
            .get("/queue")
            .await
            .body
            .contains("sealed for a key that is not the readers’")
    );
    assert_eq!(count(&school, "keys-differ").await, 1);
    // The head that names the stranger's key makes it no better.
    for day in 1..3 {
        retention::daily(&school.app, school.now + day * 86_400_000)
            .await
            .unwrap();
    }
    assert_eq!(count(&school, "keys-differ").await, 3);
    assert!(
        browser
            .get("/queue")
            .await
            .body
            .contains("sealed for a key that is not the readers’")
    );
}

/// A clock that was a year ahead when somebody signed in, and came back.
#[tokio::test]
async fn a_clock_that_comes_back_locks_nobody_out_and_hides_no_silent_device() {
    let (school, router) = school().await;
    let [cy] = signed_in(&school, &router, [CY]).await;
    let year = 365 * 86_400_000;
    let mut tx = school.app.store.write().await.unwrap();
    assert!(
        codes::spend_step(&mut tx, SCHOOL, "cy", (school.now + year) / 30_000)
            .await
            .unwrap()
    );
    sqlx::query("UPDATE device SET last_seen_at = ?")
        .bind(school.now + year)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut browser = Browser::new(&router);
    assert!(
        browser
            .sign_in("cy", PASSWORD, &cy.code(0))
            .await
            .location()
            .is_empty()
    );
    assert!(
        retention::came_back(&school.app, school.now + year, school.now)
            .await
            .unwrap()
    );
    assert_eq!(browser.sign_in("cy", PASSWORD, &cy.code(1)).await.location(), "/");
    let heard: i64 = sqlx::query_scalar("SELECT max(last_seen_at) FROM device")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert!(heard <= school.now);
    assert!(
        !retention::came_back(&school.app, school.now, school.now + 1)
            .await
            .unwrap()
    );
}

/// Whatever can be recorded is said in words; what a later version recorded is shown too, and the chain over it holds.
#[tokio::test]
async fn every_deed_is_in_words_and_one_of_a_later_version_is_shown_and_verified() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    let mut tx = school.app.store.write().await.unwrap();
    for deed in Deed::ALL {
        let entry = Entry {
            school_id: SCHOOL,
            actor: "pastoral",
            deed,
            concern_id: None,
            detail: json!({ "more": 2 }),
        };
        audit::append(&mut tx, school.now, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut log = String::new();
    for page in 1..=3 {
        log += &cy.get(&format!("/audit?page={page}")).await.body;
    }
    assert!(log.contains("told somebody that others try again and again"));
    assert!(log.contains("gave a device a certificate"));
    assert!(!log.contains("no words for"));
    let unfilled = |line: &&str| line.contains("<td") && line.contains('{');
    assert_eq!(log.lines().find(unfilled), None);
    a_later_version_did(&school, "moon-landed").await;
    assert!(
        audit::verify(&school.app.store, SCHOOL, school.now)
            .await
            .unwrap()
            .is_ok()
    );
    let log = cy.get("/audit").await.body;
    assert!(log.contains("did something that this version has no words for"));
}

/// Writes the last entry anew, as of another deed.
async fn a_later_version_did(school: &School, action: &str) {
    let mut tx = school.app.store.write().await.unwrap();
    let last = audit::head(&mut tx, SCHOOL).await.unwrap().unwrap();
    let rows = audit::rows_after(&mut tx, SCHOOL, last.sequence - 2)
        .await
        .unwrap();
    let [before, row] = &rows[..] else {
        panic!("{rows:?}")
    };
    let mut row = row.clone();
    row.action = action.to_owned();
    sqlx::query("UPDATE audit SET action = ?, hash = ? WHERE sequence = ?")
        .bind(action)
        .bind(row.hash_behind(&before.hash, SCHOOL))
        .bind(row.sequence)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn every_step_of_a_history_is_in_words() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let concern_id = school.concern(&TITLE).await;
    let mut tx = school.app.store.write().await.unwrap();
    for action in Action::ALL {
        let new = NewAction {
            concern_id: &concern_id,
            at: school.now,
            by: "pastoral",
            action,
            detail: json!({}),
            words: None,
        };
        actions::add(&mut tx, SCHOOL, &new).await.unwrap();
    }
    tx.commit().await.unwrap();
    let page = ann.get(&format!("/concerns/{concern_id}")).await.body;
    assert!(page.contains("Pastoral will look at it again in 1 day."));
    assert!(page.contains("Pastoral corrected whose it is: somebody."));
    let unfilled = |line: &&str| line.contains("Pastoral ") && line.contains('{');
    assert_eq!(page.lines().find(unfilled), None);
}
