//! Trying a text: what it would raise, for whom, and why. The text is kept nowhere.

use crate::console::answer::{Failure, show, show_again};
use crate::console::form::Fields;
use crate::console::page::Page;
use crate::console::terms::in_confidence;
use crate::console::who::SignedIn;
use crate::console::{Console, words};
use crate::lists::Rules;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use pastoral_keywords::{Audience, Explanation, Found, Source, Text};
use std::ops::Range;

/// The longest text that is tried, in characters: what a device would match.
const LONGEST: usize = 1_000;

#[derive(Template)]
#[template(path = "try.html")]
struct TryPage {
    page: Page,
    text: String,
    source: Source,
    /// None before a text was tried.
    tried: Option<Tried>,
}

struct Tried {
    /// Pieces of the text; whether each is marked.
    marked: Vec<(bool, String)>,
    audiences: Vec<ForAudience>,
    exceptions: Vec<String>,
}

struct ForAudience {
    /// Those for whom it raises the same.
    audiences: Vec<&'static str>,
    flags: Vec<Flag>,
}

#[derive(PartialEq)]
struct Flag {
    /// What is said in the place of a term that is not shown.
    in_confidence: Option<String>,
    term: String,
    list: String,
    id: String,
    topic: &'static str,
    severity: u8,
    reason: String,
    view: &'static str,
    note: String,
}

pub(crate) async fn form(State(console): State<Console>, who: SignedIn) -> Result<Response, Failure> {
    show(&TryPage {
        page: console.page(&who, "Try a text", "/lists").await?,
        text: String::new(),
        source: Source::Search,
        tried: None,
    })
}

pub(crate) async fn tried(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let text = fields.get("text").trim().to_owned();
    let mut page = console.page(&who, "Try a text", "/lists").await?;
    let source = fields.trimmed("source").parse().unwrap_or(Source::Search);
    if text.is_empty() || text.chars().count() > LONGEST {
        page.fault("text", format!("Write a text of at most {LONGEST} characters."));
        let tried = None;
        return show_again(&TryPage {
            page,
            text,
            source,
            tried,
        });
    }
    let rules = console.app.lists.load_full();
    let tried = Some(look(&rules, &text, source));
    show(&TryPage {
        page,
        text,
        source,
        tried,
    })
}

fn look(rules: &Rules, text: &str, source: Source) -> Tried {
    // What a page wrote is never of severity 5: the most that the text could raise is shown.
    let provenance = source.provenance();
    let mut tried = Tried {
        marked: Vec::new(),
        audiences: Vec::new(),
        exceptions: Vec::new(),
    };
    let mut spans: Vec<Range<usize>> = Vec::new();
    for audience in Audience::ALL {
        let explained: Explanation = rules.engine.explain(&Text {
            text,
            source,
            provenance,
            audience: *audience,
        });
        let shown = explained.found.iter().filter(|found| !found.confidential);
        spans.extend(shown.map(|found| found.span.clone()));
        for considered in &explained.exceptions {
            let says = if considered.covers.is_empty() {
                format!("“{}” is harmless: {}", considered.exception, considered.reason)
            } else {
                format!(
                    "“{}” is harmless, and covers {}: {}",
                    considered.exception,
                    considered.covers.join(", "),
                    considered.reason
                )
            };
            if !tried.exceptions.contains(&says) {
                tried.exceptions.push(says);
            }
        }
        let flags = flags(rules, &explained.found);
        match tried.audiences.iter_mut().find(|of| of.flags == flags) {
            Some(same) => same.audiences.push(audience.label()),
            None => tried.audiences.push(ForAudience {
                audiences: vec![audience.label()],
                flags,
            }),
        }
    }
    tried.marked = pieces(text, spans);
    tried
}

/// The flags, of a specialist list one for each severity at most: how many of its terms there are says something of them.
fn flags(rules: &Rules, found: &[Found]) -> Vec<Flag> {
    let mut said = Vec::new();
    let new = found.iter().filter(|found| {
        let of_list = (&found.list_id, found.severity);
        let is_new = !found.confidential || !said.contains(&of_list);
        said.push(of_list);
        is_new
    });
    new.map(|found| flag(rules, found)).collect()
}

fn flag(rules: &Rules, found: &Found) -> Flag {
    Flag {
        in_confidence: in_confidence(rules, &found.list_id),
        term: found.term.clone(),
        list: found.list_id.clone(),
        id: found.term_id.clone(),
        topic: found.topic.label(),
        severity: found.severity.get(),
        reason: found.reason.clone(),
        view: words::view(found.view.code()),
        note: found.severity_note.clone().unwrap_or_default(),
    }
}

/// The text in pieces; whether each stands in one of the spans.
fn pieces(text: &str, mut spans: Vec<Range<usize>>) -> Vec<(bool, String)> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut pieces = Vec::new();
    let mut at = 0;
    for span in spans {
        let start = span.start.max(at);
        if span.end <= start {
            continue;
        }
        pieces.push((false, text[at..start].to_owned()));
        pieces.push((true, text[start..span.end].to_owned()));
        at = span.end;
    }
    pieces.push((false, text[at..].to_owned()));
    pieces.retain(|(_, piece)| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_marked_and_what_is_not_make_up_the_text() {
        let text = "Ünder the ságe tree";
        let marked = pieces(text, vec![7..10, 0..6, 5..12]);
        let together: String = marked.iter().map(|(_, piece)| piece.as_str()).collect();
        assert_eq!(together, text);
        assert!(marked[0].0 && !marked[marked.len() - 1].0, "{marked:?}");
    }
}
