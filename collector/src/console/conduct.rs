//! Whether a reader's conduct is meant. What readers write narrows nothing by itself: "rang mum together with the deputy"
//! must not throw the deputy off the case. Where their words contain a reader's name the form comes back with the
//! question; "yes" records a conflict of interest, "no" changes nothing.

use super::Console;
use super::answer::{Failure, show_again};
use super::form::Fields;
use super::page::Page;
use super::sealing::seal_again;
use super::who::SignedIn;
use crate::clock;
use crate::concerns::model::PersonId;
use crate::store::people::Directory;
use crate::store::{Write, conflicts, rerouting};
use crate::telling::Telling;
use askama::Template;
use axum::response::Response;

/// Why a form is not taken yet, or whom it is about besides.
pub(super) enum Conduct {
    /// These must be asked about first.
    Asked(Vec<Colleague>),
    /// The conduct of these is meant; mostly nobody's.
    Meant(Vec<PersonId>),
}

/// A reader whom somebody's words name.
pub(super) struct Colleague {
    person_id: PersonId,
    name: String,
}

#[derive(Template)]
#[template(path = "conduct.html")]
struct ConductPage {
    page: Page,
    /// Where the form goes.
    action: String,
    /// What was typed into it.
    fields: Vec<(String, String)>,
    words: String,
    colleagues: Vec<Colleague>,
}

/// What a form says about the readers whom its words name: not about its writer, nor about the person it is about anyhow.
pub(super) fn of(
    directory: &Directory,
    who: &SignedIn,
    about: Option<&str>,
    words: &str,
    fields: &Fields,
) -> Conduct {
    let (mut asked, mut meant) = (Vec::new(), Vec::new());
    for person_id in directory.readers_mentioned_in(words) {
        if person_id == who.id() || about == Some(person_id.as_str()) {
            continue;
        }
        match fields.trimmed(&format!("conduct-{person_id}")) {
            "yes" => meant.push(person_id),
            "no" => {}
            _ => asked.push(Colleague {
                name: directory
                    .person(&person_id)
                    .map(|person| format!("{} {}", person.given_name, person.family_name))
                    .unwrap_or_default(),
                person_id,
            }),
        }
    }
    if asked.is_empty() {
        Conduct::Meant(meant)
    } else {
        Conduct::Asked(asked)
    }
}

/// The question, with the form as it was typed.
pub(super) async fn ask(
    console: &Console,
    who: &SignedIn,
    action: String,
    words: &str,
    fields: &Fields,
    colleagues: Vec<Colleague>,
) -> Result<Response, Failure> {
    let page = console.page(who, "Is it about what a colleague did?", "").await?;
    show_again(&ConductPage {
        page,
        action,
        fields: fields.typed(),
        words: words.to_owned(),
        colleagues,
    })
}

/// Records that these are in conflict with whom it is about, or with a concern while nobody knows who that is; and routes
/// again what that touches.
pub(super) async fn keep_out_of(
    console: &Console,
    tx: &mut Write,
    telling: &Telling,
    who: &SignedIn,
    about: &str,
    meant: &[PersonId],
) -> Result<(), Failure> {
    let (now, mut in_force) = (clock::now_ms(), false);
    for person_id in meant {
        let recorded = conflicts::record(tx, telling, (person_id, about), who.id(), now).await?;
        in_force |= recorded.is_ok_and(|conflict| conflict.in_force);
    }
    if in_force {
        let changed = rerouting::reroute_all(tx, telling, now).await?;
        seal_again(console, tx, &who.session, &changed).await?;
    }
    Ok(())
}
