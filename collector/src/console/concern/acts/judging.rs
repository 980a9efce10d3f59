//! What it is: its category, a warning, a false alarm.

use crate::concerns::action::Action;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome};
use crate::console::form::Fields;
use crate::console::said::Done;
use crate::store::{actions, flags};
use serde_json::json;

pub(in crate::console::concern) async fn warn(
    doing: &mut Doing<'_>,
    words: &str,
) -> Result<Outcome, Failure> {
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
    let action_id = doing.record(Action::Warned, json!({}), words).await?;
    let (school_id, concern_id) = (doing.school_id(), doing.concern.concern_id.clone());
    let of = (person.person_id.as_str(), kind);
    actions::add_warning(&mut doing.tx, school_id, of, &concern_id, action_id, doing.now).await?;
    doing.repropose().await?;
    Ok(Outcome::Done(Done::Warned))
}

pub(in crate::console::concern) async fn confirm_category(
    doing: &mut Doing<'_>,
    code: &str,
) -> Result<Outcome, Failure> {
    let kind = doing.concern.kind;
    let is_pupil = doing
        .concern
        .person
        .as_ref()
        .is_none_or(|person| person.role.is_pupil());
    let ladder = doing.telling.profile.ladders.for_subject(is_pupil);
    // P22: a concern for somebody's welfare never has one.
    let known = ladder.iter().any(|rung| rung.code.to_string() == code) && !kind.is_welfare();
    if !known && !code.is_empty() {
        return Ok(Outcome::Fault("category-code", "Choose a category."));
    }
    let confirmed = (!code.is_empty()).then(|| code.to_owned());
    let new = actions::ConcernStanding {
        category_confirmed: confirmed,
        ..doing.before.clone()
    };
    doing
        .change(Action::Category, new, json!({ "code": code }), "")
        .await?;
    Ok(Outcome::Done(Done::Category))
}

pub(in crate::console::concern) async fn false_alarm(
    doing: &mut Doing<'_>,
    fields: &Fields,
) -> Result<Outcome, Failure> {
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
    let action = if is {
        Action::FalseAlarm
    } else {
        Action::NotFalseAlarm
    };
    doing.record(action, json!({ "flags": flags }), "").await?;
    doing.repropose().await?;
    doing.marked().await?;
    Ok(Outcome::Done(Done::FalseAlarm))
}
