//! A list into CSV.

use csv::{Terminator, WriterBuilder};

use super::{COLUMNS, SEPARATOR, fault_at};
use crate::{Audience, Exception, KeywordList, ListError, Term};

/// A list's terms, exceptions and searches for help as CSV.
///
/// # Errors
/// When a phrase holds the character that separates phrases in a cell, or the list is confidential. `file` is what the
/// caller calls the list's file.
pub fn export(list: &KeywordList, file: &str) -> Result<String, ListError> {
    if list.confidential {
        let fault = "the list is confidential, and its words are shown nowhere";
        return Err(fault_at(
            file,
            1,
            fault,
            "changes into the file that its publisher gave you",
        ));
    }
    let writing = Writing { file };
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer(Vec::new());
    let mut rows = vec![COLUMNS.map(str::to_owned).to_vec()];
    for term in list.terms() {
        rows.push(writing.term(term)?);
    }
    for (kind, exceptions) in [("exception", list.exceptions()), ("help", list.help())] {
        for exception in exceptions {
            rows.push(writing.exception(kind, exception)?);
        }
    }
    // Writing to memory cannot fail, and what was written is text.
    let failed = |fault: String| fault_at(file, 1, fault, "a list as in FORMAT.md");
    for row in rows {
        writer
            .write_record(&row)
            .map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

struct Writing<'a> {
    file: &'a str,
}

impl Writing<'_> {
    fn term(&self, term: &Term) -> Result<Vec<String>, ListError> {
        let severities = Audience::ALL.iter().map(|audience| {
            let severity = term.severity(*audience);
            severity.map(|severity| severity.to_string()).unwrap_or_default()
        });
        let codes = |codes: Vec<&str>| codes.join(" | ");
        let sources = term.sources.iter().flatten().map(|source| source.code());
        let writers = term.provenances.iter().flatten().map(|writer| writer.code());
        let mut row = vec![
            "term".to_owned(),
            term.id.clone(),
            self.cell(&term.spellings, term.line)?,
            term.topic.code().to_owned(),
        ];
        row.extend(severities);
        row.extend([
            term.reason.clone(),
            codes(sources.collect()),
            codes(writers.collect()),
            self.cell(&term.exceptions, term.line)?,
            self.cell(&term.near, term.line)?,
            self.cell(&term.not_near, term.line)?,
            term.author.clone().unwrap_or_default(),
            term.date.clone().unwrap_or_default(),
        ]);
        Ok(row)
    }

    fn exception(&self, kind: &str, exception: &Exception) -> Result<Vec<String>, ListError> {
        let phrases = self.cell(&exception.phrases, exception.line)?;
        let column = |name: &str| match name {
            "kind" => kind.to_owned(),
            "text" => phrases.clone(),
            "reason" => exception.reason.clone(),
            _ => String::new(),
        };
        Ok(COLUMNS.map(column).to_vec())
    }

    fn cell(&self, phrases: &[String], line: usize) -> Result<String, ListError> {
        if let Some(phrase) = phrases.iter().find(|phrase| phrase.contains(SEPARATOR)) {
            let fault = format!("`{phrase}` holds a `{SEPARATOR}`, which separates phrases in a cell");
            let instead = "a space in its place, which matches the same";
            return Err(fault_at(self.file, line, fault, instead));
        }
        Ok(phrases.join(" | "))
    }
}
