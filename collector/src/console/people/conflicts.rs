//! Readers who are kept out of what concerns a person.

use super::doing::{finish, rerouted};
use super::view::{Typed, again};
use crate::clock;
use crate::concerns::model::Duty;
use crate::console::Console;
use crate::console::answer::{Failure, go};
use crate::console::form::Fields;
use crate::console::said::Done;
use crate::console::who::SignedIn;

use crate::store::Write;
use crate::store::conflicts::{self, Conflict, Refused};
use crate::store::overview;
use crate::store::people::Directory;
use axum::extract::State;
use axum::response::Response;

/// Records that a reader must not see what concerns a person.
pub(in crate::console) async fn add_conflict(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (app, now) = (&console.app, clock::now_ms());
    let mut tx = app.store.write().await?;
    let duties = overview::duties(&mut tx, &app.school_id).await?;
    let (reader, typed) = (fields.trimmed("reader"), Typed::of("conflicts", &fields));
    if !duties
        .iter()
        .any(|held| held.person_id == reader && held.duty != Duty::Technician)
    {
        return again(&console, &who, typed, "reader", "Choose the reader.").await;
    }
    let about = overview::person(&mut tx, &app.school_id, fields.trimmed("about")).await?;
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
        (None, _) => Done::Conflict,
        (Some(_), true) => Done::ConflictADay,
        (Some(_), false) => Done::ConflictWaits,
    };
    Ok(go(&said.at("/people")))
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
pub(in crate::console) async fn agree_conflict(
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
    Ok(go(&Done::Conflict.at("/people")))
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
    let known = conflicts::known_to(tx, &directory, &app.school_id, who.id()).await?;
    let found = known
        .into_iter()
        .find(|conflict| conflict.reader_id == reader && conflict.about_id == about);
    found.ok_or(Failure::NotFound)
}

pub(in crate::console) async fn end_conflict(
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
    Ok(go(&Done::ConflictEnded.at("/people")))
}
