//! Coming in: by a link, by password and code; and changing these.
//!
//! A refused attempt never says which part was wrong, and costs the same work whether or not the person exists.

use super::codes::{RecoveryCodes, SecondFactor};
use super::invitation::{Link, unwrap_keys};
use super::limits::Limits;
use super::own_keys;
use super::sessions::Session;
use super::vault::{Owner, Vault};
use super::{PASSWORD_LEAST, PASSWORD_MOST};
use crate::app::App;
use crate::store::access::{self as rows, User};
use crate::store::{audit, browsers, invitations};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Passwords worked on at a time; each takes 19 MiB and a processor.
const AT_A_TIME: usize = 2;
/// How many more may wait.
const WAITING: usize = 32;
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Why somebody did not come in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Unknown person, wrong password, wrong or used code: the same to the outside.
    #[error("the e-mail address, password or code is not right")]
    Wrong,
    /// The link was used, withdrawn, has run out or waits for a second person.
    #[error("this link cannot be used")]
    Link,
    /// The code does not come from the secret that was shown.
    #[error("the code is not right")]
    Code,
    /// The present password is not right.
    #[error("the present password is not right")]
    PresentPassword,
    /// Too short or too long.
    #[error("the password must have 12 to 256 characters")]
    NewPassword,
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

/// What somebody typed who uses a link.
pub struct Typed {
    /// The new password.
    pub password: Zeroizing<String>,
    /// The one they have, where they could sign in before.
    pub present_password: Option<Zeroizing<String>>,
    /// Six digits from the phone.
    pub code: Zeroizing<String>,
}

/// Does the heavy work of passwords off the async threads, a bounded amount at a time (invariant 8).
#[derive(Clone)]
pub struct Work {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_A_TIME)),
            waiting: Arc::new(Semaphore::new(AT_A_TIME + WAITING)),
        }
    }
}

impl Work {
    /// A queue of its own for the same work, which the others cannot fill.
    #[must_use]
    pub fn another_queue(&self) -> Self {
        Self {
            running: Arc::clone(&self.running),
            ..Self::default()
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
        let _place = self.waiting.try_acquire().map_err(|_| Refused::Busy)?;
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.running).acquire_owned()).await;
        let turn = turn.map_err(|_| Refused::Busy)?.map_err(|_| Refused::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held_while_working = turn;
            work()
        });
        done.await.map_err(|_| Refused::Busy)
    }

    async fn open(
        &self,
        school_id: &str,
        user: Option<&User>,
        password: Zeroizing<String>,
    ) -> Result<Option<Vault>, Refused> {
        let (school_id, user) = (school_id.to_owned(), user.cloned());
        self.run(move || {
            let Some(user) = user else {
                Vault::open_nothing(&password);
                return None;
            };
            let owner = Owner {
                school_id: &school_id,
                person_id: &user.person_id,
            };
            Vault::open(&password, owner, &user.vault).ok()
        })
        .await
    }

    async fn seal(
        &self,
        school_id: &str,
        person_id: &str,
        vault: Vault,
        password: Zeroizing<String>,
    ) -> Result<(Vault, super::SealedVault), Refused> {
        let (school_id, person_id) = (school_id.to_owned(), person_id.to_owned());
        self.run(move || {
            let owner = Owner {
                school_id: &school_id,
                person_id: &person_id,
            };
            vault
                .seal(&password, owner)
                .map(|sealed| (vault, sealed))
                .map_err(|_| Refused::Busy)
        })
        .await?
    }
}

/// Lets a person in by address, password and code.
///
/// # Errors
/// [`Refused::Wrong`] for anything that is not right.
pub async fn sign_in(
    app: &App,
    work: &Work,
    limits: &Limits,
    typed: SignIn,
    now_ms: i64,
) -> Result<Session, Refused> {
    let user = rows::user_by_email(app.store.read(), &app.school_id, &typed.email).await?;
    let vault = work.open(&app.school_id, user.as_ref(), typed.password).await?;
    let mut tx = app.store.write().await?;
    let mut came_in = None;
    if let (Some(user), Some(vault)) = (&user, vault) {
        let recovery = spend_code(&mut tx, &app.school_id, user, &vault, &typed.code, now_ms).await?;
        let has_duty = rows::viewer(&mut *tx, &app.school_id, &user.person_id)
            .await?
            .is_some();
        came_in = recovery
            .filter(|_| has_duty)
            .map(|recovery| (user.person_id.clone(), vault, recovery));
    }
    let entry = |actor, action, detail| audit::Entry {
        school_id: &app.school_id,
        actor,
        action,
        concern_id: None,
        detail,
    };
    let Some((person_id, vault, recovery)) = came_in else {
        let known = user.map(|user| user.person_id);
        let Some(more) = limits.entry(now_ms) else {
            return Err(Refused::Wrong);
        };
        let refused = entry(
            "pastoral",
            "sign-in-refused",
            json!({ "person": known, "more": more }),
        );
        audit::append(&mut tx, now_ms, &refused).await?;
        tx.commit().await?;
        return Err(Refused::Wrong);
    };
    rows::signed_in(&mut tx, &app.school_id, &person_id, now_ms).await?;
    let keys_differ = own_keys::differ(app, &mut tx, (&person_id, &vault.keys), now_ms).await?;
    audit::append(
        &mut tx,
        now_ms,
        &entry(&person_id, "signed-in", json!({ "recovery_code": recovery })),
    )
    .await?;
    tx.commit().await?;
    let mut session = Session::new(person_id, vault.keys);
    session.keys_differ = keys_differ;
    Ok(session)
}

// Whether a recovery code was used; none when the code is not right or was used before.
async fn spend_code(
    tx: &mut crate::store::Write,
    school_id: &str,
    user: &User,
    vault: &Vault,
    typed: &str,
    now_ms: i64,
) -> Result<Option<bool>, sqlx::Error> {
    let digits = Zeroizing::new(typed.split_whitespace().collect::<String>());
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit()) {
        let factor = SecondFactor::from_secret(vault.totp_secret.clone());
        let Some(step) = factor.check(&digits, user.totp_last_step, now_ms) else {
            return Ok(None);
        };
        let spent = rows::spend_step(tx, school_id, &user.person_id, step).await?;
        return Ok(spent.then_some(false));
    }
    let hash = RecoveryCodes::hash(&user.person_id, typed);
    let spent = rows::spend_recovery_code(tx, school_id, &user.person_id, &hash, now_ms).await?;
    Ok(spent.then_some(true))
}

/// Uses a one-time link: the person gets a password, a second factor, recovery codes and the keys of the link.
/// With their present password, who could sign in before keeps the keys they had.
///
/// # Errors
/// When the link cannot be used, or something typed is not right; then the link can be tried again.
pub async fn accept(
    app: &App,
    work: &Work,
    link: &Link,
    typed: Typed,
    factor: &SecondFactor,
    now_ms: i64,
) -> Result<(Session, RecoveryCodes), Refused> {
    check_new_password(&typed.password)?;
    let invitation =
        invitations::open_invitation(app.store.read(), &app.school_id, link.invitation_id()).await?;
    let invitation = invitation
        .filter(|invitation| link.fits(&invitation.secret_hash) && invitation.is_usable(now_ms))
        .ok_or(Refused::Link)?;
    let digits = Zeroizing::new(typed.code.split_whitespace().collect::<String>());
    let step = factor.check(&digits, 0, now_ms).ok_or(Refused::Code)?;
    let mut keys = unwrap_keys(link, &invitation.wrapped_keys).ok_or(Refused::Link)?;
    if let Some(present) = typed.present_password {
        let user = rows::user(app.store.read(), &app.school_id, &invitation.person_id).await?;
        let vault = work
            .open(&app.school_id, user.as_ref(), present)
            .await?
            .ok_or(Refused::PresentPassword)?;
        let carried: Vec<_> = keys.iter().map(|(group, _)| *group).collect();
        keys.extend(
            vault
                .keys
                .into_iter()
                .filter(|(group, _)| !carried.contains(group)),
        );
    }
    let vault = Vault {
        totp_secret: factor.secret(),
        keys,
    };
    let (vault, sealed) = work
        .seal(&app.school_id, &invitation.person_id, vault, typed.password)
        .await?;
    let codes = RecoveryCodes::generate().ok_or(Refused::Busy)?;
    let mut tx = app.store.write().await?;
    if !invitations::use_invitation(&mut tx, &app.school_id, &invitation.invitation_id, now_ms).await? {
        return Err(Refused::Link);
    }
    let person_id = invitation.person_id;
    let user = User {
        person_id: person_id.clone(),
        vault: sealed,
        totp_last_step: step,
    };
    rows::save_user(&mut tx, &app.school_id, &user, now_ms).await?;
    rows::replace_recovery_codes(&mut tx, &app.school_id, &person_id, &codes.hashes(&person_id)).await?;
    browsers::forget(&mut tx, &app.school_id, &person_id).await?;
    rows::signed_in(&mut tx, &app.school_id, &person_id, now_ms).await?;
    record(
        app,
        &mut tx,
        &person_id,
        "joined",
        json!({"duty": invitation.duty.code()}),
        now_ms,
    )
    .await?;
    let keys_differ = own_keys::differ(app, &mut tx, (&person_id, &vault.keys), now_ms).await?;
    tx.commit().await?;
    let mut session = Session::new(person_id, vault.keys);
    session.keys_differ = keys_differ;
    Ok((session, codes))
}

/// Changes a password; the present one must be right.
///
/// # Errors
/// When the present password is not right or the new one is too short.
pub async fn change_password(
    app: &App,
    work: &Work,
    person_id: &str,
    present: Zeroizing<String>,
    new: Zeroizing<String>,
    now_ms: i64,
) -> Result<(), Refused> {
    check_new_password(&new)?;
    let is_same = new == present;
    let (user, vault) = open_own(app, work, person_id, present).await?;
    if is_same {
        return Err(Refused::SamePassword);
    }
    let (_, sealed) = work.seal(&app.school_id, person_id, vault, new).await?;
    let mut tx = app.store.write().await?;
    if !rows::replace_vault(&mut tx, &app.school_id, &user, &sealed, now_ms).await? {
        return Err(Refused::PresentPassword);
    }
    browsers::forget(&mut tx, &app.school_id, person_id).await?;
    record(app, &mut tx, person_id, "password-changed", json!({}), now_ms).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes new recovery codes in place of the old; the present password must be right.
///
/// # Errors
/// When the present password is not right.
pub async fn new_recovery_codes(
    app: &App,
    work: &Work,
    person_id: &str,
    present: Zeroizing<String>,
    now_ms: i64,
) -> Result<RecoveryCodes, Refused> {
    open_own(app, work, person_id, present).await?;
    let codes = RecoveryCodes::generate().ok_or(Refused::Busy)?;
    let mut tx = app.store.write().await?;
    rows::replace_recovery_codes(&mut tx, &app.school_id, person_id, &codes.hashes(person_id)).await?;
    record(app, &mut tx, person_id, "recovery-codes-made", json!({}), now_ms).await?;
    tx.commit().await?;
    Ok(codes)
}

async fn open_own(
    app: &App,
    work: &Work,
    person_id: &str,
    present: Zeroizing<String>,
) -> Result<(User, Vault), Refused> {
    let user = rows::user(app.store.read(), &app.school_id, person_id).await?;
    let vault = work.open(&app.school_id, user.as_ref(), present).await?;
    user.zip(vault).ok_or(Refused::PresentPassword)
}

async fn record(
    app: &App,
    tx: &mut crate::store::Write,
    person_id: &str,
    action: &str,
    detail: serde_json::Value,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: person_id,
        action,
        concern_id: None,
        detail,
    };
    audit::append(tx, now_ms, &entry).await
}

fn check_new_password(password: &str) -> Result<(), Refused> {
    let long_enough = password.chars().count() >= PASSWORD_LEAST && password.len() <= PASSWORD_MOST;
    long_enough.then_some(()).ok_or(Refused::NewPassword)
}
