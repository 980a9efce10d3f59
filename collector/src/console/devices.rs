//! The school's devices: protected or not, in plain words; and deciding about those that ask to join.

use super::Console;
use super::answer::{Failure, go, show, show_again};
use super::form::Fields;
use super::page::Page;
use super::who::SignedIn;
use super::words::{Clock, sentence};
use crate::clock;
use crate::concerns::model::Duty;
use crate::console::said::Done;
use crate::devices::approval::{Decision, DecisionError, decide};
use crate::devices::roll::{self, Called};
use crate::devices::verdict::Verdict;
use crate::live;
use crate::store::commands::{self, Asked, NotAsked};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    page: Page,
    may_decide: bool,
    summary: String,
    /// What is wrong with whole groups.
    groups: Vec<String>,
    parts: Vec<Part>,
}

/// The devices of one verdict, or of several that are looked at together.
struct Part {
    heading: &'static str,
    devices: Vec<Shown>,
}

struct Shown {
    called: Called,
    /// What it was asked last, and what came of it.
    asked_last: String,
    short_id: String,
    says: Vec<String>,
    asked: String,
}

pub(super) async fn devices(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    show(&page)
}

/// Approves, rejects, retires, brings back or revokes a device.
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
        "approve" => (Decision::Approve, Done::Approved),
        "reject" => (Decision::Reject, Done::Rejected),
        "revoke" => (Decision::Revoke, Done::Revoked),
        "retire" => (Decision::Retire, Done::Retired),
        "allow" => (Decision::Allow, Done::Allowed),
        "bring-back" => (Decision::BringBack, Done::BroughtBack),
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
            app.live.tell(live::LiveChange {
                school_id: app.school_id.to_string(),
                concern_id: None,
            });
            return Ok(go(&said.at("/devices")));
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

/// Asks a device for something that it does once.
pub(super) async fn asked(
    State(console): State<Console>,
    who: SignedIn,
    Path((device_id, command)): Path<(String, String)>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let command = commands::Command::from_code(&command).ok_or(Failure::NotFound)?;
    if !may_decide(&who) {
        return Err(Failure::NotFound);
    }
    let app = &console.app;
    let mut tx = app.store.write().await?;
    let asked = commands::ask(
        &mut tx,
        &app.school_id,
        &device_id,
        command,
        who.id(),
        clock::now_ms(),
    )
    .await;
    match asked {
        Ok(_) => {
            tx.commit().await?;
            Ok(go(&Done::Asked.at("/devices")))
        }
        Err(NotAsked::Store(error)) => Err(error.into()),
        Err(why) => {
            drop(tx);
            let mut page = draw(&console, &who).await?;
            page.page.fault("main", sentence(&why.to_string()));
            show_again(&page)
        }
    }
}

async fn draw(console: &Console, who: &SignedIn) -> Result<DevicesPage, Failure> {
    let app = &console.app;
    let page = console.page(who, "Devices", "/devices").await?;
    let mut db = app.store.read().await?;
    let profile = app.profile.load_full();
    let roll = roll::call(&mut db, &app.school_id, &profile.cover, clock::now_ms()).await?;
    drop(db);
    let asked = commands::latest(&app.store, &app.school_id).await?;
    let asked: HashMap<&str, &Asked> = asked
        .iter()
        .map(|asked| (asked.device_id.as_str(), asked))
        .collect();
    let groups = roll.silent_groups();
    let groups = groups.into_iter().map(silent_group).collect();
    let summary = roll.headline();
    let mut parts: Vec<Part> = Vec::new();
    for verdict in Verdict::ALL {
        let heading = heading(verdict);
        let devices = roll.of(verdict).map(|called| {
            in_words(
                called.clone(),
                asked.get(called.device.device_id.as_str()).copied(),
                &page.clock,
            )
        });
        let mut devices: Vec<_> = devices.collect();
        match parts.last_mut() {
            Some(before) if before.heading == heading => before.devices.append(&mut devices),
            _ if devices.is_empty() => {}
            _ => parts.push(Part { heading, devices }),
        }
    }
    Ok(DevicesPage {
        may_decide: may_decide(who),
        summary,
        groups,
        parts,
        page,
    })
}

const fn heading(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Waiting => "Ask to join",
        Verdict::NotHeard => "Not heard",
        Verdict::NotProtected => "Not protected",
        Verdict::Protected => "Protected",
        Verdict::Retired => "Retired",
        Verdict::Rejected | Verdict::CutOff => "Not of the school any more",
    }
}

fn silent_group((group, many): (&str, usize)) -> String {
    format!(
        "Nobody of the group {group} is heard: none of its {many} devices. When all fall silent at once, it is mostly \
         the network or the collector’s address and not the devices. Nothing is watched there until this is mended, or \
         it waits on the devices."
    )
}

fn may_decide(who: &SignedIn) -> bool {
    who.has(Duty::Technician) || who.has(Duty::Headteacher)
}

/// What a device was asked, and what came of it.
fn asked_last(asked: &Asked, clock: &Clock) -> String {
    let when = clock.when(&asked.asked_at);
    let answer = if asked.answer.is_empty() {
        String::new()
    } else {
        format!(": {}", asked.answer)
    };
    format!(
        "“{}”, {when}: {}{answer}",
        asked.command.words(),
        asked.state.words()
    )
}

fn in_words(called: Called, asked: Option<&Asked>, clock: &Clock) -> Shown {
    let device = &called.device;
    let approved = device.is_approved();
    let mut says = Vec::new();
    says.extend(called.silence.map(crate::devices::verdict::Silence::words));
    for (what, at) in &called.held_back {
        says.push(format!(
            "{} The rest waits on the device; last held back {}.",
            what.words(),
            clock.when(at)
        ));
    }
    says.extend(called.troubles.iter().cloned());
    if let Some(at) = device.retired_at {
        says.push(format!(
            "Retired {}. It counts nowhere, and may not connect.",
            clock.when(&at)
        ));
    }
    if let Some(at) = device.retired_heard_at {
        says.push(format!(
            "It spoke {} although it is retired: somebody uses it. Bring it back, or find out who has it.",
            clock.when(&at)
        ));
    }
    match (device.connected && approved, device.last_seen_at) {
        (true, Some(at)) if called.silence.is_some() => {
            says.push(format!("Its connection is open. Last heard {}.", clock.when(&at)));
        }
        (true, _) => says.push("Connected now.".to_owned()),
        (false, Some(at)) => says.push(format!("Last heard {} ({}).", clock.when(&at), clock.ago(&at))),
        (false, None) if approved => says.push("Never heard since it was approved.".to_owned()),
        (false, None) => {}
    }
    Shown {
        short_id: roll::short(&device.device_id).to_owned(),
        asked: clock.when(&device.asked_at),
        asked_last: asked.map(|asked| asked_last(asked, clock)).unwrap_or_default(),
        says,
        called,
    }
}
