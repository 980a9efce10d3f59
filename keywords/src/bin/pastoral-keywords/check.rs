//! `check`: what is wrong with lists, and which of their terms do no good.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;

use anstyle::AnsiColor;
use anyhow::Result;
use clap::Args;
use pastoral_keywords::useless::{self, Useless, WhyUseless};
use pastoral_keywords::{KeywordList, shipped};
use serde_json::json;

use crate::input::{engine, read_text};
use crate::report::{Ended, coloured, counted};

/// Find faults in lists, and terms that do no good
///
/// A fault is what keeps a list from being used at all. A term does no good when other terms of its topic are found
/// wherever it is (shadowed), when it is not found even where it stands alone, or when it is found in more than a few
/// texts in which nothing is wrong. Lists are looked at together, as they are used together.
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords check                           the shipped lists
  pastoral-keywords check words.toml                a list of your own
  pastoral-keywords check words.toml --benign titles.txt --at-most 2
                                                    and which of its terms are found in more than 2 of those lines

Ends with 0 if there is nothing to say, 1 if there is, 2 if a file cannot be read.")]
pub(crate) struct Check {
    /// Lists, as TOML files; the shipped ones if none is named
    #[arg(value_name = "LIST")]
    lists: Vec<PathBuf>,
    /// Texts in which nothing is wrong, one a line; may be given several times
    #[arg(long, value_name = "FILE")]
    benign: Vec<PathBuf>,
    /// In how many of those a term may be found before it is said to be noisy
    #[arg(long, value_name = "N", default_value_t = 0, requires = "benign")]
    at_most: u64,
    /// Print one JSON object a finding
    #[arg(long)]
    json: bool,
}

/// One thing to say.
struct Finding {
    file: String,
    line: usize,
    kind: &'static str,
    term: Option<String>,
    what: String,
    instead: String,
}

impl Check {
    pub(crate) fn run(&self) -> Result<Ended> {
        let mut findings = Vec::new();
        let mut files = BTreeMap::new();
        let mut lists = Vec::new();
        for (file, toml) in self.texts()? {
            let faults = KeywordList::faults(&toml, &file);
            if faults.is_empty() {
                let list = KeywordList::parse(&toml, &file)?;
                files.insert(list.id.clone(), file);
                lists.push(list);
            }
            findings.extend(faults.into_iter().map(|fault| Finding {
                file: fault.file,
                line: fault.line,
                kind: "fault",
                term: None,
                what: fault.fault,
                instead: format!("write instead: {}", fault.instead),
            }));
        }
        // Lists are looked at together only when all are sound: half of them would shadow less.
        if findings.is_empty() {
            // A confidential list is looked at like any other; only what is said of it differs.
            let mut open = lists.clone();
            open.iter_mut().for_each(|list| list.confidential = false);
            let engine = engine(&open)?;
            let mut useless = useless::useless(&open, &engine);
            let mut texts = Vec::new();
            for file in &self.benign {
                texts.push(read_text(file)?);
            }
            let texts = texts.iter().flat_map(|text| text.lines());
            if !self.benign.is_empty() {
                useless.extend(useless::noisy(&open, &engine, texts, self.at_most));
            }
            let in_confidence: Vec<&str> = lists
                .iter()
                .filter(|list| list.confidential)
                .map(|list| list.id.as_str())
                .collect();
            findings.extend(useless.into_iter().map(|useless| {
                let useless = without_words(useless, &in_confidence);
                of_term(&useless, &files)
            }));
        }
        self.say(&findings, &lists)?;
        Ok(Ended::findings(!findings.is_empty()))
    }

    /// What the lists are called, with their text.
    fn texts(&self) -> Result<Vec<(String, String)>> {
        if self.lists.is_empty() {
            let shipped = shipped::FILES.iter();
            return Ok(shipped
                .map(|(file, toml)| ((*file).to_owned(), (*toml).to_owned()))
                .collect());
        }
        let lists = self.lists.iter();
        lists
            .map(|path| Ok((path.display().to_string(), read_text(path)?)))
            .collect()
    }

    fn say(&self, findings: &[Finding], lists: &[KeywordList]) -> Result<()> {
        let mut out = anstream::stdout().lock();
        for finding in findings {
            if self.json {
                let object = json!({
                    "file": finding.file,
                    "line": finding.line,
                    "kind": finding.kind,
                    "term": finding.term,
                    "what": finding.what,
                    "instead": finding.instead,
                });
                writeln!(out, "{object}")?;
                continue;
            }
            let colour = if finding.kind == "fault" {
                AnsiColor::Red
            } else {
                AnsiColor::Yellow
            };
            writeln!(
                out,
                "{}:{}: {}: {}; {}",
                finding.file,
                finding.line,
                coloured(finding.kind, colour),
                finding.what,
                finding.instead
            )?;
        }
        if findings.is_empty() && !self.json {
            let terms: usize = lists.iter().map(|list| list.terms().len()).sum();
            writeln!(
                out,
                "{} with {}: nothing to say against them",
                counted(lists.len(), "list", "lists"),
                counted(terms, "term", "terms")
            )?;
        }
        out.flush()?;
        Ok(())
    }
}

/// The same, without a word of a list that is held in confidence: the line says which term it is.
fn without_words(mut useless: Useless, in_confidence: &[&str]) -> Useless {
    const HIDDEN: &str = "a term that is not shown";
    let is_hidden = |list: &str| in_confidence.contains(&list);
    let own = is_hidden(&useless.list_id);
    match &mut useless.why {
        WhyUseless::Shadowed { by } => {
            for other in by {
                if other.rsplit_once(" of ").is_some_and(|(_, list)| is_hidden(list)) {
                    HIDDEN.clone_into(other);
                }
            }
        }
        WhyUseless::NeverFound { spelling, covered_by } => {
            if own {
                "a spelling".clone_into(spelling);
            }
            for cover in covered_by {
                if cover.rsplit_once(" of ").is_some_and(|(_, list)| is_hidden(list)) {
                    "an exception that is not shown".clone_into(cover);
                }
            }
        }
        WhyUseless::Noisy { .. } => {}
    }
    if own {
        HIDDEN.clone_into(&mut useless.term_id);
    }
    useless
}

fn of_term(useless: &Useless, files: &BTreeMap<String, String>) -> Finding {
    let term = &useless.term_id;
    let (kind, what, instead) = match &useless.why {
        WhyUseless::Shadowed { by } => (
            "shadowed",
            format!(
                "`{term}` is found only where {} is found too, as urgent and of the same topic",
                by.join(" or ")
            ),
            "take it out, or make one of them say more".to_owned(),
        ),
        WhyUseless::NeverFound { spelling, covered_by } if covered_by.is_empty() => (
            "never found",
            format!("`{spelling}` of `{term}` is not found even where it stands alone"),
            "look at its near and not-near, which may contradict it, or take it out".to_owned(),
        ),
        WhyUseless::NeverFound { spelling, covered_by } => (
            "never found",
            format!(
                "`{spelling}` of `{term}` is always covered by {}",
                covered_by.join(" and ")
            ),
            "make that exception longer, or take the spelling out".to_owned(),
        ),
        WhyUseless::Noisy { texts } => (
            "noisy",
            format!(
                "`{term}` is found in {} in which nothing is wrong",
                counted(usize::try_from(*texts).unwrap_or(usize::MAX), "text", "texts")
            ),
            "make it a longer phrase, or say what must stand near it, or add exceptions".to_owned(),
        ),
    };
    Finding {
        file: files
            .get(&useless.list_id)
            .cloned()
            .unwrap_or_else(|| useless.list_id.clone()),
        line: useless.line,
        kind,
        term: Some(term.clone()),
        what,
        instead,
    }
}
