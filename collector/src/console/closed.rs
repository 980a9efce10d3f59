//! A viewer's closed concerns, the latest first.

use super::answer::{Failure, show};
use super::page::Page;
use super::place::{Place, page_of};
use super::visits::List;
use super::who::SignedIn;
use super::{Console, words};
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
    place: Place,
}

struct Line {
    concern: rows::Summary,
    name: String,
    kind: &'static str,
    closed: String,
    outcome: &'static str,
}

pub(super) async fn closed(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let of = rows::count_closed(&mut *store.read().await?, school_id, who.id()).await?;
    let place = Place::of(page_of(&query, "page"), SHOWN, of);
    let found = rows::closed(&mut *store.read().await?, school_id, who.id(), place.rows()).await?;
    let page = console.page(&who, "Closed concerns", "/closed").await?;
    let shown: Vec<&str> = found.iter().map(|concern| concern.concern_id.as_str()).collect();
    let number = page_of(&query, "page");
    console.visit(&who, List::Closed(number), &shown).await?;
    let lines = found.into_iter().map(|concern| Line {
        name: words::concern::name(&concern),
        kind: concern.kind.words(),
        closed: concern
            .closed_at
            .map(|at| page.clock.when(&at))
            .unwrap_or_default(),
        outcome: words::ended(concern.outcome),
        concern,
    });
    show(&ClosedPage {
        lines: lines.collect(),
        place,
        page,
    })
}
