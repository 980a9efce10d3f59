//! How the device is: joined, connected, and what is wrong and what to do about it. Says nothing of content.

use pastoral_proto::device::{Refusal, RefusalReason};
use pastoral_proto::limits;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that is wrong, in words for the technician.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Trouble {
    pub what: String,
    pub to_do: String,
}

impl Trouble {
    #[must_use]
    pub(crate) fn new(what: impl Into<String>, to_do: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            to_do: to_do.into(),
        }
    }

    /// What a refusal means here. `now_ms` is the device's own time, against which the collector's is held.
    #[must_use]
    pub(crate) fn refused(refusal: &Refusal, now_ms: i64) -> Self {
        let (what, to_do) = refusal_words(refusal.reason());
        let what = if refusal.reason() == RefusalReason::ClockWrong {
            clock_words(now_ms - refusal.collector_time_ms)
        } else {
            what.to_owned()
        };
        let advice = limits::sentence(&refusal.advice);
        let to_do = if advice.is_empty() {
            to_do.to_owned()
        } else {
            format!("{to_do} (the collector says: {advice})")
        };
        Self { what, to_do }
    }
}

/// By how much this device's clock is off, in words; positive is ahead.
#[must_use]
pub(crate) fn clock_words(off_ms: i64) -> String {
    let seconds = off_ms.unsigned_abs() / 1000;
    let amount = match seconds {
        0..=119 => format!("{seconds} seconds"),
        120..=7199 => format!("{} minutes", seconds / 60),
        7200..=172_799 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    let direction = if off_ms > 0 { "ahead" } else { "behind" };
    format!("this device's clock is wrong by {amount} ({direction} of the collector's)")
}

fn refusal_words(reason: RefusalReason) -> (&'static str, &'static str) {
    match reason {
        RefusalReason::Unspecified => (
            "the collector refused this device and did not say why",
            "look into the collector's log",
        ),
        RefusalReason::TokenUnknown => (
            "the collector does not know the enrolment token",
            "make one with `pastoral-collector token create` on this school's collector and enrol again",
        ),
        RefusalReason::TokenUsedUp => (
            "the enrolment token was used as often as it may be",
            "make another with `pastoral-collector token create` and enrol again",
        ),
        RefusalReason::TokenExpired => (
            "the enrolment token has expired",
            "make another with `pastoral-collector token create` and enrol again",
        ),
        RefusalReason::NotApproved => (
            "nobody has approved this device yet",
            "compare the confirm code and approve it on the collector (`pastoral-collector device approve`)",
        ),
        RefusalReason::Rejected => (
            "this device was rejected on the collector",
            "ask who rejected it; then make a new token and enrol again",
        ),
        RefusalReason::CertificateUnknown => (
            "the collector does not know this device's certificate",
            "if the collector was set up anew, enrol this device again with a new token",
        ),
        RefusalReason::CertificateExpired => (
            "this device's certificate has expired",
            "nothing: it is renewed by itself; if this stays, enrol the device again",
        ),
        RefusalReason::Revoked => (
            "this device was revoked on the collector",
            "if it should be monitored again, make a new token and enrol it again",
        ),
        RefusalReason::ClockWrong => (
            "this device's clock is wrong",
            "set this device's clock, and let it keep time by NTP",
        ),
        RefusalReason::Cloned => (
            "another device uses this device's identity: one was copied from the other",
            "enrol the copy again with a new token, after removing its state folder",
        ),
        RefusalReason::Malformed => (
            "the collector did not understand this device",
            "bring the agent and the collector to the same version",
        ),
        RefusalReason::Busy => (
            "the collector is busy",
            "nothing: this device tries again by itself",
        ),
    }
}

/// What a trouble is about; there is at most one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TroubleAbout {
    Joining,
    Link,
    /// What the collector does with records.
    Delivery,
    Policy,
    Clock,
    State,
    /// Another device with the same identity.
    Clone,
}

/// How far this device is with joining and being connected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Link {
    /// It has not been asked to join.
    #[default]
    NotJoined,
    /// It asked to join; nobody has decided.
    AwaitingApproval {
        /// To be compared with the one on the collector.
        confirm_code: String,
    },
    /// It belongs to the school and has no connection now.
    Away,
    /// It is connected.
    Connected {
        /// Since when, device time.
        since_ms: i64,
    },
}

/// The shared record of it.
#[derive(Default)]
pub(crate) struct Condition {
    inner: Mutex<Snapshot>,
}

/// It at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    pub link: Link,
    /// The school's name, as the collector says it.
    pub school_name: String,
    /// When the collector was last heard from; none since the start.
    pub last_contact_ms: Option<i64>,
    /// When the collector last confirmed a record.
    pub last_delivery_ms: Option<i64>,
    /// Records the collector could not read.
    pub quarantined: u64,
    pub troubles: BTreeMap<TroubleAbout, Trouble>,
}

impl Condition {
    #[must_use]
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.lock());
    }

    /// Notes what is wrong; logs it when it is new.
    pub(crate) fn trouble(&self, about: TroubleAbout, trouble: Trouble) {
        let mut inner = self.lock();
        if inner.troubles.get(&about) != Some(&trouble) {
            tracing::warn!(to_do = trouble.to_do, "{}", trouble.what);
            inner.troubles.insert(about, trouble);
        }
    }

    /// Notes that it is right again.
    pub(crate) fn well(&self, about: TroubleAbout) {
        self.lock().troubles.remove(&about);
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_is_wrong_and_what_to_do() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in (0..).map_while(|number| RefusalReason::try_from(number).ok()) {
            let refusal = Refusal {
                reason: reason.into(),
                advice: "look".into(),
                collector_time_ms: 0,
            };
            let trouble = Trouble::refused(&refusal, 86_400_000);
            assert!(
                !trouble.what.is_empty() && trouble.to_do.contains("look"),
                "{reason:?}"
            );
            assert!(seen.insert(trouble.what), "{reason:?} reads like another");
        }
        assert_eq!(seen.len(), 13);
    }

    #[test]
    fn a_wrong_clock_is_said_with_how_much() {
        assert!(clock_words(3 * 86_400_000).contains("3 days (ahead"));
        assert!(clock_words(-40 * 60_000).contains("40 minutes (behind"));
    }
}
