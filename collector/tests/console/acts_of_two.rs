//! Acts of two people on somebody's access: what one alone cannot do, what links and codes open, and what is told.

use super::access::{proposal, told};
use super::*;
use crate::school::browser::{PASSWORD, Page};
use crate::school::{SCHOOL, email};
use axum::http::StatusCode;
use pastoral_collector::access::{self, Link, Refused, SecondFactor, Typed, VoiceCode, Work, acts};
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::seal::GroupPrivateKey;
use pastoral_collector::store::proposals::{self, Change};
use pastoral_collector::store::{access as users, members};

/// A number from the store.
async fn number(school: &School, query: &'static str) -> i64 {
    let found = sqlx::query_scalar(query).fetch_one(school.app.store.read());
    found.await.unwrap()
}

async fn vault(school: &School, person: &str) -> Vec<u8> {
    let found = sqlx::query_scalar("SELECT vault FROM user WHERE person_id = ?").bind(person);
    found.fetch_one(school.app.store.read()).await.unwrap()
}

/// Whom mails of a sort went to, sorted.
async fn mailed(school: &School, sort: &str, part: &str) -> Vec<String> {
    let found = sqlx::query_scalar(
        "SELECT DISTINCT address FROM outbox WHERE notice = ? AND body LIKE '%' || ? || '%' ORDER BY address",
    );
    let found = found.bind(sort.to_owned()).bind(part.to_owned());
    found.fetch_all(school.app.store.read()).await.unwrap()
}

/// Changes the database, as somebody with root can.
async fn tamper(school: &School, query: &'static str) {
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(query).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

async fn propose_reset(who: &mut Browser, person: &str) -> Page {
    let page = format!("/people/{person}");
    who.post(&page, &format!("{page}/link"), &[]).await
}

async fn agree(school: &School, who: &mut Browser) -> Page {
    let path = format!("/people/proposals/{}/agree", proposal(school).await);
    who.post("/people", &path, &[]).await
}

#[tokio::test]
async fn a_duty_never_touches_how_somebody_signs_in() {
    let (school, router) = school().await;
    let [mut ann, mut bo, cy, mut ed] = signed_in(&school, &router, [ANN, BO, CY, ED]).await;
    let before = vault(&school, "cy").await;
    let fields = [("person", "cy"), ("duty", "technician")];
    let by_technician = ed.post("/people", "/people/grant", &fields).await;
    assert_eq!(
        by_technician.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a technician proposes nothing"
    );
    let fields = [("person", "cy"), ("duty", "deputy")];
    ann.post("/people", "/people/grant", &fields).await;
    let agreed = agree(&school, &mut bo).await;
    assert_eq!(
        agreed.location(),
        "/people?done=agreed",
        "no code, for there is no link"
    );
    let links = "SELECT count(*) FROM invitation WHERE person_id = 'cy' AND used_at IS NULL";
    assert_eq!(number(&school, links).await, 0);
    assert_eq!(vault(&school, "cy").await, before);
    let code = cy.code(1);
    let mut again = Browser::new(&router);
    assert_eq!(again.sign_in("cy", PASSWORD, &code).await.location(), "/");
    assert!(again.get("/queue").await.body.contains("Headteacher"));
    assert!(again.get("/queue").await.body.contains("Deputy"));
}

#[tokio::test]
async fn the_keys_of_a_grant_are_there_at_the_next_sign_in() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut di] = signed_in(&school, &router, [ANN, CY, DI]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let fields = [("person", "di"), ("duty", "deputy")];
    ann.post("/people", "/people/grant", &fields).await;
    agree(&school, &mut cy).await;
    let page = di.get(&path).await;
    assert_eq!(page.status, StatusCode::OK, "the duty counts at once");
    assert!(
        !page.body.contains("<mark>unkind</mark>"),
        "the key is not in this session yet"
    );
    let mut again = Browser::new(&router);
    let code = di.code(1);
    again.sign_in("di", PASSWORD, &code).await;
    assert!(again.get(&path).await.body.contains("<mark>unkind</mark>"));
    assert_eq!(
        number(&school, "SELECT count(*) FROM sealed_key").await,
        0,
        "taken"
    );
    assert!(!ann.get("/people").await.body.contains("Waits for the keys"));
    let mut third = Browser::new(&router);
    third.sign_in("di", PASSWORD, &di.recovery[0]).await;
    assert!(
        third.get(&path).await.body.contains("<mark>unkind</mark>"),
        "in the vault"
    );
}

#[tokio::test]
async fn a_reset_takes_two_others_ends_the_old_sign_in_and_is_told() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut di] = signed_in(&school, &router, [ANN, CY, DI]).await;
    let own = propose_reset(&mut cy, "cy").await;
    assert_eq!(own.status, StatusCode::NOT_FOUND, "not one's own");
    let page = ann.get("/people/cy").await.body;
    assert!(page.contains("A reset loses every key") && page.contains("concerns about staff does not come"));
    assert_eq!(
        propose_reset(&mut ann, "cy").await.location(),
        "/people?done=proposed"
    );
    let waits = format!("/people/proposals/{}/agree", proposal(&school).await);
    for (who, why) in [(&mut ann, "the proposer"), (&mut cy, "the subject")] {
        assert_eq!(
            who.post("/people", &waits, &[]).await.status,
            StatusCode::NOT_FOUND,
            "{why}"
        );
    }
    assert!(
        di.get("/people").await.body.contains("A reset loses every key"),
        "said before agreeing"
    );
    let agreed = di.post("/people", &waits, &[]).await;
    let code = told(&agreed);
    assert!(!agreed.body.contains("/join/"), "the link is shown to nobody");
    let link = school.mailed_link("cy").await;
    assert_eq!(
        mailed(&school, "link", "/join/").await,
        [email("ann"), email("cy"), email("di")],
        "each their own"
    );
    let everybody = [email("ann"), email("cy"), email("di")];
    assert_eq!(mailed(&school, "access", "is being reset").await, everybody);
    assert!(mailed(&school, "access", &code).await.is_empty());
    assert_eq!(
        cy.get("/queue").await.status,
        StatusCode::OK,
        "as before, until it is used"
    );
    let mut new = Browser::new(&router);
    let joined = new.join(&link, &code).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert_eq!(mailed(&school, "access", "was reset").await, everybody);
    assert_eq!(cy.get("/queue").await.location(), "/sign-in", "old sessions end");
    let by_old = Browser::new(&router)
        .sign_in("cy", PASSWORD, &cy.recovery[0])
        .await;
    assert_eq!(
        by_old.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "old recovery codes open nothing"
    );
    assert!(
        ann.get("/audit")
            .await
            .body
            .contains("reset their sign-in with the link")
    );
    assert!(
        Browser::new(&router)
            .get(&link)
            .await
            .body
            .contains("cannot be used"),
        "a link serves once"
    );
}

#[tokio::test]
async fn keys_that_nobody_gave_wait_until_a_holder_gives_them() {
    let (school, router) = school().await;
    let [mut ann, _cy, mut di] = signed_in(&school, &router, [ANN, CY, DI]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    // The chair and the independent reader hold no key of the headteacher's.
    let [mut gil] = signed_in(&school, &router, [("gil", Duty::Independent)]).await;
    propose_reset(&mut di, "cy").await;
    let code = told(&agree(&school, &mut gil).await);
    let mut cy = Browser::new(&router);
    cy.join(&school.mailed_link("cy").await, &code).await;
    let page = cy.get(&path).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("<mark>unkind</mark>"));
    let people = ann.get("/people").await.body;
    assert!(people.contains("Waits for the keys"), "{people}");
    let key = cy.get("/account").await.body;
    let key = key
        .split("id=\"key\">")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    assert!(
        ann.get("/people/cy").await.body.contains(key),
        "to be compared by voice"
    );
    let given = ann.post("/people/cy", "/people/cy/keys", &[]).await;
    assert_eq!(given.location(), "/people?done=keys", "{}", given.body);
    let mut again = Browser::new(&router);
    again.sign_in("cy", PASSWORD, &cy.recovery[0]).await;
    assert!(again.get(&path).await.body.contains("<mark>unkind</mark>"));
    let people = ann.get("/people").await.body;
    assert!(people.contains("concerns about staff") && !people.contains("concerns about pupils"));
}

#[tokio::test]
async fn who_lost_their_duty_between_agrees_to_nothing_and_neither_counts_who_proposed() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    ann.post(
        "/people",
        "/people/grant",
        &[("person", "flo"), ("duty", "deputy")],
    )
    .await;
    let waits = format!("/people/proposals/{}/agree", proposal(&school).await);
    tamper(&school, "UPDATE duty SET ended_at = 1 WHERE person_id = 'bo'").await;
    assert!(
        bo.post("/sign-in", &waits, &[])
            .await
            .location()
            .starts_with("/sign-in")
    );
    tamper(&school, "UPDATE duty SET ended_at = 1 WHERE person_id = 'ann'").await;
    assert_eq!(
        cy.post("/people", &waits, &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        number(&school, "SELECT count(*) FROM duty WHERE person_id = 'flo'").await,
        0
    );
}

#[tokio::test]
async fn the_same_is_proposed_once_and_decided_once() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let fields = [("person", "flo"), ("duty", "deputy")];
    ann.post("/people", "/people/grant", &fields).await;
    let twice = bo.post("/people", "/people/grant", &fields).await;
    assert!(twice.body.contains("proposed already"), "{}", twice.body);
    let waits = format!("/people/proposals/{}/agree", proposal(&school).await);
    let page = cy.get("/people").await;
    let (mut other, csrf) = (cy.clone(), page.field("csrf"));
    let (one, two) = tokio::join!(cy.send(&waits, &csrf, &[]), other.send(&waits, &csrf, &[]));
    let mut statuses = [one.status, two.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::NOT_FOUND]);
    assert_eq!(
        number(&school, "SELECT count(*) FROM invitation WHERE person_id = 'flo'").await,
        1
    );
}

#[tokio::test]
async fn with_one_other_reader_left_a_reset_takes_the_recovery_copy_and_no_technician() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    let refused = propose_reset(&mut cy, "ann").await;
    assert!(refused.body.contains("recovery copy"), "{}", refused.body);
    assert_eq!(number(&school, "SELECT count(*) FROM proposal").await, 0);
    // An end of a duty and a change wait for the copy, and a technician is no second for a reader.
    let change = [
        ("given", "Ann"),
        ("family", "Leigh"),
        ("email", "other@oak.example"),
        ("role", "staff"),
    ];
    cy.post("/people/ann", "/people/ann/change", &change).await;
    assert_eq!(agree(&school, &mut ed).await.status, StatusCode::NOT_FOUND);
    assert_eq!(agree(&school, &mut ann).await.status, StatusCode::NOT_FOUND);
    let work = Work::default();
    let telling = pastoral_collector::notify::Telling::of(&school.app);
    let place = acts::Place {
        store: &school.app.store,
        telling: &telling,
        work: &work,
    };
    let copy = acts::Actor {
        id: access::RECOVERY_COPY,
        keys: &[],
        own: None,
    };
    let id = proposal(&school).await;
    let prepared = acts::prepare(place, copy, &id, school.now).await.unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    acts::agree(&mut tx, &telling, copy, (&id, prepared), school.now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(ann.get("/account").await.body.contains("other@oak.example"));
}

#[tokio::test]
async fn a_technician_who_agrees_never_learns_the_code() {
    let (school, router) = school().await;
    let [mut cy, mut ed] = signed_in(&school, &router, [CY, ED]).await;
    let path = format!("/concerns/{}", school.concern(&TITLE).await);
    let fields = [("person", "flo"), ("duty", "dsl")];
    let code = told(&cy.post("/people", "/people/grant", &fields).await);
    assert_eq!(
        mailed(&school, "link", "/join/").await,
        [email("cy"), email("ed")],
        "not before they agree"
    );
    let agreed = agree(&school, &mut ed).await;
    assert_eq!(agreed.location(), "/people?done=agreed");
    assert!(!ed.get("/people").await.body.contains(&code));
    let link = school.mailed_link("flo").await;
    let guessed = Browser::new(&router).join(&link, "00000-00000").await;
    assert!(
        guessed.body.contains("not the one that belongs to this link"),
        "{}",
        guessed.body
    );
    let mut flo = Browser::new(&router);
    assert_eq!(flo.join(&link, &code).await.status, StatusCode::OK);
    assert!(flo.get(&path).await.body.contains("<mark>unkind</mark>"));
}

#[tokio::test]
async fn ten_wrong_codes_end_a_link_and_are_told() {
    let (school, router) = school().await;
    let [_ann] = signed_in(&school, &router, [ANN]).await;
    let invited = school.invite("flo", Duty::Deputy).await;
    let link = || Link::parse(invited.path.strip_prefix("/join/").unwrap()).unwrap();
    let factor = SecondFactor::generate().unwrap();
    let work = Work::default();
    let typed = |heard: &str| Typed {
        heard: heard.to_owned().into(),
        password: PASSWORD.to_owned().into(),
        present_password: None,
        code: String::from("000000").into(),
    };
    let now = pastoral_collector::clock::now_ms();
    for left in (0..10).rev() {
        let wrong = VoiceCode::generate().unwrap().shown();
        let refused = access::accept(&school.app, &work, link(), typed(&wrong), &factor, now).await;
        assert!(
            matches!(refused, Err(Refused::VoiceCode(found)) if found == left),
            "{left}"
        );
    }
    let right = access::accept(&school.app, &work, link(), typed(&invited.code), &factor, now).await;
    assert!(matches!(right, Err(Refused::Link)), "it opens nothing any more");
    assert_eq!(
        mailed(&school, "access", "wrong codes").await,
        [email("ann"), email("flo")]
    );
    let kept = "SELECT count(*) FROM invitation WHERE person_id = 'flo' AND wrapped_keys IS NOT NULL";
    assert_eq!(number(&school, kept).await, 0);
    // The phone's code is looked at after the link's: a wrong one costs no try.
    let invited = school.invite("flo", Duty::Deputy).await;
    let mut flo = Browser::new(&router);
    assert_eq!(
        flo.join(&invited.path, &invited.code).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_store_refuses_a_link_that_would_overwrite_a_sign_in() {
    let (school, router) = school().await;
    let [_cy] = signed_in(&school, &router, [CY]).await;
    let before = vault(&school, "cy").await;
    // As the command line would make it for a technician with the headteacher's address, whatever checks were forgotten.
    let made = access::NewLink::make(&[]).unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    let person = members::find(&mut tx, SCHOOL, "cy").await.unwrap().unwrap();
    let about = acts::Issued {
        person: &person,
        proposal_id: None,
        proposed_by: "command line",
        agreed_by: None,
        vouched: false,
    };
    let telling = pastoral_collector::notify::Telling::of(&school.app);
    acts::issue(&mut tx, &telling, &made, &about, school.now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let done = Browser::new(&router)
        .join(&made.link.path(), &made.code.shown())
        .await;
    assert_eq!(done.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(vault(&school, "cy").await, before);
    let used = "SELECT count(*) FROM invitation WHERE proposed_by = 'command line' AND used_at IS NOT NULL";
    assert_eq!(number(&school, used).await, 0);
}

#[tokio::test]
async fn what_somebody_wrote_into_the_database_gives_no_key_and_takes_none() {
    let (school, router) = school().await;
    let [_ann, di] = signed_in(&school, &router, [ANN, DI]).await;
    // A key of the technician's own making, sealed to the chair as if a reader had given it.
    let (own, staff) = (GroupPrivateKey::generate(), GroupPrivateKey::generate().0);
    let holdings = users::holdings(school.app.store.read(), SCHOOL).await.unwrap();
    let public = &holdings.iter().find(|(who, _)| who == "di").unwrap().1.public_key;
    let public = pastoral_collector::seal::GroupPublicKey::from_bytes(public).unwrap();
    let sealed = access::seal_to(&public, (SCHOOL, "di"), ReaderGroup::Head, &staff).unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("INSERT INTO sealed_key VALUES (?, 'di', 'head', NULL, ?, 'cy', 1)")
        .bind(SCHOOL)
        .bind(sealed)
        .execute(&mut *tx)
        .await
        .unwrap();
    // And the technician's public key in the place of the chair's.
    sqlx::query("UPDATE user SET public_key = ?, key_groups = '' WHERE person_id = 'di'")
        .bind(&own.1.to_bytes()[..])
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let code = di.code(1);
    let mut again = Browser::new(&router);
    assert_eq!(again.sign_in("di", PASSWORD, &code).await.location(), "/");
    let holdings = users::holdings(school.app.store.read(), SCHOOL).await.unwrap();
    let (_, mended) = holdings.iter().find(|(who, _)| who == "di").unwrap();
    assert_eq!(mended.public_key, public.to_bytes());
    assert_eq!(
        mended.groups,
        [ReaderGroup::Head],
        "what they held, and nothing else"
    );
    assert!(
        again
            .get("/audit")
            .await
            .body
            .contains("put another key in the place of Di Everard")
    );
}

#[tokio::test]
async fn a_sign_in_of_the_command_line_alone_is_given_no_reader_s_duty() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut di, _ed] = signed_in(&school, &router, [ANN, CY, DI, ED]).await;
    let [_flo] = signed_in(&school, &router, [("flo", Duty::Technician)]).await;
    tamper(&school, "UPDATE user SET vouched = FALSE WHERE person_id = 'flo'").await;
    let fields = [("person", "flo"), ("duty", "deputy")];
    let refused = ann.post("/people", "/people/grant", &fields).await;
    assert!(
        refused.body.contains("propose a reset of it first"),
        "{}",
        refused.body
    );
    propose_reset(&mut ann, "flo").await;
    let code = told(&agree(&school, &mut cy).await);
    let mut flo = Browser::new(&router);
    flo.join(&school.mailed_link("flo").await, &code).await;
    ann.post("/people", "/people/grant", &fields).await;
    assert_eq!(agree(&school, &mut di).await.location(), "/people?done=agreed");
}

#[tokio::test]
async fn another_address_takes_two_and_is_told_to_the_old_and_the_new() {
    let (school, router) = school().await;
    let [mut ann, mut bo, mut cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    let taken = [
        ("given", "Bo"),
        ("family", "Carrow"),
        ("email", "CY@oak.example"),
        ("role", "staff"),
    ];
    ann.post("/people/bo", "/people/bo/change", &taken).await;
    let refused = agree(&school, &mut cy).await;
    assert!(
        refused.body.contains("somebody else has this e-mail address")
            || refused.body.contains("Somebody else has this"),
        "{}",
        refused.body
    );
    let withdraw = format!("/people/proposals/{}/withdraw", proposal(&school).await);
    ann.post("/people", &withdraw, &[]).await;
    let change = [
        ("given", "Bo"),
        ("family", "Marsh"),
        ("email", "bo.marsh@oak.example"),
        ("role", "staff"),
    ];
    ann.post("/people/bo", "/people/bo/change", &change).await;
    assert_eq!(
        agree(&school, &mut bo).await.status,
        StatusCode::NOT_FOUND,
        "not their own"
    );
    let page = cy.get("/people").await.body;
    assert!(
        page.contains("bo@oak.example becomes bo.marsh@oak.example"),
        "{page}"
    );
    assert_eq!(agree(&school, &mut cy).await.location(), "/people?done=agreed");
    let told = mailed(&school, "access", "about your own access").await;
    assert!(told.contains(&"bo@oak.example".to_owned()) && told.contains(&"bo.marsh@oak.example".to_owned()));
    assert!(bo.get("/account").await.body.contains("bo.marsh@oak.example"));
}

#[tokio::test]
async fn what_an_import_finds_about_somebody_with_a_duty_takes_two_readers() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut ed] = signed_in(&school, &router, [ANN, CY, ED]).await;
    signed_in(&school, &router, [BO]).await;
    let change = Change {
        given_name: "Bo".into(),
        family_name: "Marsh".into(),
        email: "it@elsewhere.example".into(),
        role: "staff".into(),
    };
    let telling = pastoral_collector::notify::Telling::of(&school.app);
    for _ in 0..2 {
        let mut tx = school.app.store.write().await.unwrap();
        let waits = proposals::ask_change(&mut tx, &telling, "bo", &change, "people import", school.now);
        assert!(waits.await.unwrap());
        tx.commit().await.unwrap();
    }
    let id = proposal(&school).await;
    let act = |what: &str| format!("/people/proposals/{id}/{what}");
    assert_eq!(
        ed.post("/people", &act("propose"), &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        cy.post("/people", &act("agree"), &[]).await.status,
        StatusCode::NOT_FOUND,
        "nobody proposes it yet"
    );
    assert_eq!(
        ann.post("/people", &act("propose"), &[]).await.location(),
        "/people?done=proposed"
    );
    assert_eq!(
        ann.post("/people", &act("agree"), &[]).await.status,
        StatusCode::NOT_FOUND,
        "one person is not two"
    );
    assert_eq!(
        cy.post("/people", &act("refuse"), &[]).await.location(),
        "/people?done=proposal-refused"
    );
    let mut tx = school.app.store.write().await.unwrap();
    let again = proposals::ask_change(&mut tx, &telling, "bo", &change, "people import", school.now + 1);
    assert!(!again.await.unwrap(), "refused is refused");
    let name = members::find(&mut tx, SCHOOL, "bo")
        .await
        .unwrap()
        .unwrap()
        .name();
    assert_eq!(name, "Bo Carrow");
}

#[tokio::test]
async fn a_code_of_another_time_is_told_as_the_phone_s_clock_to_who_knows_the_password_alone() {
    let (school, router) = school().await;
    let [ann] = signed_in(&school, &router, [ANN]).await;
    let (off, wrong) = (ann.code(4), "wrong password!");
    let page = Browser::new(&router).sign_in("ann", PASSWORD, &off).await;
    assert!(
        page.body.contains("the clock of your phone is wrong"),
        "{}",
        page.body
    );
    let page = Browser::new(&router).sign_in("ann", wrong, &off).await;
    assert!(!page.body.contains("clock of your phone") && page.body.contains("is not right"));
}

#[tokio::test]
async fn an_easily_guessed_password_is_refused_with_advice_when_joining_and_when_changing() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    for weak in ["AnnLeigh2026!", "OakLanePrimary1", "passwordpassword"] {
        let fields = [("present", PASSWORD), ("password", weak), ("again", weak)];
        let page = ann.post("/account/password", "/account/password", &fields).await;
        assert!(page.body.contains("too easy to guess"), "{weak}: {}", page.body);
    }
}
