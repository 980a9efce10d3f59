//! The queue: a viewer's open concerns, most urgent first, and the stream that keeps an open page current.

mod card;

use super::answer::{Failure, go, show, show_again};
use super::form::Fields;
use super::page::Page;
use super::place::{Place, page_of};
use super::visits::List;
use super::who::SignedIn;
use super::{Console, words};
use crate::clock;
use crate::live;
use crate::store::queue as rows;
use crate::store::readers::{self, Reader};
use crate::store::{access, references};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderName, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use card::{Card, card};
use futures_util::Stream;
use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, Interval};

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

/// Where a person starts.
pub(super) async fn home(who: SignedIn) -> Response {
    go(if who.is_reader() { "/queue" } else { "/devices" })
}

pub(super) async fn queue(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut drawn = draw(&console, &who, page_of(&query, "page")).await?;
    drawn.page.said(&query);
    if let Some(draft) = console.kept(&who, "/queue").await? {
        drawn.page.kept = Some(("/queue".to_owned(), String::new()));
        drawn.sought = draft.into_fields().trimmed("reference").to_owned();
    }
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
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    if let Some(found) = references::find(&mut *store.read().await?, school_id, who.id(), sought).await? {
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
        cover: words::cover(&console.app.profile.load(), &page.clock),
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

/// To an open page.
type ToPage = tokio::sync::mpsc::Sender<Result<Event, Infallible>>;

async fn keep_current(console: &Console, who: &SignedIn, number: i64, stream: &ToPage) {
    let mut changes = console.app.live.listen();
    let mut beats = tokio::time::interval_at(Instant::now() + BEAT, BEAT);
    let mut sent = Listed::default();
    loop {
        // Also at the start: what changed between the page and this connection.
        match console.list_if_still_in(who, number).await {
            Ok(Some(list)) if list.html != sent.html => {
                if stream.send(Ok(Event::default().data(&list.html))).await.is_err() {
                    return;
                }
                sent = list;
            }
            Ok(Some(list)) => sent = list,
            Ok(None) => {
                let signed_out = Event::default().event("signed-out").data(".");
                let _gone_anyway = stream.send(Ok(signed_out)).await;
                return;
            }
            // The browser connects again and finds out.
            Err(_) => return,
        }
        match woken(console, who, &sent, &mut changes, &mut beats, stream).await {
            Woken::Changed => {
                tokio::time::sleep(SETTLE).await;
                changes = changes.resubscribe();
            }
            Woken::Beat => {}
            Woken::Gone => return,
        }
    }
}

/// Why an open page is looked at again.
enum Woken {
    /// Something of its viewer's may have changed.
    Changed,
    /// By its own clock.
    Beat,
    /// Nobody is there any more, or what changed cannot be told.
    Gone,
}

async fn woken(
    console: &Console,
    who: &SignedIn,
    sent: &Listed,
    changes: &mut Receiver<live::LiveChange>,
    beats: &mut Interval,
    stream: &ToPage,
) -> Woken {
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            () = stream.closed() => return Woken::Gone,
            _ = beats.tick() => {
                let beat = Event::default().comment("still here");
                return stream.send(Ok(beat)).await.map_or(Woken::Gone, |()| Woken::Beat);
            }
        };
        let is_theirs = match change {
            Ok(change) => console.is_theirs(who, sent, &change).await,
            Err(RecvError::Lagged(_)) => Ok(true),
            Err(RecvError::Closed) => return Woken::Gone,
        };
        match is_theirs {
            Ok(true) => return Woken::Changed,
            Ok(false) => {}
            Err(_) => return Woken::Gone,
        }
    }
}

impl Console {
    async fn list_if_still_in(&self, who: &SignedIn, number: i64) -> Result<Option<Listed>, Failure> {
        if self.sessions.look(&who.cookie, clock::now_ms()).is_none() {
            return Ok(None);
        }
        let viewer =
            access::viewer(&mut *self.app.store.read().await?, &self.app.school_id, who.id()).await?;
        if viewer.is_none_or(|viewer| viewer.duties != who.viewer.duties) {
            return Ok(None);
        }
        // INVARIANT 4: a name may be new since the page was opened.
        self.examine(&who.session).await?;
        self.list(who, number).await.map(Some)
    }

    /// Whether a change may show in a viewer's queue: of a concern that they see, or saw until now.
    async fn is_theirs(
        &self,
        who: &SignedIn,
        sent: &Listed,
        change: &live::LiveChange,
    ) -> Result<bool, sqlx::Error> {
        let (store, school_id) = (&self.app.store, &self.app.school_id);
        match &change.concern_id {
            _ if change.school_id != **school_id => Ok(false),
            // Whatever it was, only what differs then is sent.
            None => Ok(true),
            Some(concern_id) if sent.theirs.contains(concern_id) => Ok(true),
            Some(concern_id) => {
                rows::may_see(&mut *store.read().await?, school_id, who.id(), concern_id).await
            }
        }
    }

    async fn list(&self, who: &SignedIn, number: i64) -> Result<Listed, Failure> {
        let viewer = who.id();
        let (store, school_id) = (&self.app.store, &self.app.school_id);
        let place = Place::of(
            number,
            SHOWN,
            rows::count_open(&mut *store.read().await?, school_id, viewer).await?,
        );
        let concerns = rows::open(&mut *store.read().await?, school_id, viewer, place.rows()).await?;
        let readers = readers::of_open_seen_by(&mut *store.read().await?, school_id, viewer).await?;
        let shown: Vec<&str> = concerns
            .iter()
            .map(|concern| concern.concern_id.as_str())
            .collect();
        self.visit(who, List::Open(number), &shown).await?;
        let clock = self.clock();
        let profile = self.app.profile.load();
        let cards = concerns.into_iter().map(|concern| {
            let of = |told: &&Reader| told.concern_id == concern.concern_id;
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
