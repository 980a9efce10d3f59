//! `diff`: what changed between two versions of a list.

use std::io::Write as _;
use std::path::PathBuf;

use anstyle::AnsiColor;
use anyhow::Result;
use clap::Args;
use pastoral_keywords::diff::{Change, ChangeKind, diff};
use serde_json::json;

use crate::input::read_list;
use crate::report::{Ended, coloured};

/// Say in plain words what changed between two versions of a list
///
/// Comments, the order of terms and how they are put together in groups make no difference.
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords diff words-3.toml words-4.toml
  pastoral-keywords diff --json words-3.toml words-4.toml

Ends with 0 if the two say the same, 1 if they do not, 2 if one of them cannot be read.")]
pub(crate) struct Diff {
    /// The earlier version
    before: PathBuf,
    /// The later version
    after: PathBuf,
    /// Print one JSON object a change
    #[arg(long)]
    json: bool,
}

impl Diff {
    pub(crate) fn run(&self) -> Result<Ended> {
        let (before, after) = (read_list(&self.before)?, read_list(&self.after)?);
        let changes = diff(&before, &after);
        let mut out = anstream::stdout().lock();
        for change in &changes {
            if self.json {
                writeln!(out, "{}", object(change))?;
            } else {
                let colour = match change.kind {
                    ChangeKind::Added => AnsiColor::Green,
                    ChangeKind::Removed => AnsiColor::Red,
                    ChangeKind::Changed => AnsiColor::Yellow,
                };
                let line = change.to_string();
                let said = line.strip_prefix(change.kind.code()).unwrap_or(&line);
                writeln!(out, "{}{said}", coloured(change.kind.code(), colour))?;
            }
        }
        out.flush()?;
        if !changes.is_empty() && before.id == after.id && after.version <= before.version {
            anstream::eprintln!(
                "{}: they differ, and the later one is version {} where the earlier is {}; raise the version",
                coloured("warning", AnsiColor::Yellow),
                after.version,
                before.version
            );
        }
        Ok(Ended::findings(!changes.is_empty()))
    }
}

fn object(change: &Change) -> serde_json::Value {
    json!({
        "change": change.kind.code(),
        "what": change.what.code(),
        "id": change.id,
        "details": change.details,
    })
}
