//! What a reader may do with a concern.

use super::known::Known;
use crate::concerns::action::Action;
use crate::concerns::category::Rung;
use crate::concerns::model::{ConcernState, Duty};
use crate::console::concern::facts::{has_parents, needs_second, review_days};
use crate::console::terms::may_propose;
use crate::console::words;
use crate::console::words::people::grouped;
use crate::store::overview::Candidate;
use crate::store::readers::Reader;

pub(super) struct May {
    pub(super) undo: bool,
    /// Of a child, or of somebody who may be one: an adult's parents are told nothing.
    pub(super) tell_parents: bool,
    /// The categories to choose from; none for a concern for somebody's welfare.
    pub(super) ladder: Vec<Rung>,
    pub(super) is_welfare: bool,
    /// In how many days they may choose to be asked how it stands; empty for who does not deal with it.
    pub(super) review_days: Vec<u32>,
    /// To whom it can be passed on.
    pub(super) others: Vec<Reader>,
    pub(super) hand_over: bool,
    /// Whose it can be then.
    pub(super) children: Vec<(String, Vec<Candidate>)>,
    pub(super) second: Second,
    /// They may be meant by what was seen.
    pub(super) doubtful: bool,
    pub(super) change_lists: bool,
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

impl May {
    pub(super) fn of(known: &Known<'_>) -> Self {
        let (concern, who) = (&known.concern, known.who);
        let (own, others): (Vec<_>, Vec<_>) = known
            .readers
            .iter()
            .cloned()
            .partition(|reader| reader.person_id == who.id());
        let doubtful = own.iter().any(|reader| reader.doubtful);
        let is_welfare = concern.kind.is_welfare();
        let deals =
            concern.state == ConcernState::Acknowledged && concern.owner_id.as_deref() == Some(who.id());
        let hand_over = who.has(Duty::Headteacher) && !known.is_pupil() && concern.state.is_open();
        Self {
            undo: can_undo(known),
            tell_parents: has_parents(concern),
            ladder: if is_welfare {
                Vec::new()
            } else {
                known.profile.ladders.for_subject(known.is_pupil()).to_vec()
            },
            is_welfare,
            review_days: if deals { review_days(concern) } else { Vec::new() },
            hand_over,
            children: if hand_over { children(known) } else { Vec::new() },
            second: second(known, &others, doubtful),
            others,
            doubtful,
            change_lists: may_propose(who),
        }
    }
}

fn can_undo(known: &Known<'_>) -> bool {
    let mut done = known.done.iter();
    let last = done.find(|row| row.undone_by.is_none() && row.action != Action::Undone);
    last.is_some_and(|row| row.by_id == known.who.id() && row.action.is_reversible())
}

fn children(known: &Known<'_>) -> Vec<(String, Vec<Candidate>)> {
    let pupils = known
        .people
        .iter()
        .filter(|person| person.role.is_pupil() && person.active);
    grouped(pupils.cloned().collect())
}

fn second(known: &Known<'_>, others: &[Reader], doubtful: bool) -> Second {
    let concern = &known.concern;
    let from = known.profile.handling.second_person_from;
    match &concern.close_proposed_by {
        Some(by) if by == known.who.id() => Second::Waiting,
        Some(by) => Second::Asked(known.name_of(by), words::ended(concern.outcome)),
        None if !doubtful && !needs_second(from, concern.highest_severity()) => Second::NotNeeded,
        None if others.is_empty() => Second::Nobody,
        None => Second::Needed,
    }
}
