//! Categories of infringement (P21, P22): proposed with the reason, confirmed by a person, never for welfare concerns.

use super::kind::Kind;
use pastoral_keywords::Topic;
use std::collections::BTreeSet;

/// One rung of a school's ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// The letter people say.
    pub code: char,
    /// In the school's words, what falls under it.
    pub example: String,
    /// What puts a concern here the first time.
    pub topics: BTreeSet<Topic>,
    /// Who deals with it.
    pub responder: String,
    /// What follows.
    pub sanction: String,
    /// Who is brought in if that is not enough.
    pub escalation: String,
}

/// A school's ladders, the least serious rung first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ladders {
    /// For pupils.
    pub pupil: Vec<Rung>,
    /// For adults.
    pub staff: Vec<Rung>,
}

impl Ladders {
    /// The ladder for a concern about a pupil, or about an adult.
    #[must_use]
    pub fn for_subject(&self, is_pupil: bool) -> &[Rung] {
        if is_pupil { &self.pupil } else { &self.staff }
    }
}

/// What the rules propose; a person confirms it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The letter.
    pub code: char,
    /// Why, in words for the reader. Names topics, never content.
    pub reason: String,
}

/// What decides about a category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The concern's kind.
    pub kind: Kind,
    /// The topics of its flags, false alarms left out.
    pub topics: BTreeSet<Topic>,
    /// When the last flag that is no false alarm was seen.
    pub last_event_at: i64,
    /// When the person was last warned for this kind, if a warning is recorded.
    pub warned_at: Option<i64>,
}

/// Proposes a category, or none: for welfare concerns, and where the ladder says nothing of these topics.
///
/// The same thing continued after a recorded warning rises one rung; without a recorded warning repetition counts for
/// nothing (P22).
#[must_use]
pub fn propose(ladder: &[Rung], facts: &Facts) -> Option<Proposal> {
    if facts.kind.is_welfare() {
        return None;
    }
    let rung = ladder
        .iter()
        .rposition(|rung| !rung.topics.is_disjoint(&facts.topics))?;
    let topics: Vec<_> = ladder[rung]
        .topics
        .intersection(&facts.topics)
        .map(|topic| topic.label())
        .collect();
    let continued = facts.warned_at.is_some_and(|warned| facts.last_event_at > warned);
    let code = ladder[rung].code;
    let because = format!("{}: category {code} in the school's table", topics.join(", "));
    if !continued {
        return Some(Proposal {
            code,
            reason: format!("{because}."),
        });
    }
    match ladder.get(rung + 1) {
        Some(next) => Some(Proposal {
            code: next.code,
            reason: format!("{because}; one higher because it continued after a recorded warning."),
        }),
        None => Some(Proposal {
            code,
            reason: format!("{because}, the highest; it continued after a recorded warning."),
        }),
    }
}
