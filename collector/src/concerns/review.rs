//! Review dates: an acknowledged concern is not forgotten. Its owner is asked on a day how it stands, and when they do not
//! answer, have left or may not see it any more, it goes to the next reader. Pure, as escalation is; readers are places
//! in the order of `concern_reader`.

use super::cover::Cover;
use super::escalation::{Plan, when};

/// An acknowledged concern, as far as its review goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Review {
    /// The place of its owner among the readers; none when they have left or may not see it.
    pub owner: Option<usize>,
    /// How many readers there are.
    pub readers: usize,
    /// When the owner is asked.
    pub at: i64,
    /// Until when they must answer; none before they were asked.
    pub answer_by: Option<i64>,
}

/// What to do about a review now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait,
    /// The owner is asked, and has until then to answer.
    Ask {
        /// When the next reader is told.
        answer_by: i64,
    },
    /// It has no owner any more, and goes to the reader at a place.
    PassOn {
        /// The place.
        to: usize,
    },
    /// Nobody is left to go to: the console and `check` say so.
    Nobody,
}

/// When the owner of a concern that is acknowledged now is asked first.
#[must_use]
pub fn first(plan: &Plan, cover: &Cover, now: i64) -> i64 {
    when(plan, cover, now.saturating_add(plan.review_after_ms))
}

/// What to do about a review.
#[must_use]
pub fn next(plan: &Plan, cover: &Cover, review: &Review, now: i64) -> Next {
    let Some(owner) = review.owner else {
        return if review.readers == 0 {
            Next::Nobody
        } else {
            Next::PassOn { to: 0 }
        };
    };
    match review.answer_by {
        Some(by) if by <= now => Next::PassOn {
            // The one after them, or from the last the first; who is alone hears of it again as of one that is new.
            to: (owner + 1) % review.readers.max(1),
        },
        Some(_) => Next::Wait,
        None if review.at <= now => Next::Ask {
            answer_by: when(plan, cover, now.saturating_add(plan.remind_after_ms)),
        },
        None => Next::Wait,
    }
}
