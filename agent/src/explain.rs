//! What a text would raise and why: the answer of `explain`, for root only.

use crate::rules::Rules;
use pastoral_keywords::{Audience, Found, Source, Text};
use serde::{Deserialize, Serialize};

/// What is said of a text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Explanation {
    /// Whether it would be flagged.
    pub flagged: bool,
    pub audience: String,
    pub source: String,
    /// What matches, the winner first.
    pub found: Vec<Line>,
    /// Exceptions that stand in the text, and terms that are not for this audience or source, in words.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The part of the text.
    pub matched: String,
    /// The term as the list writes it.
    pub term: String,
    /// Its identity in the list.
    pub term_id: String,
    /// The list and its version.
    pub list: String,
    pub topic: String,
    /// For this audience and source.
    pub severity: u8,
    /// How the text was looked at.
    pub view: String,
    pub reason: String,
}

/// Explains a text by the rules in force. An empty audience is the one of unknown accounts, an empty source a search.
pub(crate) fn explain(
    rules: &Rules,
    text: &str,
    audience: &str,
    source: &str,
) -> Result<Explanation, String> {
    let audience: Audience = match audience {
        "" => rules.unknown_audience,
        code => code
            .parse()
            .map_err(|error: pastoral_keywords::UnknownCode| error.to_string())?,
    };
    let source: Source = match source {
        "" => Source::Search,
        code => code
            .parse()
            .map_err(|error: pastoral_keywords::UnknownCode| error.to_string())?,
    };
    let explained = rules.engine.explain(&Text {
        text,
        source,
        provenance: source.provenance(),
        audience,
    });
    let exceptions = explained.exceptions.iter().map(|exception| {
        let covers = if exception.covers.is_empty() {
            "nothing here".into()
        } else {
            exception.covers.join(", ")
        };
        format!(
            "the exception `{}` covers {covers}: {}",
            exception.exception, exception.reason
        )
    });
    let not_applied = explained
        .not_applied
        .iter()
        .map(|term| format!("`{}` is {}", term.term, term.why));
    Ok(Explanation {
        flagged: !explained.found.is_empty(),
        audience: audience.code().into(),
        source: source.code().into(),
        found: explained.found.iter().map(|found| line(text, found)).collect(),
        notes: exceptions.chain(not_applied).collect(),
    })
}

fn line(text: &str, found: &Found) -> Line {
    let note = found
        .severity_note
        .as_ref()
        .map(|note| format!(" ({note})"))
        .unwrap_or_default();
    let (matched, term) = if found.confidential {
        ("", "a term of a specialist list, whose words are not shown")
    } else {
        (
            text.get(found.span.clone()).unwrap_or_default(),
            found.term.as_str(),
        )
    };
    Line {
        matched: matched.into(),
        term: term.into(),
        term_id: found.term_id.clone(),
        list: format!("{} {}", found.list_id, found.list_version),
        topic: found.topic.code().into(),
        severity: found.severity.get(),
        view: found.view.code().into(),
        reason: format!("{}{note}", found.reason),
    }
}
