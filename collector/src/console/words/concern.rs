//! A concern in words: whom it is about, who has it in hand, and who is told next.

use super::clock::Clock;
use super::cover::waits_until;
use super::people::year;
use crate::clock;
use crate::concerns::model::ConcernState;
use crate::profile::Profile;
use crate::store::queue::Summary;
use crate::store::readers::Reader;

/// The person, or what is known of them. Who has left keeps their name.
pub(in crate::console) fn name(concern: &Summary) -> String {
    let name = name_here(concern);
    if concern.person.as_ref().is_some_and(|person| person.has_left) {
        format!("{name} (has left)")
    } else {
        name
    }
}

fn name_here(concern: &Summary) -> String {
    match (&concern.person, &concern.account_name) {
        (Some(person), _) if person.role.is_pupil() => {
            let known = [
                person.name.clone(),
                year(&person.year_group),
                person.apart.clone(),
            ];
            let known: Vec<_> = known.into_iter().filter(|part| !part.is_empty()).collect();
            known.join(", ")
        }
        (Some(person), _) => format!("{} ({})", person.name, person.role.words()),
        (None, Some(account)) => format!("Unknown person, account {account}"),
        (None, None) if concern.about_child => "A child, not named yet".to_owned(),
        (None, None) => "Nobody named".to_owned(),
    }
}

/// Who has it in hand, or should; nothing where nobody has. Who got it passed on has not answered yet.
pub(in crate::console) fn owner(concern: &Summary, viewer: &str) -> String {
    let is_passed_on = concern.state.is_new();
    match (&concern.owner_id, &concern.owner) {
        (Some(id), _) if id == viewer && is_passed_on => "It was passed on to you: acknowledge it".to_owned(),
        (Some(id), _) if id == viewer => "You are dealing with it".to_owned(),
        (_, Some(name)) if is_passed_on => format!("Passed on to {name}, who has not answered yet"),
        (_, Some(name)) => format!("{name} is dealing with it"),
        _ => String::new(),
    }
}

/// A concern's state in words, and the colour of its tag.
pub(in crate::console) fn state(concern: &Summary) -> (&'static str, &'static str) {
    let words = concern.state.words();
    match concern.state {
        ConcernState::Closed => (words, "govuk-tag--grey"),
        _ if concern.close_proposed_by.is_some() => ("Second person wanted", "govuk-tag--purple"),
        ConcernState::New if concern.owner_id.is_some() => ("Passed on", "govuk-tag--red"),
        ConcernState::New => (words, "govuk-tag--red"),
        ConcernState::Acknowledged => (words, "govuk-tag--blue"),
    }
}

/// Who was told and what happens when nobody answers.
pub(in crate::console) fn next(
    clock: &Clock,
    profile: &Profile,
    concern: &Summary,
    readers: &[Reader],
    viewer: &str,
) -> String {
    let proposes = concern.close_proposed_by.as_deref().map(|by| by == viewer);
    if let Some(until) = concern
        .quiet_until
        .filter(|until| concern.state.is_new() && *until > clock::now_ms())
    {
        let second = match proposes {
            Some(true) => " Another person is asked to agree.",
            Some(false) => " You can agree that it is closed for that.",
            None => "",
        };
        return format!(
            "All of it is marked as false alarms, so nobody is told until {}.{second} Then it goes on, unless it is closed.",
            clock.by(&until)
        );
    }
    match proposes {
        _ if concern.state.is_new() => told(clock, profile, concern, readers, viewer),
        Some(true) => "You propose to close it. Another person must agree.".to_owned(),
        Some(false) => "A colleague proposes to close it. You can agree.".to_owned(),
        None => String::new(),
    }
}

/// Who has been told, and who is told next.
fn told(clock: &Clock, profile: &Profile, concern: &Summary, readers: &[Reader], viewer: &str) -> String {
    let name = |told: &Reader| match &told.person_id {
        id if id == viewer => "you".to_owned(),
        _ => told.name.clone(),
    };
    let told = usize::try_from(concern.told).unwrap_or(0).min(readers.len());
    let names = readers[..told].iter().map(name).collect::<Vec<_>>().join(", ");
    let mut words = match (told, waits_until(profile, concern, clock::now_ms())) {
        (0, _) => "Nobody has been told yet.".to_owned(),
        (_, Some(cover)) => format!("Told when cover begins, at {}: {names}.", clock.by(&cover)),
        (_, None) => format!("Told: {names}."),
    };
    if let Some(due) = concern.next_due_at {
        let by = clock.by(&due);
        let next = match readers.get(told) {
            Some(next) => format!(" Next: {}, if nobody acknowledges it by {by}.", name(next)),
            None => format!(" If nobody acknowledges it by {by}, everybody is reminded."),
        };
        words.push_str(&next);
    }
    words
}
