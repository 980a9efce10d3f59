//! Saying whose an unknown account is, without seeing what was seen on it; and whom a concern is about that is no
//! account's.

use super::super::drafts::Draft;
use super::super::page::{Failure, Page, show};
use super::super::who::SignedIn;
use super::super::{Console, queue as queue_page};
use super::actions::Outcome;
use super::doing::Doing;
use super::hand_over::seal_again;
use crate::store::overview::{self, Candidate};
use crate::store::{actions, identity, queue};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::json;
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

/// A person, so that nobody is taken for another.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) details: Vec<(&'static str, String)>,
}

/// What tells a person from others of the same name.
pub(super) fn described(person: &Candidate) -> Described {
    let is_pupil = person.role == "pupil";
    let mut details = vec![("Is", queue_page::role(&person.role).to_owned())];
    let known = [
        ("Year", queue_page::year(&person.year_group), is_pupil),
        ("Class", person.class_name.clone(), is_pupil),
        ("User name", person.username.clone(), true),
    ];
    details.extend(
        known
            .into_iter()
            .filter(|(_, value, applies)| *applies && !value.is_empty())
            .map(|(label, value, _)| (label, value)),
    );
    Described {
        name: person.name.clone(),
        details,
    }
}

/// The page: the account, the device and the times, and the people it may be.
pub(in super::super) async fn form(
    State(console): State<Console>,
    who: SignedIn,
    Path((concern_id, page)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    if page != "identify" {
        return Err(Failure::NotFound);
    }
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    let concern = queue::one(store, school_id, who.id(), &concern_id)
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
    let mut people = overview::candidates(store, school_id).await?;
    people.retain(|person| !concern.about_child || person.role == "pupil");
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

pub(super) async fn identify(doing: &mut Doing<'_>, person: &str) -> Result<Outcome, Failure> {
    if doing.concern.person.is_some() {
        return Ok(Outcome::Fault("stale", "The person is known already."));
    }
    if doing.concern.account_shared {
        return Ok(Outcome::Fault(
            "stale",
            "Several people use this account. Say whose each flag is.",
        ));
    }
    if person.is_empty() {
        return Ok(Outcome::Fault("stale", "Choose the person first."));
    }
    let school_id = doing.school_id();
    let known = overview::person(&mut *doing.tx, school_id, person).await?;
    if known.is_none_or(|known| doing.concern.about_child && known.role != "pupil") {
        return Err(Failure::NotFound);
    }
    doing.touch().await?;
    let account = doing.concern.account_id;
    let detail = match account {
        Some(account) => json!({ "person": person, "account": account }),
        None => json!({ "person": person }),
    };
    doing.record("identified", detail, "").await?;
    let (by, now, concern_id) = (doing.who.id(), doing.now, doing.concern.concern_id.clone());
    let (tx, telling) = (&mut doing.tx, &doing.telling);
    let changed = match account {
        Some(account) => identity::identify(tx, telling, account, person, by, now).await?,
        None => {
            let changed = identity::name_person(tx, telling, &concern_id, person, now).await?;
            changed.into_iter().collect()
        }
    };
    actions::touch(&mut doing.tx, school_id, &concern_id, doing.now).await?;
    let session = doing.who.session.clone();
    seal_again(doing.console, &mut doing.tx, &session, &changed).await?;
    Ok(Outcome::Done("identified"))
}

/// People under headings: pupils by year, then adults.
pub(in super::super) fn grouped(people: Vec<Candidate>) -> Vec<(String, Vec<Candidate>)> {
    let mut groups: Vec<(String, Vec<Candidate>)> = Vec::new();
    for person in people {
        let heading = match (person.role.as_str(), person.year_group.as_str()) {
            ("pupil", "") => "Pupils".to_owned(),
            ("pupil", "R") => "Reception".to_owned(),
            ("pupil", year) => format!("Year {year}"),
            (role, _) => capital(queue_page::role(role)),
        };
        match groups.last_mut() {
            Some((last, people)) if *last == heading => people.push(person),
            _ => groups.push((heading, vec![person])),
        }
    }
    groups
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
