//! What is only written down.

use crate::concerns::action::Action;
use crate::console::answer::Failure;
use crate::console::concern::doing::{Doing, Outcome};
use crate::console::concern::facts::has_parents;
use crate::console::said::Done;
use serde_json::json;

pub(in crate::console::concern) async fn note(
    doing: &mut Doing<'_>,
    words: &str,
) -> Result<Outcome, Failure> {
    if words.is_empty() {
        return Ok(Outcome::Fault("note-words", "Write the note first."));
    }
    doing.touch().await?;
    doing.record(Action::Note, json!({}), words).await?;
    Ok(Outcome::Done(Done::Noted))
}

pub(in crate::console::concern) async fn parents(
    doing: &mut Doing<'_>,
    told: &str,
    words: &str,
) -> Result<Outcome, Failure> {
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
        .record(Action::Parents, json!({ "told": told == "yes" }), words)
        .await?;
    Ok(Outcome::Done(Done::Parents))
}

pub(in crate::console::concern) async fn show(
    doing: &mut Doing<'_>,
    words: &str,
) -> Result<Outcome, Failure> {
    if words.is_empty() {
        return Ok(Outcome::Fault(
            "show-words",
            "Write first why you must see it before the person is known.",
        ));
    }
    doing.touch().await?;
    doing.record(Action::Shown, json!({}), words).await?;
    Ok(Outcome::Done(Done::Shown))
}
