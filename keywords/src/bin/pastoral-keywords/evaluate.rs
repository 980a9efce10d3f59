//! `evaluate`: what an engine finds of dodged terms, and what it flags of texts that hold none.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pastoral_keywords::evaluation::{self, FalseFlags, Recall, Share};
use serde_json::{Value, json};

use crate::input::{Lists, engine, read_text};
use crate::report::Ended;

/// Measure recall, transform by transform, and false flags in 10,000
///
/// Cases are lines of transform, term and text, with a tab between each: a term of the list, written otherwise, in an
/// ordinary text. A case is found if its text is flagged. Benign texts are plain lines in which nothing is wrong; a false
/// flag is counted under the simplest view that raises it. Beside each figure stands where the true one lies with 95 %
/// confidence (Wilson's score interval).
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords evaluate --terms words.txt --cases evasions.tsv
  pastoral-keywords evaluate --terms words.txt --cases evasions.tsv --benign titles.txt --benign queries.txt
  pastoral-keywords evaluate --benign titles.txt            what the shipped lists raise there
  pastoral-keywords evaluate --terms words.txt --cases evasions.tsv --json")]
#[command(group = clap::ArgGroup::new("what").args(["cases", "benign"]).required(true).multiple(true))]
pub(crate) struct Evaluate {
    #[command(flatten)]
    lists: Lists,
    /// Cases: transform, term and text, with a tab between each
    #[arg(long, value_name = "FILE", num_args = 1..)]
    cases: Vec<PathBuf>,
    /// Texts in which nothing is wrong, one a line
    #[arg(long, value_name = "FILE", num_args = 1..)]
    benign: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Evaluate {
    pub(crate) fn run(&self) -> Result<Ended> {
        let engine = engine(&self.lists.read()?)?;
        let mut files = Vec::new();
        for path in &self.cases {
            files.push((path.display().to_string(), read_text(path)?));
        }
        let mut cases = Vec::new();
        for (name, text) in &files {
            cases.extend(evaluation::cases(text, name)?);
        }
        let recalls = evaluation::recall(&engine, &cases);
        let mut benign = Vec::new();
        for path in &self.benign {
            let mut flags = FalseFlags::default();
            for text in read_text(path)?.lines() {
                flags.add(&engine, text);
            }
            benign.push((path.display().to_string(), flags));
        }
        let mut out = std::io::stdout().lock();
        if self.json {
            writeln!(out, "{}", object(&recalls, &benign))?;
        } else {
            write!(out, "{}", table(&recalls, &benign))?;
        }
        out.flush()?;
        Ok(Ended::Fine)
    }
}

fn table(recalls: &[Recall], benign: &[(String, FalseFlags)]) -> String {
    let mut table = String::new();
    let mut row = |name: &str, share: Share, by: f64, unit: &str| {
        let (Some(rate), Some((low, high))) = (share.rate(), share.limits()) else {
            return;
        };
        let (rate, low, high) = (rate * by, low * by, high * by);
        let counts = format!("{} of {}", share.hits, share.of);
        let line = format!("{name:<42} {rate:>8.2} {unit:<9} {low:>8.2} – {high:<8.2} {counts:>16}\n");
        table.push_str(&line);
    };
    let mut all = Share::default();
    for recall in recalls {
        row(
            &format!("recall, {}", recall.transform),
            recall.flagged,
            100.0,
            "%",
        );
        all = all.and(recall.flagged);
    }
    row("recall, all", all, 100.0, "%");
    for (file, flags) in benign {
        for (view, share) in views(flags) {
            row(
                &format!("false flags, {view}, {file}"),
                share,
                10_000.0,
                "in 10,000",
            );
        }
    }
    table
}

fn views(flags: &FalseFlags) -> [(&'static str, Share); 3] {
    [
        ("plain words", flags.plain),
        ("structural", flags.structural),
        ("misspelt", flags.misspelt),
    ]
}

fn object(recalls: &[Recall], benign: &[(String, FalseFlags)]) -> Value {
    let share = |share: Share| {
        json!({
            "hits": share.hits,
            "of": share.of,
            "rate": share.rate(),
            "low": share.limits().map(|limits| limits.0),
            "high": share.limits().map(|limits| limits.1),
        })
    };
    let recalls: Vec<Value> = recalls
        .iter()
        .map(|recall| {
            json!({
                "transform": recall.transform,
                "flagged": share(recall.flagged),
                "by_that_term": share(recall.by_term),
            })
        })
        .collect();
    let benign: Vec<Value> = benign
        .iter()
        .map(|(file, flags)| {
            json!({
                "file": file,
                "plain": share(flags.plain),
                "structural": share(flags.structural),
                "misspelt": share(flags.misspelt),
            })
        })
        .collect();
    json!({ "recall": recalls, "false_flags": benign })
}
