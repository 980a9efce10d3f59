//! What a reader can do with a concern. Every form carries the version of the concern it was made from; one that is
//! out of date changes nothing and shows what did.

use super::super::Console;
use super::super::conduct::{self, Conduct};
use super::super::page::{Failure, go};
use super::super::who::{Fields, SignedIn, TEXT_MOST};
use super::doing::Doing;
use super::facts::has_parents;
use super::view::{self, Typed};
use super::{closing, hand_over, identify, undoing};
use crate::concerns::model::PersonId;
use crate::profile::REVIEW_MOST_DAYS;
use crate::store::actions::{self, Standing};
use crate::store::people::Directory;
use crate::store::queue::Summary;
use crate::store::{category, escalation, false_alarms, flags, reviews};
use axum::extract::{Path, State};
use axum::response::Response;
use pastoral_keywords::Severity;
use serde_json::json;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What came of an action.
pub(in super::super) enum Outcome {
    /// Done; the code of what to say. The viewer may not see the concern any more.
    Done(&'static str),
    /// Not done: the field and what is wrong with it.
    Fault(&'static str, &'static str),
}

/// A form of a concern's page.
pub(in super::super) async fn act(
    State(console): State<Console>,
    who: SignedIn,
    Path((concern_id, action)): Path<(String, String)>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut doing = Doing::begin(&console, &who, &concern_id).await?;
    let words = fields.text("words", TEXT_MOST);
    let version: i64 = fields.trimmed("version").parse().map_err(|_| Failure::BadForm)?;
    let page = fields.trimmed("page").parse::<i64>().unwrap_or(1);
    let typed = |field| Typed {
        action: action.clone(),
        fields: fields.clone(),
        field,
        page,
        ..Typed::default()
    };
    if version != doing.concern.changed_at {
        drop(doing);
        return view::stale(&console, &who, &concern_id, version, typed("stale")).await;
    }
    let words = match words {
        Ok(words) => words,
        Err(fault) => {
            drop(doing);
            let field = words_of(&action);
            return view::again(&console, &who, &concern_id, typed(field), &fault).await;
        }
    };
    let meant = match conduct(&mut doing, &words, &fields).await? {
        Conduct::Meant(meant) => meant,
        Conduct::Asked(colleagues) => {
            drop(doing);
            let to = format!("/concerns/{concern_id}/{action}");
            return conduct::ask(&console, &who, to, &words, &fields, colleagues).await;
        }
    };
    match perform(&mut doing, &action, &fields, &words).await? {
        Outcome::Done(mut said) => {
            if !meant.is_empty() {
                keep_out(&mut doing, &meant).await?;
                said = "conduct";
            }
            let Some(now) = doing.finish().await? else {
                return Ok(go(&format!("/queue?done={said}")));
            };
            // What was hidden until now is a look of its own.
            if action != "show" {
                who.session.acted(&concern_id, version, now);
            }
            let page = if page > 1 {
                format!("page={page}&")
            } else {
                String::new()
            };
            Ok(go(&format!("/concerns/{concern_id}?{page}done={said}")))
        }
        Outcome::Fault(field, fault) => {
            drop(doing);
            view::again(&console, &who, &concern_id, typed(field), fault).await
        }
    }
}

/// Whether the words are about what a reader did.
async fn conduct(doing: &mut Doing<'_>, words: &str, fields: &Fields) -> Result<Conduct, Failure> {
    if words.is_empty() {
        return Ok(Conduct::Meant(Vec::new()));
    }
    let school_id = doing.school_id();
    let directory = Directory::load(&mut doing.tx, school_id, &doing.telling.profile).await?;
    let about = doing
        .concern
        .person
        .as_ref()
        .map(|person| person.person_id.as_str());
    Ok(conduct::of(&directory, doing.who, about, words, fields))
}

/// They are kept out of what concerns the person, or of this concern while nobody knows who that is.
async fn keep_out(doing: &mut Doing<'_>, meant: &[PersonId]) -> Result<(), Failure> {
    let person = doing
        .concern
        .person
        .as_ref()
        .map(|person| person.person_id.clone());
    let about = person.unwrap_or_else(|| doing.concern.concern_id.clone());
    let (console, who) = (doing.console, doing.who);
    conduct::keep_out_of(console, &mut doing.tx, &doing.telling, who, &about, meant).await
}

/// The element in which the words of a form are written.
fn words_of(action: &str) -> &'static str {
    match action {
        "note" => "note-words",
        "warn" => "warn-words",
        "pass-on" => "pass-on-words",
        "close" => "close-words",
        "refuse" => "refuse-words",
        "reopen" => "reopen-words",
        "parents" => "parents-words",
        "show" => "show-words",
        "hand-over" => "hand-over-words",
        _ => "stale",
    }
}

async fn perform(
    doing: &mut Doing<'_>,
    action: &str,
    fields: &Fields,
    words: &str,
) -> Result<Outcome, Failure> {
    if doing.before.state == "closed" && !matches!(action, "reopen" | "note" | "parents" | "undo" | "show") {
        return Ok(Outcome::Fault("stale", "It is closed. Open it again first."));
    }
    match action {
        "acknowledge" => acknowledge(doing).await,
        "note" => note(doing, words).await,
        "warn" => warn(doing, words).await,
        "category" => confirm_category(doing, fields.trimmed("code")).await,
        "pass-on" => pass_on(doing, fields.trimmed("to"), words).await,
        "escalate" => escalate(doing).await,
        "close" => closing::close(doing, fields.trimmed("outcome"), words).await,
        "agree" => closing::agree(doing).await,
        "refuse" => closing::refuse(doing, words).await,
        "false-alarm" => false_alarm(doing, fields).await,
        "review" => review(doing, fields.trimmed("days")).await,
        "reopen" => closing::reopen(doing, words).await,
        "parents" => parents(doing, fields.trimmed("told"), words).await,
        "show" => show(doing, words).await,
        "undo" => undoing::undo(doing).await,
        "identify" => identify::identify(doing, fields.trimmed("person")).await,
        "hand-over" => hand_over::hand_over(doing, fields.trimmed("child"), words).await,
        _ => Err(Failure::NotFound),
    }
}

async fn acknowledge(doing: &mut Doing<'_>) -> Result<Outcome, Failure> {
    let new = Standing {
        state: "acknowledged".to_owned(),
        owner_id: Some(doing.who.id().to_owned()),
        acknowledged_at: Some(doing.now),
        next_due_at: None,
        ..doing.before.clone()
    };
    doing.change("acknowledged", new, json!({}), "").await?;
    answered(doing).await?;
    Ok(Outcome::Done("acknowledged"))
}

async fn note(doing: &mut Doing<'_>, words: &str) -> Result<Outcome, Failure> {
    if words.is_empty() {
        return Ok(Outcome::Fault("note-words", "Write the note first."));
    }
    doing.touch().await?;
    doing.record("note", json!({}), words).await?;
    Ok(Outcome::Done("noted"))
}

async fn warn(doing: &mut Doing<'_>, words: &str) -> Result<Outcome, Failure> {
    let Some(person) = doing.concern.person.clone() else {
        return Err(Failure::BadForm);
    };
    // P22: nobody is warned for being at risk.
    if doing.concern.kind.is_welfare() {
        return Err(Failure::BadForm);
    }
    if words.is_empty() {
        return Ok(Outcome::Fault(
            "warn-words",
            "Write what the warning was, and who gave it.",
        ));
    }
    let kind = doing.concern.kind;
    doing.touch().await?;
    let action_id = doing.record("warned", json!({}), words).await?;
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let of = (person.person_id.as_str(), kind);
    actions::add_warning(&mut doing.tx, school_id, of, &concern_id, action_id, doing.now).await?;
    repropose(doing).await?;
    Ok(Outcome::Done("warned"))
}

async fn confirm_category(doing: &mut Doing<'_>, code: &str) -> Result<Outcome, Failure> {
    let kind = doing.concern.kind;
    let is_pupil = doing
        .concern
        .person
        .as_ref()
        .is_none_or(|person| person.role == "pupil");
    let ladder = doing.telling.profile.ladders.for_subject(is_pupil);
    // P22: a concern for somebody's welfare never has one.
    let known = ladder.iter().any(|rung| rung.code.to_string() == code) && !kind.is_welfare();
    if !known && !code.is_empty() {
        return Ok(Outcome::Fault("category-code", "Choose a category."));
    }
    let confirmed = (!code.is_empty()).then(|| code.to_owned());
    let new = Standing {
        category_confirmed: confirmed,
        ..doing.before.clone()
    };
    doing.change("category", new, json!({ "code": code }), "").await?;
    Ok(Outcome::Done("category"))
}

async fn pass_on(doing: &mut Doing<'_>, to: &str, words: &str) -> Result<Outcome, Failure> {
    let concern_id = doing.concern.concern_id.clone();
    if to == doing.who.id()
        || !escalation::pass_on(&mut doing.tx, &doing.telling, &concern_id, to, doing.now).await?
    {
        return Ok(Outcome::Fault("pass-on-to", "Choose who should take it on."));
    }
    let severity = u8::try_from(doing.concern.highest_severity())
        .ok()
        .and_then(|number| Severity::try_from(number).ok());
    let wait = doing
        .telling
        .profile
        .plan(severity.unwrap_or(Severity::MAX))
        .next_after_ms;
    let new = Standing {
        state: "new".to_owned(),
        owner_id: Some(to.to_owned()),
        acknowledged_at: None,
        next_due_at: Some(doing.now + wait),
        close_proposed_by: None,
        outcome: None,
        ..doing.before.clone()
    };
    doing.change("passed-on", new, json!({ "to": to }), words).await?;
    Ok(Outcome::Done("passed-on"))
}

async fn escalate(doing: &mut Doing<'_>) -> Result<Outcome, Failure> {
    if doing.before.state != "new" {
        return Ok(Outcome::Fault(
            "stale",
            "Somebody deals with it already. Pass it on instead.",
        ));
    }
    let concern_id = doing.concern.concern_id.clone();
    escalation::escalate_now(&mut doing.tx, &doing.telling, &concern_id, doing.now).await?;
    doing.touch().await?;
    doing.record("escalated", json!({}), "").await?;
    Ok(Outcome::Done("escalated"))
}

async fn false_alarm(doing: &mut Doing<'_>, fields: &Fields) -> Result<Outcome, Failure> {
    let place = fields
        .trimmed("flag")
        .parse::<i64>()
        .ok()
        .filter(|place| *place > 0);
    let place = place.ok_or(Failure::BadForm)?;
    let is = fields.trimmed("is") == "yes";
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let flag = flags::at(&mut doing.tx, school_id, &concern_id, place).await?;
    let flag_id = flag.ok_or(Failure::NotFound)?;
    let flags = flags::set_false_alarm(&mut doing.tx, school_id, &concern_id, Some(flag_id), is).await?;
    if flags.is_empty() {
        return Err(Failure::NotFound);
    }
    doing.touch().await?;
    let action = if is { "false-alarm" } else { "not-false-alarm" };
    doing.record(action, json!({ "flags": flags }), "").await?;
    repropose(doing).await?;
    marked(doing).await?;
    Ok(Outcome::Done("false-alarm"))
}

/// Its owner says when they want to be asked how it stands.
async fn review(doing: &mut Doing<'_>, days: &str) -> Result<Outcome, Failure> {
    if doing.before.owner_id.as_deref() != Some(doing.who.id()) || doing.before.state != "acknowledged" {
        return Ok(Outcome::Fault(
            "stale",
            "Only who is dealing with it sets its review date.",
        ));
    }
    let days = days
        .parse()
        .ok()
        .filter(|days| review_days(&doing.concern).contains(days));
    let Some(days) = days else {
        return Ok(Outcome::Fault("review-days", "Choose when you want to be asked."));
    };
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let at = doing.now + i64::from(days) * DAY_MS;
    reviews::set(&mut doing.tx, school_id, &concern_id, Some(at), doing.now).await?;
    doing.touch().await?;
    doing.record("review-set", json!({ "days": days }), "").await?;
    Ok(Outcome::Done("review-set"))
}

/// In how many days the owner of a concern may choose to be asked: by the highest severity that it ever had.
pub(super) fn review_days(concern: &Summary) -> Vec<u32> {
    let at = usize::try_from(concern.highest_severity().clamp(1, 5) - 1).unwrap_or_default();
    let most = REVIEW_MOST_DAYS[at];
    [1, 2, 7, 14, 30, 90]
        .into_iter()
        .filter(|days| *days <= most)
        .collect()
}

async fn parents(doing: &mut Doing<'_>, told: &str, words: &str) -> Result<Outcome, Failure> {
    if !has_parents(&doing.concern) {
        return Err(Failure::BadForm);
    }
    if !matches!(told, "yes" | "no") {
        return Ok(Outcome::Fault("parents-told", "Choose whether they were told."));
    }
    if words.is_empty() {
        return Ok(Outcome::Fault(
            "parents-words",
            "Write who told them and when, or why they were not told.",
        ));
    }
    doing.touch().await?;
    doing
        .record("parents", json!({ "told": told == "yes" }), words)
        .await?;
    Ok(Outcome::Done("parents"))
}

async fn show(doing: &mut Doing<'_>, words: &str) -> Result<Outcome, Failure> {
    if words.is_empty() {
        return Ok(Outcome::Fault(
            "show-words",
            "Write first why you must see it before the person is known.",
        ));
    }
    doing.touch().await?;
    doing.record("shown", json!({}), words).await?;
    Ok(Outcome::Done("shown"))
}

/// Somebody is on it: nobody else is told.
pub(super) async fn answered(doing: &mut Doing<'_>) -> Result<(), Failure> {
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    Ok(escalation::answered(&mut doing.tx, school_id, &concern_id).await?)
}

/// Severity and timers follow what is marked as a false alarm.
pub(super) async fn marked(doing: &mut Doing<'_>) -> Result<(), Failure> {
    let (by, concern_id) = (doing.who.id(), doing.concern.concern_id.clone());
    Ok(false_alarms::settle(&mut doing.tx, &doing.telling, &concern_id, by, doing.now).await?)
}

pub(super) async fn repropose(doing: &mut Doing<'_>) -> Result<(), Failure> {
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let profile = doing.telling.profile.clone();
    Ok(category::repropose(&mut doing.tx, &profile, school_id, &concern_id).await?)
}
