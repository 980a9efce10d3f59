//! `people`: the school's people, from its own system.

use super::school;
use crate::clock;
use crate::config::Config;
use crate::people as csv;
use crate::store::import;
use anyhow::Context as _;
use clap::Subcommand;
use std::path::PathBuf;

/// The school's people.
#[derive(Debug, Subcommand)]
pub(super) enum People {
    /// Takes people, roles and year groups from a CSV file with the columns of OneRoster's users.csv
    Import {
        /// The file
        file: PathBuf,
    },
}

impl People {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let Self::Import { file } = self;
        let name = file.display().to_string();
        let text = std::fs::read(&file).with_context(|| format!("{name} cannot be read"))?;
        let rows = csv::read(&text, &name)?;
        let opened = school::open(config).await?;
        let mut tx = opened.store.write().await?;
        let telling = opened.telling(config);
        let done = import::import(&mut tx, &telling, &rows, "command line", clock::now_ms()).await?;
        tx.commit().await?;
        println!(
            "{} people are new, {} changed, {} have left; {} accounts are known now.",
            done.added, done.changed, done.left, done.accounts_known
        );
        if !done.group_changed.is_empty() {
            println!(
                "{} concerns have other readers now; the headteacher's next sign-in makes their content readable to them.",
                done.group_changed.len()
            );
        }
        Ok(())
    }
}
