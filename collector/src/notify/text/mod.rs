//! The words of notices: plain text, calm, and what to do next. What changes with time is written when the notice leaves.
//!
//! INVARIANT 9: a notice names nobody, quotes nothing and tells neither topic nor kind. What it may say is in the
//! parameters of these functions and nowhere else.

mod access;
mod concerns;
mod records;

pub use access::{Access, access_of_another, conflict, link, own_access, siege};
pub use concerns::{About, Next, concern, corrected, unread, unread_to_technician};
pub use records::{
    HeadNumbers, audit_broken, audit_head, keys_differ, own_key_differs, restored, safe_opened,
};

use crate::concerns::escalation::Why;
use crate::store::outbox::{Due, Sort};
use crate::telling::Telling;
use jiff::Timestamp;

/// A notice, ready to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The subject line.
    pub subject: String,
    /// The message.
    pub body: String,
}

const CLOSING: &str = "This message leaves out on purpose whom it is about and what was seen.\n\
    Please do not forward it; it is only for you.\n";

/// What a notice that gathers says when it leaves.
#[derive(Debug, Clone, Copy)]
pub struct Gathered {
    /// How many things it is about; at least one.
    pub count: i64,
    /// The most serious of them, 1 to 5; 0 when they have no severity.
    pub severity: u8,
}

/// A notice as it is when it leaves; none for what was written when it was queued, and says nothing that becomes untrue.
#[must_use]
pub fn leaving(telling: &Telling, due: &Due, now: i64) -> Option<Text> {
    let (Some(why), Some(concern_id)) = (due.why, &due.concern_id) else {
        let (count, severity) = (due.count, due.severity);
        return gathered(telling, due.sort, Gathered { count, severity });
    };
    let next = match due.next_at {
        Some(at) if why != Why::PassedOn => Next::At {
            at: (at > now).then_some(at),
            others_left: due.others_left,
        },
        _ => Next::Nothing,
    };
    let about = About {
        concern_id,
        // As timers and reviews go by it: marking flags as false alarms makes nothing less urgent.
        severity: due.severity.max(due.highest_severity),
        next,
    };
    Some(concern(telling, why, &about))
}

/// A notice that gathers; none for other sorts.
#[must_use]
pub fn gathered(telling: &Telling, sort: Sort, gathered: Gathered) -> Option<Text> {
    match sort {
        Sort::Digest => Some(concerns::digest(telling)),
        Sort::Several => Some(concerns::several(telling, gathered)),
        Sort::Reminder => Some(concerns::reminder(telling, gathered)),
        Sort::Yours => Some(concerns::yours(telling, gathered)),
        Sort::Review => Some(concerns::review(telling, gathered)),
        Sort::AgreementWanted => Some(access::agreement_wanted(telling, gathered.count)),
        Sort::New
        | Sort::Risen
        | Sort::Corrected
        | Sort::Unanswered
        | Sort::Conflict
        | Sort::Unread
        | Sort::Siege
        | Sort::KeysDiffer
        | Sort::OwnKeyDiffers
        | Sort::Restored
        | Sort::SafeOpened
        | Sort::AuditHead
        | Sort::AuditBroken
        | Sort::Link
        | Sort::Access
        | Sort::LaptopsDaily
        | Sort::LaptopsWeekly => None,
    }
}

/// In words for the subject line, and for the message.
const fn urgency(severity: u8) -> (&'static str, &'static str) {
    match severity {
        5 => (
            "look now",
            "Urgency: the highest. A life may be at risk. Please look now.",
        ),
        4 => (
            "look as soon as you can",
            "Urgency: high. Please look as soon as you can.",
        ),
        3 => ("look today", "Urgency: medium. Please look today."),
        2 => ("look soon", "Urgency: low. Please look within a day."),
        _ => (
            "for your notice",
            "Urgency: the lowest. Please look when you next go through the list.",
        ),
    }
}

pub(super) fn local_time(telling: &Telling, at_ms: i64) -> String {
    local(telling, at_ms, "%H:%M on %A %-d %B")
}

fn local(telling: &Telling, at_ms: i64, format: &str) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else {
        return "then".into();
    };
    at.to_zoned(telling.profile.cover.time_zone.clone())
        .strftime(format)
        .to_string()
}
