//! A viewer's closed concerns, the latest first.

use super::page::{Failure, Page, show};
use super::visits::List;
use super::who::SignedIn;
use super::{Console, concern, queue};
use crate::concerns::kind::Kind;
use crate::store::queue as rows;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::collections::HashMap;

const SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "closed.html")]
struct ClosedPage {
    page: Page,
    lines: Vec<Line>,
    before: Option<i64>,
    after: Option<i64>,
}

struct Line {
    concern: rows::Summary,
    name: String,
    kind: &'static str,
    closed: String,
    outcome: &'static str,
}

/// The page.
pub(super) async fn closed(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let number = query
        .get("page")
        .and_then(|page| page.parse::<i64>().ok())
        .unwrap_or(1)
        .clamp(1, 100_000);
    let from = (number - 1) * SHOWN;
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    let mut found = rows::closed(store, school_id, who.id(), (from, SHOWN + 1)).await?;
    let page = console.page(&who, "Closed concerns", "/closed").await?;
    let more = i64::try_from(found.len()).is_ok_and(|found| found > SHOWN);
    found.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    let shown: Vec<&str> = found.iter().map(|concern| concern.concern_id.as_str()).collect();
    console.visit(&who, List::Closed(number), &shown).await?;
    let lines = found.into_iter().map(|concern| Line {
        name: queue::name(&concern),
        kind: Kind::from_code(&concern.kind).map_or("Other", Kind::label),
        closed: concern
            .closed_at
            .map(|at| page.clock.when(&at))
            .unwrap_or_default(),
        outcome: concern::outcome(concern.outcome.as_deref().unwrap_or_default()),
        concern,
    });
    show(&ClosedPage {
        lines: lines.collect(),
        before: (number > 1).then(|| number - 1),
        after: more.then(|| number + 1),
        page,
    })
}
