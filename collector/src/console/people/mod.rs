//! People with access, and how they got it (P37): granting and ending it, and conflicts.

pub(super) mod import;
mod view;

use super::Console;
use super::concern::seal_again;
use super::page::{Failure, go, show};
use super::who::{Fields, SignedIn};
use crate::access::{self, InvitationError};
use crate::clock;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::notify::Telling;
use crate::seal::GroupPrivateKey;
use crate::store::access as rows;
use crate::store::conflicts::{self, Conflict, Refused};
use crate::store::invitations::{self, Invitation};
use crate::store::overview::{self, HeldDuty};
use crate::store::people::Directory;
use crate::store::{Write, audit, routing, wanted};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::HashMap;
use view::{again, draw};

/// The page.
pub(super) async fn people(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    show(&page)
}

/// Proposes access, and shows the link once.
pub(super) async fn grant(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let duty = Duty::from_code(fields.trimmed("duty")).filter(|duty| may_grant(&who).contains(duty));
    let Some(duty) = duty else {
        return again(&console, &who, "duty", "Choose a duty that you may grant.").await;
    };
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let person = overview::person(&mut *tx, &app.school_id, fields.trimmed("person")).await?;
    let Some(person) = person.filter(|person| person.role != "pupil") else {
        return again(&console, &who, "person", "Choose the person.").await;
    };
    let address = rows::name_and_email(&mut *tx, &app.school_id, &person.person_id).await?;
    if address.is_none_or(|(_, email)| email.is_empty()) {
        return again(
            &console,
            &who,
            "person",
            "This person has no e-mail address to sign in with.",
        )
        .await;
    }
    let keys: Vec<(ReaderGroup, GroupPrivateKey)> = duty
        .reader_groups()
        .iter()
        .filter_map(|group| Some((*group, who.session.key(*group)?.clone())))
        .collect();
    let needs_second = duty != Duty::Technician;
    let (school_id, person_id) = (&app.school_id, &person.person_id);
    let link = access::invite(
        &mut tx,
        school_id,
        person_id,
        duty,
        &keys,
        who.id(),
        needs_second,
        now,
    )
    .await;
    let link = link.map_err(|error| match error {
        InvitationError::Store(error) => Failure::Store(error),
        InvitationError::NoLink => Failure::Busy,
    })?;
    wanted::tell(&mut tx, &Telling::of(app), now).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    let mut page = draw(&console, &who).await?;
    page.link = Some((format!("{}{}", app.console_url, link.path()), needs_second));
    show(&page)
}

/// A second person agrees to a proposal, or it is withdrawn.
pub(super) async fn decide_grant(
    State(console): State<Console>,
    who: SignedIn,
    Path((invitation_id, decision)): Path<(String, String)>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let invitation = invitations::open_invitation(&mut *tx, &app.school_id, &invitation_id).await?;
    let invitation = invitation
        .filter(|invitation| now < invitation.expires_at)
        .ok_or(Failure::NotFound)?;
    let duties = overview::duties(&mut *tx, &app.school_id).await?;
    let said = match decision.as_str() {
        "agree" if may_agree(&who, &invitation, &duties) => {
            access::agree(&mut tx, &app.school_id, &invitation, who.id(), now).await?;
            rerouted(&console, &who, &mut tx, now).await?;
            "agreed"
        }
        "withdraw" if may_withdraw(&who, &invitation) => {
            invitations::withdraw_invitation(&mut tx, &app.school_id, &invitation_id, now).await?;
            let detail = json!({ "person": invitation.person_id, "duty": invitation.duty.code() });
            record(&console, &who, &mut tx, "grant-withdrawn", detail, now).await?;
            "withdrawn"
        }
        _ => return Err(Failure::NotFound),
    };
    finish(&console, tx).await?;
    Ok(go(&format!("/people?done={said}")))
}

/// Ends a duty.
pub(super) async fn end_duty(
    State(console): State<Console>,
    who: SignedIn,
    Path(duty_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let duties = overview::duties(&mut *tx, &app.school_id).await?;
    let held = duties.iter().find(|held| held.duty_id == duty_id);
    let held = held.filter(|held| may_end(&who, held)).ok_or(Failure::NotFound)?;
    overview::end_duty(&mut tx, &app.school_id, &duty_id, who.id(), now).await?;
    let detail = json!({ "person": held.person_id, "duty": held.duty });
    record(&console, &who, &mut tx, "duty-ended", detail, now).await?;
    rerouted(&console, &who, &mut tx, now).await?;
    finish(&console, tx).await?;
    // Keys of a duty that has ended are in no session any more.
    let except = (held.person_id == who.id()
        && duties.iter().filter(|other| other.person_id == who.id()).count() > 1)
        .then_some(who.cookie.as_str());
    console.sessions.end_all(&held.person_id, except);
    Ok(go("/people?done=ended"))
}

/// Records that a reader must not see what concerns a person.
pub(super) async fn add_conflict(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let duties = overview::duties(&mut *tx, &app.school_id).await?;
    let reader = fields.trimmed("reader");
    if !duties
        .iter()
        .any(|held| held.person_id == reader && held.duty != Duty::Technician.code())
    {
        return again(&console, &who, "reader", "Choose the reader.").await;
    }
    let about = overview::person(&mut *tx, &app.school_id, fields.trimmed("about")).await?;
    let Some(about) = about.filter(|about| about.person_id != reader) else {
        return again(&console, &who, "about", "Choose another person.").await;
    };
    let telling = Telling::of(app);
    let recorded = conflicts::record(&mut tx, &telling, (reader, &about.person_id), who.id(), now).await?;
    let conflict = match recorded {
        Ok(conflict) => conflict,
        Err(refused) => return again(&console, &who, "about", why_not(refused)).await,
    };
    if conflict.in_force {
        rerouted(&console, &who, &mut tx, now).await?;
    }
    finish(&console, tx).await?;
    let said = match (conflict.lapses_at, conflict.in_force) {
        (None, _) => "conflict",
        (Some(_), true) => "conflict-a-day",
        (Some(_), false) => "conflict-waits",
    };
    Ok(go(&format!("/people?done={said}")))
}

const fn why_not(refused: Refused) -> &'static str {
    match refused {
        Refused::Theirs => {
            "Choose somebody else: nobody records who may not read about themselves. Ask the headteacher or the chair."
        }
        Refused::LastReader => {
            "Nobody else would be left to read what concerns them. Give somebody else a duty to read first."
        }
        Refused::Stands => "They are kept out already, or it waits for somebody to agree.",
    }
}

/// A second person agrees to a conflict.
pub(super) async fn agree_conflict(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let conflict = known_conflict(&console, &who, &mut tx, &fields).await?;
    if !conflict.may_agree(who.id()) {
        return Err(Failure::NotFound);
    }
    if let Err(refused) = conflicts::agree(&mut tx, &Telling::of(app), &conflict, who.id(), now).await? {
        return again(&console, &who, "about", why_not(refused)).await;
    }
    rerouted(&console, &who, &mut tx, now).await?;
    finish(&console, tx).await?;
    Ok(go("/people?done=conflict"))
}

/// A conflict that the viewer may know of. INVARIANT 4: who may not gets the same answer as where there is none.
async fn known_conflict(
    console: &Console,
    who: &SignedIn,
    tx: &mut Write,
    fields: &Fields,
) -> Result<Conflict, Failure> {
    let (reader, about) = (fields.trimmed("reader"), fields.trimmed("about"));
    let app = &console.app;
    let directory = Directory::load(tx, &app.school_id, &app.profile.load_full()).await?;
    let known = conflicts::known_to(&mut **tx, &directory, &app.school_id, who.id()).await?;
    let found = known
        .into_iter()
        .find(|conflict| conflict.reader_id == reader && conflict.about_id == about);
    found.ok_or(Failure::NotFound)
}

/// Ends a conflict.
pub(super) async fn end_conflict(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let conflict = known_conflict(&console, &who, &mut tx, &fields).await?;
    let directory = Directory::load(&mut tx, &app.school_id, &app.profile.load_full()).await?;
    if !conflict.may_end(&directory, who.id()) {
        return Err(Failure::NotFound);
    }
    conflicts::end(&mut tx, &Telling::of(app), &conflict, who.id(), now).await?;
    rerouted(&console, &who, &mut tx, now).await?;
    finish(&console, tx).await?;
    Ok(go("/people?done=conflict-ended"))
}

async fn record(
    console: &Console,
    who: &SignedIn,
    tx: &mut Write,
    action: &str,
    detail: Value,
    now: i64,
) -> Result<(), Failure> {
    let school_id = &console.app.school_id;
    let entry = audit::Entry {
        school_id,
        actor: who.id(),
        action,
        concern_id: None,
        detail,
    };
    Ok(audit::append(tx, now, &entry).await?)
}

// INVARIANT 4: who may see what is decided again at once, and content is sealed to those who may see it now.
async fn rerouted(console: &Console, who: &SignedIn, tx: &mut Write, now: i64) -> Result<(), Failure> {
    let changed = routing::reroute_all(tx, &Telling::of(&console.app), now).await?;
    seal_again(console, tx, &who.session, &changed).await
}

async fn finish(console: &Console, tx: Write) -> Result<(), Failure> {
    tx.commit().await?;
    console.app.changed(None);
    Ok(())
}

/// The duties that somebody may grant: they must hold every key that goes with it.
fn may_grant(who: &SignedIn) -> Vec<Duty> {
    let holds = |duty: &Duty| match duty {
        Duty::Technician => who.has(Duty::Headteacher) || who.has(Duty::Technician),
        _ => {
            who.is_reader()
                && duty
                    .reader_groups()
                    .iter()
                    .all(|group| who.session.key(*group).is_some())
        }
    };
    Duty::ALL.into_iter().filter(holds).collect()
}

// Two people grant a reader's duty: neither is the one who receives it. While there are not two readers, a technician
// may be the second: they receive no keys by it.
fn may_agree(who: &SignedIn, invitation: &Invitation, duties: &[HeldDuty]) -> bool {
    let waits = invitation.needs_agreement && invitation.agreed_by.is_none();
    if !waits || who.id() == invitation.created_by || who.id() == invitation.person_id {
        return false;
    }
    let is_second = |held: &&HeldDuty| {
        held.duty != Duty::Technician.code()
            && held.can_sign_in
            && held.person_id != invitation.created_by
            && held.person_id != invitation.person_id
    };
    who.is_reader() || (who.has(Duty::Technician) && !duties.iter().any(|held| is_second(&held)))
}

fn may_withdraw(who: &SignedIn, invitation: &Invitation) -> bool {
    who.id() == invitation.created_by || who.has(Duty::Headteacher) || who.has(Duty::Chair)
}

fn may_end(who: &SignedIn, held: &HeldDuty) -> bool {
    let own = who.id() == held.person_id;
    match Duty::from_code(&held.duty) {
        Some(Duty::Technician) => own || who.has(Duty::Headteacher) || who.has(Duty::Technician),
        Some(Duty::Headteacher | Duty::Independent) => own || who.has(Duty::Chair),
        Some(Duty::Chair) => own || who.has(Duty::Independent),
        _ => own || who.has(Duty::Headteacher) || who.has(Duty::Chair),
    }
}
