//! The school's list of people: given, shown, and confirmed by those who have to.

use super::*;
use crate::school::browser::Page;
use crate::school::email;
use axum::body::Body;
use axum::http::{StatusCode, header};
use pastoral_collector::store::wanted;
use pastoral_support::school::PEOPLE;

const IMPORT: &str = "/people/import";
const BOUNDARY: &str = "----invented";

/// Everybody of the school as its own system lists them, without some, with further rows.
pub(super) fn list(without: &[&str], more: &[&str]) -> String {
    let mut csv = "sourcedId,role,username,givenName,familyName,email,grades\n".to_owned();
    for person in PEOPLE.iter().filter(|person| !without.contains(&person.id)) {
        let role = match person.role {
            "pupil" => "student",
            "outside" => "guardian",
            "governor" => "governor",
            _ => "teacher",
        };
        let (id, given, family) = (person.id, person.given, person.family);
        csv.push_str(&format!(
            "{id},{role},{id},{given},{family},{},{}\n",
            email(id),
            person.year
        ));
    }
    for row in more {
        csv.push_str(row);
        csv.push('\n');
    }
    csv
}

async fn send(browser: &mut Browser, csrf: &str, name: &str, bytes: &[u8]) -> Page {
    let mut body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
    )
    .into_bytes();
    body.extend(bytes);
    body.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    let request = browser
        .request("POST", IMPORT)
        .header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={BOUNDARY}"),
        )
        .header("sec-fetch-site", "same-origin")
        .body(Body::from(body))
        .unwrap();
    browser.answer(request).await
}

async fn give(browser: &mut Browser, csv: &str) -> Page {
    let csrf = browser.get(IMPORT).await.field("csrf");
    send(browser, &csrf, "users.csv", csv.as_bytes()).await
}

/// Confirms what the page shows, or drops it.
async fn decide(browser: &mut Browser, decision: &str) -> Page {
    let page = browser.get(IMPORT).await;
    let mark = if page.body.contains("name=\"mark\"") {
        page.field("mark")
    } else {
        String::new()
    };
    let to = format!("{IMPORT}/{decision}");
    browser.send(&to, &page.field("csrf"), &[("mark", mark)]).await
}

async fn count(school: &School, query: &'static str) -> i64 {
    sqlx::query_scalar(query)
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

const NEW_PUPIL: &str = "new1,student,zed,Zedekiah,Unmistakable,,4";
const NEW_STAFF: &str = "new2,teacher,tee,Tee,Newcomer,tee@oak.example,";
const ACTIVE: &str = "SELECT COUNT(*) FROM person WHERE active";

#[tokio::test]
async fn a_technician_sees_what_would_change_and_no_child_s_name_before_anything_does() {
    let (school, router) = school().await;
    let [_ann, _cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let given = give(
        &mut ed,
        &list(
            &[],
            &[NEW_PUPIL, NEW_STAFF, "new3,wizard,w,Wizard,Unmistakable,,4"],
        ),
    )
    .await;
    assert_eq!(given.location(), IMPORT, "{}", given.body);
    let page = ed.get(IMPORT).await.body;
    assert!(page.contains("1 pupil and 1 adult are new"), "{page}");
    assert!(page.contains("Tee Newcomer (staff) is new"), "{page}");
    assert!(page.contains("users.csv:13: column role"), "{page}");
    assert!(
        !page.contains("Unmistakable") && !page.contains("Zedekiah") && !page.contains("Pip"),
        "{page}"
    );
    assert_eq!(count(&school, ACTIVE).await, 9);
    assert_eq!(
        decide(&mut ed, "confirm").await.location(),
        "/people/import?done=people-taken"
    );
    assert_eq!(count(&school, ACTIVE).await, 11);
    // People's data is kept no longer than it waits.
    assert_eq!(
        count(&school, "SELECT COUNT(*) FROM held_import WHERE reading <> ''").await,
        0
    );
    assert_eq!(
        give(&mut ed, &list(&[], &[NEW_PUPIL, NEW_STAFF]))
            .await
            .location(),
        "/people/import?done=people-same"
    );
    let audited =
        "SELECT COUNT(*) FROM audit WHERE action = 'people-imported' AND detail NOT LIKE '%Newcomer%'";
    assert_eq!(count(&school, audited).await, 1);
}

#[tokio::test]
async fn a_sweeping_list_waits_for_a_reader_and_no_technician_can_let_it_through() {
    let (school, router) = school().await;
    let [mut ann, _cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    give(&mut ed, &list(&["pip"], &[])).await;
    let page = ed.get(IMPORT).await.body;
    assert!(
        page.contains("more than a tenth") && !page.contains("I confirm"),
        "{page}"
    );
    assert_eq!(decide(&mut ed, "confirm").await.status, StatusCode::NOT_FOUND);
    assert_eq!(count(&school, ACTIVE).await, 9);
    // Whose word is wanted is told, by mail and in the menu.
    let told = "SELECT COUNT(*) FROM outbox WHERE person_id = 'ann' AND notice = 'agreement-wanted'";
    assert_eq!(count(&school, told).await, 1);
    let wanted = wanted::of(
        &mut school.app.store.read().await.unwrap(),
        crate::school::SCHOOL,
        "ann",
        clock::now_ms(),
    )
    .await
    .unwrap();
    assert_eq!(wanted, [(wanted::Place::People, 1)]);
    assert_eq!(
        decide(&mut ann, "confirm").await.location(),
        "/people/import?done=people-taken"
    );
    assert_eq!(count(&school, ACTIVE).await, 8);
}

/// A technician who wants somebody out cannot do it with a list; nor can they, or one reader alone, confirm it.
#[tokio::test]
async fn a_duty_ends_by_a_list_when_two_others_have_confirmed_it_and_not_before() {
    let (school, router) = school().await;
    let flo = ("flo", Duty::Deputy);
    let [mut ann, mut bo, mut cy, mut ed, _flo] = signed_in(&school, &router, [ANN, BO, CY, ED, flo]).await;
    // The only one who does a duty does not go by any list.
    let only = give(&mut ed, &list(&["ann"], &[])).await;
    assert!(
        only.body.contains("the only Designated Safeguarding Lead"),
        "{}",
        only.body
    );
    give(&mut ed, &list(&["bo"], &[])).await;
    for browser in [&mut ed, &mut bo] {
        assert_eq!(decide(browser, "confirm").await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        decide(&mut ann, "confirm").await.location(),
        "/people/import?done=people-first"
    );
    assert_eq!(decide(&mut ann, "confirm").await.status, StatusCode::NOT_FOUND);
    assert_eq!(decide(&mut ed, "confirm").await.status, StatusCode::NOT_FOUND);
    let held = "SELECT COUNT(*) FROM duty WHERE person_id = 'bo' AND ended_at IS NULL";
    assert_eq!(count(&school, held).await, 1);
    assert_eq!(
        decide(&mut cy, "confirm").await.location(),
        "/people/import?done=people-taken"
    );
    assert_eq!(count(&school, held).await, 0);
    assert_eq!(bo.get("/queue").await.location(), "/sign-in");
    let audited = "SELECT COUNT(*) FROM audit WHERE action IN ('people-import-held', 'people-import-confirmed', 'duty-ended')";
    assert_eq!(count(&school, audited).await, 4);
}

/// What somebody was shown is what happens.
#[tokio::test]
async fn a_list_that_would_do_something_else_by_now_is_shown_and_confirmed_anew() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    give(&mut ed, &list(&["flo", "quin"], &[])).await;
    assert_eq!(
        decide(&mut ann, "confirm").await.location(),
        "/people/import?done=people-first"
    );
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("INSERT INTO person (school_id, person_id, source_id, role, given_name, family_name) VALUES ($1, 'x', 'x', 'staff', 'X', 'Y')")
        .bind(crate::school::SCHOOL)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        decide(&mut cy, "confirm").await.location(),
        "/people/import?done=people-otherwise"
    );
    assert_eq!(count(&school, ACTIVE).await, 10);
    assert_eq!(
        decide(&mut cy, "confirm").await.location(),
        "/people/import?done=people-first"
    );
    assert_eq!(
        decide(&mut ann, "confirm").await.location(),
        "/people/import?done=people-taken"
    );
}

#[tokio::test]
async fn who_may_not_give_a_list_or_sends_no_form_of_ours_is_refused() {
    let (school, router) = school().await;
    let [mut ann, _cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    assert!(!ann.get(IMPORT).await.body.contains("type=\"file\""));
    let token = ann.get("/account").await.field("csrf");
    assert_eq!(
        send(&mut ann, &token, "users.csv", b"x").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        send(&mut ed, "forged", "users.csv", b"x").await.status,
        StatusCode::FORBIDDEN
    );
    let nobody = send(&mut Browser::new(&router), "x", "users.csv", b"x").await;
    assert_eq!(nobody.location(), "/sign-in");
    let workbook = give(&mut ed, "PK\u{3}\u{4}").await;
    assert_eq!(workbook.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(workbook.body.contains("Save As"), "{}", workbook.body);
    let none = {
        let csrf = ed.get(IMPORT).await.field("csrf");
        send(&mut ed, &csrf, "", b"").await
    };
    assert!(none.body.contains("Choose the file"), "{}", none.body);
    let large = give(&mut ed, &"x".repeat(33 * 1024 * 1024)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(count(&school, "SELECT COUNT(*) FROM held_import").await, 0);
}

#[tokio::test]
async fn a_list_that_waits_can_be_dropped_and_is_forgotten_after_a_week() {
    let (school, router) = school().await;
    let [_ann, _cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    give(&mut ed, &list(&["pip"], &[])).await;
    assert_eq!(
        decide(&mut ed, "drop").await.location(),
        "/people/import?done=people-dropped"
    );
    let kept = "SELECT COUNT(*) FROM held_import WHERE reading <> ''";
    assert_eq!(count(&school, kept).await, 0);
    give(&mut ed, &list(&["pip"], &[])).await;
    assert_eq!(count(&school, kept).await, 1);
    let week = 7 * 24 * 60 * 60 * 1000;
    let mut tx = school.app.store.write().await.unwrap();
    pastoral_collector::store::held_import::forget_old(
        &mut tx,
        crate::school::SCHOOL,
        clock::now_ms() + week,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(&school, kept).await, 0);
}
