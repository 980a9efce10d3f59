//! Escalation: who is told, how soon, and what happens when nobody answers. A pure state machine over a concern and the
//! clock; readers are places in the order of `concern_reader`.
//!
//! The first are told at commit. Who has not answered in time is followed by the next; when everybody has been told,
//! all are reminded again and again until somebody answers. Outside cover hours a plan that waits does nothing until
//! cover begins. Times run from commit, never from the event.

use super::cover::Cover;
use crate::codes::codes;

const MINUTE_MS: i64 = 60_000;

/// An event this long before its commit belongs to a backlog: it was kept on a device that could not deliver.
pub const BACKLOG_AFTER_MS: i64 = 60 * MINUTE_MS;

/// What happens outside cover hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutsideCover {
    /// People are told at any hour.
    TellAtOnce,
    /// People are told when cover begins.
    WaitForCover,
}

/// How concerns of one severity are brought to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many readers are told first; at least one.
    pub tell_first: usize,
    /// How long one has to answer before the next is told.
    pub next_after_ms: i64,
    /// How long after everybody was told all are reminded, again and again; and how long the owner of an acknowledged
    /// concern has to answer when asked how it stands.
    pub remind_after_ms: i64,
    /// How long after it was acknowledged the owner is asked how it stands.
    pub review_after_ms: i64,
    /// What happens outside cover hours.
    pub outside_cover: OutsideCover,
}

/// What changed about a concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConcernChange {
    /// It is new.
    Opened,
    /// Its severity rose.
    Risen,
    /// Another flag joined it without raising it.
    Joined,
}

codes! {
    /// Why somebody is told.
    pub enum Why {
        /// The concern is new to them.
        New = "new";
        /// Its severity rose.
        Risen = "risen";
        /// Those told before have not answered.
        Unanswered = "unanswered";
        /// Everybody was told, and nobody has answered.
        Reminder = "reminder";
        /// A colleague passed it on.
        PassedOn = "passed-on";
        /// Whoever dealt with it has not said how it stands, or has left.
        NotReviewed = "not-reviewed";
        /// Who looks after what has changed, and it is theirs now.
        Yours = "yours";
    }
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Places of the readers to tell.
    pub tell: Vec<usize>,
    /// Why.
    pub why: Why,
    /// When the notices may leave: now, or when cover begins.
    pub notices_at: i64,
    /// How many readers have been told, after this step.
    pub told: usize,
    /// When to look again; none when nobody needs to.
    pub next_due_at: Option<i64>,
}

/// Where a concern's escalation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How many readers have been told.
    pub told: usize,
    /// Whether somebody is on it: acknowledged or closed.
    pub answered: bool,
}

/// Whether an event so long before its commit joins the digest. Severity 5 never does.
#[must_use]
pub fn is_backlog(severity: u8, event_at: i64, committed_at: i64) -> bool {
    severity < 5 && committed_at.saturating_sub(event_at) > BACKLOG_AFTER_MS
}

/// A concern was opened, or others read it now: the first readers are told.
#[must_use]
pub fn start(plan: &Plan, cover: &Cover, readers: usize, now: i64) -> Step {
    let told = plan.tell_first.max(1).min(readers);
    step(plan, cover, (0..told).collect(), Why::New, told, readers, now)
}

/// Others read it than before; `told` says which of them have been told. Whoever is among the first and has not been is
/// told now; none when that is nobody, and the timer runs on.
#[must_use]
pub fn again(
    plan: &Plan,
    cover: &Cover,
    readers: usize,
    told: impl Fn(usize) -> bool,
    now: i64,
) -> Option<Step> {
    let first = plan.tell_first.max(1).min(readers);
    let tell: Vec<usize> = (0..first).filter(|place| !told(*place)).collect();
    (readers == 0 || !tell.is_empty()).then(|| step(plan, cover, tell, Why::Yours, first, readers, now))
}

/// The severity rose: everybody told so far hears of it, and at least those whom the higher severity tells first; also
/// when it was already acknowledged, which stops what follows.
#[must_use]
pub fn risen(plan: &Plan, cover: &Cover, readers: usize, progress: Progress, now: i64) -> Step {
    let told = progress.told.max(plan.tell_first.max(1)).min(readers);
    let mut step = step(plan, cover, (0..told).collect(), Why::Risen, told, readers, now);
    if progress.answered {
        step.next_due_at = None;
    }
    step
}

/// The time that was given to answer is over.
#[must_use]
pub fn due(plan: &Plan, cover: &Cover, readers: usize, progress: Progress, now: i64) -> Step {
    if progress.answered {
        let told = progress.told;
        return Step {
            tell: Vec::new(),
            why: Why::Unanswered,
            notices_at: now,
            told,
            next_due_at: None,
        };
    }
    if progress.told < readers {
        let told = progress.told + 1;
        return step(
            plan,
            cover,
            vec![progress.told],
            Why::Unanswered,
            told,
            readers,
            now,
        );
    }
    step(
        plan,
        cover,
        (0..readers).collect(),
        Why::Reminder,
        readers,
        readers,
        now,
    )
}

/// When to look again at what was told now.
#[must_use]
pub fn next_look(plan: &Plan, cover: &Cover, others_left: bool, now: i64) -> i64 {
    let wait = if others_left {
        plan.next_after_ms
    } else {
        plan.remind_after_ms
    };
    when(plan, cover, now.saturating_add(wait.max(MINUTE_MS)))
}

fn step(
    plan: &Plan,
    cover: &Cover,
    tell: Vec<usize>,
    why: Why,
    told: usize,
    readers: usize,
    now: i64,
) -> Step {
    let notices_at = when(plan, cover, now);
    // Without readers there is nobody to remind; the console and `check` say so.
    let next_due_at = (readers > 0).then(|| next_look(plan, cover, told < readers, notices_at));
    Step {
        tell,
        why,
        notices_at,
        told,
        next_due_at,
    }
}

/// Now, or when cover begins. A school without any cover ahead is told at once rather than never.
pub(super) fn when(plan: &Plan, cover: &Cover, at: i64) -> i64 {
    match plan.outside_cover {
        OutsideCover::TellAtOnce => at,
        OutsideCover::WaitForCover => cover.next_open(at).unwrap_or(at),
    }
}
