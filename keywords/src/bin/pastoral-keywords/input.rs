//! The lists a command works with.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use pastoral_keywords::{KeywordList, shipped};

/// Which lists serve; the shipped ones if none is named.
#[derive(Args)]
pub(crate) struct Lists {
    /// A keyword list; may be given several times
    #[arg(long = "list", value_name = "FILE")]
    lists: Vec<PathBuf>,
    /// Plain words or phrases, one a line
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,
}

impl Lists {
    pub(crate) fn read(&self) -> Result<Vec<KeywordList>> {
        let mut lists = Vec::new();
        for path in &self.lists {
            let name = path.display().to_string();
            let toml = fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
            let faults = KeywordList::faults(&toml, &name);
            if !faults.is_empty() {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                bail!("a list has faults\n{}", faults.join("\n"));
            }
            lists.push(KeywordList::parse(&toml, &name)?);
        }
        if let Some(path) = &self.terms {
            let name = path.display().to_string();
            let words = fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
            lists.push(KeywordList::of_words(&words, &name)?);
        }
        if lists.is_empty() {
            lists = shipped::lists()?;
        }
        Ok(lists)
    }
}
