//! A concern in a list, in words.

use super::super::words::{self, Clock};
use crate::clock;
use crate::concerns::escalation::OutsideCover;
use crate::profile::Profile;
use crate::store::queue::Summary;
use crate::store::readers::Reader;
use pastoral_keywords::Severity;

/// A concern in the queue, in words.
pub(in super::super) struct Card {
    pub(super) concern: Summary,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) severity: &'static str,
    pub(super) seen: String,
    pub(super) arrived: String,
    pub(super) state: &'static str,
    pub(super) tag: &'static str,
    pub(super) owner: String,
    pub(super) flags: String,
    pub(super) next: String,
}

pub(super) fn card(
    clock: &Clock,
    profile: &Profile,
    concern: Summary,
    readers: &[Reader],
    viewer: &str,
) -> Card {
    let (state, tag) = state(&concern);
    let owner = owner(&concern, viewer);
    Card {
        name: name(&concern),
        kind: concern.kind.words(),
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
pub(in super::super) fn owner(concern: &Summary, viewer: &str) -> String {
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
pub(in super::super) fn name(concern: &Summary) -> String {
    let name = name_here(concern);
    if concern.person.as_ref().is_some_and(|person| person.has_left) {
        format!("{name} (has left)")
    } else {
        name
    }
}

fn name_here(concern: &Summary) -> String {
    match (&concern.person, &concern.account_name) {
        (Some(person), _) if person.role == "pupil" => {
            let known = [
                person.name.clone(),
                year(&person.year_group),
                person.apart.clone(),
            ];
            let known: Vec<_> = known.into_iter().filter(|part| !part.is_empty()).collect();
            known.join(", ")
        }
        (Some(person), _) => format!("{} ({})", person.name, role(&person.role)),
        (None, Some(account)) => format!("Unknown person, account {account}"),
        (None, None) if concern.about_child => "A child, not named yet".to_owned(),
        (None, None) => "Nobody named".to_owned(),
    }
}

/// A year group in words; nothing where it is not known.
pub(in super::super) fn year(group: &str) -> String {
    match group {
        "" => String::new(),
        "R" => "Reception".to_owned(),
        "N" => "Nursery".to_owned(),
        year => format!("year {year}"),
    }
}

/// What a person is to the school.
pub(in super::super) fn role(code: &str) -> &'static str {
    match code {
        "pupil" => "pupil",
        "governor" => "governor",
        "outside" => "from outside",
        _ => "staff",
    }
}

/// A concern's state in words, and the colour of its tag.
pub(in super::super) fn state(concern: &Summary) -> (&'static str, &'static str) {
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
pub(in super::super) fn next(
    clock: &Clock,
    profile: &Profile,
    concern: &Summary,
    readers: &[Reader],
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
    let you = |told: &Reader| {
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
    let severity = u8::try_from(concern.highest_severity())
        .ok()
        .and_then(|number| Severity::try_from(number).ok())?;
    let waits = profile.plan(severity).outside_cover == OutsideCover::WaitForCover;
    profile
        .cover
        .next_open(concern.opened_at)
        .filter(|begins| waits && *begins > now)
}
