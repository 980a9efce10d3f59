//! The school's list of people: given by a technician as files, shown before anything changes, and confirmed by those who
//! have to. Adults by name; of pupils only numbers, since technicians see no pupils' names (P41).

use super::doing::finish;
use crate::clock;
use crate::concerns::model::Duty;
use crate::console::Console;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::form::{Fields, Files};
use crate::console::page::Page;
use crate::console::said::Done;
use crate::console::sealing::seal_again;
use crate::console::who::SignedIn;

use crate::people::plan::{Confirms, Plan};
use crate::people::said::Said;
use crate::people::{File, Reader, Reading, Refused};
use crate::store::accounts;
use crate::store::held_import::{self, Confirmed, Held};
use crate::store::import::{self, ImportError};
use crate::store::people::Directory;
use askama::Template;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    page: Page,
    may_give: bool,
    waiting: Option<Waiting>,
    /// Why files that were just given are refused.
    refused: Vec<String>,
    /// Accounts on devices: for technicians, who mend the list.
    accounts: Option<Accounts>,
}

/// Numbers alone: names of pupils' accounts are names (P41), and the command line lists them.
struct Accounts {
    known: usize,
    /// Accounts that are nobody's, by why.
    unknown: Vec<String>,
}

/// A list that waits.
struct Waiting {
    /// Whose and since when.
    words: String,
    /// How it was read, and the rows that were left out.
    reading: Vec<String>,
    said: Said,
    /// Who has to confirm it; empty when it is whoever gave it.
    confirms: String,
    mark: String,
    may_confirm: bool,
    may_drop: bool,
}

/// Whoever looks after the system gives the list; the headteacher can, too.
fn may_give(who: &SignedIn) -> bool {
    who.has(Duty::Technician) || who.has(Duty::Headteacher)
}

/// Somebody who may give the list: known before what they send is read.
pub(in crate::console) struct Giver(SignedIn);

impl FromRequestParts<Console> for Giver {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let who = SignedIn::from_request_parts(parts, console).await?;
        if may_give(&who) {
            Ok(Self(who))
        } else {
            Err(Failure::NotFound)
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => Self::Store(error),
            // Said on the page wherever it can come up.
            ImportError::Unsafe(_) | ImportError::LeavesDutyEmpty(_) => Self::Busy,
        }
    }
}

pub(in crate::console) async fn page(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let mut page = draw(&console, &who, Vec::new()).await?;
    page.page.said(&query);
    show(&page)
}

/// Files are given.
pub(in crate::console) async fn given(
    State(console): State<Console>,
    who: Giver,
    files: Files,
) -> Result<Response, Failure> {
    let who = who.0;
    // INVARIANT 8: one at a time; a list may take as much memory as a hundred thousand people need.
    let Ok(_one) = console.importing.try_lock() else {
        return Err(Failure::Busy);
    };
    if files.0.is_empty() {
        return again(&console, &who, "Choose the file.".to_owned(), Vec::new()).await;
    }
    let (app, now) = (&console.app, clock::now_ms());
    let reading = match read(Reader::on(now, &app.profile.load()), files).await? {
        Ok(reading) => reading,
        Err(refused) => {
            let fault = "The list cannot be taken: see below.".to_owned();
            return again(&console, &who, fault, lines(&refused.to_string())).await;
        }
    };
    let telling = app.telling();
    let mut tx = app.store.write().await?;
    let plan = match import::plan(&mut tx, &telling, &reading).await {
        Ok((plan, _)) => plan,
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(refused) => {
            drop(tx);
            return again(&console, &who, refused.to_string(), lines(&reading.to_string())).await;
        }
    };
    if plan.is_empty() && reading.left_out.is_empty() {
        return Ok(go(&Done::PeopleSame.at("/people/import")));
    }
    let confirming = held_import::confirming(&mut tx, &app.school_id).await?;
    if !confirming.anybody(&plan) {
        drop(tx);
        let fault = format!(
            "Nobody could confirm this: it needs {}, who can sign in.",
            plan.confirms().words()
        );
        return again(&console, &who, fault, plan.said().stops).await;
    }
    held_import::hold(&mut tx, &telling, &reading, &plan, who.id(), now).await?;
    finish(&console, tx).await?;
    Ok(go("/people/import"))
}

/// Reading much takes long: not on the threads that answer others.
async fn read(reader: Reader, files: Files) -> Result<Result<Reading, Refused>, Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let given: Vec<_> = files.0.iter().map(|(name, bytes)| File { name, bytes }).collect();
        reader.read(&given)
    });
    reading.await.map_err(|_| Failure::Busy)
}

/// Somebody confirms the list that waits, or drops it.
pub(in crate::console) async fn decided(
    State(console): State<Console>,
    who: SignedIn,
    Path(decision): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let telling = app.telling();
    let mut tx = app.store.write().await?;
    let held = held_import::waiting(&mut tx, &app.school_id, now)
        .await?
        .ok_or(Failure::NotFound)?;
    let planned = import::plan(&mut tx, &telling, &held.reading).await;
    let confirming = held_import::confirming(&mut tx, &app.school_id).await?;
    if decision == "drop" {
        let may = match &planned {
            Ok((plan, _)) => may_drop(&who, &held) || confirming.may(who.id(), &held, plan),
            Err(_) => may_drop(&who, &held),
        };
        if !may {
            return Err(Failure::NotFound);
        }
        held_import::drop_it(&mut tx, &app.school_id, &held, who.id(), now).await?;
        finish(&console, tx).await?;
        return Ok(go(&Done::PeopleDropped.at("/people/import")));
    }
    let (plan, directory) = planned?;
    if decision != "confirm" || !confirming.may(who.id(), &held, &plan) {
        return Err(Failure::NotFound);
    }
    let known = (&held, &plan, &directory);
    let done = held_import::confirm(&mut tx, &telling, known, fields.trimmed("mark"), who.id(), now).await;
    let said = match done {
        Ok(Confirmed::Taken(imported)) => {
            seal_again(&console, &mut tx, &who.session, &imported.group_changed).await?;
            Done::PeopleTaken
        }
        Ok(Confirmed::First) => Done::PeopleFirst,
        Ok(Confirmed::Otherwise) => Done::PeopleOtherwise,
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(refused) => {
            drop(tx);
            return again(&console, &who, refused.to_string(), Vec::new()).await;
        }
    };
    finish(&console, tx).await?;
    Ok(go(&said.at("/people/import")))
}

fn may_drop(who: &SignedIn, held: &Held) -> bool {
    may_give(who) || who.id() == held.held_by
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

async fn again(
    console: &Console,
    who: &SignedIn,
    fault: String,
    refused: Vec<String>,
) -> Result<Response, Failure> {
    let mut page = draw(console, who, refused).await?;
    page.page.fault("files", fault);
    show_again(&page)
}

async fn draw(console: &Console, who: &SignedIn, refused: Vec<String>) -> Result<ImportPage, Failure> {
    let (app, now) = (&console.app, clock::now_ms());
    let page = console
        .page(who, "The school’s list of people", "/people")
        .await?;
    let mut connection = app.store.read().await?;
    let directory = Directory::load(&mut connection, &app.school_id, &app.profile.load_full()).await?;
    let seen = accounts::seen(&mut connection, &app.school_id, &directory).await?;
    let held = held_import::waiting(&mut connection, &app.school_id, now).await?;
    let confirming = held_import::confirming(&mut connection, &app.school_id).await?;
    let waiting = match held {
        None => None,
        Some(held) => {
            let planned = import::plan(&mut connection, &app.telling(), &held.reading).await;
            let (plan, fault) = match planned {
                Ok((plan, _)) => (plan, None),
                Err(ImportError::Store(error)) => return Err(error.into()),
                // Something has changed meanwhile: it can only be dropped.
                Err(refused) => (Plan::default(), Some(refused.to_string())),
            };
            let may_confirm = fault.is_none() && confirming.may(who.id(), &held, &plan);
            let mut waiting = in_words(&page, who, &held, &plan, may_confirm);
            waiting.said.stops.extend(fault);
            // INVARIANT 4: who may do nothing about it is not told of it.
            (may_confirm || may_drop(who, &held) || who.is_reader()).then_some(waiting)
        }
    };
    Ok(ImportPage {
        may_give: may_give(who),
        waiting,
        refused,
        accounts: may_count(who).then(|| Accounts::from(&seen)),
        page,
    })
}

fn in_words(page: &Page, who: &SignedIn, held: &Held, plan: &Plan, may_confirm: bool) -> Waiting {
    let confirms = match (plan.confirms(), &held.first_by) {
        (Confirms::Giver, _) => String::new(),
        (confirms, None) => format!(
            "Before it is taken in, it has to be confirmed by {}.",
            confirms.words()
        ),
        (_, Some(first)) if first == who.id() => "You have confirmed it. A second person has to.".to_owned(),
        (_, Some(_)) => "One person has confirmed it. A second one has to.".to_owned(),
    };
    Waiting {
        words: format!(
            "Given {}. It waits until {}.",
            page.clock.when(&held.held_at),
            page.clock.when(&held.expires_at)
        ),
        reading: lines(&held.reading.to_string()),
        said: plan.said(),
        confirms,
        mark: held.mark.clone(),
        may_confirm,
        may_drop: may_confirm || may_drop(who, held),
    }
}

impl From<&accounts::AccountsSeen> for Accounts {
    fn from(seen: &accounts::AccountsSeen) -> Self {
        let each = seen
            .unknown
            .iter()
            .map(|(why, names)| format!("{}: {}", names.len(), why.words()));
        Self {
            known: seen.known,
            unknown: each.collect(),
        }
    }
}

/// INVARIANT 4: an account is known here once something of it was flagged. To a reader the numbers would count concerns
/// that they may not see.
fn may_count(who: &SignedIn) -> bool {
    who.has(Duty::Technician) && !who.is_reader()
}
