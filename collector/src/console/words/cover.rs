//! Cover hours, in which people are told at once.

use super::clock::Clock;
use crate::clock;
use crate::concerns::escalation::OutsideCover;
use crate::profile::Profile;
use crate::store::queue::Summary;
use pastoral_keywords::Severity;

/// What is promised now.
pub(in crate::console) fn cover(profile: &Profile, clock: &Clock) -> String {
    let now = clock::now_ms();
    if profile.cover.is_open(now) {
        return "These are cover hours: the people on call are told at once.".to_owned();
    }
    let begins = profile
        .cover
        .next_open(now)
        .map(|at| format!(" Cover begins {}.", clock.when(&at)))
        .unwrap_or_default();
    format!("It is outside cover hours.{begins} {}", profile.outside_cover)
}

// When those who are told first are told, where that is still to come: outside cover hours less urgent concerns wait.
pub(super) fn waits_until(profile: &Profile, concern: &Summary, now: i64) -> Option<i64> {
    let severity = u8::try_from(concern.highest_severity())
        .ok()
        .and_then(|number| Severity::try_from(number).ok())?;
    let waits = profile.plan(severity).outside_cover == OutsideCover::WaitForCover;
    profile
        .cover
        .next_open(concern.opened_at)
        .filter(|begins| waits && *begins > now)
}
