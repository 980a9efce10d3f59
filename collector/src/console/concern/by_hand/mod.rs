//! Recording a concern by hand (P45). It goes to those who may see it, who may not be its writer.

mod adding;
mod happened;
mod making;

use crate::clock;
use crate::concerns::kind::Kind;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::conduct::{self, Conduct};
use crate::console::drafts::Draft;
use crate::console::form::{Fields, TEXT_MOST};
use crate::console::page::Page;
use crate::console::who::SignedIn;
use crate::console::words::people::grouped;
use crate::console::{Console, words};
use crate::store::overview::{self, Candidate};
use crate::store::queue;
use adding::add;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use happened::Happened;
use jiff::civil::DateTime;
use making::make;

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
    let (kind, severity, at) = match checked(&console, &typed, &fields) {
        Ok(checked) => checked,
        Err(faults) => return again(&console, &who, typed, &faults).await,
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
    let happened = Happened {
        words: &typed.words,
        kind,
        severity,
        at,
        meant: &meant,
    };
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let open = queue::open_of(
        &mut *store.read().await?,
        school_id,
        who.id(),
        (&typed.person, kind),
    )
    .await?;
    let added = match (open, fields.trimmed("where")) {
        (None, _) | (_, "own") => None,
        (Some(open), "add") if fields.trimmed("open") == open.concern_id => {
            add(&console, &who, &open.concern_id, &happened).await?
        }
        (Some(open), _) => return offer(&console, &who, typed, &open).await,
    };
    let to = match added {
        Some(to) => Some(to),
        None => make(&console, &who, &typed.person, &happened).await?,
    };
    let Some(to) = to else {
        let fault = "Choose the person, or that nobody is known.";
        return again(&console, &who, typed, &[("person", fault.to_owned())]).await;
    };
    Ok(go(&to))
}

/// A field, and what is wrong with it.
type Fault = (&'static str, String);

/// The kind, the severity and the time of what happened.
fn checked(console: &Console, typed: &Typed, fields: &Fields) -> Result<(Kind, i64, i64), Vec<Fault>> {
    let mut faults = Vec::new();
    let kind = Kind::from_code(&typed.kind);
    let severity = typed.severity.parse::<i64>().ok();
    let severity = severity.filter(|severity| (1..=5).contains(severity));
    let at = happened_at(console, &typed.happened);
    if kind.is_none() {
        faults.push(("kind", "Choose what it is about.".to_owned()));
    }
    if severity.is_none() {
        faults.push(("severity", "Choose how serious it is.".to_owned()));
    }
    if at.is_none() {
        let fault = "Give a day and time that is not in the future.";
        faults.push(("happened", fault.to_owned()));
    }
    match fields.text("words", TEXT_MOST) {
        Ok(words) if words.is_empty() => faults.push(("words", "Write what happened.".to_owned())),
        Ok(_) => {}
        Err(fault) => faults.push(("words", fault)),
    }
    match (kind, severity, at) {
        (Some(kind), Some(severity), Some(at)) if faults.is_empty() => Ok((kind, severity, at)),
        _ => Err(faults),
    }
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
    faults: &[Fault],
) -> Result<Response, Failure> {
    let mut page = draw(console, who, typed).await?;
    for (field, fault) in faults {
        page.page.fault(field, fault.as_str());
    }
    show_again(&page)
}

async fn draw(console: &Console, who: &SignedIn, typed: Typed) -> Result<ByHandPage, Failure> {
    let people = overview::candidates(&mut *console.app.store.read().await?, &console.app.school_id).await?;
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
