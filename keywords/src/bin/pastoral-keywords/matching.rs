//! `match`: what each line of the input would raise, as one JSON object a line.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use pastoral_keywords::{Audience, Engine, Found, Source, Text};
use serde::Serialize;

use crate::input::{InputLines, Lists, engine, read_built};
use crate::report::Ended;

/// Match each line of standard input, and print what it raises as one JSON object a line
///
/// For each line, in order: {"text":…,"flags":[{"term":…,"list":…,"topic":…,"severity":…,"view":…,"start":…,"end":…,
/// "why":…}]}. The gravest flag comes first; start and end count bytes of the text. Without --list and --terms the shipped
/// lists serve.
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords match < titles.txt
  pastoral-keywords match --list words.toml --audience ks2 --source title < titles.txt
  pastoral-keywords match --terms words.txt < searches.txt      plain words, one a line, and only those
  pastoral-keywords match --built school.engine < titles.txt
  echo 'some words' | pastoral-keywords match | jq '.flags[0].term'")]
pub(crate) struct Match {
    #[command(flatten)]
    lists: Lists,
    /// An engine that `build` wrote, instead of lists
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lists", "terms"])]
    built: Option<PathBuf>,
    /// Who is in front of the device: ks1, ks2, secondary, staff or administration; without it, whoever it is gravest for
    #[arg(long)]
    audience: Option<Audience>,
    /// Where the text was seen: search (typed), title (written by a page) or file-name (on a removable medium)
    #[arg(long, default_value = "search")]
    source: Source,
}

#[derive(Serialize)]
struct Line<'a> {
    text: &'a str,
    flags: Vec<Flag<'a>>,
}

#[derive(Serialize)]
struct Flag<'a> {
    term: &'a str,
    list: &'a str,
    topic: &'a str,
    severity: u8,
    view: &'a str,
    /// Bytes of the text in UTF-8.
    start: usize,
    end: usize,
    why: String,
}

impl<'a> From<&'a Found> for Flag<'a> {
    fn from(found: &'a Found) -> Self {
        let note = found.severity_note.as_ref().map(|note| format!(" ({note})"));
        Self {
            term: &found.term,
            list: &found.list_id,
            topic: found.topic.code(),
            severity: found.severity.get(),
            view: found.view.code(),
            start: found.span.start,
            end: found.span.end,
            why: format!("{}{}", found.reason, note.unwrap_or_default()),
        }
    }
}

impl Match {
    pub(crate) fn run(&self) -> Result<Ended> {
        let engine = self.engine()?;
        let mut input = InputLines::new(io::stdin().lock());
        let mut output = BufWriter::new(io::stdout().lock());
        while let Some(text) = input.next_line()? {
            let found = self.found(&engine, &text);
            let flags = found.iter().map(Flag::from).collect();
            serde_json::to_writer(&mut output, &Line { text: &text, flags })?;
            writeln!(output)?;
        }
        output.flush()?;
        Ok(Ended::Fine)
    }

    fn engine(&self) -> Result<Engine> {
        match &self.built {
            Some(built) => read_built(built),
            None => engine(&self.lists.read()?),
        }
    }

    /// What the text raises, the winner first.
    fn found(&self, engine: &Engine, text: &str) -> Vec<Found> {
        let provenance = self.source.provenance();
        let audiences = self
            .audience
            .map_or(Audience::ALL.to_vec(), |audience| vec![audience]);
        let mut gravest: BTreeMap<(String, String, usize, usize), Found> = BTreeMap::new();
        for audience in audiences {
            let found = engine.find(&Text {
                text,
                source: self.source,
                provenance,
                audience,
            });
            for found in found {
                let key = (
                    found.list_id.clone(),
                    found.term_id.clone(),
                    found.span.start,
                    found.span.end,
                );
                let known = gravest.entry(key).or_insert_with(|| found.clone());
                if known.severity < found.severity {
                    *known = found;
                }
            }
        }
        let mut found: Vec<Found> = gravest.into_values().collect();
        found.sort_by_key(|found| {
            (
                std::cmp::Reverse((found.severity, found.span.len())),
                found.span.start,
            )
        });
        found
    }
}
