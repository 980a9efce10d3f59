//! What somebody proposes about another's access, or does about their own. The rules are in [`crate::access::acts`].

use super::doing::{actor, finish, in_words, place, record, rerouted};
use super::person;
use super::person::ROLES;
use super::rights::{may_end, may_grant};
use super::view::{Typed, again, with_code};
use crate::access::acts;
use crate::chain::Deed;
use crate::clock;
use crate::concerns::model::Duty;
use crate::console::Console;
use crate::console::answer::{Failure, go};
use crate::console::form::Fields;
use crate::console::said::Done;
use crate::console::who::SignedIn;

use crate::store::proposals::{self, Act, New};
use crate::store::{members, overview};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

pub(in crate::console) async fn grant(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let typed = Typed::of("grant", &fields);
    let duty = Duty::from_code(fields.trimmed("duty")).filter(|duty| may_grant(&who).contains(duty));
    let Some(duty) = duty else {
        return again(&console, &who, typed, "duty", "Choose a duty that you may grant.").await;
    };
    let app = &console.app;
    let person = overview::person(
        &mut *app.store.read().await?,
        &app.school_id,
        fields.trimmed("person"),
    )
    .await?;
    let Some(person) = person.filter(|person| !person.role.is_pupil()) else {
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
pub(in crate::console) async fn link(
    State(console): State<Console>,
    who: SignedIn,
    Path(person_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let app = &console.app;
    let mut connection = app.store.read().await?;
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
pub(in crate::console) async fn change(
    State(console): State<Console>,
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
pub(in crate::console) async fn end_duty(
    State(console): State<Console>,
    who: SignedIn,
    Path(duty_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let duties = overview::duties(&mut *app.store.read().await?, &app.school_id).await?;
    let held = duties.iter().find(|held| held.duty_id == duty_id);
    let held = held.filter(|held| may_end(&who, held)).ok_or(Failure::NotFound)?;
    if held.person_id != who.id() {
        let new = New {
            act: Act::EndDuty,
            person_id: &held.person_id,
            duty: Some(held.duty),
            change: None,
            by: who.id(),
        };
        return propose(&console, &who, &new, On::People("people", Typed::default())).await;
    }
    let mut tx = app.store.write().await?;
    if !overview::end_duty_of(&mut tx, &app.school_id, who.id(), held.duty, who.id(), now).await? {
        return Err(Failure::NotFound);
    }
    let detail = json!({ "person": held.person_id, "duty": held.duty });
    record(&console, &who, &mut tx, Deed::DutyEnded, detail, now).await?;
    rerouted(&console, &who, &mut tx, now).await?;
    finish(&console, tx).await?;
    // Keys of a duty that has ended are in no session any more.
    let has_others = duties.iter().filter(|other| other.person_id == who.id()).count() > 1;
    console
        .sessions
        .end_all(who.id(), has_others.then_some(who.cookie.as_str()));
    Ok(go(&Done::Ended.at("/people")))
}

/// A holder gives keys to somebody who waits for them.
pub(in crate::console) async fn give_keys(
    State(console): State<Console>,
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
            Ok(go(&Done::Keys.at("/people")))
        }
        Err(not_done) => {
            drop(tx);
            let words = in_words(not_done)?;
            person::again(&console, &who, &person_id, None, "keys", words).await
        }
    }
}

/// The page on which something is proposed, and its field at which it stands why that is not taken.
enum On {
    People(&'static str, Typed),
    Person(&'static str),
}

async fn propose(console: &Console, who: &SignedIn, new: &New<'_>, on: On) -> Result<Response, Failure> {
    let telling = console.app.telling();
    let proposed = acts::propose(place(console, &telling), actor(who), new, clock::now_ms()).await;
    let code = match proposed {
        Ok(code) => code,
        Err(not_done) => {
            let words = in_words(not_done)?;
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
        return Ok(go(&Done::Proposed.at("/people")));
    };
    let app = &console.app;
    let mut connection = app.store.read().await?;
    let person = members::find(&mut connection, &app.school_id, new.person_id).await?;
    drop(connection);
    let person = person.ok_or(Failure::NotFound)?;
    with_code(console, who, &code, person, true).await
}

fn fault(change: &proposals::PersonChange) -> Option<(&'static str, &'static str)> {
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
    (!ROLES.contains(&change.role)).then_some(("role", "Choose what they are to the school."))
}
