//! Coming in by password and code.
//!
//! A refused attempt never says which part was wrong, and costs the same work whether or not the person exists.

use super::codes::{Code, RecoveryCodes, SecondFactor};
use super::doubt;
use super::limits::Limits;
use super::person_key::open_from;
use super::school_keys;
use super::sessions::Session;
use super::vault::Vault;
use super::work::Work;
use crate::app::App;
use crate::chain::Deed;
use crate::seal::GroupPrivateKey;
use crate::store::access::{self as rows, User};
use crate::store::person_keys::{self, Recorded};
use crate::store::{audit, codes, keys, sealed_keys};
use serde_json::json;
use zeroize::Zeroizing;

/// Why somebody did not come in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Unknown person, wrong password, wrong or used code: the same to the outside.
    #[error("the e-mail address, password or code is not right")]
    Wrong,
    /// The link was used, withdrawn, has run out or waits for a second person.
    #[error("this link cannot be used")]
    Link,
    /// The code that was told by voice is not the one that belongs to the link; so many tries are left.
    #[error("the code that you were told is not right")]
    VoiceCode(i64),
    /// The code does not come from the secret that was shown.
    #[error("the code is not right")]
    Code,
    /// All else is right, and the code is that of another time.
    #[error("the code is of another time; set the clock of the phone")]
    PhoneClock,
    /// The present password is not right.
    #[error("the present password is not right")]
    PresentPassword,
    /// Too short, too long or too easy to guess; with advice.
    #[error("the new password is not taken: {0}")]
    NewPassword(String),
    /// The one they have already.
    #[error("the new password must be another than the present one")]
    SamePassword,
    /// Too many people at once.
    #[error("the console is busy; try again in a moment")]
    Busy,
    /// The store.
    #[error("the store could not be used")]
    Store(#[from] sqlx::Error),
}

/// What somebody typed to sign in.
pub struct SignIn {
    /// Who they say they are.
    pub email: String,
    /// Their password.
    pub password: Zeroizing<String>,
    /// Six digits from the phone, or a recovery code.
    pub code: Zeroizing<String>,
}

/// Lets a person in by address, password and code.
///
/// # Errors
/// [`Refused::Wrong`] for anything that is not right; [`Refused::PhoneClock`] only where the password is.
pub async fn sign_in(
    app: &App,
    work: &Work,
    limits: &Limits,
    typed: SignIn,
    now_ms: i64,
) -> Result<Session, Refused> {
    let user = rows::user_by_email(&mut *app.store.read().await?, &app.school_id, &typed.email).await?;
    let vault = work
        .open(&app.school_id, user.as_ref(), typed.password.clone())
        .await?;
    let mut tx = app.store.write().await?;
    let mut spent = Spent::Nothing;
    let mut came_in = None;
    if let (Some(user), Some(vault)) = (&user, vault)
        && rows::viewer(&mut tx, &app.school_id, &user.person_id)
            .await?
            .is_some()
    {
        spent = spend_code(&mut tx, &app.school_id, user, &vault, &typed.code, now_ms).await?;
        came_in = matches!(spent, Spent::Code { .. }).then(|| (user.clone(), vault));
    }
    let Some((user, vault)) = came_in else {
        let known = user.map(|user| user.person_id);
        let refused = match spent {
            Spent::OfAnotherTime => Refused::PhoneClock,
            _ => Refused::Wrong,
        };
        let Some(more) = limits.entry(now_ms) else {
            return Err(refused);
        };
        let detail = json!({ "person": known, "more": more });
        record(app, &mut tx, "pastoral", Deed::SignInRefused, detail, now_ms).await?;
        tx.commit().await?;
        return Err(refused);
    };
    let recovery = matches!(spent, Spent::Code { recovery: true });
    rows::signed_in(&mut tx, &app.school_id, &user.person_id, now_ms).await?;
    let keys_differ = school_keys::differ(app, &mut tx, (&user.person_id, &vault.keys), now_ms).await?;
    let own = vault.own.as_ref().map(GroupPrivateKey::public);
    let recorded = doubt::compare(app, &mut tx, (&user.person_id, own.as_ref()), now_ms).await?;
    let detail = json!({ "recovery_code": recovery });
    record(app, &mut tx, &user.person_id, Deed::SignedIn, detail, now_ms).await?;
    tx.commit().await?;
    let vault = fill(
        app,
        work,
        &user,
        (vault, recorded.is_none()),
        typed.password,
        now_ms,
    )
    .await?;
    let mut session = Session::new(user.person_id, vault.keys, vault.own);
    session.keys_differ = keys_differ;
    Ok(session)
}

/// At a sign-in: gives the vault its own key pair where it has none yet, and the keys that others have sealed to it. A key
/// pair that `is_made` here is recorded with the vault.
async fn fill(
    app: &App,
    work: &Work,
    user: &User,
    (mut vault, is_made): (Vault, bool),
    password: Zeroizing<String>,
    now_ms: i64,
) -> Result<Vault, Refused> {
    let (school_id, person_id) = (&*app.school_id, user.person_id.as_str());
    let own = vault
        .own
        .get_or_insert_with(|| GroupPrivateKey::generate().0)
        .clone();
    let waiting = sealed_keys::ready_for(&mut *app.store.read().await?, school_id, person_id).await?;
    let mut taken = Vec::new();
    if !waiting.is_empty() {
        let viewer = rows::viewer(&mut *app.store.read().await?, school_id, person_id).await?;
        let duties = viewer.map_or_else(Vec::new, |viewer| viewer.duties);
        let of_school = keys::publics(&mut *app.store.read().await?, school_id).await?;
        for key in &waiting {
            let is_theirs = duties
                .iter()
                .any(|duty| duty.reader_groups().contains(&key.group));
            let has_it = vault.keys.iter().any(|(group, _)| *group == key.group);
            let opened = of_school.get(&key.group).and_then(|of_school| {
                open_from(&own, (school_id, person_id), key.group, &key.sealed, of_school)
            });
            if let Some(opened) = opened.filter(|_| is_theirs && !has_it) {
                vault.keys.push((key.group, opened));
                taken.push(key.group);
            }
        }
    }
    if !is_made && waiting.is_empty() {
        return Ok(vault);
    }
    let groups = vault.groups();
    let (vault, sealed) = work.seal(school_id, person_id, vault, password).await?;
    let mut tx = app.store.write().await?;
    // Another sign-in of theirs may have been faster; then the next one does it.
    if rows::refill_vault(&mut tx, school_id, user, &sealed, &groups).await? {
        sealed_keys::forget(&mut tx, school_id, person_id).await?;
        if !taken.is_empty() {
            record(
                app,
                &mut tx,
                person_id,
                Deed::KeysTaken,
                json!({ "groups": taken }),
                now_ms,
            )
            .await?;
        }
        if is_made {
            let made = Recorded::Key(own.public());
            person_keys::record(&mut tx, school_id, person_id, &made, now_ms).await?;
        }
        tx.commit().await?;
    }
    Ok(vault)
}

/// What became of a code.
enum Spent {
    /// It was right, and serves no more.
    Code { recovery: bool },
    /// It would be right at another time.
    OfAnotherTime,
    /// It is not right or was used before.
    Nothing,
}

async fn spend_code(
    tx: &mut crate::store::Write,
    school_id: &str,
    user: &User,
    vault: &Vault,
    typed: &str,
    now_ms: i64,
) -> Result<Spent, sqlx::Error> {
    let digits = Zeroizing::new(typed.split_whitespace().collect::<String>());
    let spent = if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()) {
        let factor = SecondFactor::from_secret(vault.totp_secret.clone());
        match factor.check(&digits, user.totp_last_step, now_ms) {
            Code::Right(step) => codes::spend_step(tx, school_id, &user.person_id, step)
                .await?
                .then_some(Spent::Code { recovery: false }),
            Code::OfAnotherTime => Some(Spent::OfAnotherTime),
            Code::Wrong => None,
        }
    } else {
        let hash = RecoveryCodes::hash(&user.person_id, typed);
        codes::spend_recovery_code(tx, school_id, &user.person_id, &hash, now_ms)
            .await?
            .then_some(Spent::Code { recovery: true })
    };
    Ok(spent.unwrap_or(Spent::Nothing))
}

pub(super) async fn record(
    app: &App,
    tx: &mut crate::store::Write,
    person_id: &str,
    deed: Deed,
    detail: serde_json::Value,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    audit::record(tx, &app.school_id, (person_id, deed), detail, now_ms).await
}
