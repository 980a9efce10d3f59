//! What is wrong with a list: where, what, and what to write instead.

use std::ops::Range;

/// A fault in a keyword list, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {fault}; write instead: {instead}")]
pub struct ListError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub fault: String,
    /// What to write instead.
    pub instead: String,
}

/// Turns places in one file into faults with lines.
pub(crate) struct Faults<'a> {
    file: &'a str,
    /// Where each line but the first begins.
    lines: Vec<usize>,
    found: Vec<ListError>,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(toml: &'a str, file: &'a str) -> Self {
        Self {
            file,
            lines: toml.match_indices('\n').map(|(at, _)| at + 1).collect(),
            found: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, at: &Range<usize>, fault: impl Into<String>, instead: impl Into<String>) {
        self.add_at(self.line(at.start), fault, instead);
    }

    pub(crate) fn add_at(&mut self, line: usize, fault: impl Into<String>, instead: impl Into<String>) {
        let file = self.file.to_owned();
        self.found.push(ListError {
            file,
            line,
            fault: fault.into(),
            instead: instead.into(),
        });
    }

    /// A fault that the TOML reader found, in its own words, with what to write instead worked out from them.
    pub(crate) fn add_toml(&mut self, error: &toml::de::Error) {
        let message = error.message();
        let (fault, instead) = match message.split_once("; use one of: ") {
            Some((fault, known)) => (fault, format!("one of {known}")),
            None => (message, instead_of(message)),
        };
        let fault = fault.lines().collect::<Vec<_>>().join(", ");
        self.add(&error.span().unwrap_or(0..0), fault, instead);
    }

    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.lines.partition_point(|begins| *begins <= at)
    }

    /// In the order of the file.
    pub(crate) fn into_found(mut self) -> Vec<ListError> {
        self.found.sort_by_key(|fault| fault.line);
        self.found
    }
}

fn instead_of(message: &str) -> String {
    if let Some((_, known)) = message.split_once("expected one of ") {
        return format!("one of {known}");
    }
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("missing field") {
        return format!("the same with a line `{quoted} = …`; FORMAT.md has an example");
    }
    if message.starts_with("duplicate") {
        return "it once".into();
    }
    if let Some((_, expected)) = message.split_once("expected ") {
        return expected.lines().collect::<Vec<_>>().join(", ");
    }
    "TOML as in the example of FORMAT.md".into()
}
