//! A concern in a list, in words.

use crate::console::words::{self, Clock};
use crate::profile::Profile;
use crate::store::queue::Summary;
use crate::store::readers::Reader;

/// A concern in the queue, in words.
pub(in crate::console) struct Card {
    pub(super) concern: Summary,
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) severity: &'static str,
    pub(super) seen: String,
    pub(super) arrived: String,
    pub(super) state: &'static str,
    pub(super) tag: &'static str,
    pub(super) owner: String,
    pub(super) flags: String,
    pub(super) next: String,
}

pub(super) fn card(
    clock: &Clock,
    profile: &Profile,
    concern: Summary,
    readers: &[Reader],
    viewer: &str,
) -> Card {
    let (state, tag) = words::concern::state(&concern);
    let owner = words::concern::owner(&concern, viewer);
    Card {
        name: words::concern::name(&concern),
        kind: concern.kind.words(),
        severity: words::severity(concern.severity),
        seen: seen(clock, &concern),
        arrived: arrived(clock, &concern),
        state,
        tag,
        owner,
        flags: words::count(concern.flag_count, "flag"),
        next: words::concern::next(clock, profile, &concern, readers, viewer),
        concern,
    }
}

fn seen(clock: &Clock, concern: &Summary) -> String {
    if concern.by_hand && concern.flag_count == 0 {
        return format!(
            "Happened {}, recorded by hand",
            clock.when(&concern.last_event_at)
        );
    }
    let device = concern
        .device
        .as_deref()
        .map(|device| format!(" on {device}"))
        .unwrap_or_default();
    format!("Seen {}{device}", clock.when(&concern.last_event_at))
}

fn arrived(clock: &Clock, concern: &Summary) -> String {
    let arrived = format!(
        "Arrived {}",
        clock.when(&concern.arrived_at.unwrap_or(concern.opened_at))
    );
    if concern.backlog {
        format!("{arrived}: the device could not deliver before")
    } else {
        arrived
    }
}
