//! What a concern is: whose, how serious, who has it in hand, and when things happened.

use super::known::Known;
use crate::concerns::model::ConcernState;
use crate::console::answer::Failure;
use crate::console::opened::FlagShown;
use crate::console::words::{self, Clock};
use crate::store::queue::Summary;
use crate::store::{gaps, routing};

pub(super) struct Head {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) severity: &'static str,
    pub(super) how_soon: &'static str,
    pub(super) severity_why: String,
    pub(super) state: &'static str,
    /// The colour of the state.
    pub(super) tag: &'static str,
    pub(super) owner: String,
    /// Who is told next.
    pub(super) next: String,
    pub(super) times: Vec<String>,
    /// Why it goes to its readers; empty where that is as usual.
    pub(super) routed: &'static str,
    /// A pupil who has left, with a concern that is open: the file goes to the next school.
    pub(super) is_leaver: bool,
}

impl Head {
    pub(super) async fn of(known: &Known<'_>, flags: &[FlagShown], clock: &Clock) -> Result<Self, Failure> {
        let (concern, viewer, app) = (&known.concern, known.who.id(), &known.console.app);
        let (state, tag) = words::concern::state(concern);
        let has_left = concern.person.as_ref().is_some_and(|person| person.has_left);
        let routed = routing::reason(&app.store, &app.school_id, &concern.concern_id).await?;
        Ok(Self {
            name: words::concern::name(concern),
            kind: concern.kind.words(),
            severity: words::severity(concern.severity),
            how_soon: words::how_soon(concern.severity),
            severity_why: severity_why(flags, concern.by_hand),
            owner: owner(concern, viewer),
            next: words::concern::next(clock, &known.profile, concern, &known.readers, viewer),
            times: times(known, clock).await?,
            routed: routed.words(),
            is_leaver: concern.state.is_open() && has_left,
            state,
            tag,
        })
    }
}

async fn times(known: &Known<'_>, clock: &Clock) -> Result<Vec<String>, Failure> {
    let (store, school_id) = (&known.console.app.store, &known.console.app.school_id);
    let mut times = times_of(&known.concern, clock);
    let gaps = gaps::of_concern(
        &mut *store.read().await?,
        school_id,
        known.who.id(),
        &known.concern.concern_id,
    )
    .await?;
    let gap = |gap| format!("Not all was kept: {}", words::gap(gap, &known.devices, clock));
    times.extend(gaps.iter().map(gap));
    Ok(times)
}

fn times_of(concern: &Summary, clock: &Clock) -> Vec<String> {
    let mut times = Vec::new();
    if concern.by_hand && concern.flag_count == 0 {
        times.push(format!("Happened {}", clock.when(&concern.last_event_at)));
    } else {
        let (first, last) = (
            clock.when(&concern.first_event_at),
            clock.when(&concern.last_event_at),
        );
        times.push(if first == last {
            format!("Seen {last}")
        } else {
            format!("Seen from {first} to {last}")
        });
    }
    times.push(format!("Arrived {}", clock.when(&concern.opened_at)));
    if let Some(at) = &concern.acknowledged_at {
        times.push(format!("Acknowledged {}", clock.when(at)));
    }
    if let Some(at) = concern
        .review_at
        .filter(|_| concern.state == ConcernState::Acknowledged)
    {
        times.push(format!("To be looked at again {}", clock.when(&at)));
    }
    if let Some(at) = &concern.closed_at {
        let how = words::ended(concern.outcome);
        times.push(format!("Closed {}: {how}", clock.when(at)));
    }
    times
}

fn owner(concern: &Summary, viewer: &str) -> String {
    match words::concern::owner(concern, viewer) {
        nobody if nobody.is_empty() => "Nobody is dealing with it yet.".to_owned(),
        words => format!("{words}."),
    }
}

fn severity_why(seen: &[FlagShown], by_hand: bool) -> String {
    match seen.iter().find(|seen| !seen.false_alarm) {
        Some(top) => format!(
            "The most serious of what was seen: {}. {}.",
            top.topic.to_lowercase(),
            top.provenance
        ),
        None if by_hand => "Chosen by the person who recorded it.".to_owned(),
        None => "All of it was marked as false alarms.".to_owned(),
    }
}
