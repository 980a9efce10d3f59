//! Each person's own key: reader keys reach them by it, and nobody puts another in its place unseen.

use super::access::told;
use super::acts_of_two::{agree, number, propose_reset, tamper};
use super::*;
use crate::school::SCHOOL;
use crate::school::browser::PASSWORD;
use crate::school::letters;
use axum::http::StatusCode;
use pastoral_collector::access::{self, Owner, SecondFactor, Vault};
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::seal::{GroupPrivateKey, GroupPublicKey};
use pastoral_collector::store::audit;
use pastoral_collector::store::person_keys::{self, Recorded};

const DAY: i64 = 86_400_000;
const SAID: &str = "Somebody signed in with another key than the one recorded of them";

async fn recorded(school: &School, person: &str) -> Option<Recorded> {
    let mut db = school.app.store.read().await.unwrap();
    person_keys::of(&mut db, SCHOOL, person).await.unwrap()
}

/// Writes a key into the audit record as somebody's, chained as it should be: root can.
async fn plant(school: &School, person: &str, key: GroupPublicKey) {
    let mut tx = school.app.store.write().await.unwrap();
    person_keys::record(&mut tx, SCHOOL, person, &Recorded::Key(key), school.now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// Puts a sign-in of one's own in the place of somebody's, or where there is none. Gives a browser that has its phone.
async fn plant_sign_in(school: &School, router: &Router, person: &str, password: &str) -> Browser {
    let factor = SecondFactor::generate().unwrap();
    let vault = Vault {
        totp_secret: factor.secret(),
        own: Some(GroupPrivateKey::generate().0),
        keys: Vec::new(),
    };
    let owner = Owner {
        school_id: SCHOOL,
        person_id: person,
    };
    let sealed = vault.seal(password, owner).unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query(
        "INSERT INTO user (school_id, person_id, vault_salt, vault, totp_last_step, password_set_at, created_at)
         VALUES (?, ?, ?, ?, 0, ?, ?) ON CONFLICT DO UPDATE SET vault_salt = excluded.vault_salt,
         vault = excluded.vault, totp_last_step = 0",
    )
    .bind(SCHOOL)
    .bind(person)
    .bind(sealed.salt)
    .bind(sealed.bytes)
    .bind(school.now)
    .bind(school.now)
    .execute(&mut *tx)
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let mut browser = Browser::new(router);
    browser.secret = factor.text().to_string();
    browser
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
async fn what_somebody_wrote_into_the_database_gives_no_key_and_takes_none() {
    let (school, router) = school().await;
    let [_ann, di] = signed_in(&school, &router, [ANN, DI]).await;
    // A key of the technician's own making, sealed to the chair as if a reader had given it.
    let staff = GroupPrivateKey::generate().0;
    let Some(Recorded::Key(public)) = recorded(&school, "di").await else {
        panic!("no key is recorded");
    };
    let sealed = access::seal_to(&public, (SCHOOL, "di"), ReaderGroup::Head, &staff).unwrap();
    let mut tx = school.app.store.write().await.unwrap();
    sqlx::query("INSERT INTO sealed_key VALUES (?, 'di', 'head', NULL, ?, 'cy', 1)")
        .bind(SCHOOL)
        .bind(sealed)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    // And that the chair's vault lacks what it has.
    tamper(&school, "UPDATE user SET key_groups = '' WHERE person_id = 'di'").await;
    let mut again = Browser::new(&router);
    assert_eq!(again.sign_in("di", PASSWORD, &di.code(1)).await.location(), "/");
    let held: String = sqlx::query_scalar("SELECT key_groups FROM user WHERE person_id = 'di'")
        .fetch_one(&mut *school.app.store.read().await.unwrap())
        .await
        .unwrap();
    assert_eq!(held, "head", "what they held, and nothing else");
    assert!(recorded(&school, "di").await == Some(Recorded::Key(public)));
}

/// Root plants a key of theirs for the chair, so that what others give the chair is sealed to it.
#[tokio::test]
async fn a_key_planted_for_somebody_is_found_when_they_sign_in_told_and_gets_nothing_more() {
    let (school, router) = school().await;
    let [mut ann, mut cy, mut di] = signed_in(&school, &router, [ANN, CY, DI]).await;
    plant(&school, "di", GroupPrivateKey::generate().1).await;
    assert!(
        ann.get("/people/cy")
            .await
            .body
            .contains("Who may agree: Di Everard (key"),
        "whose key it will be sealed to"
    );
    for code in [di.code(1), di.recovery[0].clone()] {
        let mut again = Browser::new(&router);
        assert_eq!(again.sign_in("di", PASSWORD, &code).await.location(), "/");
        di = again;
    }
    assert!(recorded(&school, "di").await == Some(Recorded::Doubt));
    let letters = letters::waiting(&school.app, "own-key-differs").await;
    let told_of_it: Vec<_> = letters.iter().map(|letter| letter.person_id.as_str()).collect();
    assert_eq!(told_of_it, ["cy", "di"], "each once");
    let names = |letter: &letters::Letter| letter.words.contains("Everard");
    assert!(!letters.iter().any(names), "no name in a mail");
    for reader in [&mut ann, &mut cy, &mut di] {
        assert!(reader.get("/queue").await.body.contains(SAID));
    }
    let log = ann.get("/audit").await.body;
    assert!(
        log.contains("signed in with another key than the one recorded"),
        "{log}"
    );
    propose_reset(&mut ann, "cy").await;
    let shares = "SELECT count(*) FROM proposal_share WHERE person_id = 'di'";
    assert_eq!(
        number(&school, shares).await,
        0,
        "nothing is sealed to the stranger"
    );
    // Two readers end it, by a reset of the chair's sign-in.
    tamper(&school, "UPDATE proposal SET state = 'withdrawn'").await;
    propose_reset(&mut ann, "di").await;
    let code = told(&agree(&school, &mut cy).await);
    let joined = di.join(&school.mailed_link("di").await, &code).await;
    assert_eq!(joined.status, StatusCode::OK, "{}", joined.body);
    assert!(!ann.get("/queue").await.body.contains(SAID));
    propose_reset(&mut ann, "cy").await;
    assert_eq!(number(&school, shares).await, 1);
}

#[tokio::test]
async fn a_sign_in_put_in_the_place_of_somebody_s_is_found_and_given_nothing() {
    let (school, router) = school().await;
    let [mut ann, _cy] = signed_in(&school, &router, [ANN, CY]).await;
    let password = "of the technician's making";
    // In the place of the headteacher's; and for the deputy, whose link nobody has used.
    school.invite("bo", Duty::Deputy).await;
    for person in ["cy", "bo"] {
        let mut planted = plant_sign_in(&school, &router, person, password).await;
        let code = planted.code(0);
        let came_in = planted.sign_in(person, password, &code).await;
        assert_eq!(came_in.location(), "/", "the database is root's");
        assert!(
            recorded(&school, person).await == Some(Recorded::Doubt),
            "{person}"
        );
        assert!(ann.get("/queue").await.body.contains(SAID));
    }
    propose_reset(&mut ann, "cy").await;
    assert_eq!(number(&school, "SELECT count(*) FROM proposal_share").await, 0);
}

#[tokio::test]
async fn who_signed_in_before_keys_were_recorded_is_recorded_at_the_next_sign_in() {
    let (school, router) = school().await;
    let [ann] = signed_in(&school, &router, [ANN]).await;
    let before = recorded(&school, "ann").await;
    tamper(&school, "DELETE FROM audit WHERE action = 'own-key'").await;
    assert!(recorded(&school, "ann").await.is_none());
    let mut again = Browser::new(&router);
    again.sign_in("ann", PASSWORD, &ann.code(1)).await;
    assert!(before.is_some() && recorded(&school, "ann").await == before);
    assert!(!again.get("/queue").await.body.contains(SAID));
}

#[tokio::test]
async fn retention_leaves_recorded_keys_and_the_chain_whole() {
    let (school, router) = school().await;
    let [mut ann] = signed_in(&school, &router, [ANN]).await;
    // Something behind the key is erased as well.
    ann.get("/queue").await;
    let before = recorded(&school, "ann").await;
    let later = school.now + 400 * DAY;
    let mut tx = school.app.store.write().await.unwrap();
    let erased = audit::erase_details(&mut tx, SCHOOL, (school.now + DAY, later), 1000).await;
    assert!(erased.unwrap() > 0);
    tx.commit().await.unwrap();
    assert!(before.is_some() && recorded(&school, "ann").await == before);
    assert!(
        audit::verify(&school.app.store, SCHOOL, later)
            .await
            .unwrap()
            .is_ok()
    );
    // Who blanks one brings no older key back.
    tamper(
        &school,
        "UPDATE audit SET detail = NULL, salt = NULL WHERE action = 'own-key'",
    )
    .await;
    assert!(recorded(&school, "ann").await == Some(Recorded::Doubt));
    assert!(
        audit::verify(&school.app.store, SCHOOL, later)
            .await
            .unwrap()
            .is_err()
    );
}
