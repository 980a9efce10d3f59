//! Invariant 4 over time: who is kept out of what, and names of adults who come later.

use super::*;
use axum::http::StatusCode;
use pastoral_collector::store::rerouting;
use pastoral_support::school::PEOPLE;

/// Who finds the names of a conflict on people's page or in the audit log.
async fn knows(browser: &mut Browser, reader: &str, about: &str) -> bool {
    let people = browser.get("/people").await.body;
    let audit = browser.get("/audit").await.body;
    let listed = people.contains(&format!("{reader} does not see what concerns {about}"));
    let logged = audit.contains(&format!("kept {reader} out of what concerns {about}"));
    assert_eq!(listed, logged, "both pages say the same");
    assert!(logged || audit.contains("changed who is kept out of what"));
    listed
}

#[tokio::test]
async fn a_conflict_is_known_by_name_only_to_who_recorded_it_and_who_may_read_about_that_person() {
    for (by, reader, about, expected) in [
        // About a pupil: the lead, the deputy and the headteacher read; who is kept out does not learn of it. Headteacher
        // and chair know of all that are not about themselves.
        ("ann", "bo", "pip", ["ann", "cy", "di"].as_slice()),
        // About a member of staff: the headteacher; and whoever recorded it.
        ("ann", "bo", "flo", &["ann", "cy", "di"]),
        ("cy", "bo", "flo", &["cy", "di"]),
        // The headteacher is kept out: the chair reads, and the headteacher knows because they recorded it.
        ("cy", "cy", "flo", &["cy", "di"]),
        // About the headteacher: the chair; the lead who recorded it; never the headteacher.
        ("ann", "bo", "cy", &["ann", "di"]),
        ("di", "bo", "cy", &["di"]),
        // About the chair: the headteacher.
        ("cy", "bo", "di", &["cy"]),
        // About the lead: the headteacher, not the lead.
        ("cy", "bo", "ann", &["cy", "di"]),
    ] {
        let (school, router) = school().await;
        let everybody = [ANN, BO, CY, DI, ED];
        let mut people = signed_in(&school, &router, everybody).await;
        let place = everybody.iter().position(|(person, _)| *person == by).unwrap();
        let fields = [("reader", reader), ("about", about)];
        let done = people[place].post("/people", "/people/conflicts", &fields).await;
        let alone = by == reader;
        let said = if alone { "conflict" } else { "conflict-a-day" };
        assert_eq!(done.location(), format!("/people?done={said}"));
        let full = |id: &str| PEOPLE.iter().find(|known| known.id == id).unwrap().name();
        for ((person, _), browser) in everybody.iter().zip(&mut people) {
            let told = knows(browser, &full(reader), &full(about)).await;
            assert_eq!(
                told,
                expected.contains(person),
                "{person}: {by} kept {reader} from {about}"
            );
            if !told {
                let ended = browser.post("/people", "/people/conflicts/end", &fields).await;
                assert_eq!(
                    ended.status,
                    StatusCode::NOT_FOUND,
                    "{person} ends what they do not know of"
                );
            }
        }
    }
}

async fn change(school: &School, statement: &'static str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(statement).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

const JOINS: &str =
    "INSERT INTO person (school_id, person_id, source_id, role, username, given_name, family_name, email)
    SELECT school_id, 'hal', 'hal', 'staff', 'hal', 'Hal', 'Quillfeather', 'hal@oak.example' FROM school";

const NAMES_HAL: Seen<'static> = Seen {
    text: "an unkind title about mr quillfeather",
    provenance: "typed",
    ..TITLE
};

#[tokio::test]
async fn what_names_somebody_who_joins_later_is_never_seen_by_them_and_goes_to_the_others() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    let (named, other) = (school.concern(&NAMES_HAL).await, school.concern(&TITLE).await);
    change(&school, JOINS).await;
    let [mut hal] = signed_in(&school, &router, [("hal", Duty::Deputy)]).await;
    // As when the duty is agreed to: everything goes to them that nothing is known to name them in.
    let mut tx = school.app.store.write().await.unwrap();
    rerouting::reroute_all(&mut tx, &school.app.telling(), school.now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    for path in ["/queue", "/audit", "/health", "/closed"] {
        assert!(!hal.get(path).await.body.contains(&named), "{path}");
    }
    assert!(hal.get("/queue").await.body.contains(&other));
    assert_eq!(
        hal.get(&format!("/concerns/{named}")).await.status,
        StatusCode::NOT_FOUND
    );
    let page = ann.get(&format!("/concerns/{named}")).await;
    assert!(page.body.contains("quillfeather"));
    let log = ann.get("/audit").await.body;
    assert!(log.contains("found a name that is new at the school"));
    assert!(!hal.get("/audit").await.body.contains("found a name that is new"));
}

#[tokio::test]
async fn a_name_that_a_reader_takes_while_a_page_is_open_counts_at_the_next_page_and_in_the_live_queue() {
    let (school, router) = school().await;
    let [mut bo, _ann] = signed_in(&school, &router, [BO, ANN]).await;
    let named = school.concern(&NAMES_HAL).await;
    assert!(bo.get("/queue").await.body.contains(&named));
    change(
        &school,
        "UPDATE person SET family_name = 'Quillfeather' WHERE person_id = 'bo'",
    )
    .await;
    let mut stream = bo.live().await.into_body().into_data_stream();
    let first = futures_util::StreamExt::next(&mut stream).await.unwrap().unwrap();
    assert!(!String::from_utf8_lossy(&first).contains(&named));
    assert_eq!(
        bo.get(&format!("/concerns/{named}")).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_a_reader_wrote_by_hand_keeps_out_nobody_who_takes_a_name_in_it_later() {
    let (school, router) = school().await;
    let [mut ann, mut bo] = signed_in(&school, &router, [ANN, BO]).await;
    let form = [
        ("person", "pip"),
        ("kind", "bullying"),
        ("severity", "2"),
        ("words", "Pip says that Mr Quillfeather heard it."),
    ];
    let done = ann.post("/concerns/new", "/concerns/new", &form).await;
    let path = done.location().split('?').next().unwrap().to_owned();
    assert_eq!(bo.get(&path).await.status, StatusCode::OK);
    change(
        &school,
        "UPDATE person SET family_name = 'Quillfeather' WHERE person_id = 'bo'",
    )
    .await;
    for browser in [&mut bo, &mut ann] {
        assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    }
}

/// "Rang mum together with the deputy, by name" must not throw the deputy off the case.
#[tokio::test]
async fn a_reader_named_in_a_note_is_asked_about_and_kept_out_only_when_their_conduct_is_meant() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let to = format!("{path}/note");
    let words = "Rang mum together with Bo Carrow.";
    let asked = ann.post(&path, &to, &[("words", words)]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.body.contains("Is it about what Bo Carrow did?") && asked.body.contains(words));
    assert!(!bo.get(&path).await.body.contains(words), "nothing is saved yet");
    let saved = ann
        .post(&path, &to, &[("words", words), ("conduct-bo", "no")])
        .await;
    assert!(saved.location().ends_with("done=noted"));
    assert!(bo.get(&path).await.body.contains(words));
    // What names its writer, or nobody who reads, is asked about nothing.
    let own = ann
        .post(&path, &to, &[("words", "Ann Leigh rang, then Flo Garside.")])
        .await;
    assert!(own.location().ends_with("done=noted"));
    let meant = [("words", "Bo Carrow pushed Pip."), ("conduct-bo", "yes")];
    let saved = ann.post(&path, &to, &meant).await;
    assert!(saved.location().ends_with("done=conduct"));
    assert_eq!(bo.get(&path).await.status, StatusCode::NOT_FOUND);
    assert!(ann.get(&path).await.body.contains("Bo Carrow pushed Pip."));
    let people = cy.get("/people").await.body;
    assert!(
        people.contains("Bo Carrow does not see what concerns Pip Ibbotson")
            && people.contains("unless a second person")
    );
    let fields = [("reader", "bo"), ("about", "pip")];
    let refused = ann.post("/people", "/people/conflicts/agree", &fields).await;
    assert_eq!(
        refused.status,
        StatusCode::NOT_FOUND,
        "who recorded it does not agree to it"
    );
    let agreed = cy.post("/people", "/people/conflicts/agree", &fields).await;
    assert_eq!(agreed.location(), "/people?done=conflict");
    assert!(cy.get("/people").await.body.contains("Cy Dunstan agreed."));
}

#[tokio::test]
async fn whose_conduct_a_concern_recorded_by_hand_is_about_does_not_read_it_from_the_first_moment() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let words = "Pip says that Mr Carrow shouted at him.";
    for person in ["pip", "unknown"] {
        let mut form = vec![
            ("person", person.to_owned()),
            ("kind", "bullying".to_owned()),
            ("severity", "3".to_owned()),
            ("words", words.to_owned()),
        ];
        let csrf = ann.get("/concerns/new").await.field("csrf");
        let asked = ann.send("/concerns/new", &csrf, &form).await;
        assert!(
            asked.body.contains("Is it about what Bo Carrow did?"),
            "{}",
            asked.body
        );
        form.push(("conduct-bo", "yes".to_owned()));
        let saved = ann.send("/concerns/new", &csrf, &form).await;
        let path = saved.location().split('?').next().unwrap().to_owned();
        assert_eq!(bo.get(&path).await.status, StatusCode::NOT_FOUND, "{person}");
        assert!(cy.get(&path).await.body.contains(words), "{person}");
        let told: i64 =
            sqlx::query_scalar("SELECT count(*) FROM outbox WHERE person_id = 'bo' AND notice = 'new'")
                .fetch_one(&mut *school.app.store.read().await.unwrap())
                .await
                .unwrap();
        assert_eq!(told, 0, "{person}");
    }
}

/// P27: the page offers what the store allows.
#[tokio::test]
async fn who_is_perhaps_named_by_a_page_reads_it_with_somebody_who_is_not_and_cannot_close_it_alone() {
    let (school, router) = school().await;
    let [mut cy, mut di] = signed_in(&school, &router, [CY, DI]).await;
    let seen = Seen {
        account: "flo",
        device: "STAFF-3",
        topic: Topic::Buying,
        severity: 2,
        text: "an unkind page about Mr Dunstan",
        ..TITLE
    };
    let path = format!("/concerns/{}", school.concern(&seen).await);
    // Sealed to the keys of both.
    for browser in [&mut cy, &mut di] {
        let page = browser.get(&path).await.body;
        assert!(
            page.contains("<mark>unkind</mark>") && page.contains("perhaps names somebody"),
            "{page}"
        );
    }
    let close = [("outcome", "no-action"), ("words", "Nothing in it.")];
    let proposed = cy.post(&path, &format!("{path}/close"), &close).await;
    assert!(proposed.location().ends_with("done=close-proposed"));
    let agreed = di.post(&path, &format!("{path}/agree"), &[]).await;
    assert!(agreed.location().ends_with("done=closed"));
}
