//! The audit log: who looked at what and changed what. Entries of a concern only for who may see it.

use super::answer::{Failure, show};
use super::page::Page;
use super::who::SignedIn;
use super::{Console, deeds};
use crate::chain::number;
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

/// The page.
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
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    let place = ((number - 1) * SHOWN, SHOWN + 1);
    let mut found = overview::audit_log(store, school_id, who.id(), place).await?;
    let more = i64::try_from(found.len()).is_ok_and(|found| found > SHOWN);
    found.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));
    let page = console.page(&who, "Audit log", "/audit").await?;
    let people = overview::everybody(store, school_id).await?;
    let named = Named {
        devices: told_apart(&devices::list(store, school_id).await?),
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
    let sent = audit::sent_heads(console.app.store.read(), &console.app.school_id, HEADS_SHOWN).await?;
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
        Some(person) if is_reader || person.role != "pupil" => person.name.clone(),
        _ => "somebody".to_owned(),
    };
    let duty = || Duty::from_code(text("duty")).map_or("a duty", Duty::words);
    let device = named.devices.get(text("device_id"));
    let device = device.map_or("a device", String::as_str);
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
    match entry.action.as_str() {
        "signed-in" if detail["recovery_code"] == Value::Bool(true) => {
            "signed in with a recovery code".to_owned()
        }
        "sign-in-refused" => {
            let whose = match text("person") {
                "" => "with an unknown address".to_owned(),
                _ => format!("as {}", person("person")),
            };
            match detail["more"].as_u64() {
                None | Some(0) => format!("refused a sign-in {whose}"),
                Some(more) => format!("refused a sign-in {whose}, and {more} before it that are not listed"),
            }
        }
        "sign-in-siege" => format!(
            "told {} that others try again and again to sign in as them, from {}",
            person("person"),
            text("from")
        ),
        "joined" if detail["reset"] == Value::Bool(true) => {
            "reset their sign-in with the link sent for it".to_owned()
        }
        "joined" => "set up their sign-in".to_owned(),
        "invited" => format!("made a link for {} as {}", person("person"), duty()),
        "access-asked" => format!("found another name, address or role for {}", person("person")),
        "access-proposed" => format!("proposed {} for {}", act(&text), person("person")),
        "access-agreed" => format!(
            "agreed to {} for {}, which {} had proposed",
            act(&text),
            person("person"),
            name(&named.people, text("proposed_by"))
        ),
        "access-withdrawn" => format!(
            "withdrew their proposal of {} for {}",
            act(&text),
            person("person")
        ),
        "access-refused" => format!("refused {} for {}", act(&text), person("person")),
        "keys-given" => format!("gave {} keys that they waited for", person("person")),
        "own-key" if detail["key"].is_null() => {
            "signed in with another key than the one recorded of them: nothing is sealed to them until their sign-in is reset".to_owned()
        }
        "own-key" => "has a key of their own, which is recorded here".to_owned(),
        "link-code-wrong" => format!("refused a wrong code with the link for {}", person("person")),
        "link-stopped" => format!("stopped the link for {}", person("person")),
        "duty-ended" => format!("ended the access of {} as {}", person("person"), duty()),
        "conflict-recorded" | "conflict-agreed" | "conflict-lapsed" | "conflict-ended" if !may_know() => {
            "changed who is kept out of what".to_owned()
        }
        "conflict-agreed" => format!(
            "agreed that {} is kept out of what concerns {}",
            person("reader"),
            person("about")
        ),
        "conflict-lapsed" => format!(
            "ended that {} is kept out of what concerns {}, because nobody agreed in time",
            person("reader"),
            person("about")
        ),
        "conflict-recorded" => format!(
            "kept {} out of what concerns {}",
            person("reader"),
            person("about")
        ),
        "conflict-ended" => format!(
            "ended that {} is kept out of what concerns {}",
            person("reader"),
            person("about")
        ),
        "user-disabled" => format!("ended the sign-in and every duty of {}", person("person")),
        "recovery-copy-used" => format!(
            "used a recovery sheet for the access of {}",
            person("person")
        ),
        action => deeds::with_concern(action)
            .or_else(|| deeds::plain(action))
            .map(str::to_owned)
            .or_else(|| deeds::with_device(action, device))
            .unwrap_or_else(|| "did something that this version has no words for".to_owned()),
    }
}
