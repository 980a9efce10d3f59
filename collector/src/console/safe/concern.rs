//! A concern out of the safe.

use super::{kept_reason, reason};
use crate::chain::Deed;
use crate::clock;
use crate::concerns::action::Action;
use crate::concerns::model::ReaderGroup;
use crate::console::addresses::SAFE;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::form::Fields;
use crate::console::opened::{Entry, FlagShown, Opener, entry};
use crate::console::page::Page;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::{Console, words};

use crate::seal::content::reseal;
use crate::store::actions::{self, NewAction};
use crate::store::people::Directory;
use crate::store::safe::{self as rows, Kept};
use crate::store::{Write, audit, keys, overview, rerouting, routing};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;

/// A data key's id, and the words that it seals.
type Sealed = (Vec<u8>, Vec<u8>);

const FLAGS_SHOWN: i64 = 200;
const HISTORY_SHOWN: i64 = 200;

#[derive(Template)]
#[template(path = "safe_concern.html")]
struct ConcernPage {
    page: Page,
    concern_id: String,
    name: String,
    kind: &'static str,
    severity: String,
    opened: String,
    /// Whether a reason was given, and it is shown.
    is_shown: bool,
    seen: Vec<FlagShown>,
    /// How many flags are not on the page.
    more: i64,
    history: Vec<Entry>,
    has_readers: bool,
    /// A reason that was not taken.
    typed: String,
}

/// The page: asks for the reason, or shows what lies in the safe.
pub(in crate::console) async fn concern(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let kept = kept(&console, &who, &concern_id).await?;
    if who.session.safe.since(clock::now_ms()).is_none() {
        return Ok(go(SAFE));
    }
    let mut page = draw(&console, &who, kept).await?;
    if !page.is_shown {
        page.typed = kept_reason(
            &console,
            &who,
            &mut page.page,
            format!("{SAFE}/concerns/{concern_id}"),
        )
        .await?;
    }
    show(&page)
}

async fn kept(console: &Console, who: &SignedIn, concern_id: &str) -> Result<Kept, Failure> {
    let app = &console.app;
    rows::concern(
        &mut *app.store.read().await?,
        &app.school_id,
        who.id(),
        concern_id,
    )
    .await?
    .ok_or(Failure::NotFound)
}

async fn draw(console: &Console, who: &SignedIn, kept: Kept) -> Result<ConcernPage, Failure> {
    let (app, store) = (&console.app, &mut *console.app.store.read().await?);
    let title = format!("Concern {} in the safe", kept.reference);
    let page = console.page(who, title, SAFE).await?;
    let key = who.session.safe.key_for(&kept.concern_id, clock::now_ms());
    let (mut seen, mut history) = (Vec::new(), Vec::new());
    let is_shown = key.is_some();
    if let Some(key) = key {
        record(console, who, &kept.concern_id, Deed::ReadFromSafe).await?;
        let school_id = &app.school_id;
        let data_keys = keys::data_keys(store, school_id, &kept.concern_id).await?;
        let rules = app.lists.load_full();
        let opener = Opener::new(&who.session, &data_keys, &rules).with_safe(key);
        let flags = rows::flags(store, school_id, who.id(), &kept.concern_id, FLAGS_SHOWN).await?;
        seen = flags
            .iter()
            .map(|row| opener.flag(row, kept.of_pupil, &page.clock))
            .collect();
        let done = rows::history(store, school_id, who.id(), &kept.concern_id, HISTORY_SHOWN).await?;
        let people = overview::candidates(store, school_id).await?;
        let name_of = |id: &str| {
            let found = people.iter().find(|person| person.person_id == id);
            found.map_or_else(|| "somebody".to_owned(), |person| person.name.clone())
        };
        history = done
            .iter()
            .map(|row| entry(row, &opener, &page.clock, who.id(), &name_of))
            .collect();
    }
    let shown = i64::try_from(seen.len()).unwrap_or(i64::MAX);
    Ok(ConcernPage {
        name: kept.name.clone().unwrap_or_else(|| "Nobody known".to_owned()),
        kind: kept.kind.words(),
        severity: format!("{} – {}", kept.severity, words::severity(kept.severity)),
        opened: page.clock.when(&kept.opened_at),
        more: if shown == FLAGS_SHOWN {
            kept.flag_count - shown
        } else {
            0
        },
        concern_id: kept.concern_id,
        has_readers: kept.has_readers,
        is_shown,
        typed: String::new(),
        seen,
        history,
        page,
    })
}

/// INVARIANT 5: on disk before anything is shown.
async fn record(console: &Console, who: &SignedIn, concern_id: &str, deed: Deed) -> Result<(), Failure> {
    let mut tx = console.app.store.write().await?;
    note(&mut tx, console, who, concern_id, deed).await?;
    tx.commit().await?;
    Ok(())
}

async fn note(
    tx: &mut Write,
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    deed: Deed,
) -> Result<(), sqlx::Error> {
    let entry = audit::Entry {
        school_id: &console.app.school_id,
        actor: who.id(),
        deed,
        concern_id: Some(concern_id),
        detail: json!({}),
    };
    audit::append(tx, clock::now_ms(), &entry).await
}

/// The reason somebody gave: kept in the concern's history, sealed as it is.
pub(in crate::console) async fn open(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let kept = kept(&console, &who, &concern_id).await?;
    let now = clock::now_ms();
    if who.session.safe.since(now).is_none() {
        return Ok(go(SAFE));
    }
    let reason = match reason(&fields) {
        Ok(reason) => reason,
        Err(fault) => {
            let mut page = draw(&console, &who, kept).await?;
            page.page.fault("words", fault);
            page.typed = fields.get("words").to_owned();
            return show_again(&page);
        }
    };
    let app = &console.app;
    let mut tx = app.store.write().await?;
    let to = routing::sealed_to(&mut tx, &app.school_id, &concern_id).await?;
    let of = (&*app.school_id, concern_id.as_str());
    let words = keys::seal_for(&mut tx, &app.sealer, of, to, reason.as_bytes()).await?;
    act(
        &mut tx,
        &console,
        &who,
        &concern_id,
        (Action::OpenedFromSafe, Some(words)),
    )
    .await?;
    tx.commit().await?;
    who.session.safe.give_reason(&concern_id, now);
    Ok(go(&format!("{SAFE}/concerns/{concern_id}")))
}

async fn act(
    tx: &mut Write,
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    (action, words): (Action, Option<Sealed>),
) -> Result<(), sqlx::Error> {
    let (app, now) = (&console.app, clock::now_ms());
    let new = NewAction {
        concern_id,
        at: now,
        by: who.id(),
        action,
        detail: json!({}),
        words,
    };
    actions::add(tx, &app.school_id, &new).await?;
    actions::touch(tx, &app.school_id, concern_id, now).await?;
    note(tx, console, who, concern_id, action.into()).await
}

/// Seals the concern for those who may read it now, where there is somebody.
pub(in crate::console) async fn give(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let before = kept(&console, &who, &concern_id).await?;
    let Some(key) = who.session.safe.key(clock::now_ms()) else {
        return Ok(go(SAFE));
    };
    let refused = async |before, fault: &str| {
        let mut page = draw(&console, &who, before).await?;
        page.page.fault("give", fault);
        show_again(&page)
    };
    if who.session.keys_differ {
        return refused(before, "It would be sealed for a stranger: see above.").await;
    }
    let (app, now, telling) = (&console.app, clock::now_ms(), console.app.telling());
    let mut tx = app.store.write().await?;
    let directory = Directory::load(&mut tx, &app.school_id, &telling.profile).await?;
    rerouting::reroute(&mut tx, &telling, &directory, &concern_id, now).await?;
    let to = routing::sealed_to(&mut tx, &app.school_id, &concern_id).await?;
    if to.group == ReaderGroup::Safe {
        drop(tx);
        let fault =
            "There is still nobody who may read it. Appoint a reader whom it is not about: see People.";
        return refused(before, fault).await;
    }
    let mut kept = keys::data_keys(&mut tx, &app.school_id, &concern_id).await?;
    kept.retain(|row| row.group == ReaderGroup::Safe);
    let mut again = Vec::new();
    for group in to.groups() {
        let public = app.sealer.public(group).map_err(|_| Failure::Busy)?;
        again.extend(reseal(&kept, &key, group, public).map_err(|_| Failure::Busy)?);
    }
    keys::replace_data_keys(&mut tx, &app.school_id, &again).await?;
    act(
        &mut tx,
        &console,
        &who,
        &concern_id,
        (Action::GivenFromSafe, None),
    )
    .await?;
    tx.commit().await?;
    app.changed(Some(concern_id));
    Ok(go(&Done::SafeGiven.at("/safe")))
}
