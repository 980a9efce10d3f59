//! Other filters, given the same terms and the same texts as Pastoral's engine.
//!
//! `pastoral-peers TERMS < texts`: TERMS holds plain words, one a line. The first line of the answer names the filters;
//! then, for every line of the texts, a line of `1` (flagged) or `0` for each of them, tabs between.

use anyhow::{Context as _, Result, ensure};
use rustrict::{Trie, Type};
use std::io::{BufRead as _, BufWriter, Write as _, stdin, stdout};
use std::{env, fs};

/// A filter: its name and release, and whether it flags a text.
type Peer = (&'static str, Box<dyn Fn(&str) -> bool>);

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let file = arguments
        .next()
        .context("which terms? run: pastoral-peers TERMS < texts")?;
    ensure!(arguments.next().is_none(), "one file of terms, please");
    let terms = fs::read_to_string(&file)
        .with_context(|| format!("{} cannot be read", file.to_string_lossy()))?
        .to_lowercase();
    let terms: Vec<&str> = terms
        .lines()
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .collect();
    let peers = [rustrict(&terms), censor(&terms)];
    let mut out = BufWriter::new(stdout().lock());
    writeln!(out, "{}", peers.each_ref().map(|(name, _)| *name).join("\t"))?;
    for text in stdin().lock().lines() {
        let text = text.context("the texts are not UTF-8")?;
        let flagged = peers
            .each_ref()
            .map(|(_, flags)| if flags(&text) { "1" } else { "0" });
        writeln!(out, "{}", flagged.join("\t"))?;
    }
    out.flush()?;
    Ok(())
}

/// With its own words taken out, so that only the terms count; its replacements for letters stay.
fn rustrict(terms: &[&str]) -> Peer {
    let mut words = Trie::new();
    for term in terms {
        words.set(term, Type::PROFANE & Type::SEVERE);
    }
    // It asks for words that live as long as the program, which these do.
    let words: &'static Trie = Box::leak(Box::new(words));
    let flags = move |text: &str| {
        let mut filter = rustrict::Censor::from_str(text);
        filter.with_trie(words);
        filter.analyze().is(Type::INAPPROPRIATE)
    };
    ("rustrict 0.7", Box::new(flags))
}

fn censor(terms: &[&str]) -> Peer {
    let filter = censor::Censor::custom(terms.iter().copied());
    ("censor 0.3", Box::new(move |text| filter.check(text)))
}
