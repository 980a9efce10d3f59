//! People with access, and how they got it (P37): acts of two on access, and conflicts.

mod acts;
pub(super) mod import;
mod person;
mod view;
mod waiting;

pub(super) use acts::{change, decide, end_duty, give_keys, grant, link};
pub(super) use person::person;

use super::Console;
use super::concern::seal_again;
use super::page::{Failure, go, show};
use super::who::{Fields, SignedIn};
use crate::clock;
use crate::concerns::model::Duty;
use crate::store::conflicts::{self, Conflict, Refused};
use crate::store::overview::{self, HeldDuty};
use crate::store::people::Directory;
use crate::store::{Write, audit, rerouting};
use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::Value;
use std::collections::HashMap;
use view::{Typed, again, draw};

/// The page.
pub(super) async fn people(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let kept = console.kept(&who, "/people").await?;
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    if let Some(draft) = kept {
        // What was chosen stands in the form itself.
        page.page.kept = Some(("/people".to_owned(), String::new()));
        page.typed = Typed {
            form: draft.action().to_owned(),
            fields: draft.into_fields(),
        };
    }
    show(&page)
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
    let (reader, typed) = (fields.trimmed("reader"), Typed::of("conflicts", &fields));
    if !duties
        .iter()
        .any(|held| held.person_id == reader && held.duty != Duty::Technician.code())
    {
        return again(&console, &who, typed, "reader", "Choose the reader.").await;
    }
    let about = overview::person(&mut *tx, &app.school_id, fields.trimmed("about")).await?;
    let Some(about) = about.filter(|about| about.person_id != reader) else {
        return again(&console, &who, typed, "about", "Choose another person.").await;
    };
    let telling = app.telling();
    let recorded = conflicts::record(&mut tx, &telling, (reader, &about.person_id), who.id(), now).await?;
    let conflict = match recorded {
        Ok(conflict) => conflict,
        Err(refused) => return again(&console, &who, typed, "about", why_not(refused)).await,
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
        Refused::Joined => {
            "Whoever agrees must have read concerns already when it was recorded. Ask the headteacher or the chair."
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
    if let Err(refused) = conflicts::agree(&mut tx, &app.telling(), &conflict, who.id(), now).await? {
        return again(&console, &who, Typed::default(), "about", why_not(refused)).await;
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
    conflicts::end(&mut tx, &app.telling(), &conflict, who.id(), now).await?;
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
    let changed = rerouting::reroute_all(tx, &console.app.telling(), now).await?;
    seal_again(console, tx, &who.session, &changed).await
}

async fn finish(console: &Console, tx: Write) -> Result<(), Failure> {
    tx.commit().await?;
    console.app.changed(None);
    Ok(())
}

/// The duties that somebody may propose: they must hold every key that goes with it.
fn may_grant(who: &SignedIn) -> Vec<Duty> {
    let holds = |duty: &Duty| match duty {
        Duty::Technician => who.has(Duty::Headteacher),
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

/// Whether somebody may end a duty of their own, or propose the end of another's.
fn may_end(who: &SignedIn, held: &HeldDuty) -> bool {
    let own = who.id() == held.person_id;
    match Duty::from_code(&held.duty) {
        Some(Duty::Technician) => own || who.has(Duty::Headteacher),
        Some(Duty::Headteacher | Duty::Independent) => own || who.has(Duty::Chair),
        Some(Duty::Chair) => own || who.has(Duty::Independent) || who.has(Duty::Headteacher),
        _ => own || who.has(Duty::Headteacher) || who.has(Duty::Chair),
    }
}
