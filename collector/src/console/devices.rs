//! The school's devices: protected or not, in plain words; and deciding about those that ask to join.

use super::Console;
use super::page::{Failure, Page, go, show, show_again};
use super::who::{Fields, SignedIn};
use super::words::{self, Clock};
use crate::clock;
use crate::concerns::model::Duty;
use crate::devices::approval::{Decision, DecisionError, decide};
use crate::live::Change;
use crate::store::devices::{self, Device};
use crate::store::overview;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde_json::Value;
use std::collections::HashMap;

const CLOCK_WRONG_MS: i64 = 5 * 60 * 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    page: Page,
    may_decide: bool,
    pending: Vec<Shown>,
    wrong: Vec<Shown>,
    protected: Vec<Shown>,
    gone: Vec<Shown>,
    summary: String,
}

/// A device in words.
struct Shown {
    device: Device,
    name: String,
    short_id: String,
    heading: String,
    says: Vec<String>,
    asked: String,
    class: &'static str,
}

/// The page.
pub(super) async fn devices(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    show(&page)
}

/// Approves, rejects or revokes a device.
pub(super) async fn decided(
    State(console): State<Console>,
    who: SignedIn,
    Path((device_id, decision)): Path<(String, String)>,
    _fields: Fields,
) -> Result<Response, Failure> {
    if !may_decide(&who) {
        return Err(Failure::NotFound);
    }
    let (decision, said) = match decision.as_str() {
        "approve" => (Decision::Approve, "approved"),
        "reject" => (Decision::Reject, "rejected"),
        "revoke" => (Decision::Revoke, "revoked"),
        _ => return Err(Failure::NotFound),
    };
    let app = &console.app;
    let profile = app.profile.load_full();
    let decided = decide(
        &app.store,
        &app.school_id,
        &profile,
        &device_id,
        decision,
        who.id(),
        clock::now_ms(),
    )
    .await;
    let fault = match decided {
        Ok(()) => {
            app.live.tell(Change {
                school_id: app.school_id.to_string(),
                concern_id: None,
            });
            return Ok(go(&format!("/devices?done={said}")));
        }
        Err(DecisionError::Store(error)) => return Err(error.into()),
        Err(DecisionError::NotThere(_)) => "Somebody else has decided about this device already.".to_owned(),
        Err(DecisionError::Unaccountable(missing)) => {
            format!("No device can be approved before the school’s profile states: {missing}.")
        }
    };
    let mut page = draw(&console, &who).await?;
    page.page.fault("main", fault);
    show_again(&page)
}

async fn draw(console: &Console, who: &SignedIn) -> Result<DevicesPage, Failure> {
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    let page = console.page(who, "Devices", "/devices").await?;
    let health: HashMap<_, _> = overview::device_health(store, school_id)
        .await?
        .into_iter()
        .collect();
    let (mut pending, mut wrong, mut protected, mut gone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let devices = devices::list(store, school_id).await?;
    let mut names = told_apart(&devices);
    for device in devices {
        let name = names.remove(&device.device_id).unwrap_or_default();
        let health = health.get(&device.device_id).and_then(Option::as_deref);
        let shown = in_words(device, name, health, &page.clock);
        match (shown.device.state.as_str(), shown.class) {
            ("pending", _) => pending.push(shown),
            ("approved", "") => protected.push(shown),
            ("approved", _) => wrong.push(shown),
            _ => gone.push(shown),
        }
    }
    let total = i64::try_from(wrong.len() + protected.len()).unwrap_or_default();
    let summary = match (total, protected.len()) {
        (0, _) => "No device is approved yet.".to_owned(),
        (_, 0) => format!("None of {} is protected.", words::count(total, "device")),
        (total, all) if i64::try_from(all).is_ok_and(|all| all == total) => {
            format!(
                "{} approved, and all are protected.",
                words::count(total, "device")
            )
        }
        (total, some) => format!("{some} of {} are protected.", words::count(total, "device")),
    };
    Ok(DevicesPage {
        may_decide: may_decide(who),
        pending,
        wrong,
        protected,
        gone,
        summary,
        page,
    })
}

/// The name of each device by its id: where several have one host name, with the beginning of the id, which stands on
/// the page of devices and in `device list`.
pub(super) fn told_apart(devices: &[Device]) -> HashMap<String, String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for device in devices {
        *count.entry(&device.host_name).or_default() += 1;
    }
    let name = |device: &Device| {
        if count.get(device.host_name.as_str()).is_some_and(|many| *many > 1) {
            format!("{} ({})", device.host_name, short(&device.device_id))
        } else {
            device.host_name.clone()
        }
    };
    devices
        .iter()
        .map(|device| (device.device_id.clone(), name(device)))
        .collect()
}

fn short(device_id: &str) -> &str {
    device_id.get(..8).unwrap_or(device_id)
}

fn may_decide(who: &SignedIn) -> bool {
    who.has(Duty::Technician) || who.has(Duty::Headteacher)
}

fn in_words(device: Device, name: String, health: Option<&str>, clock: &Clock) -> Shown {
    let health = health
        .and_then(|health| serde_json::from_str(health).ok())
        .unwrap_or(Value::Null);
    let mut says = Vec::new();
    let now = clock::now_ms();
    if device.state == "approved" {
        says.extend(troubles(&device, &health, now));
    }
    let (class, heading) = match device.state.as_str() {
        "pending" => ("app-device--waiting", "Asks to join".to_owned()),
        "rejected" => ("app-device--off", "Rejected".to_owned()),
        "revoked" => ("app-device--off", "Cut off".to_owned()),
        _ if says.is_empty() => ("", "Protected".to_owned()),
        _ => ("app-device--wrong", "Needs attention".to_owned()),
    };
    match (device.connected, device.last_seen_at) {
        (true, _) => says.push("Connected now.".to_owned()),
        (false, Some(at)) => says.push(format!("Last heard {} ({}).", clock.when(&at), clock.ago(&at))),
        (false, None) if device.state == "approved" => {
            says.push("Never heard since it was approved.".to_owned())
        }
        (false, None) => {}
    }
    Shown {
        name,
        short_id: short(&device.device_id).to_owned(),
        asked: clock.when(&device.asked_at),
        heading,
        says,
        class,
        device,
    }
}

fn troubles(device: &Device, health: &Value, now: i64) -> Vec<String> {
    let mut says = Vec::new();
    if device.cloned_at.is_some() {
        says.push(
            "Two devices use this identity. Remove it from one of them and enrol that one again.".to_owned(),
        );
    }
    if let Some(offset) = device
        .clock_offset_ms
        .filter(|offset| offset.abs() > CLOCK_WRONG_MS)
    {
        let minutes = words::count(offset.abs() / 60_000, "minute");
        let way = if offset > 0 { "slow" } else { "fast" };
        says.push(format!(
            "Its clock is {minutes} {way}. Times are corrected; set the clock."
        ));
    }
    if let Some(refusal) = &device.policy_refusal {
        says.push(format!(
            "It refused the last policy and keeps the one before: {refusal}"
        ));
    }
    // INVARIANT 11: what nobody has said is not taken for well.
    if health.is_null() {
        says.push("It has not said how it is yet. Nobody knows whether it is protected.".to_owned());
    }
    let silent = device.last_seen_at.is_none_or(|at| at < now - 14 * DAY_MS);
    if !device.connected && silent && !health.is_null() {
        says.push("Not heard for two weeks. Nobody knows whether it is protected.".to_owned());
    }
    says.extend(
        health["troubles"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    let helpers = health["helpers"].as_array().map_or(&[][..], Vec::as_slice);
    let dead = helpers
        .iter()
        .filter(|helper| helper["alive"] == Value::Bool(false))
        .count();
    if dead > 0 {
        let dead = words::count(i64::try_from(dead).unwrap_or(i64::MAX), "desktop");
        says.push(format!(
            "On {dead} the helper does not answer: what is done there is not seen."
        ));
    }
    let mut not_watched: Vec<_> = helpers
        .iter()
        .flat_map(|helper| helper["not_watched"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    not_watched.sort_unstable();
    not_watched.dedup();
    says.extend(not_watched.into_iter().map(|what| format!("Not watched: {what}")));
    says
}
