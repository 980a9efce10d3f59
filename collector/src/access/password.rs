//! Changing how one signs in oneself: the password, and the recovery codes.

use super::codes::RecoveryCodes;
use super::sign_in::{Refused, record};
use super::strength::{Known, fault};
use super::vault::Vault;
use super::work::Work;
use crate::app::App;
use crate::chain::Deed;
use crate::store::access::{self as rows, User};
use crate::store::{browsers, codes as spent};
use serde_json::json;
use zeroize::Zeroizing;

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
    record(app, &mut tx, person_id, Deed::PasswordChanged, json!({}), now_ms).await?;
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
    spent::replace_recovery_codes(&mut tx, &app.school_id, person_id, &codes.hashes(person_id)).await?;
    record(
        app,
        &mut tx,
        person_id,
        Deed::RecoveryCodesMade,
        json!({}),
        now_ms,
    )
    .await?;
    tx.commit().await?;
    Ok(codes)
}

async fn open_own(
    app: &App,
    work: &Work,
    person_id: &str,
    present: Zeroizing<String>,
) -> Result<(User, Vault), Refused> {
    let user = rows::user(&mut *app.store.read().await?, &app.school_id, person_id).await?;
    let vault = work.open(&app.school_id, user.as_ref(), present).await?;
    user.zip(vault).ok_or(Refused::PresentPassword)
}

pub(super) async fn check_new_password(app: &App, person_id: &str, password: &str) -> Result<(), Refused> {
    let person = rows::name_and_email(&mut *app.store.read().await?, &app.school_id, person_id).await?;
    let (name, email) = person.unwrap_or_default();
    let known = Known {
        name: &name,
        email: &email,
        school: &app.school_name,
    };
    fault(password, known).map_or(Ok(()), |advice| Err(Refused::NewPassword(advice)))
}
