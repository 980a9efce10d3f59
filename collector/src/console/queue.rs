//! The queue: a viewer's open concerns, most urgent first, and the stream that keeps an open page current.

use super::Console;
use super::page::{Failure, Page, go, show, show_again};
use super::place::{Place, page_of};
use super::visits::List;
use super::who::{Fields, SignedIn};
use super::words::{self, Clock};
use crate::clock;
use crate::concerns::escalation::OutsideCover;
use crate::concerns::kind::Kind;
use crate::live::Change;
use crate::profile::Profile;
use crate::store::queue::{self as rows, Summary, Told};
use crate::store::{access, references};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderName, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use pastoral_keywords::Severity;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

/// Concerns on one page; less urgent ones are on the next.
const SHOWN: i64 = 100;
/// A burst of changes is drawn once.
const SETTLE: Duration = Duration::from_millis(40);
/// How often an open page is told that the connection lives, and whether its session still does.
const BEAT: Duration = Duration::from_secs(15);

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    page: Page,
    cover: String,
    list: String,
    number: i64,
    /// The reference that somebody looked for.
    sought: String,
}

#[derive(Template)]
#[template(path = "queue_list.html")]
pub(super) struct QueueList {
    pub(super) cards: Vec<Card>,
    pub(super) place: Place,
}

/// A page of the queue as its viewer may see it.
#[derive(Default)]
struct Listed {
    html: String,
    /// Every open concern of theirs, also those on other pages.
    theirs: HashSet<String>,
}

/// A concern in the queue, in words.
pub(super) struct Card {
    concern: Summary,
    name: String,
    kind: &'static str,
    severity: &'static str,
    seen: String,
    arrived: String,
    state: &'static str,
    tag: &'static str,
    owner: String,
    flags: String,
    next: String,
}

/// Where a person starts.
pub(super) async fn home(who: SignedIn) -> Response {
    go(if who.is_reader() { "/queue" } else { "/devices" })
}

/// The queue.
pub(super) async fn queue(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut drawn = draw(&console, &who, page_of(&query, "page")).await?;
    drawn.page.said(&query);
    show(&drawn)
}

/// Finds a concern by what it is called. One that is not the viewer's is not found, as if there were none.
pub(super) async fn find(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let sought = fields.trimmed("reference");
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    if let Some(found) = references::find(store, school_id, who.id(), sought).await? {
        return Ok(go(&format!("/concerns/{}", found.concern_id)));
    }
    let mut drawn = draw(&console, &who, 1).await?;
    let fault = if sought.is_empty() {
        "Write the reference first, such as K7M-4QXC."
    } else {
        "You have no concern with this reference. Look at each sign of it again."
    };
    drawn.page.fault("reference", fault);
    drawn.sought = sought.to_owned();
    show_again(&drawn)
}

async fn draw(console: &Console, who: &SignedIn, number: i64) -> Result<QueuePage, Failure> {
    let page = console.page(who, "Concerns", "/queue").await?;
    Ok(QueuePage {
        cover: cover(console, &page.clock),
        list: console.list(who, number).await?.html,
        number,
        sought: String::new(),
        page,
    })
}

/// Keeps an open queue current: sends the list as its viewer may see it, whenever it has changed.
///
/// INVARIANT 4: its pace tells nothing of what its viewer may not see. It is woken by changes of their own concerns only,
/// and beats by its own clock.
pub(super) async fn live(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let number = page_of(&query, "page");
    let place = console
        .live_places
        .clone()
        .try_acquire_owned()
        .map_err(|_| Failure::Busy)?;
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        keep_current(&console, &who, number, &sender).await;
        drop(place);
    });
    let stream: std::pin::Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>> =
        Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let unbuffered = [
        (HeaderName::from_static("x-accel-buffering"), "no"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((unbuffered, Sse::new(stream)).into_response())
}

async fn keep_current(
    console: &Console,
    who: &SignedIn,
    number: i64,
    sender: &tokio::sync::mpsc::Sender<Result<Event, Infallible>>,
) {
    let mut changes = console.app.live.listen();
    let mut beats = tokio::time::interval_at(Instant::now() + BEAT, BEAT);
    let mut sent = Listed::default();
    loop {
        // Also at the start: what changed between the page and this connection.
        match console.list_if_still_in(who, number).await {
            Ok(Some(list)) if list.html != sent.html => {
                if sender.send(Ok(Event::default().data(&list.html))).await.is_err() {
                    return;
                }
                sent = list;
            }
            Ok(Some(list)) => sent = list,
            Ok(None) => {
                let _gone_anyway = sender
                    .send(Ok(Event::default().event("signed-out").data(".")))
                    .await;
                return;
            }
            // The browser connects again and finds out.
            Err(_) => return,
        }
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = sender.closed() => return,
                _ = beats.tick() => {
                    let beat = Event::default().comment("still here");
                    if sender.send(Ok(beat)).await.is_err() { return; }
                    break;
                }
            };
            match change {
                Ok(change) => match console.is_theirs(who, &sent, &change).await {
                    Ok(true) => {}
                    Ok(false) => continue,
                    Err(_) => return,
                },
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
            tokio::time::sleep(SETTLE).await;
            changes = changes.resubscribe();
            break;
        }
    }
}

impl Console {
    async fn list_if_still_in(&self, who: &SignedIn, number: i64) -> Result<Option<Listed>, Failure> {
        if self.sessions.look(&who.cookie, clock::now_ms()).is_none() {
            return Ok(None);
        }
        let viewer = access::viewer(self.app.store.read(), &self.app.school_id, who.id()).await?;
        if viewer.is_none_or(|viewer| viewer.duties != who.viewer.duties) {
            return Ok(None);
        }
        // INVARIANT 4: a name may be new since the page was opened.
        self.examine(&who.session).await?;
        self.list(who, number).await.map(Some)
    }

    /// Whether a change may show in a viewer's queue: of a concern that they see, or saw until now.
    async fn is_theirs(&self, who: &SignedIn, sent: &Listed, change: &Change) -> Result<bool, sqlx::Error> {
        let (store, school_id) = (self.app.store.read(), &self.app.school_id);
        match &change.concern_id {
            _ if change.school_id != **school_id => Ok(false),
            // Whatever it was, only what differs then is sent.
            None => Ok(true),
            Some(concern_id) if sent.theirs.contains(concern_id) => Ok(true),
            Some(concern_id) => rows::may_see(store, school_id, who.id(), concern_id).await,
        }
    }

    async fn list(&self, who: &SignedIn, number: i64) -> Result<Listed, Failure> {
        let viewer = who.id();
        let (store, school_id) = (self.app.store.read(), &self.app.school_id);
        let place = Place::of(number, SHOWN, rows::count_open(store, school_id, viewer).await?);
        let concerns = rows::open(store, school_id, viewer, place.rows()).await?;
        let readers = rows::readers_of_open(store, school_id, viewer).await?;
        let shown: Vec<&str> = concerns
            .iter()
            .map(|concern| concern.concern_id.as_str())
            .collect();
        self.visit(who, List::Open(number), &shown).await?;
        let clock = self.clock();
        let profile = self.app.profile.load();
        let cards = concerns.into_iter().map(|concern| {
            let of = |told: &&Told| told.concern_id == concern.concern_id;
            let readers: Vec<_> = readers.iter().filter(of).cloned().collect();
            card(&clock, &profile, concern, &readers, viewer)
        });
        let list = QueueList {
            cards: cards.collect(),
            place,
        };
        Ok(Listed {
            html: list.render().map_err(|_| Failure::Template)?,
            theirs: readers.into_iter().map(|told| told.concern_id).collect(),
        })
    }
}

fn card(clock: &Clock, profile: &Profile, concern: Summary, readers: &[Told], viewer: &str) -> Card {
    let (state, tag) = state(&concern);
    let owner = owner(&concern, viewer);
    Card {
        name: name(&concern),
        kind: Kind::from_code(&concern.kind).map_or("Other", Kind::label),
        severity: words::severity(concern.severity),
        seen: seen(clock, &concern),
        arrived: arrived(clock, &concern),
        state,
        tag,
        owner,
        flags: words::count(concern.flag_count, "flag"),
        next: next(clock, profile, &concern, readers, viewer),
        concern,
    }
}

/// Who has it in hand, or should; nothing where nobody has. Who got it passed on has not answered yet.
pub(super) fn owner(concern: &Summary, viewer: &str) -> String {
    let is_passed_on = concern.state == "new";
    match (&concern.owner_id, &concern.owner) {
        (Some(id), _) if id == viewer && is_passed_on => "It was passed on to you: acknowledge it".to_owned(),
        (Some(id), _) if id == viewer => "You are dealing with it".to_owned(),
        (_, Some(name)) if is_passed_on => format!("Passed on to {name}, who has not answered yet"),
        (_, Some(name)) => format!("{name} is dealing with it"),
        _ => String::new(),
    }
}

/// The person, or what is known of them. Who has left keeps their name.
pub(super) fn name(concern: &Summary) -> String {
    let name = name_here(concern);
    if concern.person.as_ref().is_some_and(|person| person.has_left) {
        format!("{name} (has left)")
    } else {
        name
    }
}

fn name_here(concern: &Summary) -> String {
    match (&concern.person, &concern.account_name) {
        (Some(person), _) if person.role == "pupil" && !person.year_group.is_empty() => {
            let year = if person.year_group == "R" {
                "Reception"
            } else {
                &format!("year {}", person.year_group)
            };
            format!("{}, {year}", person.name)
        }
        (Some(person), _) if person.role == "pupil" => person.name.clone(),
        (Some(person), _) => format!("{} ({})", person.name, role(&person.role)),
        (None, Some(account)) => format!("Unknown person, account {account}"),
        (None, None) if concern.about_child => "A child, not named yet".to_owned(),
        (None, None) => "Nobody named".to_owned(),
    }
}

/// What a person is to the school.
pub(super) fn role(code: &str) -> &'static str {
    match code {
        "pupil" => "pupil",
        "governor" => "governor",
        "outside" => "from outside",
        _ => "staff",
    }
}

/// A concern's state in words, and the colour of its tag.
pub(super) fn state(concern: &Summary) -> (&'static str, &'static str) {
    match concern.state.as_str() {
        "closed" => ("Closed", "govuk-tag--grey"),
        _ if concern.close_proposed_by.is_some() => ("Second person wanted", "govuk-tag--purple"),
        "new" if concern.owner_id.is_some() => ("Passed on", "govuk-tag--red"),
        "new" => ("New", "govuk-tag--red"),
        _ => ("Acknowledged", "govuk-tag--blue"),
    }
}

fn seen(clock: &Clock, concern: &Summary) -> String {
    if concern.by_hand && concern.flag_count == 0 {
        return format!(
            "Happened {}, recorded by hand",
            clock.when(&concern.last_event_at)
        );
    }
    let device = concern
        .device
        .as_deref()
        .map(|device| format!(" on {device}"))
        .unwrap_or_default();
    format!("Seen {}{device}", clock.when(&concern.last_event_at))
}

fn arrived(clock: &Clock, concern: &Summary) -> String {
    let arrived = format!(
        "Arrived {}",
        clock.when(&concern.arrived_at.unwrap_or(concern.opened_at))
    );
    if concern.backlog {
        format!("{arrived}: the device could not deliver before")
    } else {
        arrived
    }
}

/// Who was told and what happens when nobody answers.
pub(super) fn next(
    clock: &Clock,
    profile: &Profile,
    concern: &Summary,
    readers: &[Told],
    viewer: &str,
) -> String {
    if let Some(until) = concern
        .quiet_until
        .filter(|until| concern.state == "new" && *until > clock::now_ms())
    {
        let second = match &concern.close_proposed_by {
            Some(by) if by == viewer => " Another person is asked to agree.",
            Some(_) => " You can agree that it is closed for that.",
            None => "",
        };
        return format!(
            "All of it is marked as false alarms, so nobody is told until {}.{second} Then it goes on, unless it is closed.",
            clock.by(&until)
        );
    }
    if concern.state != "new" {
        return match &concern.close_proposed_by {
            Some(by) if by == viewer => "You propose to close it. Another person must agree.".to_owned(),
            Some(_) => "A colleague proposes to close it. You can agree.".to_owned(),
            None => String::new(),
        };
    }
    let you = |told: &Told| {
        if told.person_id == viewer {
            "you".to_owned()
        } else {
            told.name.clone()
        }
    };
    let told = usize::try_from(concern.told).unwrap_or(0).min(readers.len());
    let names = readers[..told].iter().map(you).collect::<Vec<_>>().join(", ");
    let mut words = match (told, waits_until(profile, concern, clock::now_ms())) {
        (0, _) => "Nobody has been told yet.".to_owned(),
        (_, Some(cover)) => format!("Told when cover begins, at {}: {names}.", clock.by(&cover)),
        (_, None) => format!("Told: {names}."),
    };
    if let Some(due) = concern.next_due_at {
        let by = clock.by(&due);
        let next = match readers.get(told) {
            Some(next) => format!(" Next: {}, if nobody acknowledges it by {by}.", you(next)),
            None => format!(" If nobody acknowledges it by {by}, everybody is reminded."),
        };
        words.push_str(&next);
    }
    words
}

// When those who are told first are told, where that is still to come: outside cover hours less urgent concerns wait.
fn waits_until(profile: &Profile, concern: &Summary, now: i64) -> Option<i64> {
    let severity = u8::try_from(concern.severity)
        .ok()
        .and_then(|number| Severity::try_from(number).ok())?;
    let waits = profile.plan(severity).outside_cover == OutsideCover::WaitForCover;
    profile
        .cover
        .next_open(concern.opened_at)
        .filter(|begins| waits && *begins > now)
}

/// What is promised now.
pub(super) fn cover(console: &Console, clock: &Clock) -> String {
    let profile = console.app.profile.load();
    let now = clock::now_ms();
    if profile.cover.is_open(now) {
        return "These are cover hours: the people on call are told at once.".to_owned();
    }
    let begins = profile
        .cover
        .next_open(now)
        .map(|at| format!(" Cover begins {}.", clock.when(&at)))
        .unwrap_or_default();
    format!("It is outside cover hours.{begins} {}", profile.outside_cover)
}
