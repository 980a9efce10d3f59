//! What a device is told when it is turned away: which it is, and what its technician does.

use crate::clock;
use crate::metering::Limited;
use pastoral_proto::device::{Refusal, RefusalReason};

/// A refusal with the advice that goes with its reason.
pub(super) fn refusal(reason: RefusalReason) -> Refusal {
    let advice = match reason {
        RefusalReason::TokenUnknown => {
            "The token is not one of this school's. Copy the whole of a token made with `pastoral-collector token create`."
        }
        RefusalReason::TokenUsedUp => {
            "The token has been used as often as it may, or was withdrawn. Make another with `pastoral-collector token create`."
        }
        RefusalReason::TokenExpired => {
            "The token's time is over. Make another with `pastoral-collector token create`."
        }
        RefusalReason::NotApproved => {
            "Nobody has approved this device yet. Approve it on the console's page of devices or with `pastoral-collector device approve`."
        }
        RefusalReason::Rejected => {
            "A person has rejected this device. If that was a mistake, approve it with `pastoral-collector device approve`."
        }
        RefusalReason::CertificateUnknown => {
            "The collector does not know this device's certificate. Enrol the device again with a token."
        }
        RefusalReason::CertificateExpired => {
            "The device's certificate has expired. The agent renews it by itself; one that is more than 400 days over must be enrolled again with a token."
        }
        RefusalReason::Revoked => {
            "This device was revoked. If that was a mistake, remove its identity and enrol it again with a token."
        }
        RefusalReason::ClockWrong => "The device's clock is wrong. Set it right.",
        RefusalReason::Cloned => {
            "Another device uses the same identity. Remove the identity from one of them and enrol it again with a token."
        }
        RefusalReason::Malformed => {
            "The collector could not read what the device sent. Update the agent to the collector's version."
        }
        RefusalReason::Busy | RefusalReason::Unspecified => {
            "The collector cannot answer just now. The agent tries again by itself."
        }
    };
    with_advice(reason, advice)
}

/// For a laptop that a person has retired, and can bring back.
pub(super) fn retired() -> Refusal {
    with_advice(
        RefusalReason::Revoked,
        "This device was retired. To use it again, bring it back on the console's page of devices or with `pastoral-collector device bring-back`.",
    )
}

/// For a device that is beyond what it may do in a day.
pub(super) fn beyond(what: Limited) -> Refusal {
    let advice = format!(
        "The collector takes no more of this just now: {}. Look at the device; then allow it more for today, or cut it off, on the console's page of devices.",
        what.told()
    );
    with_advice(RefusalReason::Busy, &advice)
}

fn with_advice(reason: RefusalReason, advice: &str) -> Refusal {
    Refusal {
        reason: reason.into(),
        advice: advice.into(),
        collector_time_ms: clock::now_ms(),
    }
}
