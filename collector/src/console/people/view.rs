//! The page of people with access, in words.

use super::rights::{may_end, may_grant};
use super::waiting::{self, Links, Waiting};
use crate::access::VoiceCode;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::console::Console;
use crate::console::answer::{Failure, show, show_again};
use crate::console::form::Fields;
use crate::console::page::Page;
use crate::console::who::SignedIn;
use crate::console::words::people::grouped;
use crate::seal::sheet::Sheet;
use crate::store::conflicts::{self, Conflict};
use crate::store::members::Member;
use crate::store::overview::{self, Candidate, HeldDuty};
use crate::store::people::Directory;
use crate::store::{access, sealed_keys};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "people.html")]
pub(super) struct PeoplePage {
    pub(super) page: Page,
    people: Vec<Access>,
    waiting: Vec<Waiting>,
    grants: Vec<Duty>,
    adults: Vec<(String, Vec<Candidate>)>,
    readers: Vec<Candidate>,
    everybody: Vec<(String, Vec<Candidate>)>,
    conflicts: Vec<Kept>,
    is_reader: bool,
    /// What was typed into one of the forms, and was not taken.
    pub(super) typed: Typed,
    links: Vec<Links>,
    /// A code that is shown once.
    told: Option<CodeShown>,
}

/// What was typed into a form of the page: the last part of the form's address, and its fields.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) form: String,
    pub(super) fields: Fields,
}

impl Typed {
    /// Of a form that was sent just now.
    pub(super) fn of(form: &str, fields: &Fields) -> Self {
        Self {
            form: form.to_owned(),
            fields: fields.clone(),
        }
    }
}

impl PeoplePage {
    fn chosen(&self, form: &str, field: &str) -> &str {
        match self.typed.form == form {
            true => self.typed.fields.trimmed(field),
            false => "",
        }
    }
}

/// A person with access.
struct Access {
    person_id: String,
    name: String,
    email: String,
    last: String,
    duties: Vec<HeldInWords>,
    /// What they wait for the keys of.
    waits_for: String,
}

struct HeldInWords {
    duty_id: String,
    label: &'static str,
    how: String,
    may_end: bool,
    /// Ending it takes no second person.
    own: bool,
}

/// A reader who is kept out of what concerns a person.
struct Kept {
    reader_id: String,
    about_id: String,
    words: String,
    may_agree: bool,
    may_end: bool,
}

/// A code, which is shown once, and to whom and when it is told.
struct CodeShown {
    code: String,
    name: String,
    email: String,
    /// A technician must agree first.
    waits: bool,
}

pub(in crate::console) async fn people(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let kept = console.kept(&who, "/people").await?;
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    if let Some(draft) = kept {
        // What was chosen stands in the form itself.
        page.page.kept = Some(("/people".to_owned(), String::new()));
        page.typed = Typed {
            form: draft.action().to_owned(),
            fields: draft.into_fields(),
        };
    }
    show(&page)
}

pub(super) async fn draw(console: &Console, who: &SignedIn) -> Result<PeoplePage, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let page = console.page(who, "People with access", "/people").await?;
    let duties = overview::duties(&mut *store.read().await?, school_id).await?;
    let everybody = overview::candidates(&mut *store.read().await?, school_id).await?;
    let name_of = |id: &str| name_of(&everybody, id);
    let adults: Vec<_> = everybody
        .iter()
        .filter(|person| !person.role.is_pupil())
        .cloned()
        .collect();
    let is_held = |person: &&Candidate| {
        let reads = |held: &HeldDuty| held.person_id == person.person_id && held.duty != Duty::Technician;
        duties.iter().any(reads)
    };
    let readers = adults.iter().filter(is_held).cloned().collect();
    let mut people = with_access(&page, who, &duties, &name_of);
    if who.is_reader() {
        say_who_waits(console, &duties, &mut people).await?;
    }
    Ok(PeoplePage {
        waiting: waiting::proposals(console, &page, who, &name_of).await?,
        links: waiting::links(console, &page, who, &name_of).await?,
        people,
        grants: may_grant(who),
        conflicts: conflicts(console, &page, who, &name_of).await?,
        readers,
        adults: grouped(adults),
        // Technicians see no names of pupils (P41).
        everybody: if who.is_reader() {
            grouped(everybody.clone())
        } else {
            Vec::new()
        },
        is_reader: who.is_reader(),
        told: None,
        typed: Typed::default(),
        page,
    })
}

/// The conflicts that a reader may know of.
async fn conflicts(
    console: &Console,
    page: &Page,
    who: &SignedIn,
    name_of: &impl Fn(&str) -> String,
) -> Result<Vec<Kept>, Failure> {
    if !who.is_reader() {
        return Ok(Vec::new());
    }
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let directory = console.directory().await?;
    let known = conflicts::known_to(&mut *store.read().await?, &directory, school_id, who.id()).await?;
    let kept = known.into_iter().map(|conflict| Kept {
        words: kept(page, &conflict, &directory, name_of),
        may_agree: conflict.may_agree(who.id()),
        may_end: conflict.may_end(&directory, who.id()),
        reader_id: conflict.reader_id,
        about_id: conflict.about_id,
    });
    Ok(kept.collect())
}

/// Whose vault lacks a key of their duties.
async fn say_who_waits(console: &Console, duties: &[HeldDuty], people: &mut [Access]) -> Result<(), Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let holdings = access::holdings(&mut *store.read().await?, school_id).await?;
    let on_the_way = sealed_keys::ready(&mut *store.read().await?, school_id).await?;
    for person in people {
        let id = &person.person_id;
        let Some((_, holding)) = holdings.iter().find(|(who, _)| who == id) else {
            continue;
        };
        let held = duties.iter().filter(|held| held.person_id == *id);
        let groups = held.flat_map(|held| held.duty.reader_groups());
        let is_missing = |group: &&ReaderGroup| {
            !holding.groups.contains(group) && !on_the_way.contains(&(id.clone(), **group))
        };
        let mut missing: Vec<_> = groups.filter(is_missing).map(|group| group.words()).collect();
        missing.dedup();
        person.waits_for = missing.join(" and ");
    }
    Ok(())
}

fn kept(
    page: &Page,
    conflict: &Conflict,
    directory: &Directory,
    name_of: &impl Fn(&str) -> String,
) -> String {
    let about = match directory.person(&conflict.about_id) {
        Some(_) => name_of(&conflict.about_id),
        None => "somebody who is not known yet".to_owned(),
    };
    let sees = if conflict.in_force {
        "does not see"
    } else {
        "is not to see"
    };
    let agreed = match (&conflict.agreed_by, conflict.lapses_at, conflict.in_force) {
        (Some(second), ..) => format!(" {} agreed.", name_of(second)),
        (None, Some(at), true) => format!(
            " It ends at {} unless a second person agrees: neither of the two, nor who recorded it.",
            page.clock.when(&at)
        ),
        (None, Some(at), false) => format!(
            " It works only when a second person agrees, before {}: neither of the two, nor who recorded it.",
            page.clock.when(&at)
        ),
        (None, None, _) => String::new(),
    };
    format!(
        "{} {sees} what concerns {about}. Recorded by {} on {}.{agreed}",
        name_of(&conflict.reader_id),
        name_of(&conflict.recorded_by),
        page.clock.day(&conflict.recorded_at),
    )
}

pub(super) fn name_of(people: &[Candidate], id: &str) -> String {
    if let Some(sheet) = Sheet::of_actor(id) {
        return sheet.words().to_owned();
    }
    match id {
        "init" => "the first set-up".to_owned(),
        "command line" => "the command line".to_owned(),
        id => people
            .iter()
            .find(|person| person.person_id == id)
            .map_or("somebody who left", |p| &p.name)
            .to_owned(),
    }
}

fn with_access(
    page: &Page,
    who: &SignedIn,
    duties: &[HeldDuty],
    name_of: &impl Fn(&str) -> String,
) -> Vec<Access> {
    let mut people: Vec<(&str, Access)> = Vec::new();
    for held in duties {
        let by = match &held.agreed_by {
            Some(second) => format!("by {} and {}", name_of(&held.granted_by), name_of(second)),
            None => format!("by {}", name_of(&held.granted_by)),
        };
        let duty = HeldInWords {
            duty_id: held.duty_id.clone(),
            label: held.duty.words(),
            how: format!("since {}, {by}", page.clock.day(&held.granted_at)),
            may_end: may_end(who, held),
            own: held.person_id == who.id(),
        };
        match people.iter_mut().find(|(id, _)| *id == held.person_id) {
            Some((_, person)) => person.duties.push(duty),
            None => {
                let last = match (held.can_sign_in, held.last_sign_in_at) {
                    (false, _) => "Has not set up a sign-in yet".to_owned(),
                    (true, Some(at)) => format!("Last signed in {}", page.clock.when(&at)),
                    (true, None) => "Has never signed in".to_owned(),
                };
                let (name, email) = (held.name.clone(), held.email.clone());
                people.push((
                    &held.person_id,
                    Access {
                        person_id: held.person_id.clone(),
                        name,
                        email,
                        last,
                        duties: vec![duty],
                        waits_for: String::new(),
                    },
                ));
            }
        }
    }
    people.into_iter().map(|(_, person)| person).collect()
}

/// The page with what is wrong with a form.
pub(super) async fn again(
    console: &Console,
    who: &SignedIn,
    typed: Typed,
    field: &'static str,
    fault: impl Into<String>,
) -> Result<Response, Failure> {
    let mut page = draw(console, who).await?;
    page.typed = typed;
    page.page.fault(field, fault);
    show_again(&page)
}

/// The page with a code, which is shown once.
pub(super) async fn with_code(
    console: &Console,
    who: &SignedIn,
    code: &VoiceCode,
    person: Member,
    waits: bool,
) -> Result<Response, Failure> {
    let mut page = draw(console, who).await?;
    page.told = Some(CodeShown {
        code: code.shown(),
        name: person.name(),
        email: person.email,
        waits,
    });
    show(&page)
}
