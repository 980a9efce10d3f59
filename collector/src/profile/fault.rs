//! What is wrong with a profile: where, what, and what to write instead.

use std::ops::Range;

/// A fault in a profile, for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {fault}; write instead: {instead}")]
pub struct ProfileError {
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
pub(super) struct Places<'a> {
    pub(super) toml: &'a str,
    pub(super) file: &'a str,
}

impl Places<'_> {
    pub(super) fn fault(
        &self,
        at: Range<usize>,
        fault: impl Into<String>,
        instead: impl Into<String>,
    ) -> ProfileError {
        let line = 1 + self
            .toml
            .bytes()
            .take(at.start)
            .filter(|byte| *byte == b'\n')
            .count();
        ProfileError {
            file: self.file.into(),
            line,
            fault: fault.into(),
            instead: instead.into(),
        }
    }

    /// A fault that the TOML reader found, with what to write instead worked out from its words.
    pub(super) fn toml_fault(&self, error: &toml::de::Error) -> ProfileError {
        let message = error.message();
        let (fault, instead) = match message.split_once("; use one of: ") {
            Some((fault, known)) => (fault, format!("one of {known}")),
            None => (message, instead_of(message)),
        };
        let fault = fault.lines().collect::<Vec<_>>().join(", ");
        self.fault(error.span().unwrap_or(0..0), fault, instead)
    }
}

fn instead_of(message: &str) -> String {
    if let Some((_, known)) = message.split_once("expected one of ") {
        return format!("one of {known}");
    }
    let quoted = message.split('`').nth(1).unwrap_or_default();
    if message.starts_with("missing field") {
        return format!("the same with a line `{quoted} = …`, as in a shipped profile");
    }
    if message.starts_with("duplicate") {
        return "it once".into();
    }
    if let Some((_, expected)) = message.split_once("expected ") {
        return expected.lines().collect::<Vec<_>>().join(", ");
    }
    "TOML as in a shipped profile".into()
}
