//! What lies in the school safe is opened with the chair's sheet, by a reader whom it is not about, with a reason, and
//! never unseen.

use super::*;
use crate::school::SCHOOL;
use axum::http::StatusCode;
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::seal::GroupPrivateKey;
use pastoral_collector::seal::sheet::{self, Sheet};
use pastoral_collector::store::{keys, safe};

/// The sheets as `init` prints them.
pub(super) async fn sheets(school: &School) -> [String; 2] {
    let keys: Vec<_> = school
        .privates
        .iter()
        .map(|(group, key)| (*group, key.clone()))
        .collect();
    let publics = keys::publics(&mut school.app.store.read().await.unwrap(), SCHOOL)
        .await
        .unwrap();
    Sheet::ALL.map(|sheet| sheet::text(sheet, "Oak Lane Primary", &keys, &publics).to_string())
}

/// Puts a concern into the safe, as if there had been no reader for it when it came.
pub(super) async fn into_the_safe(school: &School, concern_id: &str) {
    let rows = keys::data_keys(&mut school.app.store.read().await.unwrap(), SCHOOL, concern_id)
        .await
        .unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    for row in rows {
        let to = school.app.sealer.public(ReaderGroup::Safe).unwrap();
        let from = &school.privates[&row.group];
        let moved = pastoral_collector::seal::content::reseal(&[row], from, ReaderGroup::Safe, to).unwrap();
        keys::replace_data_keys(&mut tx, SCHOOL, &moved).await.unwrap();
    }
    for statement in [
        "DELETE FROM concern_reader WHERE concern_id = ?",
        "UPDATE concern SET reader_group = 'safe' WHERE concern_id = ?",
    ] {
        sqlx::query(statement)
            .bind(concern_id)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
}

pub(super) async fn unlock(browser: &mut Browser, sheet: &str) -> school::browser::Page {
    browser.post("/safe", "/safe", &[("sheet", sheet)]).await
}

async fn notices(school: &School, sort: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT person_id FROM outbox WHERE notice = ? ORDER BY person_id")
        .bind(sort)
        .fetch_all(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

async fn recorded(school: &School) -> Vec<String> {
    sqlx::query_scalar("SELECT action FROM audit ORDER BY sequence")
        .fetch_all(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_chair_s_sheet_opens_what_is_in_the_safe_with_a_reason_first_and_every_reader_is_told() {
    let (school, router) = school().await;
    let [_, mut bo, _, _] = signed_in(&school, &router, [ANN, BO, CY, DI]).await;
    let id = school.concern(&SEARCH).await;
    into_the_safe(&school, &id).await;
    let [_, chair] = sheets(&school).await;
    assert_eq!(bo.get(&format!("/safe/concerns/{id}")).await.location(), "/safe");
    assert_eq!(unlock(&mut bo, &chair).await.location(), "/safe?done=safe-opened");
    assert_eq!(notices(&school, "safe-opened").await, ["ann", "bo", "cy", "di"]);
    let list = bo.get("/safe").await.body;
    assert!(list.contains(&id) && list.contains("Pip Ibbotson") && !list.contains("worrying"));
    let path = format!("/safe/concerns/{id}");
    assert!(
        !bo.get(&path).await.body.contains("worrying"),
        "a reason comes first"
    );
    let empty = bo.post("/safe", &path, &[("words", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!empty.body.contains("worrying"));
    bo.post("/safe", &path, &[("words", "Pip may be in danger.")])
        .await;
    let page = bo.get(&path).await.body;
    assert!(page.contains("<mark>worrying</mark>"), "{page}");
    assert!(page.contains("Pip may be in danger."));
    let done = recorded(&school).await;
    for action in [
        "safe-opened",
        "safe-listed",
        "concern-safe-opened",
        "concern-safe-viewed",
    ] {
        assert!(done.contains(&action.to_owned()), "{action}: {done:?}");
    }
    // Neither the sheet nor the reason stands anywhere readable.
    let texts: Vec<String> = sqlx::query_scalar(
        "SELECT COALESCE(detail, '') FROM audit UNION ALL SELECT detail FROM action UNION ALL SELECT COALESCE(matter, '') FROM outbox",
    )
    .fetch_all(&mut *school.app.store.read().await.unwrap())
    .await
    .unwrap();
    let key = chair.lines().find_map(|line| line.strip_prefix("safe ")).unwrap();
    assert!(
        !texts
            .iter()
            .any(|text| text.contains(&key[..9]) || text.contains("danger"))
    );
    bo.post("/safe", "/safe/close", &[]).await;
    assert_eq!(bo.get(&path).await.location(), "/safe", "closed is closed");
}

#[tokio::test]
async fn whoever_holds_the_sheet_opens_nothing_that_is_about_them() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let staff = Seen {
        device: "STAFF-3",
        topic: Topic::Gambling,
        ..SEARCH
    };
    let about_cy = school
        .concern(&Seen {
            account: "cy",
            ..staff.clone()
        })
        .await;
    let about_flo = school
        .concern(&Seen {
            account: "flo",
            ..staff.clone()
        })
        .await;
    let names_cy = Seen {
        text: "an invented worrying search about Mr Cy Dunstan",
        ..SEARCH
    };
    let names_cy = school.concern(&names_cy).await;
    let of_pupil = school.concern(&SEARCH).await;
    for id in [&about_cy, &about_flo, &names_cy, &of_pupil] {
        into_the_safe(&school, id).await;
    }
    let [_, chair] = sheets(&school).await;
    for (browser, may) in [
        (&mut cy, [&about_flo, &of_pupil].as_slice()),
        (&mut ann, &[&names_cy, &of_pupil]),
    ] {
        unlock(browser, &chair).await;
        let list = browser.get("/safe").await.body;
        for id in [&about_cy, &about_flo, &names_cy, &of_pupil] {
            let is_theirs = may.contains(&id);
            assert_eq!(list.contains(id.as_str()), is_theirs);
            let path = format!("/safe/concerns/{id}");
            if !is_theirs {
                assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
                let words = [("words", "because")];
                assert_eq!(
                    browser.post("/safe", &path, &words).await.status,
                    StatusCode::NOT_FOUND
                );
                let give = format!("{path}/give");
                assert_eq!(
                    browser.post("/safe", &give, &[]).await.status,
                    StatusCode::NOT_FOUND
                );
            }
        }
    }
    // A technician who found the sheet: there is no such page for them.
    assert_eq!(ed.get("/safe").await.status, StatusCode::NOT_FOUND);
    let csrf = ed.get("/account/password").await.field("csrf");
    let fields = [("sheet", chair.clone())];
    assert_eq!(
        ed.send("/safe", &csrf, &fields).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_wrong_sheet_opens_nothing_says_what_is_wrong_and_is_recorded() {
    let (school, router) = school().await;
    let [mut di] = signed_in(&school, &router, [DI]).await;
    let [head, chair] = sheets(&school).await;
    let line = chair.lines().find(|line| line.starts_with("safe ")).unwrap();
    let letter = if &line[9..10] == "-" && line[5..6] != *"A" {
        "A"
    } else {
        "Q"
    };
    let mistyped = chair.replace(line, &format!("safe {letter}{}", &line[6..]));
    let mut other = Vec::new();
    for group in ReaderGroup::ALL {
        other.push((group, GroupPrivateKey::generate().0));
    }
    let publics = other.iter().map(|(group, key)| (*group, key.public())).collect();
    let other = sheet::text(Sheet::Chair, "Another", &other, &publics).to_string();
    for (typed, says) in [
        (head.as_str(), "The chair’s sheet does"),
        (&mistyped, "is mistyped"),
        (&other, "of another school"),
        ("", "Type the chair’s sheet"),
        ("safe <script>", "is mistyped"),
        (&"safe A".repeat(4_000), "too long"),
    ] {
        let page = unlock(&mut di, typed).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{says}");
        assert!(page.body.contains(says), "{says}: {}", page.body);
        // What was typed does not come back.
        assert!(!page.body.contains(&line[5..14]) && !page.body.contains("<script>"));
        assert!(page.body.contains("id=\"sheet\""), "the safe is still closed");
    }
    assert_eq!(
        recorded(&school)
            .await
            .iter()
            .filter(|action| *action == "safe-refused")
            .count(),
        6
    );
    assert!(notices(&school, "safe-opened").await.is_empty());
    // The one copy that earlier versions printed opens it as well.
    let old: String = format!("{head}{chair}")
        .lines()
        .filter(|line| !line.starts_with("check"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        unlock(&mut di, &old.to_lowercase()).await.location(),
        "/safe?done=safe-opened"
    );
}

#[tokio::test]
async fn a_concern_in_the_safe_is_given_to_those_who_may_read_it_now() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let id = school.concern(&SEARCH).await;
    into_the_safe(&school, &id).await;
    assert_eq!(
        ann.get(&format!("/concerns/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    let [_, chair] = sheets(&school).await;
    unlock(&mut bo, &chair).await;
    let give = format!("/safe/concerns/{id}/give");
    assert_eq!(
        bo.post("/safe", &give, &[]).await.location(),
        "/safe?done=safe-given"
    );
    let page = ann.get(&format!("/concerns/{id}")).await.body;
    assert!(page.contains("<mark>worrying</mark>"), "{page}");
    assert!(page.contains("gave it out of the school safe"));
    assert!(!bo.get("/safe").await.body.contains(&id));
    // The safe's key is no longer needed for it, and what reads it holds no key of the safe.
    let groups: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT reader_group FROM data_key WHERE concern_id = ?")
            .bind(&id)
            .fetch_all(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap();
    assert_eq!(groups, ["pupil"]);
}

#[tokio::test]
async fn the_only_reader_who_is_left_opens_it_and_can_make_it_theirs() {
    let (school, router) = school().await;
    let [mut di] = signed_in(&school, &router, [DI]).await;
    let id = school.concern(&SEARCH).await;
    into_the_safe(&school, &id).await;
    let [_, chair] = sheets(&school).await;
    unlock(&mut di, &chair).await;
    let path = format!("/safe/concerns/{id}");
    di.post("/safe", &path, &[("words", "Nobody else is left.")])
        .await;
    assert!(di.get(&path).await.body.contains("<mark>worrying</mark>"));
    di.post("/safe", &format!("{path}/give"), &[]).await;
    let page = di.get(&format!("/concerns/{id}")).await.body;
    assert!(
        page.contains("<mark>worrying</mark>") && page.contains("Nobody else is left."),
        "{page}"
    );
}

/// Puts a record into quarantine, as delivery does.
pub(super) async fn quarantine(school: &School, device: &str, sequence: i64, bytes: &[u8]) -> String {
    let public = school.app.sealer.public(ReaderGroup::Safe).unwrap();
    let sealed = public.seal(bytes, safe::purpose(device).as_bytes()).unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(
        "INSERT INTO quarantine (school_id, device_id, epoch, sequence, reason, sealed, received_at)
         VALUES (?, ?, x'0a', ?, 'it is no record', ?, ?)",
    )
    .bind(SCHOOL)
    .bind(device)
    .bind(sequence)
    .bind(sealed)
    .bind(school.now)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    format!("/safe/records/{device}.0a.{sequence}")
}

#[tokio::test]
async fn a_record_that_could_not_be_read_is_shown_as_text_with_a_reason_and_can_be_removed() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let bytes = b"\x01\xff\xfe<script>alert(1)</script>\x1b[2J I want to disappear";
    let path = quarantine(&school, "LAPTOP-12", 1, bytes).await;
    let staff = quarantine(&school, "STAFF-3", 2, b"of a member of staff").await;
    let [_, chair] = sheets(&school).await;
    unlock(&mut ann, &chair).await;
    let list = ann.get("/safe").await.body;
    assert!(list.contains(&path) && list.contains("LAPTOP-12") && list.contains("It is no record"));
    assert!(!list.contains(&staff), "a lead does not read what is of staff");
    assert_eq!(ann.get(&staff).await.status, StatusCode::NOT_FOUND);
    assert!(!ann.get(&path).await.body.contains("disappear"));
    let discard = format!("{path}/discard");
    assert_eq!(
        ann.post("/safe", &discard, &[]).await.location(),
        "/safe",
        "read it first"
    );
    ann.post("/safe", &path, &[("words", "It may be a child’s.")])
        .await;
    let page = ann.get(&path).await.body;
    assert!(
        page.contains("I want to disappear") && page.contains("It may be a child’s."),
        "{page}"
    );
    assert!(!page.contains("<script>alert"), "text is text");
    assert!(!page.contains('\u{1b}'));
    assert_eq!(
        ann.post("/safe", &discard, &[]).await.location(),
        "/safe?done=record-discarded"
    );
    assert_eq!(ann.get(&path).await.status, StatusCode::NOT_FOUND);
    let done = recorded(&school).await;
    for action in ["record-opened", "record-viewed", "record-discarded"] {
        assert!(done.contains(&action.to_owned()), "{action}");
    }
}

#[tokio::test]
async fn a_record_that_names_its_opener_is_neither_shown_to_them_nor_removed_by_them() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let named = quarantine(&school, "LAPTOP-12", 1, b"\x00Mrs Ann Leigh shouted").await;
    let account = quarantine(&school, "LAPTOP-12", 2, b"\x0a\x03ann\x12 typed this").await;
    let [_, chair] = sheets(&school).await;
    for path in [&named, &account] {
        unlock(&mut ann, &chair).await;
        ann.post("/safe", path, &[("words", "I look.")]).await;
        let page = ann.get(path).await.body;
        assert!(page.contains("It is not for you to read"), "{page}");
        assert!(!page.contains("shouted") && !page.contains("typed this"));
        let discard = format!("{path}/discard");
        assert_eq!(
            ann.post("/safe", &discard, &[]).await.status,
            StatusCode::NOT_FOUND
        );
    }
    unlock(&mut bo, &chair).await;
    bo.post("/safe", &named, &[("words", "Ann may not.")]).await;
    assert!(bo.get(&named).await.body.contains("shouted"));
}

#[tokio::test]
async fn a_record_becomes_a_concern_in_its_readers_session_and_in_no_address() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let path = quarantine(
        &school,
        "LAPTOP-12",
        1,
        "I want <to> disappear\nfor good".as_bytes(),
    )
    .await;
    let [_, chair] = sheets(&school).await;
    unlock(&mut ann, &chair).await;
    ann.post("/safe", &path, &[("words", "It may be a child’s.")])
        .await;
    let page = ann.get(&path).await;
    assert!(page.body.contains("action=\"/concerns/new\""), "{}", page.body);
    let record = page.field("record").replace("&#60;", "<").replace("&#62;", ">");
    let form = ann.post(&path, "/concerns/new", &[("record", &record)]).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(
        form.body.contains("disappear\nfor good</textarea>"),
        "{}",
        form.body
    );
    assert!(
        !form.body.contains("There is a problem"),
        "nothing was asked of it yet"
    );
    let drafts: i64 = sqlx::query_scalar("SELECT count(*) FROM draft")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(drafts, 0, "what lies in the safe is kept nowhere else");
    let fields = [
        ("person", "pip"),
        ("kind", "self-harm"),
        ("severity", "4"),
        ("words", &record),
    ];
    let done = ann.post("/concerns/new", "/concerns/new", &fields).await;
    let concern = done.location().split('?').next().unwrap().to_owned();
    assert!(
        ann.get(&concern)
            .await
            .body
            .contains("I want &#60;to&#62; disappear")
    );
}
