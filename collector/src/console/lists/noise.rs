//! Which terms cry wolf: the readers' own verdicts, the noisiest term first.

use crate::clock;
use crate::console::Console;
use crate::console::answer::{Failure, show};
use crate::console::page::Page;
use crate::console::terms::{find, first_words, in_confidence};
use crate::console::who::SignedIn;
use crate::store::verdicts;
use askama::Template;
use axum::extract::State;
use axum::response::Response;

/// Terms that are shown.
const SHOWN: i64 = 100;
/// How far back verdicts count.
const DAYS: i64 = 365;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "noise.html")]
struct NoisePage {
    page: Page,
    lines: Vec<Line>,
}

struct Line {
    list: String,
    list_title: String,
    id: String,
    words: String,
    /// Whether there is a page of the term.
    has_page: bool,
    false_alarms: i64,
    all: i64,
    precision: i64,
}

/// The page. Numbers of few flags say little about a term, but could say much about a child: those alone see them who read
/// pupils' concerns.
pub(crate) async fn noise(State(console): State<Console>, who: SignedIn) -> Result<Response, Failure> {
    if !who.reads_pupils() {
        return Err(Failure::NotFound);
    }
    let page = console.page(&who, "Which terms cry wolf", "/lists").await?;
    let since = page.clock.month(&(clock::now_ms() - DAYS * DAY_MS));
    let app = &console.app;
    let rules = app.lists.load_full();
    let noisiest = verdicts::noisiest(&app.store, &app.school_id, &since, SHOWN).await?;
    let lines = noisiest.into_iter().map(|verdicts| {
        let all = verdicts.confirmed + verdicts.false_alarms;
        let known = find(&rules, &verdicts.term);
        let instead = in_confidence(&rules, &verdicts.term.list);
        Line {
            has_page: instead.is_none() && known.is_some(),
            words: instead.unwrap_or_else(|| match known {
                Some((term, false)) => first_words(term),
                Some((term, true)) => format!("{} (switched off)", first_words(term)),
                None => format!("{} (not in the lists any more)", verdicts.term.id),
            }),
            list_title: rules.title(&verdicts.term.list).to_owned(),
            list: verdicts.term.list,
            id: verdicts.term.id,
            false_alarms: verdicts.false_alarms,
            precision: verdicts.confirmed * 100 / all.max(1),
            all,
        }
    });
    show(&NoisePage {
        lines: lines.collect(),
        page,
    })
}
