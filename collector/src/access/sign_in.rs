//! Coming in: by a link, by password and code; and changing these.
//!
//! A refused attempt never says which part was wrong, and costs the same work whether or not the person exists.

use super::codes::{Code, RecoveryCodes, SecondFactor};
use super::invitation::Link;
use super::limits::Limits;
use super::own_keys;
use super::person_key::open_from;
use super::sessions::Session;
use super::strength::{Known, fault};
use super::vault::{Owner, Vault};
use super::voice::VoiceCode;
use crate::app::App;
use crate::concerns::model::ReaderGroup;
use crate::notify::Telling;
use crate::notify::text::Access;
use crate::seal::GroupPrivateKey;
use crate::store::access::{self as rows, Holding, User};
use crate::store::invitations::{self, Invitation};
use crate::store::{audit, browsers, keys, members, sealed_keys};
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

/// What somebody typed who uses a link.
pub struct Typed {
    /// The code that they were told.
    pub heard: Zeroizing<String>,
    /// The new password.
    pub password: Zeroizing<String>,
    /// The one they have, where they remember it: what it opens they keep.
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

    /// Runs something that takes long, when it is its turn.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refused> {
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
/// [`Refused::Wrong`] for anything that is not right; [`Refused::PhoneClock`] only where the password is.
pub async fn sign_in(
    app: &App,
    work: &Work,
    limits: &Limits,
    typed: SignIn,
    now_ms: i64,
) -> Result<Session, Refused> {
    let user = rows::user_by_email(app.store.read(), &app.school_id, &typed.email).await?;
    let vault = work
        .open(&app.school_id, user.as_ref(), typed.password.clone())
        .await?;
    let mut tx = app.store.write().await?;
    let mut spent = Spent::Nothing;
    let mut came_in = None;
    if let (Some(user), Some(vault)) = (&user, vault)
        && rows::viewer(&mut *tx, &app.school_id, &user.person_id)
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
        record(app, &mut tx, "pastoral", "sign-in-refused", detail, now_ms).await?;
        tx.commit().await?;
        return Err(refused);
    };
    let recovery = matches!(spent, Spent::Code { recovery: true });
    rows::signed_in(&mut tx, &app.school_id, &user.person_id, now_ms).await?;
    let keys_differ = own_keys::differ(app, &mut tx, (&user.person_id, &vault.keys), now_ms).await?;
    let detail = json!({ "recovery_code": recovery });
    record(app, &mut tx, &user.person_id, "signed-in", detail, now_ms).await?;
    tx.commit().await?;
    let vault = fill(app, work, &user, vault, typed.password, now_ms).await?;
    let mut session = Session::new(user.person_id, vault.keys, vault.own);
    session.keys_differ = keys_differ;
    Ok(session)
}

/// At a sign-in: gives the vault its own key pair where it has none yet, and the keys that others have sealed to it.
async fn fill(
    app: &App,
    work: &Work,
    user: &User,
    mut vault: Vault,
    password: Zeroizing<String>,
    now_ms: i64,
) -> Result<Vault, Refused> {
    let (school_id, person_id) = (&*app.school_id, user.person_id.as_str());
    let own = vault
        .own
        .get_or_insert_with(|| GroupPrivateKey::generate().0)
        .clone();
    let public = own.public().to_bytes();
    let waiting = sealed_keys::ready_for(app.store.read(), school_id, person_id).await?;
    let mut taken = Vec::new();
    if !waiting.is_empty() {
        let viewer = rows::viewer(app.store.read(), school_id, person_id).await?;
        let duties = viewer.map_or_else(Vec::new, |viewer| viewer.duties);
        let of_school = keys::publics(app.store.read(), school_id).await?;
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
                taken.push(key.group.code());
            }
        }
    }
    let is_as_stored = user.public_key.as_deref() == Some(&public[..]);
    if is_as_stored && waiting.is_empty() {
        return Ok(vault);
    }
    let holding = holding(&vault, &public);
    let (vault, sealed) = work.seal(school_id, person_id, vault, password).await?;
    let mut tx = app.store.write().await?;
    // Another sign-in of theirs may have been faster; then the next one does it.
    if rows::refill_vault(&mut tx, school_id, user, &sealed, &holding).await? {
        sealed_keys::forget(&mut tx, school_id, person_id).await?;
        if !taken.is_empty() {
            record(
                app,
                &mut tx,
                person_id,
                "keys-taken",
                json!({ "groups": taken }),
                now_ms,
            )
            .await?;
        }
        // INVARIANT 10: somebody put another key in the place of theirs, to which others would have sealed.
        if user.public_key.is_some() && !is_as_stored {
            record(
                app,
                &mut tx,
                "pastoral",
                "own-key-mended",
                json!({ "person": person_id }),
                now_ms,
            )
            .await?;
        }
        tx.commit().await?;
    }
    Ok(vault)
}

fn holding(vault: &Vault, public: &[u8]) -> Holding {
    let groups: Vec<ReaderGroup> = vault.keys.iter().map(|(group, _)| *group).collect();
    Holding {
        public_key: public.to_vec(),
        groups,
    }
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
            Code::Right(step) => rows::spend_step(tx, school_id, &user.person_id, step)
                .await?
                .then_some(Spent::Code { recovery: false }),
            Code::OfAnotherTime => Some(Spent::OfAnotherTime),
            Code::Wrong => None,
        }
    } else {
        let hash = RecoveryCodes::hash(&user.person_id, typed);
        rows::spend_recovery_code(tx, school_id, &user.person_id, &hash, now_ms)
            .await?
            .then_some(Spent::Code { recovery: true })
    };
    Ok(spent.unwrap_or(Spent::Nothing))
}

/// Uses a one-time link: the person gets a password, a second factor, recovery codes and the keys of the link. In a reset,
/// who remembers the present password keeps the keys they had.
///
/// # Errors
/// When the link cannot be used, or something typed is not right; then the link can be tried again, wrong codes of it a
/// few times only.
pub async fn accept(
    app: &App,
    work: &Work,
    link: Link,
    typed: Typed,
    factor: &SecondFactor,
    now_ms: i64,
) -> Result<(Session, RecoveryCodes), Refused> {
    let invitation = usable(app, &link, now_ms).await?;
    check_new_password(app, &invitation.person_id, &typed.password).await?;
    let (keys, step) = open_link(app, work, link, &invitation, &typed, factor, now_ms).await?;
    let person_id = invitation.person_id.clone();
    let vault = vault_of(app, work, &invitation, keys, typed.present_password, factor).await?;
    let public = vault.own.as_ref().map(|own| own.public().to_bytes());
    let holding = holding(&vault, public.as_ref().map_or(&[], |key| &key[..]));
    let (vault, sealed) = work
        .seal(&app.school_id, &person_id, vault, typed.password)
        .await?;
    let codes = RecoveryCodes::generate().ok_or(Refused::Busy)?;
    let mut tx = app.store.write().await?;
    if !invitations::use_up(&mut tx, &app.school_id, &invitation.invitation_id, now_ms).await? {
        return Err(Refused::Link);
    }
    let user = User {
        person_id: person_id.clone(),
        vault: sealed,
        totp_last_step: step,
        public_key: Some(holding.public_key.clone()),
        vouched: invitation.vouched,
    };
    let was_there = rows::had_sign_in(&mut *tx, &app.school_id, &person_id).await?;
    let at = (invitation.invitation_id.as_str(), now_ms);
    if !rows::set_up(&mut tx, &app.school_id, &user, &holding, at).await? {
        return Err(Refused::Link);
    }
    sealed_keys::forget(&mut tx, &app.school_id, &person_id).await?;
    rows::replace_recovery_codes(&mut tx, &app.school_id, &person_id, &codes.hashes(&person_id)).await?;
    browsers::forget(&mut tx, &app.school_id, &person_id).await?;
    rows::signed_in(&mut tx, &app.school_id, &person_id, now_ms).await?;
    let detail =
        json!({"reset": was_there, "proposed_by": invitation.proposed_by, "agreed_by": invitation.agreed_by});
    record(app, &mut tx, &person_id, "joined", detail, now_ms).await?;
    if let Some(person) = members::find(&mut tx, &app.school_id, &person_id).await? {
        let what = Access::SetUp { reset: was_there };
        members::tell(&mut tx, &Telling::of(app), &person, what, now_ms).await?;
    }
    let keys_differ = own_keys::differ(app, &mut tx, (&person_id, &vault.keys), now_ms).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    let mut session = Session::new(person_id, vault.keys, vault.own);
    session.keys_differ = keys_differ;
    Ok((session, codes))
}

async fn usable(app: &App, link: &Link, now_ms: i64) -> Result<Invitation, Refused> {
    let invitation = invitations::find(app.store.read(), &app.school_id, link.invitation_id()).await?;
    invitation
        .filter(|invitation| link.fits(&invitation.link_hash) && invitation.is_usable(now_ms))
        .ok_or(Refused::Link)
}

/// The keys of the link and the step of the phone's code, where both codes are right. A wrong code of the link counts.
async fn open_link(
    app: &App,
    work: &Work,
    link: Link,
    invitation: &Invitation,
    typed: &Typed,
    factor: &SecondFactor,
    now_ms: i64,
) -> Result<(Vec<(ReaderGroup, GroupPrivateKey)>, i64), Refused> {
    let opened = match VoiceCode::heard(&typed.heard) {
        Some(code) => work
            .run(move || link.with(&code))
            .await?
            .filter(|opened| opened.fits(&invitation.code_hash)),
        None => {
            return Err(Refused::VoiceCode(
                invitations::MOST_WRONG_CODES - invitation.wrong_codes,
            ));
        }
    };
    let Some(opened) = opened else {
        return Err(wrong_code(app, invitation, now_ms).await?);
    };
    let digits = Zeroizing::new(typed.code.split_whitespace().collect::<String>());
    let step = match factor.check(&digits, 0, now_ms) {
        Code::Right(step) => step,
        Code::OfAnotherTime => return Err(Refused::PhoneClock),
        Code::Wrong => return Err(Refused::Code),
    };
    let wrapped = invitation.wrapped_keys.as_deref().unwrap_or_default();
    let keys = opened.unwrap_keys(wrapped).ok_or(Refused::Link)?;
    Ok((keys, step))
}

async fn wrong_code(app: &App, invitation: &Invitation, now_ms: i64) -> Result<Refused, Refused> {
    let mut tx = app.store.write().await?;
    let wrong = invitations::wrong_code(&mut tx, &app.school_id, &invitation.invitation_id).await?;
    let detail = json!({ "person": invitation.person_id });
    record(app, &mut tx, "pastoral", "link-code-wrong", detail, now_ms).await?;
    if wrong == invitations::MOST_WRONG_CODES
        && let Some(person) = members::find(&mut tx, &app.school_id, &invitation.person_id).await?
    {
        members::tell(&mut tx, &Telling::of(app), &person, Access::WrongCodes, now_ms).await?;
    }
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(Refused::VoiceCode((invitations::MOST_WRONG_CODES - wrong).max(0)))
}

/// What a person has after using a link: its keys, and what their present password opens where they remember it.
async fn vault_of(
    app: &App,
    work: &Work,
    invitation: &Invitation,
    mut keys: Vec<(ReaderGroup, GroupPrivateKey)>,
    present: Option<Zeroizing<String>>,
    factor: &SecondFactor,
) -> Result<Vault, Refused> {
    let mut own = None;
    if let Some(present) = present {
        let user = rows::user(app.store.read(), &app.school_id, &invitation.person_id).await?;
        let vault = work
            .open(&app.school_id, user.as_ref(), present)
            .await?
            .ok_or(Refused::PresentPassword)?;
        let carried: Vec<_> = keys.iter().map(|(group, _)| *group).collect();
        let kept = vault
            .keys
            .into_iter()
            .filter(|(group, _)| !carried.contains(group));
        keys.extend(kept);
        own = vault.own;
    }
    Ok(Vault {
        totp_secret: factor.secret(),
        own: Some(own.unwrap_or_else(|| GroupPrivateKey::generate().0)),
        keys,
    })
}

/// Changes a password; the present one must be right.
///
/// # Errors
/// When the present password is not right or the new one is too short or too easy to guess.
pub async fn change_password(
    app: &App,
    work: &Work,
    person_id: &str,
    present: Zeroizing<String>,
    new: Zeroizing<String>,
    now_ms: i64,
) -> Result<(), Refused> {
    check_new_password(app, person_id, &new).await?;
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

async fn check_new_password(app: &App, person_id: &str, password: &str) -> Result<(), Refused> {
    let person = rows::name_and_email(app.store.read(), &app.school_id, person_id).await?;
    let (name, email) = person.unwrap_or_default();
    let known = Known {
        name: &name,
        email: &email,
        school: &app.school_name,
    };
    fault(password, known).map_or(Ok(()), |advice| Err(Refused::NewPassword(advice)))
}
