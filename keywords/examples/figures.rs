//! The engine's figures on the development data: recall by transform, false flags by view, time and size.
//!
//! `cargo run --release -p pastoral-keywords --example figures [-- FOLDER]`, where FOLDER holds the data.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context as _, Result};
use pastoral_keywords::{Audience, Dictionary, Engine, KeywordList, Provenance, Source, Text, View};

fn typed(text: &str) -> Text<'_> {
    Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Secondary,
    }
}

fn main() -> Result<()> {
    let folder = env::args()
        .nth(1)
        .map_or_else(|| PathBuf::from("../shared/data"), PathBuf::from);
    let read =
        |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("{name} cannot be read"));
    let show = env::args().nth(2);
    let dictionary = Dictionary::shipped();
    let list = KeywordList::of_words(&read("terms.txt")?, "terms")?;
    let engine = Engine::build_with(&[list], &dictionary)?;
    let mut recall: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for line in read("evasions.tsv")?.lines() {
        let mut columns = line.splitn(3, '\t');
        let (Some(transform), Some(term), Some(text)) = (columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let found = engine
            .find(&typed(text))
            .iter()
            .any(|found| found.term_id == term);
        let (hits, of) = recall.entry(transform.to_owned()).or_default();
        (*hits, *of) = (*hits + usize::from(found), *of + 1);
        if !found && show.as_deref() == Some(transform) {
            println!("  missed {transform}: {term} | {text}");
        }
    }
    for (transform, (hits, of)) in &recall {
        println!(
            "{transform:<16} {:>6.2} %  {hits}/{of}",
            100.0 * *hits as f64 / *of as f64
        );
    }
    let slips: Vec<_> = ["star", "swap", "delete"]
        .iter()
        .filter_map(|name| recall.get(*name))
        .collect();
    let (hits, of) = slips
        .iter()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!(
        "star+swap+delete {:>6.2} %",
        100.0 * f64::from(hits as u32) / f64::from(of as u32)
    );
    for file in ["benign_titles.txt", "benign_queries.txt", "places.txt"] {
        let text = read(file)?;
        let mut by_view: BTreeMap<View, Vec<String>> = BTreeMap::new();
        for line in text.lines() {
            let found = engine.find(&typed(line));
            if let Some(nearest) = found.iter().min_by_key(|found| found.view) {
                by_view
                    .entry(nearest.view)
                    .or_default()
                    .push(format!("{} | {line}", nearest.term_id));
            }
        }
        let of = text.lines().count();
        for (view, lines) in by_view {
            println!(
                "{file} {view}: {} ({:.2} in 10,000)",
                lines.len(),
                1e4 * lines.len() as f64 / of as f64
            );
            if view > View::Plain {
                lines.iter().for_each(|line| println!("    {line}"));
            }
        }
    }
    hatecheck(&dictionary, &read("hatecheck.tsv")?, show.as_deref())?;
    speed(
        &dictionary,
        &read("benign_queries.txt")?,
        &read("benign_titles.txt")?,
    )
}

fn speed(dictionary: &Dictionary, queries: &str, titles: &str) -> Result<()> {
    let titles: Vec<&str> = titles
        .lines()
        .filter(|title| (50..=66).contains(&title.len()))
        .collect();
    for count in [382, 10_000, 100_000] {
        // Phrases of words from questions, shuffled, so that the words are ordinary and the phrases seldom stand in a title.
        let words: Vec<&str> = queries.split_whitespace().filter(|word| word.len() > 3).collect();
        let mut terms = String::new();
        for at in 0..count {
            let word = |by: usize| words[(at * by + by / 7) % words.len()];
            terms.push_str(&format!(
                "{} {} {}\n",
                word(7_919),
                word(104_729),
                if at % 2 == 0 { "" } else { word(611_953) }
            ));
        }
        let list = KeywordList::of_words(&terms, "many")?;
        let engine = Engine::build_with(&[list], dictionary)?;
        let bare =
            Engine::build_with(&[KeywordList::of_words(&terms, "many")?], dictionary)?.up_to(View::Plain);
        let time = |engine: &Engine| {
            let mut best = f64::MAX;
            for _ in 0..5 {
                let began = Instant::now();
                let mut found = 0;
                for title in &titles {
                    found += engine.find(&typed(title)).len();
                }
                std::hint::black_box(found);
                best = best.min(began.elapsed().as_nanos() as f64 / titles.len() as f64);
            }
            best
        };
        println!(
            "{} terms: {:.0} ns a title in all views, {:.0} ns in the plain one",
            engine.term_count(),
            time(&engine),
            time(&bare)
        );
    }
    Ok(())
}

fn hatecheck(dictionary: &Dictionary, rows: &str, show: Option<&str>) -> Result<()> {
    let rows: BTreeMap<&str, Vec<&str>> = rows
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|row| (row[0], row))
        .collect();
    let mut pairs = Vec::new();
    for row in rows.values().filter(|row| row[1].starts_with("spell_")) {
        let Some(reference) = rows.get(row[3]) else {
            continue;
        };
        let (dodged, plain): (Vec<&str>, Vec<&str>) = (
            row[4].split_whitespace().collect(),
            reference[4].split_whitespace().collect(),
        );
        let same = dodged.iter().zip(&plain).take_while(|(a, b)| a == b).count();
        let (a, b) = (&dodged[same..], &plain[same..]);
        let end = a
            .iter()
            .rev()
            .zip(b.iter().rev())
            .take_while(|(a, b)| a == b)
            .count();
        let term = b[..b.len() - end].join(" ");
        pairs.push((
            row[1],
            term.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase(),
            row[4],
        ));
    }
    let terms: Vec<&str> = pairs.iter().map(|pair| pair.1.as_str()).collect();
    let engine = Engine::build_with(
        &[KeywordList::of_words(&terms.join("\n"), "hatecheck")?],
        dictionary,
    )?;
    let mut recall: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (kind, term, text) in &pairs {
        let found = engine
            .find(&typed(text))
            .iter()
            .any(|found| found.term_id == *term);
        let (hits, of) = recall.entry(kind).or_default();
        (*hits, *of) = (*hits + usize::from(found), *of + 1);
        if !found && show == Some(kind) {
            println!("  missed {kind}: {term} | {text}");
        }
    }
    for (kind, (hits, of)) in &recall {
        println!(
            "{kind:<20} {:>6.2} %  {hits}/{of}",
            100.0 * *hits as f64 / *of as f64
        );
    }
    Ok(())
}
