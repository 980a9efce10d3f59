//! Coming in by a link: the first time, and after a reset.

use super::codes::{Code, RecoveryCodes, SecondFactor};
use super::invitation::Link;
use super::password::check_new_password;
use super::school_keys;
use super::sessions::Session;
use super::sign_in::{Refused, record};
use super::vault::Vault;
use super::voice::VoiceCode;
use super::work::Work;
use crate::app::App;
use crate::chain::Deed;
use crate::concerns::model::ReaderGroup;
use crate::seal::GroupPrivateKey;
use crate::store::access::{self as rows, User};
use crate::store::acts::AccessChange;
use crate::store::invitations::{self, Invitation};
use crate::store::person_keys::{self, Recorded};
use crate::store::{browsers, codes as spent, members, sealed_keys};
use serde_json::json;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

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
    let mut vault = vault_of(app, work, &invitation, keys, typed.present_password, factor).await?;
    let wanted = groups_of(app, &person_id).await?;
    vault.keys.retain(|(group, _)| wanted.contains(group));
    let (groups, own) = (vault.groups(), vault.own.as_ref().map(GroupPrivateKey::public));
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
        vouched: invitation.vouched,
    };
    let was_there = rows::had_sign_in(&mut tx, &app.school_id, &person_id).await?;
    let at = (invitation.invitation_id.as_str(), now_ms);
    if !rows::set_up(&mut tx, &app.school_id, &user, &groups, at).await? {
        return Err(Refused::Link);
    }
    sealed_keys::forget(&mut tx, &app.school_id, &person_id).await?;
    spent::replace_recovery_codes(&mut tx, &app.school_id, &person_id, &codes.hashes(&person_id)).await?;
    browsers::forget(&mut tx, &app.school_id, &person_id).await?;
    rows::signed_in(&mut tx, &app.school_id, &person_id, now_ms).await?;
    let detail =
        json!({"reset": was_there, "proposed_by": invitation.proposed_by, "agreed_by": invitation.agreed_by});
    record(app, &mut tx, &person_id, Deed::Joined, detail, now_ms).await?;
    if let Some(own) = own {
        person_keys::record(&mut tx, &app.school_id, &person_id, &Recorded::Key(own), now_ms).await?;
    }
    if let Some(person) = members::find(&mut tx, &app.school_id, &person_id).await? {
        let what = AccessChange::SetUp { reset: was_there };
        members::tell(&mut tx, &app.telling(), &person, what, now_ms).await?;
    }
    let keys_differ = school_keys::differ(app, &mut tx, (&person_id, &vault.keys), now_ms).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    let mut session = Session::new(person_id, vault.keys, vault.own);
    session.keys_differ = keys_differ;
    Ok((session, codes))
}

/// What a person reads by their duties of now: one may have ended since the link was made.
async fn groups_of(app: &App, person_id: &str) -> Result<BTreeSet<ReaderGroup>, Refused> {
    let mut connection = app.store.read().await?;
    let person = members::find(&mut connection, &app.school_id, person_id).await?;
    Ok(person.ok_or(Refused::Link)?.groups(None))
}

async fn usable(app: &App, link: &Link, now_ms: i64) -> Result<Invitation, Refused> {
    let invitation = invitations::find(
        &mut *app.store.read().await?,
        &app.school_id,
        link.invitation_id(),
    )
    .await?;
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
    record(app, &mut tx, "pastoral", Deed::LinkCodeWrong, detail, now_ms).await?;
    if wrong == invitations::MOST_WRONG_CODES
        && let Some(person) = members::find(&mut tx, &app.school_id, &invitation.person_id).await?
    {
        members::tell(&mut tx, &app.telling(), &person, AccessChange::WrongCodes, now_ms).await?;
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
        let user = rows::user(
            &mut *app.store.read().await?,
            &app.school_id,
            &invitation.person_id,
        )
        .await?;
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
