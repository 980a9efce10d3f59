//! What was done with a concern, in sentences.

use super::opener::Opener;
use crate::console::words::{self, Clock, outcome};
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
        sentence: format!("{by} {}.", did(&action.action, &detail, name_of)),
        words: match words {
            Some(words) => words,
            None if sealed => "Your key does not open what was written.".to_owned(),
            None => String::new(),
        },
        undone: action.undone_by.is_some(),
    }
}

fn reassigned(detail: &Value, name_of: &impl Fn(&str) -> String) -> String {
    let person = |key: &str| detail.get(key).and_then(Value::as_str);
    let count = |key: &str| detail.get(key).and_then(Value::as_i64).unwrap_or_default();
    let to = name_of(person("to").unwrap_or_default());
    let wrong = person("from").map_or_else(String::new, |from| format!(", not {}", name_of(from)));
    let moved = match count("flags") {
        0 => String::new(),
        flags => format!(", and moved {}", words::count(flags, "flag")),
    };
    let left = match count("left") {
        0 => String::new(),
        left => format!(
            "; {} could not be opened with their keys and must be moved by somebody whose keys do",
            words::count(left, "flag")
        ),
    };
    format!("corrected whose it is: {to}{wrong}{moved}{left}")
}

fn did(action: &str, detail: &Value, name_of: &impl Fn(&str) -> String) -> String {
    let text = |key: &str| detail.get(key).and_then(Value::as_str).unwrap_or_default();
    match action {
        "recorded" => "recorded this concern by hand".to_owned(),
        "acknowledged" => "acknowledged it".to_owned(),
        "note" => "wrote a note".to_owned(),
        "warned" => "recorded a warning to the person".to_owned(),
        "passed-on" => format!("passed it on to {}", name_of(text("to"))),
        "escalated" => "had the next person told at once".to_owned(),
        "category" if text("code").is_empty() => "confirmed that it has no category".to_owned(),
        "category" => format!("confirmed category {}", text("code")),
        "close-proposed" => format!("proposed to close it: {}", outcome(text("outcome"))),
        "close-refused" => "did not agree that it is closed".to_owned(),
        "closed" if detail.get("second").is_some() => {
            format!("agreed, and it was closed: {}", outcome(text("outcome")))
        }
        "closed" => format!("closed it: {}", outcome(text("outcome"))),
        "false-alarm" => "marked a flag as a false alarm".to_owned(),
        "not-false-alarm" => "took back that a flag was a false alarm".to_owned(),
        "reopened" => "opened it again".to_owned(),
        "review-set" => format!(
            "will look at it again in {}",
            words::count(detail.get("days").and_then(Value::as_i64).unwrap_or(1), "day")
        ),
        "review-missed" => "had no answer how it stands, and told the next person".to_owned(),
        "parents" if detail.get("told") == Some(&Value::Bool(true)) => {
            "recorded that parents or carers were told".to_owned()
        }
        "parents" => "recorded why parents or carers were not told".to_owned(),
        "identified" if detail.get("account").is_some() => {
            format!("said whose account this is: {}", name_of(text("person")))
        }
        "identified" => format!("said who it is about: {}", name_of(text("person"))),
        "reassigned" => reassigned(detail, name_of),
        "shown" => "looked at what was seen before the person was known, and said why".to_owned(),
        "handed-over" if text("child").is_empty() => {
            "handed it over as what a child disclosed; it was not known which child".to_owned()
        }
        "handed-over" => format!(
            "handed it over as what a child disclosed: {}",
            name_of(text("child"))
        ),
        "safe-opened" => "opened it out of the school safe, and said why".to_owned(),
        "safe-given" => "gave it out of the school safe to those who may read it".to_owned(),
        "owner-lost" => {
            "found that whoever dealt with it may not see it any more, so that it is new".to_owned()
        }
        "added" => "added what else happened, by hand".to_owned(),
        "undone" => "undid the step before".to_owned(),
        _ => "did something that this version has no words for".to_owned(),
    }
}
