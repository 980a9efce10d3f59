//! One term of a list, and what may be changed about it.

use super::{TermLine, term_line};
use crate::console::Console;
use crate::console::answer::{Failure, show};
use crate::console::drafts::Draft;
use crate::console::form::Fields;
use crate::console::page::Page;
use crate::console::terms::{find, may_propose};
use crate::console::who::SignedIn;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pastoral_keywords::changes::TermName;
use pastoral_keywords::{Audience, KeywordList, Term};

/// Phrases that are shown at first; a few more are not folded.
const AT_FIRST: usize = 8;
const FEW: usize = 12;

/// One thing that is said of a term: a few phrases, and those that are folded.
struct Fact {
    what: &'static str,
    shown: Vec<String>,
    folded: Vec<String>,
}

impl Fact {
    fn new(what: &'static str, mut phrases: Vec<String>) -> Option<Self> {
        let folded = if phrases.len() > FEW {
            phrases.split_off(AT_FIRST)
        } else {
            Vec::new()
        };
        (!phrases.is_empty()).then_some(Self {
            what,
            shown: phrases,
            folded,
        })
    }
}

#[derive(Template)]
#[template(path = "term.html")]
pub(super) struct TermPage {
    pub(super) page: Page,
    name: TermName,
    list_title: String,
    line: TermLine,
    facts: Vec<Fact>,
    is_off: bool,
    may_propose: bool,
    levels: Vec<(&'static str, &'static str, u8)>,
    /// What somebody wrote that was not taken.
    typed: Fields,
}

impl TermPage {
    /// Whether a form that was not taken was of this sort.
    fn is_again(&self, sort: &str) -> bool {
        self.typed.get("do") == sort
    }

    /// The reason that was written in it.
    fn reason(&self, sort: &str) -> &str {
        if self.is_again(sort) {
            self.typed.get("reason")
        } else {
            ""
        }
    }
}

/// One term, and what may be changed about it.
pub(in crate::console) async fn term(
    State(console): State<Console>,
    who: SignedIn,
    Path((list_id, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let address = format!("/lists/{list_id}/{id}");
    let kept = console.kept(&who, &address).await?;
    let is_kept = kept.is_some();
    let typed = kept.map(Draft::into_fields).unwrap_or_default();
    let mut page = draw_term(&console, &who, TermName { list: list_id, id }, typed).await?;
    page.page.kept = is_kept.then(|| (address, String::new()));
    show(&page)
}

pub(super) async fn draw_term(
    console: &Console,
    who: &SignedIn,
    name: TermName,
    typed: Fields,
) -> Result<TermPage, Failure> {
    let rules = console.app.lists.load_full();
    let (term, is_off) = find(&rules, &name).ok_or(Failure::NotFound)?;
    let list = rules.list(&name.list).ok_or(Failure::NotFound)?;
    let page = console.page(who, "A term of a keyword list", "/lists").await?;
    Ok(TermPage {
        list_title: list.title.clone(),
        line: term_line(term),
        facts: facts(term, list),
        is_off,
        may_propose: may_propose(who),
        levels: Audience::ALL
            .iter()
            .map(|audience| {
                let now = term
                    .severity(*audience)
                    .map_or(0, pastoral_keywords::Severity::get);
                let asked = typed.trimmed(&format!("severity-{}", audience.code()));
                (audience.code(), audience.label(), asked.parse().unwrap_or(now))
            })
            .collect(),
        typed,
        name,
        page,
    })
}

fn facts(term: &Term, list: &KeywordList) -> Vec<Fact> {
    let sources = term.sources.iter().flatten().map(|one| one.label().to_owned());
    let writers = term
        .provenances
        .iter()
        .flatten()
        .map(|one| one.label().to_owned());
    let author = term.author.as_ref().unwrap_or(&list.author);
    let date = term.date.as_ref().unwrap_or(&list.date);
    let facts = [
        ("Words", term.spellings.clone()),
        ("Only in", sources.collect()),
        ("Only where the text is", writers.collect()),
        ("Only near one of", term.near.clone()),
        ("Not near", term.not_near.clone()),
        ("Harmless in", term.exceptions.clone()),
        ("Written by", vec![author.clone()]),
        ("On", vec![day(date)]),
    ];
    let facts = facts.into_iter();
    facts
        .filter_map(|(what, phrases)| Fact::new(what, phrases))
        .collect()
}

/// A list's date as people write it.
fn day(date: &str) -> String {
    let day = date.parse::<jiff::civil::Date>();
    day.map_or_else(|_| date.to_owned(), |day| day.strftime("%-d %B %Y").to_string())
}
