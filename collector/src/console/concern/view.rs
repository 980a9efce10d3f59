//! A concern's page.

use super::facts::{
    Related, Second, can_undo, has_parents, needs_second, owner, related_to, review_days, second,
    severity_why, times,
};
use super::flags::{self, At, Flags};
use super::pupil::Pupil;
use super::steps::{Steps, steps};
use crate::concerns::action::Action;
use crate::concerns::category::Rung;
use crate::concerns::ending::Ending;
use crate::concerns::model::{ConcernState, Duty};
use crate::console::Console;
use crate::console::answer::{Failure, show};
use crate::console::drafts::Draft;
use crate::console::form::Fields;
use crate::console::opened::{Entry, FlagShown, Opener, entry, without_content};
use crate::console::page::Page;
use crate::console::place::{Place, count, page_of};
use crate::console::terms::may_propose;
use crate::console::who::SignedIn;
use crate::console::words;
use crate::console::words::people::grouped;
use crate::devices::roll::told_apart;
use crate::store::actions::{self, ActionRow};
use crate::store::overview::{self, Candidate};
use crate::store::queue::{self, Summary};
use crate::store::readers::{self, Reader};
use crate::store::{devices, gaps, keys, routing};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use std::collections::HashMap;

/// Flags of a page that stand open.
const SHOWN_AT_FIRST: usize = 3;
/// Entries of the history on one page, and at all.
const HISTORY_SHOWN: i64 = 200;
const HISTORY_MOST: i64 = 10_000;
/// Related concerns on one page, and at all.
const RELATED_SHOWN: i64 = 20;
const RELATED_MOST: i64 = 1_000;

/// What somebody typed into a form that was not taken.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) action: String,
    pub(super) fields: Fields,
    pub(super) field: &'static str,
    /// The page of flags it was on.
    pub(super) page: i64,
    /// The pages of its history and of related concerns.
    pub(super) history_page: i64,
    pub(super) related_page: i64,
}

#[derive(Template)]
#[template(path = "concern.html")]
struct ConcernPage {
    page: Page,
    concern: Summary,
    name: String,
    kind: &'static str,
    severity: &'static str,
    how_soon: &'static str,
    severity_why: String,
    state: &'static str,
    tag: &'static str,
    owner: String,
    next: String,
    times: Vec<String>,
    hidden: bool,
    /// What was written when it was recorded by hand.
    written: String,
    related: Vec<Related>,
    seen: Vec<FlagShown>,
    /// How many flags stand open; the others are folded, so that the procedure stays near.
    shown_at_first: usize,
    at: At,
    steps: Steps,
    ladder: Vec<Rung>,
    history: Vec<Entry>,
    history_place: Place,
    related_place: Place,
    others: Vec<Reader>,
    second: Second,
    can_undo: bool,
    is_welfare: bool,
    can_hand_over: bool,
    /// Of a child, or of somebody who may be one: an adult's parents are told nothing.
    has_parents: bool,
    /// A pupil who has left, with a concern that is open: the file goes to the next school.
    is_leaver: bool,
    /// Why it goes to its readers; empty where that is as usual.
    routed: &'static str,
    /// The viewer may be meant by what was seen.
    doubtful: bool,
    may_propose: bool,
    children: Vec<(String, Vec<Candidate>)>,
    /// In how many days the viewer may choose to be asked how it stands; empty for who does not deal with it.
    review_days: Vec<u32>,
    typed: Typed,
    /// What was done last, by the viewer themselves.
    last_deed: Option<Action>,
}

impl ConcernPage {
    /// What was written into the form of this action.
    fn typed(&self, action: &str) -> &str {
        self.chosen(action, "words")
    }

    /// What stood in a field of it.
    fn chosen(&self, action: &str, field: &str) -> &str {
        if self.typed.action == action {
            self.typed.fields.trimmed(field)
        } else {
            ""
        }
    }

    /// The category that is marked: what somebody chose, or what stands or is proposed.
    fn marked_category(&self) -> &str {
        if self.typed.action == "category" {
            return self.typed.fields.trimmed("code");
        }
        let stands = self.concern.category_confirmed.as_deref();
        stands
            .or(self.concern.category_proposed.as_deref())
            .unwrap_or_default()
    }
}

/// The page.
pub(in crate::console) async fn page(
    State(console): State<Console>,
    who: SignedIn,
    Path(concern_id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let address = format!("/concerns/{concern_id}");
    let kept = console.kept(&who, &address).await?;
    let words = kept.as_ref().map(|draft| draft.words().to_owned());
    let typed = Typed {
        action: kept
            .as_ref()
            .map_or_else(String::new, |draft| draft.action().to_owned()),
        fields: kept.map(Draft::into_fields).unwrap_or_default(),
        page: page_of(&query, "page"),
        history_page: page_of(&query, "history"),
        related_page: page_of(&query, "related"),
        ..Typed::default()
    };
    let mut page = draw(&console, &who, &concern_id, typed).await?;
    page.page.kept = words.map(|words| (address, words));
    // Said once more, by an old address or another's, it would not be true any more.
    if page
        .last_deed
        .is_some_and(|deed| query.get("done").is_some_and(|code| said_of(code, deed)))
    {
        page.page.said(&query);
    }
    show(&page)
}

/// Whether what is said after a deed fits the deed that was done last.
fn said_of(code: &str, deed: Action) -> bool {
    match deed {
        Action::Note => code == "noted",
        Action::NotFalseAlarm => code == "false-alarm",
        Action::ReviewMissed => code == "review-set",
        deed => code == deed.code(),
    }
}

/// The page with what is wrong with a form.
pub(super) async fn again(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    typed: Typed,
    fault: &str,
) -> Result<Response, Failure> {
    let field = typed.field;
    let mut page = draw(console, who, concern_id, typed).await?;
    page.page.fault(field, fault);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, show(&page)?).into_response())
}

/// The page after somebody else was faster: what changed since the form was made.
pub(super) async fn stale(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    version: i64,
    typed: Typed,
) -> Result<Response, Failure> {
    let rows = actions::history(
        console.app.store.read(),
        &console.app.school_id,
        who.id(),
        concern_id,
        HISTORY_MOST,
    )
    .await?;
    let since = rows.iter().take_while(|row| row.at > version).count();
    let mut page = draw(console, who, concern_id, typed).await?;
    let mut changes: Vec<_> = page
        .history
        .iter()
        .take(since)
        .map(|entry| entry.sentence.clone())
        .collect();
    if changes.is_empty() {
        changes.push("Something new was seen.".to_owned());
    }
    let fault = format!(
        "Nothing was done, because this concern changed while you had it open: {} What you wrote is kept below.",
        changes.join(" ")
    );
    page.page.fault("stale", fault);
    Ok((StatusCode::CONFLICT, show(&page)?).into_response())
}

async fn draw(
    console: &Console,
    who: &SignedIn,
    concern_id: &str,
    typed: Typed,
) -> Result<ConcernPage, Failure> {
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    // What is not theirs costs as little as what is not there.
    if !queue::may_see(store, school_id, who.id(), concern_id).await? {
        return Err(Failure::NotFound);
    }
    // INVARIANT 4: what this session opens of it is compared with their own name first.
    console.examine_one(&who.session, concern_id).await?;
    let concern = queue::one(store, school_id, who.id(), concern_id)
        .await?
        .ok_or(Failure::NotFound)?;
    let Flags { rows: flags, at } = Flags::read(console, who.id(), &concern, typed.page.max(1)).await?;
    let rows = actions::history(store, school_id, who.id(), concern_id, HISTORY_MOST).await?;
    let history_place = Place::of(typed.history_page, HISTORY_SHOWN, count(rows.len()));
    let readers = readers::of_one_seen_by(store, school_id, who.id(), concern_id).await?;
    let people = overview::everybody(store, school_id).await?;
    let name_of = |id: &str| {
        let found = people.iter().find(|person| person.person_id == id);
        found.map_or_else(|| "somebody".to_owned(), |person| person.name.clone())
    };
    // Before the person is known, what was seen is shown only to a reader who has said why.
    let asked = |row: &&ActionRow| row.action == Action::Shown && row.by_id == who.id();
    let known = concern.person.is_some() || concern.by_hand || concern.about_child;
    let hidden = !known && !rows.iter().any(|row| asked(&row));
    let shown = if hidden { 0 } else { flags.len() };
    flags::look(console, who, &concern, at.page, shown).await?;
    let page = console
        .page(who, format!("Concern {}", concern.reference), "")
        .await?;
    let data_keys = keys::data_keys(store, school_id, concern_id).await?;
    let rules = console.app.lists.load_full();
    let opener = Opener::new(&who.session, &data_keys, &rules);
    let person = concern.person.as_ref();
    let of_pupil = person.is_some_and(|person| person.role.is_pupil());
    let draw_flag = |row| {
        if hidden {
            without_content(row, &page.clock)
        } else {
            opener.flag(row, of_pupil, &page.clock)
        }
    };
    let mut seen: Vec<FlagShown> = flags.iter().map(draw_flag).collect();
    let devices = told_apart(&devices::list(store, school_id).await?);
    let pupil = Pupil::of(console, person).await?;
    for (seen, row) in seen.iter_mut().zip(&flags) {
        seen.device = devices.get(&row.device_id).cloned().unwrap_or_default();
        seen.whose_rules = pupil.as_ref().map(|pupil| pupil.then(row)).unwrap_or_default();
    }
    let mut times = times(&page, &concern);
    for gap in gaps::of_concern(store, school_id, who.id(), concern_id).await? {
        times.push(format!(
            "Not all was kept: {}",
            words::gap(&gap, &devices, &page.clock)
        ));
    }
    let related = queue::related(store, school_id, who.id(), &concern, (0, RELATED_MOST)).await?;
    let related_place = Place::of(typed.related_page, RELATED_SHOWN, count(related.len()));
    let related = related_place
        .slice(&related)
        .iter()
        .map(|other| related_to(&concern, other))
        .collect();
    let recorded = rows
        .iter()
        .find(|row| concern.by_hand && row.action == Action::Recorded);
    let written = recorded.and_then(|row| opener.words(row)).unwrap_or_default();
    let history = history_place
        .slice(&rows)
        .iter()
        .map(|row| entry(row, &opener, &page.clock, who.id(), &name_of))
        .collect();
    let profile = console.app.profile.load();
    let kind = concern.kind;
    let is_pupil = concern
        .person
        .as_ref()
        .is_none_or(|person| person.role.is_pupil());
    let doubtful = readers
        .iter()
        .any(|reader| reader.person_id == who.id() && reader.doubtful);
    let others: Vec<Reader> = readers
        .iter()
        .filter(|reader| reader.person_id != who.id())
        .cloned()
        .collect();
    let from = profile.handling.second_person_from;
    let can_hand_over = who.has(Duty::Headteacher) && !is_pupil && concern.state.is_open();
    let pupils = people
        .iter()
        .filter(|person| person.role.is_pupil() && person.active)
        .cloned()
        .collect();
    let (state, tag) = words::concern::state(&concern);
    Ok(ConcernPage {
        name: words::concern::name(&concern),
        kind: kind.words(),
        severity: words::severity(concern.severity),
        how_soon: words::how_soon(concern.severity),
        severity_why: severity_why(&seen, concern.by_hand),
        owner: owner(&concern, who.id()),
        next: words::concern::next(&page.clock, &profile, &concern, &readers, who.id()),
        times,
        shown_at_first: SHOWN_AT_FIRST,
        at,
        steps: steps(&profile, kind, who.has(Duty::Dsl) || who.has(Duty::Deputy)),
        ladder: if kind.is_welfare() {
            Vec::new()
        } else {
            profile.ladders.for_subject(is_pupil).to_vec()
        },
        second: second(
            &concern,
            who.id(),
            &others,
            doubtful || needs_second(from, concern.highest_severity()),
            &name_of,
        ),
        has_parents: has_parents(&concern),
        is_leaver: concern.state.is_open() && person.is_some_and(|person| person.has_left),
        can_undo: can_undo(&rows, who.id()),
        is_welfare: kind.is_welfare(),
        children: if can_hand_over {
            grouped(pupils)
        } else {
            Vec::new()
        },
        review_days: match concern.state {
            ConcernState::Acknowledged if concern.owner_id.as_deref() == Some(who.id()) => {
                review_days(&concern)
            }
            _ => Vec::new(),
        },
        state,
        tag,
        hidden,
        written,
        related,
        seen,
        history,
        history_place,
        related_place,
        others,
        can_hand_over,
        routed: routing::reason(&console.app.store, school_id, concern_id)
            .await?
            .words(),
        doubtful,
        may_propose: may_propose(who),
        last_deed: rows
            .first()
            .filter(|row| row.by_id == who.id())
            .map(|row| row.action),
        typed,
        concern,
        page,
    })
}
