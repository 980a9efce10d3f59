//! The console: what the people who look after children see and do.
//!
//! Server-rendered pages that work without scripts; the queue updates itself where there are some. Every page asks the
//! store as its own viewer (invariant 4); what a page shows of a concern's content is audited before it is sent
//! (invariant 5); addresses hold random ids and codes only (invariant 9).
//!
//! Each page has a file or a folder, and calls no other page: they know each other by links. What several need stands
//! below them: what is answered and what is around it (`answer`, `page`), who asks and what they sent (`who`, `form`,
//! `drafts`), what a reader's keys open (`opened`, `sealing`), and how it is said (`words`, `terms`).

mod account;
mod addresses;
mod answer;
mod assets;
mod audit;
mod banner;
mod closed;
mod concern;
mod conduct;
mod cookies;
mod devices;
mod drafts;
mod form;
mod guard;
mod headers;
mod health;
mod join;
pub mod listener;
mod lists;
mod names;
mod opened;
mod page;
mod people;
mod place;
mod queue;
mod safe;
mod said;
mod sealing;
mod sign_in;
mod terms;
mod visits;
mod whence;
mod who;
mod words;

use crate::access::{Limits, Sessions, Work};
use crate::app::App;
use crate::net::places::{Bounds, Places};
use crate::net::source::Proxies;
use addresses::{LIVE, PASSWORD};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The largest form that is taken.
const FORM_MOST: usize = 64 * 1024;
/// Open consoles that update themselves at one time.
const LIVE_MOST: usize = 256;

/// Requests that come through a proxy, at one time.
const REQUESTS: Bounds = Bounds {
    unproven: 200,
    of_a_source: 50,
    proven: 400,
    of_an_owner: 64,
};

/// What every page needs.
#[derive(Clone)]
struct Console {
    app: App,
    sessions: Arc<Sessions>,
    limits: Arc<Limits>,
    work: Work,
    /// The same for those who have proven who they are: strangers cannot keep them waiting.
    work_of_known: Work,
    proxies: Arc<Proxies>,
    /// For requests that come through a proxy; other connections have places of their own.
    places: Places,
    live_places: Arc<Semaphore>,
    /// One session at a time looks for new names.
    examining: Arc<tokio::sync::Mutex<()>>,
    /// One at a time sends the school's list of people.
    importing: Arc<tokio::sync::Mutex<()>>,
}

/// Where people write, more is read than is taken: what is too long comes back to be shortened.
fn written() -> DefaultBodyLimit {
    DefaultBodyLimit::max(drafts::WRITTEN_MOST)
}

/// The console's pages, with no proxy in front.
pub fn router(app: App) -> Router {
    router_behind(app, Arc::default())
}

/// The console's pages. The listener gives each request a `ConnectInfo<SocketAddr>`, and the `Proof` of its connection
/// unless a proxy passes it on; without the first, every visitor counts as the same address. Without randomness from the
/// system every page answers that the console cannot work.
pub fn router_behind(app: App, proxies: Arc<Proxies>) -> Router {
    let Some(sessions) = Sessions::new() else {
        return Router::new().fallback(|| async {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the system gives no randomness; restart the collector",
            )
        });
    };
    let work = Work::default();
    let console = Console {
        app,
        sessions: Arc::new(sessions),
        limits: Arc::default(),
        work_of_known: work.another_queue(),
        work,
        proxies,
        places: Places::new(REQUESTS),
        live_places: Arc::new(Semaphore::new(LIVE_MOST)),
        examining: Arc::default(),
        importing: Arc::default(),
    };
    let pages = of_oneself()
        .merge(of_concerns())
        .merge(of_people())
        .merge(of_lists())
        .merge(of_machines())
        .merge(of_the_safe())
        .fallback(answer::not_found)
        .layer(DefaultBodyLimit::max(FORM_MOST))
        .layer(middleware::from_fn_with_state(console.clone(), guard::guard))
        .with_state(console.clone());
    Router::new()
        .route("/assets/{name}", get(assets::serve))
        .merge(pages)
        .layer(middleware::from_fn_with_state(console, whence::whence))
}

fn of_oneself() -> Router<Console> {
    Router::new()
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/join/{link}", get(join::form).post(join::join))
        .route("/kept/throw-away", post(drafts::throw_away))
        .route("/account", get(account::account))
        .route(PASSWORD, get(account::password_form).post(account::password))
        .route("/account/recovery-codes", post(account::recovery_codes))
}

fn of_concerns() -> Router<Console> {
    Router::new()
        .route("/", get(queue::home))
        .route("/queue", get(queue::queue))
        .route("/queue/find", post(queue::find))
        .route(LIVE, get(queue::live))
        .route("/closed", get(closed::closed))
        .route(
            "/concerns/new",
            get(concern::by_hand::form)
                .post(concern::by_hand::record)
                .layer(written()),
        )
        .route("/concerns/{concern}", get(concern::page))
        .route(
            "/concerns/{concern}/reassign",
            get(concern::reassign_form)
                .post(concern::reassign)
                .layer(written()),
        )
        .route(
            "/concerns/{concern}/{action}",
            get(concern::identify_form).post(concern::act).layer(written()),
        )
}

fn of_people() -> Router<Console> {
    Router::new()
        .route("/people", get(people::people))
        .route(
            "/people/import",
            get(people::import::page).post(people::import::given),
        )
        .route("/people/import/{decision}", post(people::import::decided))
        .route("/people/grant", post(people::grant))
        .route("/people/proposals/{proposal}/{decision}", post(people::decide))
        .route("/people/duties/{duty}/end", post(people::end_duty))
        .route("/people/conflicts", post(people::add_conflict))
        .route("/people/conflicts/agree", post(people::agree_conflict))
        .route("/people/conflicts/end", post(people::end_conflict))
        .route("/people/{person}", get(people::person))
        .route("/people/{person}/link", post(people::link))
        .route("/people/{person}/change", post(people::change))
        .route("/people/{person}/keys", post(people::give_keys))
}

fn of_lists() -> Router<Console> {
    Router::new()
        .route("/lists", get(lists::lists))
        .route("/lists/try", get(lists::try_form).post(lists::tried))
        .route("/lists/noise", get(lists::noise))
        .route("/lists/preview", post(lists::preview).layer(written()))
        .route("/lists/changes", get(lists::changes).post(lists::propose))
        .route("/lists/changes/{change}", get(lists::change))
        .route("/lists/changes/{change}/{decision}", post(lists::decide))
        .route("/lists/{list}", get(lists::list))
        .route("/lists/{list}/{term}", get(lists::term))
}

fn of_machines() -> Router<Console> {
    Router::new()
        .route("/devices", get(devices::devices))
        .route("/devices/{device}/ask/{command}", post(devices::asked))
        .route("/devices/{device}/{decision}", post(devices::decided))
        .route("/health", get(health::health))
        .route("/audit", get(audit::audit))
}

fn of_the_safe() -> Router<Console> {
    Router::new()
        .route("/safe", get(safe::safe).post(safe::unlock))
        .route("/safe/close", post(safe::close))
        .route(
            "/safe/concerns/{concern}",
            get(safe::concern).post(safe::open_concern),
        )
        .route("/safe/concerns/{concern}/give", post(safe::give))
        .route(
            "/safe/records/{record}",
            get(safe::record).post(safe::open_record),
        )
        .route("/safe/records/{record}/discard", post(safe::discard))
}
