//! A change to the lists, read from a form and said in words.

use crate::console::who::Fields;
use pastoral_keywords::changes::{Operation, Over, TermName};
use pastoral_keywords::{Audience, Topic};
use std::collections::BTreeMap;

/// The change that somebody's form asks for; otherwise the field that is wrong, and how.
pub(super) fn read(fields: &Fields) -> Result<Operation, (&'static str, String)> {
    let term = || TermName {
        list: fields.trimmed("list").to_owned(),
        id: fields.trimmed("term").to_owned(),
    };
    let why = fields.text("reason").filter(|reason| !reason.is_empty());
    let why = why.ok_or(("reason", "Say why, in at most 4,000 characters.".to_owned()))?;
    match fields.trimmed("do") {
        "add-term" => Ok(Operation::AddTerm {
            text: spellings(fields)?,
            topic: fields
                .trimmed("topic")
                .parse::<Topic>()
                .map_err(|_| ("topic", "Choose what it is about.".to_owned()))?,
            severity: severity(fields)?,
            reason: why.chars().take(400).collect(),
        }),
        "add-exception" => Ok(Operation::AddException {
            phrase: fields.trimmed("phrase").to_owned(),
            over: match fields.trimmed("over") {
                "all" => Over::All,
                "list" => Over::List(term().list),
                _ => Over::Term(term()),
            },
            reason: why.chars().take(400).collect(),
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

fn spellings(fields: &Fields) -> Result<Vec<String>, (&'static str, String)> {
    let text = fields.text("text").unwrap_or_default();
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

/// What a change does, in words.
pub(super) fn in_words(operation: &Operation) -> String {
    let named = |term: &TermName| format!("“{}” of the list {}", term.id, term.list);
    match operation {
        Operation::AddTerm {
            text,
            topic,
            severity,
            ..
        } => format!(
            "Look for {} ({}; {})",
            text.iter()
                .map(|text| format!("“{text}”"))
                .collect::<Vec<_>>()
                .join(", "),
            topic.label(),
            levels(severity)
        ),
        Operation::AddException { phrase, over, .. } => match over {
            Over::Term(term) => format!(
                "Take “{phrase}” for harmless where the term {} stands in it",
                named(term)
            ),
            Over::List(list) => {
                format!("Take “{phrase}” for harmless where any term of the list {list} stands in it")
            }
            Over::All => format!("Take “{phrase}” for harmless, whatever term stands in it"),
        },
        Operation::SetSeverity { term, severity } => {
            format!("Take the term {} as: {}", named(term), levels(severity))
        }
        Operation::SwitchOff { term } => format!("Look no more for the term {}", named(term)),
        Operation::UseList {
            version,
            title,
            terms,
            ..
        } => format!(
            "Use the specialist list {title}, version {version}, {terms} terms (its words are not shown)"
        ),
        Operation::DropList { title, .. } => format!("Use the specialist list {title} no more"),
        Operation::SwitchOn { term } => format!("Look again for the term {}", named(term)),
    }
}

fn levels(severity: &BTreeMap<Audience, u8>) -> String {
    let level = |(audience, level): (&Audience, &u8)| format!("{} {level}", audience.label());
    severity.iter().map(level).collect::<Vec<_>>().join(", ")
}
