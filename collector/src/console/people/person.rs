//! One person with access: their key, a link for them, their name and address.

use super::view::name_of;
use super::waiting;
use crate::access::fingerprint;
use crate::concerns::kind::SubjectRole;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::console::Console;
use crate::console::answer::{Failure, show, show_again};
use crate::console::form::Fields;
use crate::console::page::Page;
use crate::console::who::SignedIn;
use crate::store::members::{self, Member};
use crate::store::{access, overview, proposals, sealed_keys};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use std::collections::BTreeSet;

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPage {
    page: Page,
    person: Member,
    duties: String,
    /// What people compare by voice; empty before they have a key.
    key: String,
    /// What they wait for the keys of, and whether the viewer holds any.
    waits_for: String,
    may_give: bool,
    /// What is said before a link is proposed.
    said: Vec<String>,
    /// Who may agree.
    seconds: String,
    is_own: bool,
    /// What stands in the form: what was typed and not taken, or what is known.
    change: proposals::PersonChange,
}

/// What somebody with a duty may be to the school.
pub(super) const ROLES: [SubjectRole; 3] = [SubjectRole::Staff, SubjectRole::Governor, SubjectRole::Outside];

/// The change that a form asks for.
pub(super) fn change_of(fields: &Fields) -> proposals::PersonChange {
    proposals::PersonChange {
        given_name: fields.trimmed("given").to_owned(),
        family_name: fields.trimmed("family").to_owned(),
        email: fields.trimmed("email").to_owned(),
        role: SubjectRole::from_code(fields.trimmed("role")).unwrap_or(SubjectRole::UnknownAdult),
    }
}

/// The page, for readers.
pub(in crate::console) async fn person(
    State(console): State<Console>,
    who: SignedIn,
    Path(person_id): Path<String>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let address = format!("/people/{person_id}");
    let kept = console.kept(&who, &address).await?;
    let mut page = draw(&console, &who, &person_id).await?;
    if let Some(draft) = kept {
        // What was typed stands in the form itself.
        page.page.kept = Some((address, String::new()));
        page.change = change_of(&draft.into_fields());
    }
    show(&page)
}

/// The page with what is wrong with a form.
pub(super) async fn again(
    console: &Console,
    who: &SignedIn,
    person_id: &str,
    typed: Option<proposals::PersonChange>,
    field: &'static str,
    fault: impl Into<String>,
) -> Result<Response, Failure> {
    let mut page = draw(console, who, person_id).await?;
    page.change = typed.unwrap_or(page.change);
    page.page.fault(field, fault);
    show_again(&page)
}

async fn draw(console: &Console, who: &SignedIn, person_id: &str) -> Result<PersonPage, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let mut connection = store.read().await?;
    let person = members::find(&mut connection, school_id, person_id).await?;
    let person = person.filter(|person| !person.duties.is_empty());
    let person = person.ok_or(Failure::NotFound)?;
    let standing = proposals::sign_ins(&mut connection, school_id).await?;
    let holdings = access::holdings(&mut connection, school_id).await?;
    drop(connection);
    let on_the_way = sealed_keys::ready(&mut *store.read().await?, school_id).await?;
    let everybody = overview::candidates(&mut *store.read().await?, school_id).await?;
    let groups = person.groups(None);
    let holding = holdings.iter().find(|(id, _)| id == person_id);
    let missing: Vec<ReaderGroup> = holding.map_or_else(Vec::new, |(_, holding)| {
        let is_missing = |group: &&ReaderGroup| {
            !holding.groups.contains(group) && !on_the_way.contains(&(person_id.to_owned(), **group))
        };
        groups.iter().filter(is_missing).copied().collect()
    });
    let mine: BTreeSet<_> = who.session.keys.iter().map(|(group, _)| *group).collect();
    let seconds = standing.tellers(who.id(), person_id).into_iter().map(|id| {
        let holding = holdings.iter().find(|(other, _)| other == id);
        let key = holding.map(|(_, holding)| fingerprint(&holding.public_key.to_bytes()));
        let key = key.unwrap_or_else(|| "no key yet".to_owned());
        format!("{} (key {key})", name_of(&everybody, id))
    });
    let seconds: Vec<_> = seconds.collect();
    let waits_for: Vec<_> = missing.iter().map(|group| group.words()).collect();
    let duties: Vec<_> = person.duties.iter().map(|duty| Duty::words(*duty)).collect();
    Ok(PersonPage {
        page: console.page(who, person.name(), "/people").await?,
        duties: duties.join(", "),
        key: person
            .public_key
            .as_ref()
            .map(|key| fingerprint(&key.to_bytes()))
            .unwrap_or_default(),
        waits_for: waits_for.join(" and "),
        may_give: missing.iter().any(|group| mine.contains(group)),
        said: waiting::keys(&groups, &mine, person.can_sign_in),
        seconds: seconds.join("; "),
        is_own: person_id == who.id(),
        change: as_recorded(&person),
        person,
    })
}

fn as_recorded(person: &Member) -> proposals::PersonChange {
    proposals::PersonChange {
        given_name: person.given_name.clone(),
        family_name: person.family_name.clone(),
        email: person.email.clone(),
        role: person.role,
    }
}
