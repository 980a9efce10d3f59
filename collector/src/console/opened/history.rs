//! What was done with a concern, in sentences.

use super::opener::Opener;
use crate::codes::filled;
use crate::concerns::action::Action;
use crate::concerns::ending::Ending;
use crate::console::words::{self, Clock};
use crate::store::actions::ActionRow;
use serde_json::Value;

/// An entry of the history.
pub(in crate::console) struct Entry {
    pub(in crate::console) when: String,
    pub(in crate::console) sentence: String,
    pub(in crate::console) words: String,
    pub(in crate::console) undone: bool,
}

/// An action in words. `name_of` says who somebody is.
pub(in crate::console) fn entry(
    action: &ActionRow,
    opener: &Opener<'_>,
    clock: &Clock,
    viewer: &str,
    name_of: &impl Fn(&str) -> String,
) -> Entry {
    let by = match &action.by_name {
        _ if action.by_id == viewer => "You".to_owned(),
        Some(name) => name.clone(),
        None => "Pastoral".to_owned(),
    };
    let detail: Value = serde_json::from_str(&action.detail).unwrap_or(Value::Null);
    let sealed = action.sealed.is_some();
    let words = opener.words(action);
    Entry {
        when: clock.exactly(&action.at),
        sentence: format!("{by} {}.", did(action.action, &detail, name_of)),
        words: match words {
            Some(words) => words,
            None if sealed => "Your key does not open what was written.".to_owned(),
            None => String::new(),
        },
        undone: action.undone_by.is_some(),
    }
}

/// What was done, in a sentence; where its words alone would not say how, by its details.
fn did(action: Action, detail: &Value, name_of: &impl Fn(&str) -> String) -> String {
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
    let count = |key: &str, what| {
        let count = detail.get(key).and_then(Value::as_i64).filter(|count| *count > 0);
        count.map(|count| words::count(count, what))
    };
    let has = |key: &str| detail.get(key).is_some();
    let words = match action {
        Action::Category if text("code").is_empty() => "confirmed that it has no category",
        Action::Closed if has("second") => "agreed, and it was closed: {outcome}",
        Action::Parents if detail.get("told") == Some(&Value::Bool(true)) => {
            "recorded that parents or carers were told"
        }
        Action::Identified if has("account") => "said whose account this is: {person}",
        Action::HandedOver if text("child").is_empty() => {
            "handed it over as what a child disclosed; it was not known which child"
        }
        action => action.words(),
    };
    filled(words, |hole| match hole {
        "outcome" => words::ended(Ending::from_code(text(hole))).to_owned(),
        "code" => text(hole).to_owned(),
        "days" => count(hole, "day").unwrap_or_else(|| "1 day".to_owned()),
        "wrong" if text("from").is_empty() => String::new(),
        "wrong" => format!(", not {}", name_of(text("from"))),
        "moved" => count("flags", "flag").map_or_else(String::new, |flags| format!(", and moved {flags}")),
        "left" => count(hole, "flag").map_or_else(String::new, |left| {
            format!(
                "; {left} could not be opened with their keys and must be moved by somebody whose keys do"
            )
        }),
        "to" | "person" | "child" => name_of(text(hole)),
        unknown => format!("{{{unknown}}}"),
    })
}
