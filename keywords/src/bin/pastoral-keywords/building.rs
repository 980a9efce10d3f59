//! `build`: lists as one prebuilt engine.

use std::path::PathBuf;

use crate::input::{Lists, engine, write_whole};
use crate::report::{Ended, counted};
use anyhow::Result;
use clap::Args;

/// Build lists into one file that a device loads in milliseconds
///
/// The file is not signed: the collector signs what it sends to devices. `match --built` tries it.
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords build -o shipped.engine                     the shipped lists
  pastoral-keywords build --list words.toml --list more.toml -o school.engine
  pastoral-keywords match --built school.engine < titles.txt    tries it")]
pub(crate) struct Build {
    #[command(flatten)]
    lists: Lists,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Build {
    pub(crate) fn run(&self) -> Result<Ended> {
        let lists = self.lists.read()?;
        let engine = engine(&lists)?;
        let bytes = engine.to_bytes();
        write_whole(&self.output, &bytes)?;
        anstream::println!(
            "{}: {} with {}, {} KiB",
            self.output.display(),
            counted(lists.len(), "list", "lists"),
            counted(engine.term_count(), "term", "terms"),
            bytes.len().div_ceil(1024)
        );
        Ok(Ended::Fine)
    }
}
