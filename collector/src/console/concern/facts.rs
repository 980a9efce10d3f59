//! What a concern's page says of it, in words.

use crate::concerns::action::Action;
use crate::concerns::kind::Kind;
use crate::concerns::model::ConcernState;
use crate::console::opened::FlagShown;
use crate::console::page::Page;
use crate::console::words;
use crate::profile::REVIEW_MOST_DAYS;
use crate::store::actions::ActionRow;
use crate::store::queue::Summary;
use crate::store::readers::Reader;
use pastoral_keywords::Severity;

/// Whether parents or carers may have to be told: not those of an adult.
pub(super) fn has_parents(concern: &Summary) -> bool {
    match &concern.person {
        Some(person) => person.role.is_pupil(),
        None => concern.about_child || concern.kind != Kind::StaffMisuse,
    }
}

/// Another concern that has to do with this one.
pub(super) struct Related {
    pub(super) concern_id: String,
    pub(super) words: String,
}

/// Where closing stands.
#[derive(PartialEq, Eq)]
pub(super) enum Second {
    /// One person is enough.
    NotNeeded,
    /// A second person must agree, and there is one.
    Needed,
    /// A second person must agree, and nobody else may see it.
    Nobody,
    /// The viewer proposed it.
    Waiting,
    /// Somebody else proposed it: who, and how it ended.
    Asked(String, &'static str),
}

pub(super) fn second(
    concern: &Summary,
    viewer: &str,
    others: &[Reader],
    needed: bool,
    name_of: &impl Fn(&str) -> String,
) -> Second {
    match &concern.close_proposed_by {
        Some(by) if by == viewer => Second::Waiting,
        Some(by) => Second::Asked(name_of(by), words::ended(concern.outcome)),
        None if !needed => Second::NotNeeded,
        None if others.is_empty() => Second::Nobody,
        None => Second::Needed,
    }
}

pub(super) fn can_undo(rows: &[ActionRow], viewer: &str) -> bool {
    let last = rows
        .iter()
        .find(|row| row.undone_by.is_none() && row.action != Action::Undone);
    last.is_some_and(|row| row.by_id == viewer && row.action.is_reversible())
}

pub(super) fn related_to(concern: &Summary, other: &Summary) -> Related {
    let kind = other.kind.words();
    let number = other.reference;
    let links = |one: &Summary, to: &Summary| one.linked_to.as_deref() == Some(&to.concern_id);
    let are_linked = links(concern, other) || links(other, concern);
    let words = match (are_linked, other.state.is_open()) {
        (true, false) if links(concern, other) => {
            format!("It continues concern {number}, which is closed")
        }
        (true, false) => format!("Concern {number}, which is closed, belongs with it"),
        (true, true) => format!("It belongs together with concern {number}, which is open"),
        (false, _) => format!("Also open about this person: concern {number}, {kind}"),
    };
    Related {
        concern_id: other.concern_id.clone(),
        words,
    }
}

pub(super) fn owner(concern: &Summary, viewer: &str) -> String {
    match words::concern::owner(concern, viewer) {
        nobody if nobody.is_empty() => "Nobody is dealing with it yet.".to_owned(),
        words => format!("{words}."),
    }
}

pub(super) fn severity_why(seen: &[FlagShown], by_hand: bool) -> String {
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

pub(super) fn times(page: &Page, concern: &Summary) -> Vec<String> {
    let clock = &page.clock;
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

/// Whether a concern of this severity closes only with a second person.
pub(super) fn needs_second(from: Severity, severity: i64) -> bool {
    severity >= from.get().into()
}

/// In how many days the owner of a concern may choose to be asked: by the highest severity that it ever had.
pub(super) fn review_days(concern: &Summary) -> Vec<u32> {
    let at = usize::try_from(concern.highest_severity().clamp(1, 5) - 1).unwrap_or_default();
    let most = REVIEW_MOST_DAYS[at];
    [1, 2, 7, 14, 30, 90]
        .into_iter()
        .filter(|days| *days <= most)
        .collect()
}
