//! The audit log: who looked at what and changed what. Entries of a concern only for who may see it.

use super::Console;
use super::answer::{Failure, show};
use super::page::Page;
use super::who::SignedIn;
use crate::chain::{Deed, number};
use crate::codes::filled;
use crate::concerns::model::Duty;
use crate::concerns::reference::Reference;
use crate::devices::roll::told_apart;
use crate::seal::sheet::Sheet;
use crate::store::overview::{self, Candidate, Logged};
use crate::store::people::Directory;
use crate::store::proposals::Act;
use crate::store::{audit, conflicts, devices};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

const SHOWN: i64 = 100;
const HEADS_SHOWN: i64 = 31;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    page: Page,
    lines: Vec<Line>,
    before: Option<i64>,
    after: Option<i64>,
    /// The heads that were mailed, for those who have the mails.
    heads: Vec<SentHead>,
    /// Since when whoever runs the machine could rewrite what is recorded.
    tail: String,
}

struct SentHead {
    when: String,
    number: String,
    keys: String,
}

struct Line {
    when: String,
    who: String,
    what: String,
    concern: Option<(String, Reference)>,
}

pub(super) async fn audit(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let number = query
        .get("page")
        .and_then(|page| page.parse::<i64>().ok())
        .unwrap_or(1)
        .clamp(1, 100_000);
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let place = ((number - 1) * SHOWN, SHOWN + 1);
    let mut found = overview::audit_log(&mut *store.read().await?, school_id, who.id(), place).await?;
    let more = i64::try_from(found.len()).is_ok_and(|found| found > SHOWN);
    found.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    let page = console.page(&who, "Audit log", "/audit").await?;
    let people = overview::everybody(&mut *store.read().await?, school_id).await?;
    let named = Named {
        devices: told_apart(&devices::list(&mut *store.read().await?, school_id).await?),
        directory: console.directory().await?,
        people,
    };
    let lines = found.into_iter().map(|entry| Line {
        when: page.clock.exactly(&entry.at),
        who: name(&named.people, &entry.actor),
        what: did(&entry, &named, &who),
        concern: entry.concern_id.zip(entry.reference),
    });
    let (heads, tail) = sent_heads(&console, &page, &who).await?;
    show(&AuditPage {
        heads,
        tail,
        lines: lines.collect(),
        before: (number > 1).then(|| number - 1),
        after: more.then(|| number + 1),
        page,
    })
}

async fn sent_heads(
    console: &Console,
    page: &Page,
    who: &SignedIn,
) -> Result<(Vec<SentHead>, String), Failure> {
    let has_mails = who.has(Duty::Headteacher) || who.has(Duty::Chair);
    let sent = audit::sent_heads(
        &mut *console.app.store.read().await?,
        &console.app.school_id,
        HEADS_SHOWN,
    )
    .await?;
    let tail = sent.first().map_or_else(
        || "no mail about it has been sent yet, so that is all of it".to_owned(),
        |head| format!("everything since {}", page.clock.exactly(&head.at)),
    );
    let shown = sent.iter().filter(|_| has_mails).map(|head| SentHead {
        when: page.clock.exactly(&head.at),
        number: number::of_head(&head.hash),
        keys: head.keys().unwrap_or_default(),
    });
    Ok((shown.collect(), tail))
}

fn name(people: &[Candidate], id: &str) -> String {
    if let Some(sheet) = Sheet::of_actor(id) {
        return format!("Somebody with {}", sheet.words());
    }
    match id {
        "pastoral" => "Pastoral".to_owned(),
        "command line" => "The command line".to_owned(),
        "init" => "The first set-up".to_owned(),
        "people import" => "The school’s list of people".to_owned(),
        "token" => "A token that needs no person".to_owned(),
        id => people
            .iter()
            .find(|person| person.person_id == id)
            .map_or("Somebody who left", |p| &p.name)
            .to_owned(),
    }
}

/// Who and what entries speak of.
struct Named {
    people: Vec<Candidate>,
    devices: HashMap<String, String>,
    directory: Arc<Directory>,
}

/// What was proposed about somebody's access.
fn act<'a>(text: &impl Fn(&str) -> &'a str) -> String {
    let duty = Duty::from_code(text("duty")).map(Duty::words);
    match (Act::from_code(text("act")), duty) {
        (Some(Act::Grant), Some(duty)) => format!("the duty of {duty}"),
        (Some(Act::EndDuty), Some(duty)) => format!("the end of the access as {duty}"),
        (act, _) => act.map_or("something", Act::words).to_owned(),
    }
}

/// What was done; where the words of the deed alone would not say how, by its details.
fn words_of(deed: Option<Deed>, detail: &Value, may_know: impl Fn() -> bool) -> &'static str {
    match deed {
        Some(Deed::SignedIn) if detail["recovery_code"] == Value::Bool(true) => {
            "signed in with a recovery code"
        }
        Some(Deed::SignInRefused) if detail["more"].as_u64().is_some_and(|more| more > 0) => {
            "refused a sign-in {whose}, and {more} before it that are not listed"
        }
        Some(Deed::Joined) if detail["reset"] == Value::Bool(true) => {
            "reset their sign-in with the link sent for it"
        }
        Some(Deed::OwnKey) if detail["key"].is_null() => {
            "signed in with another key than the one recorded of them: nothing is sealed to them until their sign-in is reset"
        }
        Some(Deed::ConflictRecorded | Deed::ConflictAgreed | Deed::ConflictLapsed | Deed::ConflictEnded)
            if !may_know() =>
        {
            "changed who is kept out of what"
        }
        Some(deed) => deed.words(),
        None => "did something that this version has no words for",
    }
}

fn did(entry: &Logged, named: &Named, who: &SignedIn) -> String {
    let is_reader = who.is_reader();
    let detail: Value = entry
        .detail
        .as_deref()
        .and_then(|detail| serde_json::from_str(detail).ok())
        .unwrap_or(Value::Null);
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
    // Adults with duties are named to everybody who signs in; others only to readers (P41).
    let person = |key: &str| match named.people.iter().find(|person| person.person_id == text(key)) {
        Some(person) if is_reader || !person.role.is_pupil() => person.name.clone(),
        _ => "somebody".to_owned(),
    };
    // INVARIANT 4: nobody learns here who is kept out of what concerns them, nor readers of pupils' concerns about adults.
    let may_know = || {
        is_reader
            && conflicts::may_know(
                &named.directory,
                who.id(),
                text("reader"),
                text("about"),
                if text("by").is_empty() {
                    &entry.actor
                } else {
                    text("by")
                },
            )
    };
    let words = words_of(Deed::from_code(&entry.action), &detail, may_know);
    filled(words, |hole| match hole {
        "duty" => Duty::from_code(text(hole))
            .map_or("a duty", Duty::words)
            .to_owned(),
        "device" => {
            let device = named.devices.get(text("device_id"));
            device.map_or("a device", String::as_str).to_owned()
        }
        "act" => act(&text),
        "proposed_by" => name(&named.people, text(hole)),
        "from" => text(hole).to_owned(),
        "more" => detail[hole].to_string(),
        "whose" if text("person").is_empty() => "with an unknown address".to_owned(),
        "whose" => format!("as {}", person("person")),
        "person" | "reader" | "about" => person(hole),
        unknown => format!("{{{unknown}}}"),
    })
}
