//! The form for whose an unknown account is, without seeing what was seen on it; and whom a concern is about that is no
//! account's.

use crate::console::Console;
use crate::console::answer::{Failure, show};
use crate::console::drafts::Draft;
use crate::console::page::Page;
use crate::console::who::SignedIn;
use crate::console::words::people::{Described, described, grouped};
use crate::store::overview::{self, Candidate};
use crate::store::queue;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "identify.html")]
struct IdentifyPage {
    page: Page,
    concern: queue::Summary,
    account: String,
    device: String,
    seen: String,
    groups: Vec<(String, Vec<Candidate>)>,
    /// The person who was chosen: asked about before anything is recorded.
    confirm: Option<Described>,
    chosen: String,
}

/// The page: the account, the device and the times, and the people it may be.
pub(in crate::console) async fn form(
    State(console): State<Console>,
    who: SignedIn,
    Path((concern_id, page)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    if page != "identify" {
        return Err(Failure::NotFound);
    }
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let concern = queue::one(&mut *store.read().await?, school_id, who.id(), &concern_id)
        .await?
        .ok_or(Failure::NotFound)?;
    if concern.person.is_some() || concern.account_shared {
        return Err(Failure::NotFound);
    }
    let title = match (concern.account_id, concern.about_child) {
        (Some(_), _) => "Whose account is this?",
        (None, true) => "Which child is it about?",
        (None, false) => "Who is it about?",
    };
    let address = format!("/concerns/{concern_id}/identify");
    let kept = console.kept(&who, &address).await?.map(Draft::into_fields);
    let mut page = console.page(&who, title, "").await?;
    let mut people = overview::candidates(&mut *store.read().await?, school_id).await?;
    people.retain(|person| !concern.about_child || person.role.is_pupil());
    let chosen = match (query.get("person"), &kept) {
        (Some(person), _) => person.clone(),
        (None, Some(kept)) => kept.trimmed("person").to_owned(),
        (None, None) => String::new(),
    };
    page.kept = kept.map(|_| (address, String::new()));
    let confirm = people
        .iter()
        .find(|person| person.person_id == chosen)
        .map(described);
    if confirm.is_none() && query.contains_key("person") {
        page.fault("person", "Choose the person first.");
    }
    show(&IdentifyPage {
        account: concern.account_name.clone().unwrap_or_default(),
        device: concern.device.clone().unwrap_or_default(),
        seen: page.clock.when(&concern.last_event_at),
        groups: grouped(people),
        confirm,
        chosen,
        concern,
        page,
    })
}
