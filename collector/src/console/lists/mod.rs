//! The keyword lists: what is looked for, for whom, and why; trying a text; and changing them, by two people.

mod changes;
mod effect;
mod noise;
mod operation;
mod term;
mod trying;

pub(super) use changes::{change, changes, decide, preview, propose};
pub(super) use noise::noise;
pub(super) use term::term;
pub(super) use trying::{form as try_form, tried};

use super::Console;
use super::answer::{Failure, show};
use super::page::Page;
use super::terms::may_propose;
use super::who::SignedIn;
use crate::store::specialist::{self, Imported};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use pastoral_keywords::{Audience, KeywordList, Term, Topic};
use std::collections::HashMap;

const SHOWN: usize = 100;
/// Spellings of a term that its line shows.
const SPELLINGS_SHOWN: usize = 4;

#[derive(Template)]
#[template(path = "lists.html")]
struct ListsPage {
    page: Page,
    lists: Vec<ListLine>,
    terms: usize,
    version: u32,
    waiting: usize,
    may_propose: bool,
    reads_pupils: bool,
    stale: Vec<String>,
}

struct ListLine {
    id: String,
    title: String,
    version: u32,
    terms: usize,
    exceptions: usize,
    about: String,
    review: Option<String>,
    confidential: bool,
    licence: Option<String>,
}

/// Every list in force.
pub(super) async fn lists(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let rules = console.app.lists.load_full();
    let waiting = crate::store::list_changes::waiting(&console.app.store, &console.app.school_id).await?;
    let mut page = console.page(&who, "Keyword lists", "/lists").await?;
    page.said(&query);
    let imported = specialist::all(&console.app.store, &console.app.school_id).await?;
    let line = |list: &KeywordList| {
        let is_this = |row: &&Imported| row.list_id == list.id && row.version == list.version;
        let row = imported.iter().find(is_this).filter(|_| list.confidential);
        ListLine {
            licence: row.map(|row| row.licence.clone()),
            ..list_line(list)
        }
    };
    // The school's own list is there, and empty, once any change was agreed to.
    let is_empty = |line: &ListLine| line.terms + line.exceptions == 0;
    let all = rules.changed.lists.iter().map(line);
    let lists: Vec<ListLine> = all.filter(|line| !is_empty(line)).collect();
    show(&ListsPage {
        terms: lists.iter().map(|list| list.terms).sum(),
        lists,
        version: rules.version,
        waiting: waiting.len(),
        may_propose: may_propose(&who),
        reads_pupils: who.reads_pupils(),
        stale: rules
            .changed
            .stale
            .iter()
            .map(|(_, why)| why.to_string())
            .collect(),
        page,
    })
}

fn list_line(list: &KeywordList) -> ListLine {
    let mut topics: Vec<Topic> = list.terms().iter().map(|term| term.topic).collect();
    topics.sort_unstable();
    topics.dedup();
    let about = topics.iter().map(|topic| topic.label()).collect::<Vec<_>>();
    ListLine {
        id: list.id.clone(),
        title: list.title.clone(),
        version: list.version,
        terms: list.terms().len(),
        exceptions: phrases(list),
        about: about.join("; "),
        review: list.review.clone(),
        confidential: list.confidential,
        licence: None,
    }
}

fn phrases(list: &KeywordList) -> usize {
    let harmless = list.exceptions().iter().chain(list.help());
    harmless.map(|exception| exception.phrases.len()).sum()
}

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    page: Page,
    list: ListLine,
    asked: String,
    found: usize,
    terms: Vec<TermLine>,
    off: Vec<TermLine>,
    exceptions: Vec<(String, String)>,
    exceptions_left: usize,
    before: Option<String>,
    after: Option<String>,
}

struct TermLine {
    id: String,
    words: String,
    topic: &'static str,
    severity: String,
    reason: String,
}

/// One list with its terms.
pub(super) async fn list(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let rules = console.app.lists.load_full();
    let list = rules.list(&id).filter(|list| !list.confidential);
    let list = list.ok_or(Failure::NotFound)?;
    let asked: String = query
        .get("find")
        .map(|find| find.trim().to_lowercase().chars().take(100).collect())
        .unwrap_or_default();
    let number: usize = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let number = number.clamp(1, 10_000);
    let fits = |text: &str| asked.is_empty() || text.to_lowercase().contains(&asked);
    let found: Vec<&Term> = list
        .terms()
        .iter()
        .filter(|term| fits(&term.reason) || term.spellings.iter().any(|spelling| fits(spelling)))
        .collect();
    let exceptions: Vec<(String, String)> = list
        .exceptions()
        .iter()
        .chain(list.help())
        .filter(|exception| exception.phrases.iter().any(|phrase| fits(phrase)))
        .map(|exception| (exception.phrases.join(", "), exception.reason.clone()))
        .collect();
    let off = rules.changed.off.iter().filter(|(name, _)| name.list == id);
    let link = |number: usize| format!("/lists/{id}?page={number}&find={}", encoded(&asked));
    let page = console.page(&who, list.title.clone(), "/lists").await?;
    show(&ListPage {
        list: list_line(list),
        found: found.len(),
        terms: found
            .iter()
            .skip((number - 1) * SHOWN)
            .take(SHOWN)
            .map(|term| term_line(term))
            .collect(),
        off: off.map(|(_, term)| term_line(term)).collect(),
        exceptions_left: exceptions.len().saturating_sub(SHOWN),
        exceptions: exceptions.into_iter().take(SHOWN).collect(),
        before: (number > 1).then(|| link(number - 1)),
        after: (number * SHOWN < found.len()).then(|| link(number + 1)),
        asked,
        page,
    })
}

/// A value of an address's query.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn term_line(term: &Term) -> TermLine {
    let mut words = term
        .spellings
        .iter()
        .take(SPELLINGS_SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if let more @ 1.. = term.spellings.len().saturating_sub(SPELLINGS_SHOWN) {
        words.push_str(&format!(" and {more} more"));
    }
    TermLine {
        id: term.id.clone(),
        words,
        topic: term.topic.label(),
        severity: levels(|audience| Some(term.severity(audience)?.get())),
        reason: term.reason.clone(),
    }
}

/// Who is flagged at which severity, in words: each severity once, the highest first.
fn levels(of: impl Fn(Audience) -> Option<u8>) -> String {
    let mut all: Vec<(u8, Vec<&'static str>)> = Vec::new();
    for audience in Audience::ALL {
        let Some(level) = of(*audience) else { continue };
        match all.iter_mut().find(|(known, _)| *known == level) {
            Some((_, audiences)) => audiences.push(audience.label()),
            None => all.push((level, vec![audience.label()])),
        }
    }
    all.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
    let say = |(level, audiences): (u8, Vec<&str>)| match audiences.len() {
        all if all == Audience::ALL.len() => format!("{level} for everybody"),
        _ => format!("{level} for {}", audiences.join(", ")),
    };
    all.into_iter().map(say).collect::<Vec<_>>().join("; ")
}
