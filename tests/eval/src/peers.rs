//! Other filters on the same data: a program of its own answers for them, so that they are no part of this workspace.

use crate::data::{BENIGN, Data};
use crate::flagging::engine;
use crate::table::Table;
use anyhow::{Context as _, Result, ensure};
use pastoral_keywords::evaluation::{self, Share};
use pastoral_keywords::{Audience, KeywordList, Provenance, Source, Text, View};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

pub(crate) fn measure(data: &Data, program: Option<&Path>, table: &mut Table) -> Result<()> {
    table.heading("Other filters with the terms of terms.txt, on the same data");
    let Some(program) = program else {
        table.skipped("other filters", "`--peers` names the program that has them");
        return Ok(());
    };
    let (Some(words), Some(words_file), Some(tsv)) = (
        data.words(table)?,
        data.path("terms.txt"),
        data.read("evasions.tsv", table)?,
    ) else {
        return Ok(());
    };
    let cases = evaluation::cases(&tsv, "evasions.tsv")?;
    let dodged: Vec<&str> = cases
        .iter()
        .filter(|case| case.transform != "clean")
        .map(|case| case.text)
        .collect();
    let benign = benign(data, &words, table)?;
    let found = ask(program, &words_file, &dodged)?;
    let false_flags = ask(program, &words_file, &benign)?;
    for ((name, found), (_, flagged)) in found.into_iter().zip(false_flags) {
        table.at_least(format!("{name}: recall, all transforms"), share(&found), None);
        let what = format!("{name}: false flags beyond plain words");
        table.at_most(what, share(&flagged), None);
    }
    Ok(())
}

/// The benign texts in which no term stands as plain words.
fn benign(data: &Data, words: &str, table: &mut Table) -> Result<Vec<String>> {
    let engine = engine(&[KeywordList::of_words(words, "terms.txt")?])?;
    let plainly = |text: &str| {
        let text = Text {
            text,
            source: Source::Search,
            provenance: Provenance::Typed,
            audience: Audience::Secondary,
        };
        engine.find(&text).iter().any(|found| found.view == View::Plain)
    };
    let mut benign = Vec::new();
    for file in BENIGN {
        let texts = data.read(file, table)?.unwrap_or_default();
        benign.extend(texts.lines().filter(|text| !plainly(text)).map(str::to_owned));
    }
    Ok(benign)
}

fn share(flagged: &[bool]) -> Share {
    let mut share = Share::default();
    for hit in flagged {
        share.add(*hit);
    }
    share
}

/// What each filter says of each text.
fn ask(program: &Path, words: &Path, texts: &[impl AsRef<str>]) -> Result<Vec<(String, Vec<bool>)>> {
    let mut child = Command::new(program)
        .arg(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))?;
    let mut input = child.stdin.take().context("the other filters take no texts")?;
    let lines: String = texts.iter().flat_map(|text| [text.as_ref(), "\n"]).collect();
    // Written beside, for the program answers while it reads.
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "the other filters failed ({})",
        output.status
    );
    writer
        .join()
        .map_err(|_| anyhow::anyhow!("the texts were not written"))??;
    let answer = String::from_utf8(output.stdout).context("the other filters do not answer in UTF-8")?;
    let mut lines = answer.lines();
    let names = lines.next().context("the other filters have no names")?;
    let lines: Vec<&str> = lines.collect();
    ensure!(
        lines.len() == texts.len(),
        "the other filters answered {} of {} texts",
        lines.len(),
        texts.len()
    );
    let column = |at: usize| {
        lines
            .iter()
            .map(|line| line.split('\t').nth(at) == Some("1"))
            .collect()
    };
    Ok(names
        .split('\t')
        .enumerate()
        .map(|(at, name)| (name.to_owned(), column(at)))
        .collect())
}
