//! What a school adds, as the file it would be in, so that it is checked by the same rules.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{NotPossible, SCHOOL};
use crate::{Audience, KeywordList, Topic};

/// A list with one term.
pub(super) fn term(
    text: &[String],
    topic: Topic,
    severity: &BTreeMap<Audience, u8>,
    reason: &str,
) -> Result<KeywordList, NotPossible> {
    parsed(&Document {
        term: vec![DocumentTerm {
            text,
            topic,
            severity,
            reason,
        }],
        ..Document::default()
    })
}

/// A list with one exception.
pub(super) fn exception(text: &str, reason: &str) -> Result<KeywordList, NotPossible> {
    parsed(&Document {
        exception: vec![DocumentException { text, reason }],
        ..Document::default()
    })
}

#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    version: u32,
    title: &'a str,
    language: &'a str,
    author: &'a str,
    date: toml::value::Datetime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    term: Vec<DocumentTerm<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exception: Vec<DocumentException<'a>>,
}

#[derive(Serialize)]
struct DocumentTerm<'a> {
    text: &'a [String],
    topic: Topic,
    severity: &'a BTreeMap<Audience, u8>,
    reason: &'a str,
}

#[derive(Serialize)]
struct DocumentException<'a> {
    text: &'a str,
    reason: &'a str,
}

impl Default for Document<'_> {
    fn default() -> Self {
        Self {
            id: SCHOOL,
            version: 1,
            title: "s",
            language: "en",
            author: "s",
            date: toml::value::Datetime {
                date: Some(toml::value::Date {
                    year: 2000,
                    month: 1,
                    day: 1,
                }),
                time: None,
                offset: None,
            },
            term: Vec::new(),
            exception: Vec::new(),
        }
    }
}

fn parsed(document: &Document<'_>) -> Result<KeywordList, NotPossible> {
    let unsound = |fault: String, instead: String| NotPossible::Unsound { fault, instead };
    let toml = toml::to_string(document)
        .map_err(|error| unsound(error.to_string(), "plain words and numbers".into()))?;
    KeywordList::parse(&toml, SCHOOL).map_err(|error| unsound(error.fault, error.instead))
}
