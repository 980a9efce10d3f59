//! The development data: files that are used in place, and may not be there.

use crate::table::Table;
use anyhow::{Context as _, Result};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Texts that raise no concern, beside a school's own words.
pub(crate) const BENIGN: [&str; 3] = ["benign_titles.txt", "benign_queries.txt", "places.txt"];

pub(crate) struct Data(PathBuf);

impl Data {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// A file's text. Where it is not there, the table says what is skipped.
    pub(crate) fn read(&self, name: &str, table: &mut Table) -> Result<Option<String>> {
        let path = self.0.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let why = format!("{} is not there; PASTORAL_DATA names its folder", path.display());
                table.skipped(name, &why);
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Where a file is, for another program to read; none if it is not there.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.0.join(name)).filter(|path| path.is_file())
    }

    /// The words that engines are compared with; what has no letter or digit is no word.
    pub(crate) fn words(&self, table: &mut Table) -> Result<Option<String>> {
        let words = self.read("terms.txt", table)?;
        let is_word = |line: &&str| line.chars().any(char::is_alphanumeric);
        Ok(words.map(|words| {
            words
                .lines()
                .filter(is_word)
                .flat_map(|word| [word, "\n"])
                .collect()
        }))
    }

    /// The safe half of questions that only look dangerous.
    pub(crate) fn safe_questions(&self, table: &mut Table) -> Result<Option<Vec<String>>> {
        let Some(tsv) = self.read("xstest.tsv", table)? else {
            return Ok(None);
        };
        let safe = tsv.lines().filter(|line| line.starts_with("safe\t"));
        Ok(Some(
            safe.filter_map(|line| line.split('\t').nth(2))
                .map(str::to_owned)
                .collect(),
        ))
    }
}
