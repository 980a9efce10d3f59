//! What people do about each other's access: proposing, agreeing, refusing. The rules are in [`crate::access::acts`].

use super::super::Console;
use super::super::page::{Failure, go, show};
use super::super::who::{Fields, SignedIn};
use super::view::{Typed, again, draw};
use super::{finish, may_end, may_grant, person, record, rerouted};
use crate::access::acts::{self, Actor, NotDone, Place};
use crate::clock;
use crate::concerns::model::Duty;
use crate::notify::text::Access;
use crate::store::proposals::{self, Act, Change, New, State};
use crate::store::{Write, invitations, members, overview};
use crate::telling::Telling;
use axum::extract::{Path, State as With};
use axum::response::Response;
use serde_json::json;

/// A code, which is shown once, and to whom and when it is told.
pub(super) struct Told {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) email: String,
    /// A technician must agree first.
    pub(super) waits: bool,
}

/// Proposes a duty.
pub(in super::super) async fn grant(
    With(console): With<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let typed = Typed::of("grant", &fields);
    let duty = Duty::from_code(fields.trimmed("duty")).filter(|duty| may_grant(&who).contains(duty));
    let Some(duty) = duty else {
        return again(&console, &who, typed, "duty", "Choose a duty that you may grant.").await;
    };
    let app = &console.app;
    let person = overview::person(app.store.read(), &app.school_id, fields.trimmed("person")).await?;
    let Some(person) = person.filter(|person| person.role != "pupil") else {
        return again(&console, &who, typed, "person", "Choose the person.").await;
    };
    let new = New {
        act: Act::Grant,
        person_id: &person.person_id,
        duty: Some(duty),
        change: None,
        by: who.id(),
    };
    propose(&console, &who, &new, On::People("person", typed)).await
}

/// Proposes a link: the first, or the reset of a sign-in that is there.
pub(in super::super) async fn link(
    With(console): With<Console>,
    who: SignedIn,
    Path(person_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let app = &console.app;
    let mut connection = app.store.read().acquire().await?;
    let person = members::find(&mut connection, &app.school_id, &person_id).await?;
    drop(connection);
    let person = person.ok_or(Failure::NotFound)?;
    let new = New {
        act: if person.can_sign_in {
            Act::Reset
        } else {
            Act::FirstLink
        },
        person_id: &person_id,
        duty: None,
        change: None,
        by: who.id(),
    };
    propose(&console, &who, &new, On::Person("link")).await
}

/// Proposes another name, address or role.
pub(in super::super) async fn change(
    With(console): With<Console>,
    who: SignedIn,
    Path(person_id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let change = person::change_of(&fields);
    if let Some((field, words)) = fault(&change) {
        return person::again(&console, &who, &person_id, Some(change), field, words).await;
    }
    let new = New {
        act: Act::Change,
        person_id: &person_id,
        duty: None,
        change: Some(&change),
        by: who.id(),
    };
    propose(&console, &who, &new, On::Person("email")).await
}

/// Ends one's own duty, or proposes the end of another's.
pub(in super::super) async fn end_duty(
    With(console): With<Console>,
    who: SignedIn,
    Path(duty_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let duties = overview::duties(app.store.read(), &app.school_id).await?;
    let held = duties.iter().find(|held| held.duty_id == duty_id);
    let held = held.filter(|held| may_end(&who, held)).ok_or(Failure::NotFound)?;
    let duty = Duty::from_code(&held.duty).ok_or(Failure::NotFound)?;
    if held.person_id != who.id() {
        let new = New {
            act: Act::EndDuty,
            person_id: &held.person_id,
            duty: Some(duty),
            change: None,
            by: who.id(),
        };
        return propose(&console, &who, &new, On::People("people", Typed::default())).await;
    }
    let mut tx = app.store.write().await?;
    if !overview::end_duty_of(&mut tx, &app.school_id, who.id(), duty, who.id(), now).await? {
        return Err(Failure::NotFound);
    }
    let detail = json!({ "person": held.person_id, "duty": held.duty });
    record(&console, &who, &mut tx, "duty-ended", detail, now).await?;
    rerouted(&console, &who, &mut tx, now).await?;
    finish(&console, tx).await?;
    // Keys of a duty that has ended are in no session any more.
    let has_others = duties.iter().filter(|other| other.person_id == who.id()).count() > 1;
    console
        .sessions
        .end_all(who.id(), has_others.then_some(who.cookie.as_str()));
    Ok(go("/people?done=ended"))
}

/// A holder gives keys to somebody who waits for them.
pub(in super::super) async fn give_keys(
    With(console): With<Console>,
    who: SignedIn,
    Path(person_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    match acts::give_keys(&mut tx, &app.school_id, actor(&who), &person_id, now).await {
        Ok(_) => {
            finish(&console, tx).await?;
            Ok(go("/people?done=keys"))
        }
        Err(not_done) => {
            drop(tx);
            let words = words(not_done)?;
            person::again(&console, &who, &person_id, None, "keys", words).await
        }
    }
}

/// Decides about a proposal.
pub(in super::super) async fn decide(
    With(console): With<Console>,
    who: SignedIn,
    Path((proposal_id, decision)): Path<(String, String)>,
    _fields: Fields,
) -> Result<Response, Failure> {
    match decision.as_str() {
        "agree" => agree(&console, &who, &proposal_id).await,
        "propose" => adopt(&console, who.reader()?, &proposal_id).await,
        "refuse" | "withdraw" => turn_down(&console, &who, &proposal_id).await,
        "stop" => stop(&console, &who, &proposal_id).await,
        _ => Err(Failure::NotFound),
    }
}

async fn agree(console: &Console, who: &SignedIn, proposal_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let telling = app.telling();
    let prepared = match acts::prepare(place(console, &telling), actor(who), proposal_id, now).await {
        Ok(prepared) => prepared,
        Err(not_done) => return refused(console, who, not_done).await,
    };
    let mut tx = app.store.write().await?;
    let agreed = match acts::agree(&mut tx, &telling, actor(who), (proposal_id, prepared), now).await {
        Ok(agreed) => agreed,
        Err(not_done) => {
            drop(tx);
            return refused(console, who, not_done).await;
        }
    };
    rerouted(console, who, &mut tx, now).await?;
    let person = members::find(&mut tx, &app.school_id, &agreed.proposal.person_id).await?;
    finish(console, tx).await?;
    if agreed.proposal.act == Act::EndDuty {
        // Keys of a duty that has ended are in no session any more.
        console.sessions.end_all(&agreed.proposal.person_id, None);
    }
    let Some((code, person)) = agreed.code.zip(person) else {
        return Ok(go("/people?done=agreed"));
    };
    let mut page = draw(console, who).await?;
    page.told = Some(Told {
        code: code.shown(),
        name: person.name(),
        email: person.email,
        waits: false,
    });
    show(&page)
}

/// A reader proposes what an import found.
async fn adopt(console: &Console, who: SignedIn, proposal_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let proposal = proposals::find(&mut *tx, &app.school_id, proposal_id, now).await?;
    let proposal = proposal.filter(|proposal| proposal.proposed_by.is_none());
    let proposal = proposal.ok_or(Failure::NotFound)?;
    let standing = proposals::standing(&mut tx, &app.school_id).await?;
    if !standing.may_propose(who.id(), &proposal.person_id)
        || !proposals::adopt(&mut tx, &app.school_id, proposal_id, who.id(), now).await?
    {
        return Err(Failure::NotFound);
    }
    let detail = json!({ "person": proposal.person_id, "act": proposal.act.code() });
    record(console, &who, &mut tx, "access-proposed", detail, now).await?;
    finish(console, tx).await?;
    Ok(go("/people?done=proposed"))
}

/// The proposer takes it back, or somebody who could agree refuses it.
async fn turn_down(console: &Console, who: &SignedIn, proposal_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let proposal = proposals::find(&mut *tx, &app.school_id, proposal_id, now).await?;
    let proposal = proposal.ok_or(Failure::NotFound)?;
    let standing = proposals::standing(&mut tx, &app.school_id).await?;
    let state = if proposal.proposed_by.as_deref() == Some(who.id()) {
        State::Withdrawn
    } else if standing.may_propose(who.id(), &proposal.person_id) {
        State::Refused
    } else {
        return Err(Failure::NotFound);
    };
    if !proposals::close(&mut tx, &app.school_id, proposal_id, (state, who.id()), now).await? {
        return Err(Failure::NotFound);
    }
    let detail = json!({"person": proposal.person_id, "act": proposal.act.code(), "duty": proposal.duty.map(Duty::code)});
    let (action, done) = match state {
        State::Withdrawn => ("access-withdrawn", "proposal-withdrawn"),
        _ => ("access-refused", "proposal-refused"),
    };
    record(console, who, &mut tx, action, detail, now).await?;
    if state == State::Refused {
        tell(
            console,
            &mut tx,
            &proposal.person_id,
            Access::Refused(proposal.act),
            now,
        )
        .await?;
    }
    finish(console, tx).await?;
    Ok(go(&format!("/people?done={done}")))
}

/// Stops a link that was not used.
async fn stop(console: &Console, who: &SignedIn, invitation_id: &str) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let invitation = invitations::find(&mut *tx, &app.school_id, invitation_id).await?;
    let invitation = invitation.filter(|of| who.is_reader() || of.person_id == who.id());
    let person_id = invitation.ok_or(Failure::NotFound)?.person_id;
    invitations::withdraw_of(&mut tx, &app.school_id, &person_id, now).await?;
    record(
        console,
        who,
        &mut tx,
        "link-stopped",
        json!({ "person": person_id }),
        now,
    )
    .await?;
    tell(console, &mut tx, &person_id, Access::Stopped, now).await?;
    finish(console, tx).await?;
    Ok(go("/people?done=withdrawn"))
}

/// Alone, a reader can keep somebody out for as long as nobody else knows: so the person and every reader are told.
async fn tell(
    console: &Console,
    tx: &mut Write,
    person_id: &str,
    what: Access,
    now: i64,
) -> Result<(), Failure> {
    if let Some(person) = members::find(tx, &console.app.school_id, person_id).await? {
        members::tell(tx, &console.app.telling(), &person, what, now).await?;
    }
    Ok(())
}

/// The page on which something is proposed, and its field at which it stands why that is not taken.
enum On {
    People(&'static str, Typed),
    Person(&'static str),
}

/// Proposes.
async fn propose(console: &Console, who: &SignedIn, new: &New<'_>, on: On) -> Result<Response, Failure> {
    let telling = console.app.telling();
    let proposed = acts::propose(place(console, &telling), actor(who), new, clock::now_ms()).await;
    let code = match proposed {
        Ok(code) => code,
        Err(not_done) => {
            let words = words(not_done)?;
            return match on {
                On::People(field, typed) => again(console, who, typed, field, words).await,
                On::Person(field) => {
                    person::again(console, who, new.person_id, new.change.cloned(), field, words).await
                }
            };
        }
    };
    console.app.changed(None);
    let Some(code) = code else {
        return Ok(go("/people?done=proposed"));
    };
    let app = &console.app;
    let mut connection = app.store.read().acquire().await?;
    let person = members::find(&mut connection, &app.school_id, new.person_id).await?;
    drop(connection);
    let person = person.ok_or(Failure::NotFound)?;
    let mut page = draw(console, who).await?;
    page.told = Some(Told {
        code: code.shown(),
        name: person.name(),
        email: person.email,
        waits: true,
    });
    show(&page)
}

async fn refused(console: &Console, who: &SignedIn, not_done: NotDone) -> Result<Response, Failure> {
    match not_done {
        // INVARIANT 4: whether there is one says nothing to whom it is not for.
        NotDone::NotYours | NotDone::Gone => Err(Failure::NotFound),
        not_done => {
            let words = words(not_done)?;
            again(console, who, Typed::default(), "waiting", words).await
        }
    }
}

/// In words for a page.
fn words(not_done: NotDone) -> Result<String, Failure> {
    match not_done {
        NotDone::Store(error) => Err(error.into()),
        NotDone::Busy => Err(Failure::Busy),
        NotDone::NotYours => Err(Failure::NotFound),
        not_done => {
            let words = not_done.to_string();
            let mut letters = words.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            Ok(first.into_iter().chain(letters).chain(['.']).collect())
        }
    }
}

fn fault(change: &Change) -> Option<(&'static str, &'static str)> {
    let is_name = |name: &str| !name.is_empty() && name.chars().count() <= 100;
    if !is_name(&change.given_name) {
        return Some(("given", "Type the given name."));
    }
    if !is_name(&change.family_name) {
        return Some(("family", "Type the family name."));
    }
    if change.email.parse::<lettre::Address>().is_err() {
        return Some(("email", "Type an e-mail address, such as name@school.example."));
    }
    let roles = ["staff", "governor", "outside"];
    (!roles.contains(&change.role.as_str())).then_some(("role", "Choose what they are to the school."))
}

fn actor(who: &SignedIn) -> Actor<'_> {
    Actor {
        id: who.id(),
        keys: &who.session.keys,
        own: who.session.own.as_ref(),
    }
}

fn place<'a>(console: &'a Console, telling: &'a Telling) -> Place<'a> {
    Place {
        store: &console.app.store,
        telling,
        work: &console.work,
    }
}
