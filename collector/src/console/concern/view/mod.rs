//! A concern's page.

mod head;
mod known;
mod may;
mod past;
mod shown;

use super::flags::{self, Flags};
use super::steps::{Steps, steps};
use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::concerns::model::Duty;
use crate::console::Console;
use crate::console::answer::{Failure, show, show_again};
use crate::console::drafts::Draft;
use crate::console::form::Fields;
use crate::console::opened::Opener;
use crate::console::page::Page;
use crate::console::place::page_of;
use crate::console::who::SignedIn;
use crate::store::keys;
use crate::store::queue::Summary;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use head::Head;
use known::Known;
use may::{May, Second};
use past::{History, Related};
use shown::Shown;
use std::collections::HashMap;

/// What somebody typed into a form that was not taken.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) action: String,
    pub(super) fields: Fields,
    pub(super) field: &'static str,
    /// The page of flags it was on.
    pub(super) page: i64,
    /// The pages of its history and of related concerns.
    pub(super) history_page: i64,
    pub(super) related_page: i64,
}

#[derive(Template)]
#[template(path = "concern.html")]
struct ConcernPage {
    page: Page,
    concern: Summary,
    head: Head,
    shown: Shown,
    steps: Steps,
    related: Related,
    may: May,
    history: History,
    typed: Typed,
    /// What was done last, by the viewer themselves.
    last_deed: Option<Action>,
}

impl ConcernPage {
    /// What was written into the form of this action.
    fn typed(&self, action: &str) -> &str {
        self.chosen(action, "words")
    }

    /// What stood in a field of it.
    fn chosen(&self, action: &str, field: &str) -> &str {
        if self.typed.action == action {
            self.typed.fields.trimmed(field)
        } else {
            ""
        }
    }

    /// The category that is marked: what somebody chose, or what stands or is proposed.
    fn marked_category(&self) -> &str {
        if self.typed.action == "category" {
            return self.typed.fields.trimmed("code");
        }
        let stands = self.concern.category_confirmed.as_deref();
        stands
            .or(self.concern.category_proposed.as_deref())
            .unwrap_or_default()
    }
}

pub(in crate::console) async fn page(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let address = format!("/concerns/{concern_id}");
    let kept = console.kept(&who, &address).await?;
    let words = kept.as_ref().map(|draft| draft.words().to_owned());
    let typed = Typed {
        action: kept
            .as_ref()
            .map_or_else(String::new, |draft| draft.action().to_owned()),
        fields: kept.map(Draft::into_fields).unwrap_or_default(),
        page: page_of(&query, "page"),
        history_page: page_of(&query, "history"),
        related_page: page_of(&query, "related"),
        ..Typed::default()
    };
    let mut page = draw(&console, &who, &concern_id, typed).await?;
    page.page.kept = words.map(|words| (address, words));
    // Said once more, by an old address or another's, it would not be true any more.
    if page
        .last_deed
        .is_some_and(|deed| query.get("done").is_some_and(|code| said_of(code, deed)))
    {
        page.page.said(&query);
    }
    show(&page)
}

/// Whether what is said after a deed fits the deed that was done last.
fn said_of(code: &str, deed: Action) -> bool {
    match deed {
        Action::Note => code == "noted",
        Action::NotFalseAlarm => code == "false-alarm",
        Action::ReviewMissed => code == "review-set",
        deed => code == deed.code(),
    }
}

/// The page with what is wrong with a form.
pub(super) async fn again(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    typed: Typed,
    fault: &str,
) -> Result<Response, Failure> {
    let field = typed.field;
    let mut page = draw(console, who, concern_id, typed).await?;
    page.page.fault(field, fault);
    show_again(&page)
}

/// The page after somebody else was faster: what changed since the form was made.
pub(super) async fn stale(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    version: i64,
    typed: Typed,
) -> Result<Response, Failure> {
    let done = known::history(console, who, concern_id).await?;
    let since = done.iter().take_while(|row| row.at > version).count();
    let mut page = draw(console, who, concern_id, typed).await?;
    let mut changes: Vec<_> = page
        .history
        .entries
        .iter()
        .take(since)
        .map(|entry| entry.sentence.clone())
        .collect();
    if changes.is_empty() {
        changes.push("Something new was seen.".to_owned());
    }
    let fault = format!(
        "Nothing was done, because this concern changed while you had it open: {} What you wrote is kept below.",
        changes.join(" ")
    );
    page.page.fault("stale", fault);
    Ok((StatusCode::CONFLICT, show(&page)?).into_response())
}

async fn draw(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    typed: Typed,
) -> Result<ConcernPage, Failure> {
    let known = Known::read(console, who, concern_id).await?;
    let flags = Flags::read(console, who.id(), &known.concern, typed.page.max(1)).await?;
    let opened = if known.is_hidden() { 0 } else { flags.rows.len() };
    flags::look(console, who, &known.concern, flags.at.page, opened).await?;
    let title = format!("Concern {}", known.concern.reference);
    let page = console.page(who, title, "").await?;
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let data_keys = keys::data_keys(&mut *store.read().await?, school_id, concern_id).await?;
    let rules = console.app.lists.load_full();
    let opener = Opener::new(&who.session, &data_keys, &rules);
    let shown = Shown::of(&known, flags, &opener, &page.clock).await?;
    let is_lead = who.has(Duty::Dsl) || who.has(Duty::Deputy);
    let last = known.done.first().filter(|row| row.by_id == who.id());
    Ok(ConcernPage {
        head: Head::of(&known, &shown.flags, &page.clock).await?,
        steps: steps(&known.profile, known.concern.kind, is_lead),
        related: Related::of(&known, typed.related_page).await?,
        may: May::of(&known),
        history: History::of(&known, &opener, &page.clock, typed.history_page),
        last_deed: last.map(|row| row.action),
        concern: known.concern,
        shown,
        typed,
        page,
    })
}
