//! Recording a concern by hand (P45). It goes to those who may see it, who may not be its writer.

mod adding;

use crate::chain::Deed;
use crate::clock;
use crate::concerns;
use crate::concerns::action::Action;
use crate::concerns::kind::Kind;
use crate::concerns::model::PersonId;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::conduct::{self, Conduct};
use crate::console::drafts::Draft;
use crate::console::form::{Fields, TEXT_MOST};
use crate::console::page::Page;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::words::people::grouped;
use crate::console::{Console, words};

use crate::store::actions::{self, NewAction};
use crate::store::by_hand::{ByHand, make_by_hand};
use crate::store::overview::{self, Candidate};
use crate::store::people::Directory;
use crate::store::routing::{self, route_by_hand};
use crate::store::{audit, escalation, identity, keys, queue};
use adding::{Happened, add};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::civil::DateTime;
use serde_json::json;

#[derive(Template)]
#[template(path = "by_hand.html")]
struct ByHandPage {
    page: Page,
    groups: Vec<(String, Vec<Candidate>)>,
    kinds: &'static [Kind],
    levels: Vec<(i64, &'static str, &'static str)>,
    typed: Typed,
    now: String,
    /// An open concern of this person and kind, with what it is called.
    offer: Option<(String, String)>,
}

#[derive(Default)]
struct Typed {
    person: String,
    kind: String,
    severity: String,
    happened: String,
    words: String,
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        Self {
            person: fields.trimmed("person").to_owned(),
            kind: fields.trimmed("kind").to_owned(),
            severity: fields.trimmed("severity").to_owned(),
            happened: fields.trimmed("happened").to_owned(),
            words: fields.trimmed("words").replace("\r\n", "\n"),
        }
    }
}

/// The form.
pub(in crate::console) async fn form(
    State(console): State<Console>,
    who: SignedIn,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let kept = console.kept(&who, "/concerns/new").await?;
    let fields = kept.map(Draft::into_fields);
    let typed = fields.as_ref().map(Typed::of).unwrap_or_default();
    let mut page = draw(&console, &who, typed).await?;
    // The words stand in the form itself.
    page.page.kept = fields.map(|_| ("/concerns/new".to_owned(), String::new()));
    show(&page)
}

/// What somebody recorded.
pub(in crate::console) async fn record(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut typed = Typed::of(&fields);
    // What stood in a record of the safe: its reader makes a concern of it. It is no draft, and in no address.
    let record = fields.trimmed("record");
    if !record.is_empty() {
        typed.words = record.replace("\r\n", "\n").chars().take(TEXT_MOST).collect();
        return show(&draw(&console, &who, typed).await?);
    }
    let happened_at = happened_at(&console, &typed.happened);
    let mut faults = Vec::new();
    let kind = Kind::from_code(&typed.kind);
    let severity = typed
        .severity
        .parse::<i64>()
        .ok()
        .filter(|severity| (1..=5).contains(severity));
    if kind.is_none() {
        faults.push(("kind", "Choose what it is about.".to_owned()));
    }
    if severity.is_none() {
        faults.push(("severity", "Choose how serious it is.".to_owned()));
    }
    if happened_at.is_none() {
        let fault = "Give a day and time that is not in the future.";
        faults.push(("happened", fault.to_owned()));
    }
    match fields.text("words", TEXT_MOST) {
        Ok(words) if words.is_empty() => faults.push(("words", "Write what happened.".to_owned())),
        Ok(_) => {}
        Err(fault) => faults.push(("words", fault)),
    }
    let (Some(kind), Some(severity), Some(happened_at), true) =
        (kind, severity, happened_at, faults.is_empty())
    else {
        return again(&console, &who, typed, &faults).await;
    };
    let directory = console.directory().await?;
    let about = Some(typed.person.as_str());
    let meant = match conduct::of(&directory, &who, about, &typed.words, &fields) {
        Conduct::Meant(meant) => meant,
        Conduct::Asked(colleagues) => {
            let to = "/concerns/new".to_owned();
            return conduct::ask(&console, &who, to, &typed.words, &fields, colleagues).await;
        }
    };
    let (store_of, school_id) = (console.app.store.read(), &console.app.school_id);
    let of = (typed.person.as_str(), kind);
    if let Some(open) = queue::open_of(store_of, school_id, who.id(), of).await? {
        let happened = Happened {
            words: &typed.words,
            severity,
            at: happened_at,
            meant: &meant,
        };
        match fields.trimmed("where") {
            "own" => {}
            "add" if fields.trimmed("open") == open.concern_id => {
                if let Some(to) = add(&console, &who, &open.concern_id, &happened).await? {
                    return Ok(go(&to));
                }
            }
            _ => return offer(&console, &who, typed, &open).await,
        }
    }
    match store(&console, &who, &typed, (kind, severity, happened_at), &meant).await? {
        Some(to) => Ok(go(&to)),
        None => {
            again(
                &console,
                &who,
                typed,
                &[("person", "Choose the person, or that nobody is known.".to_owned())],
            )
            .await
        }
    }
}

async fn store(
    console: &Console,
    who: &SignedIn,
    typed: &Typed,
    (kind, severity, happened_at): (Kind, i64, i64),
    meant: &[PersonId],
) -> Result<Option<String>, Failure> {
    let (app, now, telling) = (&console.app, clock::now_ms(), console.app.telling());
    let mut tx = app.store.write().await?;
    let mut directory = Directory::load(&mut tx, &app.school_id, &telling.profile).await?;
    let person = Some(typed.person.as_str()).filter(|person| *person != "unknown");
    if person.is_some_and(|person| directory.person(person).is_none()) {
        return Ok(None);
    }
    let concern_id = uuid::Uuid::new_v4().to_string();
    // INVARIANT 4: whose conduct is meant does not read it from the first moment.
    let about = person.unwrap_or(&concern_id);
    if !meant.is_empty() {
        conduct::keep_out_of(console, &mut tx, &telling, who, about, meant).await?;
        directory = Directory::load(&mut tx, &app.school_id, &telling.profile).await?;
    }
    let (_, route) = route_by_hand(&directory, &concern_id, person, kind);
    let new = ByHand {
        concern_id: &concern_id,
        person_id: person,
        kind,
        reader_group: route.group,
        severity,
        happened_at,
    };
    make_by_hand(&mut tx, &app.school_id, &new, now).await?;
    routing::set_readers(&mut tx, &app.school_id, &concern_id, &route).await?;
    let (of, words) = ((&*app.school_id, concern_id.as_str()), typed.words.as_bytes());
    let words = keys::seal_for(&mut tx, &app.sealer, of, route.sealed_to(), words).await?;
    let action = NewAction {
        concern_id: &concern_id,
        at: now,
        by: who.id(),
        action: Action::Recorded,
        detail: json!({}),
        words: Some(words),
    };
    actions::add(&mut tx, &app.school_id, &action).await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: who.id(),
        deed: Deed::Recorded,
        concern_id: Some(&concern_id),
        detail: json!({}),
    };
    audit::append(&mut tx, now, &entry).await?;
    identity::link_to_open(&mut tx, &app.school_id, &concern_id).await?;
    escalation::opened_or_risen(
        &mut tx,
        &telling,
        &concern_id,
        concerns::escalation::Change::Opened,
        now,
    )
    .await?;
    tx.commit().await?;
    app.changed(Some(concern_id.clone()));
    let sees = queue::one(app.store.read(), &app.school_id, who.id(), &concern_id)
        .await?
        .is_some();
    let to = if sees {
        format!("/concerns/{concern_id}")
    } else {
        "/queue".to_owned()
    };
    Ok(Some(Done::Recorded.at(&to)))
}

// The day and time as the browser's field gives it, by the school's clock; empty is now.
fn happened_at(console: &Console, typed: &str) -> Option<i64> {
    let now = clock::now_ms();
    if typed.is_empty() {
        return Some(now);
    }
    let zone = console.app.profile.load().cover.time_zone.clone();
    let at = typed
        .parse::<DateTime>()
        .ok()?
        .to_zoned(zone)
        .ok()?
        .timestamp()
        .as_millisecond();
    // The field has minutes only.
    (at <= now + 60_000).then_some(at.min(now))
}

// The form once more, with the choice between a concern that is open and one of its own.
async fn offer(
    console: &Console,
    who: &SignedIn,
    typed: Typed,
    open: &queue::Summary,
) -> Result<Response, Failure> {
    let mut page = draw(console, who, typed).await?;
    let since = page.page.clock.when(&open.opened_at);
    let words = format!(
        "Concern {} about {}, open since {since}",
        open.reference,
        words::concern::name(open)
    );
    page.offer = Some((open.concern_id.clone(), words));
    page.page.fault(
        "where",
        "There is an open concern about this person, of the same kind. Choose whether this belongs to it.",
    );
    show_again(&page)
}

async fn again(
    console: &Console,
    who: &SignedIn,
    typed: Typed,
    faults: &[(&'static str, String)],
) -> Result<Response, Failure> {
    let mut page = draw(console, who, typed).await?;
    for (field, fault) in faults {
        page.page.fault(field, fault.as_str());
    }
    show_again(&page)
}

async fn draw(console: &Console, who: &SignedIn, typed: Typed) -> Result<ByHandPage, Failure> {
    let people = overview::candidates(console.app.store.read(), &console.app.school_id).await?;
    let page = console.page(who, "Record a concern", "/concerns/new").await?;
    let now = page.clock.field(&clock::now_ms());
    let levels = (1..=5)
        .rev()
        .map(|level| (level, words::severity(level), words::how_soon(level)))
        .collect();
    Ok(ByHandPage {
        page,
        levels,
        groups: grouped(people),
        kinds: &Kind::ALL,
        typed,
        now,
        offer: None,
    })
}
