//! Whether this device is protected, in plain words.
//!
//! INVARIANT 11: it says honestly when it is not; and what an ordinary user may ask says nothing that depends on
//! whether anything was flagged: no counts, no spool, no times.

use crate::clock;
use crate::condition::{Link, Snapshot, Trouble, TroubleAbout};
use crate::context::Context;
use crate::helpers::Counters;
use pastoral_proto::{DeviceFault, limits};
use serde::{Deserialize, Serialize};

/// Without contact for longer, nobody hears in time.
const AWAY_MS: i64 = 10 * 60 * 1000;
/// Helpers and troubles that are listed; the answer must fit one local message.
const LISTED: usize = 12;
/// Room for the names of lists.
const LISTS_BYTES: usize = 3_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    /// Whether a person hears in time of what happens here.
    pub protected: bool,
    /// Why not, or that it is.
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Detail {
    /// Of this program.
    pub version: String,
    /// `not-joined`, `awaiting-approval`, `away` or `connected`.
    pub connection: String,
    /// To be compared with the one on the collector, while the device waits for approval.
    pub confirm_code: String,
    /// Its name, as the collector says it.
    pub school_name: String,
    /// Empty before the device has joined.
    pub school_id: String,
    /// Empty before the device has joined.
    pub device_id: String,
    /// Its address.
    pub collector: String,
    /// Device time, in milliseconds since 1970, here and below.
    pub connected_since_ms: Option<i64>,
    /// When the collector was last heard.
    pub last_contact_ms: Option<i64>,
    /// When it last confirmed a record.
    pub last_delivery_ms: Option<i64>,
    /// When the device's certificate ends.
    pub certificate_until_ms: Option<i64>,
    /// Records that wait.
    pub spool_records: u64,
    /// Their size.
    pub spool_bytes: u64,
    /// Records the collector could not read, since the start.
    pub quarantined: u64,
    /// The policy in force, as `generation.counter`; `shipped` before there is one.
    pub policy: String,
    /// The lists in force, as `id version`.
    pub lists: Vec<String>,
    /// One for each desktop.
    pub helpers: Vec<Helper>,
    /// Desktops that are not among them.
    #[serde(default)]
    pub more_helpers: usize,
    /// What was turned away at the helpers' socket.
    pub counters: serde_json::Value,
    /// What is not watched and why.
    pub not_watched: Vec<String>,
    /// What is wrong and what to do.
    pub troubles: Vec<Trouble>,
}

/// A session's helper.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Helper {
    /// Whose session.
    pub account: String,
    /// `working`, or what is wrong with it.
    pub state: String,
    /// How it hears titles.
    pub titles_by: String,
}

/// Answers, for root or for anybody else.
#[must_use]
pub(crate) fn answer(context: &Context, for_root: bool) -> Status {
    let snapshot = context.condition.snapshot();
    let fault = fault(context, &snapshot, clock::now_ms());
    Status {
        protected: fault.is_none(),
        reason: match fault {
            None => "this device is protected".into(),
            Some(fault) => format!("this device is not protected: {}", fault.words()),
        },
        detail: for_root.then(|| detail(context, snapshot)),
    }
}

/// What is wrong, from the spool too.
#[must_use]
pub(crate) fn troubles(context: &Context) -> Vec<Trouble> {
    let snapshot = context.condition.snapshot();
    let spool = context.spool.standing().borrow().trouble.clone();
    let spool = (!spool.is_empty()).then(|| {
        Trouble::new(
            spool,
            "look at this device's disk; the service recovers by itself",
        )
    });
    let joining = (snapshot.link == Link::NotJoined).then(|| {
        Trouble::new(
            "this device has not joined a school",
            "make a token with `pastoral-collector token create` and run `pastoral-agent enrol`",
        )
    });
    let all = snapshot.troubles.into_values().chain(spool).chain(joining);
    let mut troubles: Vec<_> = all.map(shortened).collect();
    let more = troubles.len().saturating_sub(LISTED);
    if more > 0 {
        troubles.truncate(LISTED);
        troubles.push(Trouble::new(
            format!("{more} more things are wrong"),
            "mend these first, then ask again",
        ));
    }
    troubles
}

/// Why this device does not protect now; for the collector, which hears it.
#[must_use]
pub(crate) fn fault_now(context: &Context) -> Option<DeviceFault> {
    fault(context, &context.condition.snapshot(), clock::now_ms())
}

fn fault(context: &Context, snapshot: &Snapshot, now_ms: i64) -> Option<DeviceFault> {
    let heard = snapshot
        .last_contact_ms
        .is_some_and(|at_ms| (now_ms - at_ms).abs() < AWAY_MS);
    match snapshot.link {
        Link::NotJoined => return Some(DeviceFault::NotJoined),
        Link::AwaitingApproval { .. } => return Some(DeviceFault::NotApproved),
        Link::Away if !heard => return Some(DeviceFault::NotConnected),
        Link::Away | Link::Connected { .. } => {}
    }
    // Of two devices with one identity, people cannot tell whose flags are whose.
    let cloned = snapshot.troubles.contains_key(&TroubleAbout::Clone);
    if cloned || !context.spool.standing().borrow().trouble.is_empty() {
        return Some(DeviceFault::Broken);
    }
    let watched = |helper: &crate::helpers::HelperView| {
        helper.alive && helper.desktop_answers && !helper.titles_by.is_empty()
    };
    (!context.board.helpers().iter().all(watched)).then_some(DeviceFault::NotWatched)
}

fn detail(context: &Context, snapshot: Snapshot) -> Detail {
    let identity = context.identity.borrow().clone();
    let rules = context.rules.load();
    let usage = context.spool.standing().borrow().usage;
    let helpers = context.board.helpers();
    let not_watched = not_watched(&helpers);
    let (connection, confirm_code, connected_since_ms) = match snapshot.link {
        Link::NotJoined => ("not-joined", String::new(), None),
        Link::AwaitingApproval { confirm_code } => ("awaiting-approval", confirm_code, None),
        Link::Away => ("away", String::new(), None),
        Link::Connected { since_ms } => ("connected", String::new(), Some(since_ms)),
    };
    Detail {
        version: env!("CARGO_PKG_VERSION").into(),
        connection: connection.into(),
        confirm_code,
        school_name: limits::sentence(&snapshot.school_name),
        school_id: identity
            .as_ref()
            .map(|identity| identity.school_id.clone())
            .unwrap_or_default(),
        device_id: identity
            .as_ref()
            .map(|identity| identity.device_id.clone())
            .unwrap_or_default(),
        collector: identity
            .as_ref()
            .map(|identity| identity.collector.clone())
            .unwrap_or_default(),
        connected_since_ms,
        last_contact_ms: snapshot.last_contact_ms,
        last_delivery_ms: snapshot.last_delivery_ms,
        certificate_until_ms: identity.as_ref().map(|identity| identity.pairs[0].not_after_ms),
        spool_records: usage.records,
        spool_bytes: usage.bytes,
        quarantined: snapshot.quarantined,
        policy: rules.policy.as_ref().map_or_else(
            || "shipped".into(),
            |number| format!("{}.{}", number.generation, number.counter),
        ),
        lists: lists(rules.lists.iter().map(|(id, version)| format!("{id} {version}"))),
        more_helpers: helpers.len().saturating_sub(LISTED),
        helpers: helpers.iter().take(LISTED).map(helper).collect(),
        counters: counters(context.board.counters()),
        not_watched,
        troubles: troubles(context),
    }
}

fn not_watched(helpers: &[crate::helpers::HelperView]) -> Vec<String> {
    let mut not_watched: Vec<String> = helpers
        .iter()
        .flat_map(|helper| {
            helper
                .not_watched
                .iter()
                .map(|what| limits::sentence(&format!("{}: {what}", helper.name)))
        })
        .collect();
    not_watched.sort();
    not_watched.dedup();
    and_more(&mut not_watched);
    not_watched
}

/// Every list in force: one that is not named here would seem not to be looked for. Names are short; what would not fit
/// the answer is counted.
fn lists(all: impl Iterator<Item = String>) -> Vec<String> {
    let (mut named, mut room, mut more) = (Vec::new(), LISTS_BYTES, 0_usize);
    for list in all {
        match room.checked_sub(list.len()) {
            Some(left) if more == 0 => {
                room = left;
                named.push(list);
            }
            _ => more += 1,
        }
    }
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named
}

/// Leaves those that are listed, and says how many more there are.
fn and_more(listed: &mut Vec<String>) {
    let more = listed.len().saturating_sub(LISTED);
    if more > 0 {
        listed.truncate(LISTED);
        listed.push(format!("and {more} more"));
    }
}

fn helper(view: &crate::helpers::HelperView) -> Helper {
    let state = match (view.alive, view.desktop_answers, view.canary_seen) {
        (false, ..) => "not running, or not answering",
        (_, false, _) => "its desktop does not answer",
        (_, _, false) => "has not shown yet that it sees titles",
        _ => "working",
    };
    let account = if view.name.is_empty() {
        &view.stable_id
    } else {
        &view.name
    };
    Helper {
        account: limits::sentence(account),
        state: state.into(),
        titles_by: limits::sentence(&view.titles_by),
    }
}

fn counters(counters: Counters) -> serde_json::Value {
    serde_json::to_value(counters).unwrap_or_default()
}

fn shortened(trouble: Trouble) -> Trouble {
    Trouble {
        what: limits::sentence(&trouble.what),
        to_do: limits::sentence(&trouble.to_do),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_in_force_is_named_and_what_does_not_fit_is_counted() {
        let ids = |count: usize| (0..count).map(|number| format!("pastoral-en-suicide-{number} 12"));
        assert_eq!(lists(ids(28)), ids(28).collect::<Vec<_>>());
        let some = lists(ids(400));
        let named = some.len() - 1;
        assert_eq!(some[named], format!("and {} more", 400 - named));
    }

    #[test]
    fn what_is_not_listed_is_counted() {
        let mut listed: Vec<_> = (0..15).map(|number| number.to_string()).collect();
        and_more(&mut listed);
        assert_eq!((listed.len(), listed[12].as_str()), (13, "and 3 more"));
    }
}
