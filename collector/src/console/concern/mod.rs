//! A concern's page, and everything that is done with a concern.

mod actions;
mod adding;
mod closing;
mod content;
mod doing;
mod facts;
mod flags;
mod hand_over;
mod history;
mod identify;
mod pupil;
mod reassign;
mod steps;
mod undoing;
mod verdict;
mod view;

pub(super) use actions::act;
pub(super) use adding::{Happened, add};
pub(super) use content::{Opener, Seen};
pub(super) use hand_over::{seal_again, seal_pending};
pub(super) use history::{Entry, entry};
pub(super) use identify::{form as identify_form, grouped};
pub(super) use reassign::{act as reassign, form as reassign_form};
pub(super) use view::page;

/// How a concern ended: code, words.
pub(super) const OUTCOMES: [(&str, &str); 6] = [
    ("supported", "The child or adult is being supported in school"),
    ("referred", "Referred to somebody outside school"),
    (
        "behaviour",
        "Dealt with under the school’s behaviour or conduct rules",
    ),
    ("no-action", "Looked into, and nothing more is needed"),
    ("recorded-elsewhere", "Goes on in another record of the school"),
    ("false-alarm", "False alarm"),
];
/// How one ended that was about somebody else; not to be chosen.
const ABOUT_SOMEBODY_ELSE: &str = "It was about somebody else, whose record it is in now";

/// The words of an outcome.
pub(super) fn outcome(code: &str) -> &'static str {
    if code == reassign::WRONG_PERSON {
        return ABOUT_SOMEBODY_ELSE;
    }
    OUTCOMES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("Closed", |(_, words)| words)
}
