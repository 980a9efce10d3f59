//! The words of notices: plain text, calm, and what to do next. They are written when a notice leaves.
//!
//! INVARIANT 9: a notice names nobody, quotes nothing and tells neither topic nor kind. What it may say is in the
//! parameters of these functions and nowhere else.

mod access;
mod concerns;
mod laptops;
mod records;

use crate::concerns::escalation::Why;
use crate::store::outbox::{Due, Matter, Told};
use crate::telling::Telling;
use concerns::{About, Next};
use jiff::Timestamp;

/// A notice, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
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
struct Gathered {
    /// How many things it is about; at least one.
    count: i64,
    /// The most serious of them, 1 to 5; 0 when they have no severity.
    severity: u8,
}

/// A notice in words, as it is when it leaves.
#[must_use]
pub fn leaving(telling: &Telling, due: &Due, now: i64) -> Text {
    let matter = match &due.told {
        Told::Matter(matter) => matter,
        Told::Words { subject, body } => {
            return Text {
                subject: subject.clone(),
                body: body.clone(),
            };
        }
    };
    let (count, severity, queued_at) = (due.count, due.severity, due.created_at);
    let gathered = Gathered { count, severity };
    match matter {
        Matter::New(why) => of_concern(telling, *why, due, now),
        Matter::Risen => of_concern(telling, Why::Risen, due, now),
        Matter::Unanswered => of_concern(telling, Why::Unanswered, due, now),
        Matter::Corrected => concerns::corrected(telling, concern_id(due)),
        Matter::Several => concerns::several(telling, gathered),
        Matter::Digest => concerns::digest(telling),
        Matter::Reminder => concerns::reminder(telling, gathered),
        Matter::Yours => concerns::yours(telling, gathered),
        Matter::Review => concerns::review(telling, gathered),
        Matter::Unread { to_technician: false } => concerns::unread(telling),
        Matter::Unread { to_technician: true } => concerns::unread_to_technician(telling),
        Matter::AgreementWanted => access::agreement_wanted(telling, count),
        Matter::Conflict { lapses_at } => access::conflict(telling, *lapses_at),
        Matter::Siege => access::siege(telling, queued_at),
        Matter::Link { path, until } => access::link(telling, path, *until),
        Matter::Access { what, own: true } => access::own_access(telling, *what, queued_at),
        Matter::Access { what, own: false } => access::access_of_another(telling, *what, queued_at),
        Matter::AuditHead { number, keys, at } => records::audit_head(telling, number, keys, *at),
        Matter::AuditBroken => records::audit_broken(telling, queued_at),
        Matter::KeysDiffer { keys } => records::keys_differ(telling, keys),
        Matter::OwnKeyDiffers => records::own_key_differs(telling),
        Matter::Restored { from } => records::restored(telling, *from, queued_at),
        Matter::SafeOpened => records::safe_opened(telling, queued_at),
        Matter::LaptopsDaily(laptops) => laptops::daily(telling, laptops, queued_at),
        Matter::LaptopsWeekly(laptops) => laptops::weekly(telling, laptops, queued_at),
    }
}

fn of_concern(telling: &Telling, why: Why, due: &Due, now: i64) -> Text {
    let next = match due.next_at {
        Some(at) if why != Why::PassedOn => Next::At {
            at: (at > now).then_some(at),
            others_left: due.others_left,
        },
        _ => Next::Nothing,
    };
    let about = About {
        concern_id: concern_id(due),
        // As timers and reviews go by it: marking flags as false alarms makes nothing less urgent.
        severity: due.severity.max(due.highest_severity),
        next,
    };
    concerns::concern(telling, why, &about)
}

fn concern_id(due: &Due) -> &str {
    due.concern_id.as_deref().unwrap_or_default()
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

fn local_time(telling: &Telling, at_ms: i64) -> String {
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
