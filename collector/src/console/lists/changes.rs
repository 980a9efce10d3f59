//! Changes to the lists: proposed by one person after seeing what they would do, agreed by another (P34).

use super::effect::{self, Effect};
use super::operation;
use super::term::draw_term;
use crate::app::App;
use crate::clock;
use crate::console::Console;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::drafts::Draft;
use crate::console::form::{Fields, TEXT_MOST};
use crate::console::page::Page;
use crate::console::said::Done;
use crate::console::terms::{find, may_agree, may_propose};
use crate::console::who::SignedIn;
use crate::console::words::sentence;
use crate::lists::Rules;
use crate::store::asking;
use crate::store::list_changes::{self, ListChange, ListChangeState, NotDecided};
use crate::store::overview::{self, Candidate};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use pastoral_keywords::changes::Operation;
use pastoral_keywords::{Audience, Topic};
use std::collections::HashMap;
use std::sync::Arc;

/// Decided changes on one page.
const SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "list_changes.html")]
struct ChangesPage {
    page: Page,
    waiting: Vec<Line>,
    decided: Vec<Line>,
    may_propose: bool,
    topics: &'static [Topic],
    audiences: &'static [Audience],
    /// What somebody wrote that was not taken.
    typed: Fields,
    before: Option<i64>,
    after: Option<i64>,
}

struct Line {
    id: i64,
    what: String,
    reason: String,
    proposed: String,
    decided: String,
}

/// What waits, what was decided, and a form for a word of the school's own.
pub(crate) async fn changes(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let number: i64 = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let kept = console.kept(&who, "/lists/changes").await?;
    let is_kept = kept.is_some();
    let typed = kept.map(Draft::into_fields).unwrap_or_default();
    let mut page = draw(&console, &who, number.clamp(1, 10_000), typed).await?;
    page.page.kept = is_kept.then(|| ("/lists/changes".to_owned(), String::new()));
    page.page.said(&query);
    show(&page)
}

async fn draw(console: &Console, who: &SignedIn, number: i64, typed: Fields) -> Result<ChangesPage, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let people = overview::everybody(&mut *store.read().await?, school_id).await?;
    let page = console.page(who, "Changes to the lists", "/lists").await?;
    let waiting = list_changes::waiting(store, school_id).await?;
    let place = ((number - 1) * SHOWN, SHOWN + 1);
    let mut decided = list_changes::decided(store, school_id, place).await?;
    let more = i64::try_from(decided.len()).is_ok_and(|found| found > SHOWN);
    decided.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    let rules = console.app.lists.load_full();
    let line = |change: &ListChange| line(&rules, change, &people, &page);
    Ok(ChangesPage {
        waiting: waiting.iter().map(line).collect(),
        decided: decided.iter().map(line).collect(),
        may_propose: may_propose(who),
        topics: Topic::ALL,
        audiences: Audience::ALL,
        typed,
        before: (number > 1).then(|| number - 1),
        after: more.then(|| number + 1),
        page,
    })
}

fn line(rules: &Rules, change: &ListChange, people: &[Candidate], page: &Page) -> Line {
    let name = |id: &str| {
        if id == "command line" {
            return "a technician, on the command line".to_owned();
        }
        let known = people.iter().find(|person| person.person_id == id);
        known
            .map_or("somebody who left", |person| &person.name)
            .to_owned()
    };
    let what = change.operation().map_or_else(
        || "A change that this version of Pastoral does not know".to_owned(),
        |operation| operation::in_words(rules, &operation),
    );
    let decided = match (&change.decided_by, change.decided_at) {
        (Some(by), Some(at)) => {
            let did = match (change.state, change.version) {
                (ListChangeState::Agreed, Some(version)) => format!("agreed; change {version}"),
                (ListChangeState::Agreed, None) => "agreed".to_owned(),
                (ListChangeState::Refused, _) => "refused".to_owned(),
                (ListChangeState::Withdrawn | ListChangeState::Proposed, _) => "withdrawn".to_owned(),
            };
            format!("{}, {} ({did})", name(by), page.clock.exactly(&at))
        }
        _ => String::new(),
    };
    Line {
        id: change.change_id,
        what,
        reason: change.reason.clone(),
        proposed: format!(
            "{}, {}",
            name(&change.proposed_by),
            page.clock.exactly(&change.proposed_at)
        ),
        decided,
    }
}

#[derive(Template)]
#[template(path = "list_change.html")]
struct ChangePage {
    page: Page,
    what: String,
    reason: String,
    /// The change as it is sent back, while it is not proposed yet.
    operation: String,
    /// The proposal, once it is one.
    proposal: Option<Line>,
    effect: Option<Effect>,
    may_agree: bool,
    may_refuse: bool,
    is_own: bool,
}

/// What a change would do, before it is proposed.
pub(crate) async fn preview(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    if !may_propose(&who) {
        return Err(Failure::NotFound);
    }
    let operation = match operation::read(&fields) {
        Ok(operation) => operation,
        Err((field, words)) => return again(&console, &who, fields, field, words).await,
    };
    let rules = console.app.lists.load_full();
    match effect::effect(&console, &who, &rules, &operation).await? {
        Ok(effect) => {
            let page = console.page(&who, "What the change would do", "/lists").await?;
            show(&ChangePage {
                what: operation::in_words(&rules, &operation),
                reason: fields.trimmed("reason").to_owned(),
                operation: serde_json::to_string(&operation).map_err(|_| Failure::Template)?,
                proposal: None,
                effect: Some(effect),
                may_agree: false,
                may_refuse: false,
                is_own: true,
                page,
            })
        }
        Err(why) => again(&console, &who, fields, "main", sentence(&why.to_string())).await,
    }
}

/// Keeps a proposal for a second person.
pub(crate) async fn propose(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    if !may_propose(&who) {
        return Err(Failure::NotFound);
    }
    let operation: Operation = serde_json::from_str(fields.get("operation")).map_err(|_| Failure::BadForm)?;
    // Specialist lists come and go on the machine alone, where the licence and the file are.
    if operation.specialist_list().is_some() {
        return Err(Failure::BadForm);
    }
    let reason = fields.text("reason", TEXT_MOST).map_err(|_| Failure::BadForm)?;
    if reason.is_empty() {
        return Err(Failure::BadForm);
    }
    let rules = console.app.lists.load_full();
    if let Err(why) = effect::with(&rules, &operation) {
        return again(&console, &who, fields, "main", sentence(&why.to_string())).await;
    }
    let app = &console.app;
    let mut tx = app.store.write().await?;
    let of = (&operation, reason.as_str());
    let now = clock::now_ms();
    let kept = list_changes::propose(&mut tx, &app.school_id, of, who.id(), now).await?;
    if kept.is_none() {
        let words = "Too many proposals wait already. Decide about some of them first.";
        return again(&console, &who, fields, "main", words.to_owned()).await;
    }
    asking::ask(&mut tx, &app.telling(), now).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    Ok(go(&Done::ListProposed.at("/lists/changes")))
}

/// The form that was not taken, with what somebody wrote in it: a term's stands on the page of the term.
async fn again(
    console: &Console,
    who: &SignedIn,
    typed: Fields,
    field: &'static str,
    words: String,
) -> Result<Response, Failure> {
    let name = operation::term(&typed);
    if find(&console.app.lists.load(), &name).is_some() {
        let field = operation::field_of_term(typed.get("do"), field);
        let mut page = draw_term(console, who, name, typed).await?;
        page.page.fault(field, words);
        return show_again(&page);
    }
    let mut page = draw(console, who, 1, typed).await?;
    page.page.fault(field, words);
    show_again(&page)
}

/// One proposal, with what it would do, for whoever decides about it.
pub(crate) async fn change(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, Failure> {
    show(&draw_change(&console, &who, id).await?)
}

async fn draw_change(console: &Console, who: &SignedIn, id: i64) -> Result<ChangePage, Failure> {
    let app = &console.app;
    let change = list_changes::change(&app.store, &app.school_id, id).await?;
    let change = change.ok_or(Failure::NotFound)?;
    let rules = rules_for(console, &change).await?;
    let page = console.page(who, "A change to the lists", "/lists").await?;
    let waits = change.state == ListChangeState::Proposed;
    let decides = waits && may_agree(who) && change.proposed_by != who.id();
    let mut shown = ChangePage {
        what: String::new(),
        reason: change.reason.clone(),
        operation: String::new(),
        proposal: None,
        effect: None,
        may_agree: false,
        may_refuse: decides,
        is_own: waits && change.proposed_by == who.id(),
        page,
    };
    if let Some(operation) = change.operation().filter(|_| waits) {
        match effect::effect(console, who, &rules, &operation).await? {
            Ok(effect) => {
                shown.effect = Some(effect);
                shown.may_agree = decides;
            }
            // It fitted the lists when it was proposed; refusing or withdrawing is all that is left.
            Err(why) => shown.page.fault("main", sentence(&why.to_string())),
        }
    }
    let people = overview::everybody(&mut *app.store.read().await?, &app.school_id).await?;
    let line = line(&rules, &change, &people, &shown.page);
    shown.what.clone_from(&line.what);
    shown.proposal = Some(line);
    Ok(shown)
}

/// The rules in force, that know the specialist lists which a change is about: another program imports them.
async fn rules_for(console: &Console, change: &ListChange) -> Result<Arc<Rules>, Failure> {
    let app = &console.app;
    let operation = change.operation();
    if operation.as_ref().and_then(Operation::specialist_list).is_none()
        || change.state != ListChangeState::Proposed
    {
        return Ok(app.lists.load_full());
    }
    Ok(Arc::new(load(app).await?))
}

async fn load(app: &App) -> Result<Rules, Failure> {
    let profile = app.profile.load_full();
    let rules = Rules::load(&app.store, &app.school_id, &profile, &app.list_key).await;
    rules.map_err(|_| Failure::Busy)
}

/// Agrees to, refuses or withdraws a proposal.
pub(crate) async fn decide(
    State(console): State<Console>,
    who: SignedIn,
    Path((id, decision)): Path<(i64, String)>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let (fate, said) = match decision.as_str() {
        "agree" => (ListChangeState::Agreed, Done::ListAgreed),
        "refuse" => (ListChangeState::Refused, Done::ListRefused),
        "withdraw" => (ListChangeState::Withdrawn, Done::ListWithdrawn),
        _ => return Err(Failure::NotFound),
    };
    let allowed = if fate == ListChangeState::Withdrawn {
        may_propose(&who)
    } else {
        may_agree(&who)
    };
    if !allowed {
        return Err(Failure::NotFound);
    }
    let app = &console.app;
    let change = list_changes::change(&app.store, &app.school_id, id).await?;
    let change = change.ok_or(Failure::NotFound)?;
    if fate == ListChangeState::Agreed {
        let rules = rules_for(&console, &change).await?;
        let fits = change
            .operation()
            .map(|operation| effect::with(&rules, &operation));
        if !matches!(fits, Some(Ok(_))) {
            return show_again(&draw_change(&console, &who, id).await?);
        }
    }
    let mut tx = app.store.write().await?;
    match list_changes::decide(&mut tx, &app.school_id, id, fate, who.id(), clock::now_ms()).await {
        Ok(()) => tx.commit().await?,
        Err(NotDecided::Store(error)) => return Err(error.into()),
        Err(why) => {
            drop(tx);
            let mut page = draw_change(&console, &who, id).await?;
            page.page.fault("main", sentence(&why.to_string()));
            return show_again(&page);
        }
    }
    if fate == ListChangeState::Agreed {
        app.lists.store(Arc::new(load(app).await?));
        app.changed(None);
    }
    Ok(go(&said.at("/lists/changes")))
}
