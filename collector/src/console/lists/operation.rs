//! A change to the lists, read from a form and said in words.

use super::levels;
use crate::console::form::{Fields, TEXT_MOST};
use crate::console::terms::{find, first_words};
use crate::console::words;
use crate::lists::Rules;
use pastoral_keywords::changes::{Operation, Over, TermName};
use pastoral_keywords::{Audience, REASON, Topic};
use std::collections::BTreeMap;

/// The change that somebody's form asks for; otherwise the field that is wrong, and how.
pub(super) fn read(fields: &Fields) -> Result<Operation, (&'static str, String)> {
    let term = || term(fields);
    // What stands in a list is as long as a list allows; it is said, and never cut.
    let most = match fields.trimmed("do") {
        "add-term" | "add-exception" => REASON,
        _ => TEXT_MOST,
    };
    let why = fields.text("reason", most).map_err(|fault| ("reason", fault))?;
    if why.is_empty() {
        return Err(("reason", "Say why.".to_owned()));
    }
    match fields.trimmed("do") {
        "add-term" => Ok(Operation::AddTerm {
            text: spellings(fields)?,
            topic: fields
                .trimmed("topic")
                .parse::<Topic>()
                .map_err(|_| ("topic", "Choose what it is about.".to_owned()))?,
            severity: severity(fields)?,
            reason: why,
        }),
        "add-exception" => Ok(Operation::AddException {
            phrase: fields.trimmed("phrase").to_owned(),
            over: match fields.trimmed("over") {
                "all" => Over::All,
                "list" => Over::List(term().list),
                _ => Over::Term(term()),
            },
            reason: why,
        }),
        "set-severity" => Ok(Operation::SetSeverity {
            term: term(),
            severity: severity(fields)?,
        }),
        "switch-off" => Ok(Operation::SwitchOff { term: term() }),
        "switch-on" => Ok(Operation::SwitchOn { term: term() }),
        _ => Err(("main", "Choose what to change.".to_owned())),
    }
}

/// The term that a form is about; an empty name where it is about none.
pub(super) fn term(fields: &Fields) -> TermName {
    TermName {
        list: fields.trimmed("list").to_owned(),
        id: fields.trimmed("term").to_owned(),
    }
}

/// Where on a term's page, which has a form for each sort of change, a field that is wrong stands.
pub(super) fn field_of_term(sort: &str, field: &'static str) -> &'static str {
    match (sort, field) {
        ("add-exception", "reason") => "reason-exception",
        ("add-exception", "main") => "phrase",
        ("set-severity", "reason") => "reason-severity",
        ("switch-off", "reason") => "reason-off",
        ("switch-on", "reason") => "reason-on",
        _ => field,
    }
}

fn spellings(fields: &Fields) -> Result<Vec<String>, (&'static str, String)> {
    let text = fields.text("text", TEXT_MOST).map_err(|fault| ("text", fault))?;
    let spellings: Vec<String> = text
        .lines()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    if spellings.is_empty() || spellings.len() > 40 {
        return Err((
            "text",
            "Write 1 to 40 words or phrases, one on each line.".to_owned(),
        ));
    }
    Ok(spellings)
}

fn severity(fields: &Fields) -> Result<BTreeMap<Audience, u8>, (&'static str, String)> {
    let mut severity = BTreeMap::new();
    for audience in Audience::ALL {
        let level = fields.trimmed(&format!("severity-{}", audience.code()));
        match level.parse::<u8>() {
            Ok(level @ 1..=5) => {
                severity.insert(*audience, level);
            }
            _ if level.is_empty() || level == "0" => {}
            _ => return Err(("severity", "Choose severities from 1 to 5.".to_owned())),
        }
    }
    if severity.is_empty() {
        return Err((
            "severity",
            "Choose a severity for one audience at least.".to_owned(),
        ));
    }
    Ok(severity)
}

pub(super) fn in_words(rules: &Rules, operation: &Operation) -> String {
    let named = |name: &TermName| {
        let words = find(rules, name).map_or_else(|| name.id.clone(), |(term, _)| first_words(term));
        format!("“{words}” (in {})", rules.title(&name.list))
    };
    match operation {
        Operation::AddTerm {
            text,
            topic,
            severity,
            ..
        } => format!(
            "Look for {} ({}; severity {})",
            text.iter()
                .map(|text| format!("“{text}”"))
                .collect::<Vec<_>>()
                .join(", "),
            topic.label(),
            said(severity)
        ),
        Operation::AddException { phrase, over, .. } => match over {
            Over::Term(term) => format!("Take “{phrase}” for harmless where {} stands in it", named(term)),
            Over::List(list) => {
                let title = rules.title(list);
                format!("Take “{phrase}” for harmless where any term of {title} stands in it")
            }
            Over::All => format!("Take “{phrase}” for harmless, whatever term stands in it"),
        },
        Operation::SetSeverity { term, severity } => {
            format!("Change the severity of {} to {}", named(term), said(severity))
        }
        Operation::SwitchOff { term } => format!("Stop looking for {}", named(term)),
        Operation::UseList {
            version,
            title,
            terms,
            ..
        } => format!(
            "Use the specialist list {title}, version {version}, {} (its words are not shown)",
            words::count(i64::try_from(*terms).unwrap_or(i64::MAX), "term")
        ),
        Operation::DropList { title, .. } => format!("Stop using the specialist list {title}"),
        Operation::SwitchOn { term } => format!("Look again for {}", named(term)),
    }
}

fn said(severity: &BTreeMap<Audience, u8>) -> String {
    levels(|audience| severity.get(&audience).copied())
}
