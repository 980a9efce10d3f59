//! The numbers and patterns that decide what is found stand in tables at the top of their files, each with the texts that it
//! wins and loses: every row is a case of these tests.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use pastoral_keywords::{Audience, Dictionary, Engine, KeywordList, Provenance, Source, Text};

const LIST: &str = r#"id = "thresholds"
version = 1
title = "T"
language = "en"
author = "A"
date = 2026-01-31

[[group]]
topic = "violence"
severity = 3
reason = "R"
terms = [
  "a bet", "abuse", "bomb", "bulimia", "bullied", "bully", "casino", "cocaine", "deserve to die", "die", "ed", "gun", "hate", "heroin",
  "hurts me", "im fat", "kill", "kill him", "knife", "knife crime", "lager", "loser", "meet … park", "model t", "suicide", "vodka",
  "weapon",
]

[[term]]
text = "cut"
topic = "self-harm"
severity = 3
reason = "R"
near = "wrist"
"#;

/// A table of a file's first comment: its cells, row by row, the head first.
type Table<'s> = Vec<Vec<&'s str>>;

const NUMBERS: [&str; 4] = ["number", "is", "one less", "one more"];

fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let source = fs::read_to_string(&path).unwrap();
                sources.push((path, source));
            }
        }
    }
    sources
}

fn tables(source: &str) -> Vec<Table<'_>> {
    let comment: Vec<&str> = source
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .filter(|line| !line.starts_with("//! |--"))
        .collect();
    let tables = comment.split(|line| !line.starts_with("//! |"));
    tables
        .filter(|table| !table.is_empty())
        .map(|table| table.iter().map(|row| cells(row)).collect())
        .collect()
}

fn cells(row: &str) -> Vec<&str> {
    let row = row.trim_start_matches("//! |").trim_end_matches('|');
    row.split('|').map(str::trim).collect()
}

/// The text of a cell, and whether it is found; none if the cell has no text.
fn case<'s>(head: &str, cell: &'s str) -> Option<(&'s str, bool)> {
    let (says, text) = cell.split_once('`')?;
    let found = match (head, says.trim()) {
        ("found", _) | ("one less" | "one more", "misses") => true,
        ("left alone", _) | ("one less" | "one more", "flags" | "finds") => false,
        _ => return None,
    };
    Some((text.split('`').next()?, found))
}

#[test]
fn every_row_of_the_tables_says_what_is_found_and_what_is_left_alone() {
    let list = KeywordList::parse(LIST, "thresholds.toml").unwrap();
    let engine = Engine::build_with(&[list], &Dictionary::shipped()).unwrap();
    let (mut cases, mut untrue) = (0, Vec::new());
    for (path, source) in sources() {
        for table in tables(&source) {
            let (head, rows) = table.split_first().unwrap();
            for row in rows {
                let texts = head.iter().zip(row).filter_map(|(head, cell)| case(head, cell));
                for (text, found) in texts {
                    cases += 1;
                    let is_found = !engine
                        .find(&Text {
                            text,
                            source: Source::Search,
                            provenance: Provenance::Typed,
                            audience: Audience::Secondary,
                        })
                        .is_empty();
                    if is_found != found {
                        untrue.push(format!("{}: {}: {text}", path.display(), row[0]));
                    }
                }
            }
        }
    }
    assert!(untrue.is_empty(), "{untrue:#?}");
    assert!(cases >= 60, "only {cases} cases were read");
}

#[test]
fn every_number_of_a_file_with_a_table_stands_in_it_as_it_is() {
    let mut checked = 0;
    for (path, source) in sources() {
        let tables = tables(&source);
        let rows: Vec<_> = tables
            .iter()
            .filter(|table| table[0] == NUMBERS)
            .flat_map(|table| &table[1..])
            .map(|row| (row[0].split('`').nth(1).unwrap(), row[1]))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let numbers: Vec<(&str, Vec<&str>)> = source.lines().filter_map(number).collect();
        for (name, value) in &rows {
            let stands = numbers
                .iter()
                .any(|(known, values)| known == name && values.contains(value));
            assert!(stands, "{}: {name} is not {value}", path.display());
        }
        for (name, _) in &numbers {
            let stands = rows.iter().any(|(known, _)| known == name);
            assert!(stands, "{}: {name} stands in no table", path.display());
            checked += 1;
        }
    }
    assert!(checked >= 25, "only {checked} numbers were read");
}

/// The name and the numbers of a constant; none for what is no number.
fn number(line: &str) -> Option<(&str, Vec<&str>)> {
    let (before, value) = line.split_once(" = ")?;
    let (name, kind) = before.split_once("const ")?.1.split_once(": ")?;
    let values = value.split(|character: char| !character.is_alphanumeric());
    let values: Vec<&str> = values.filter(|part| part.parse::<usize>().is_ok()).collect();
    (matches!(kind, "usize" | "Least") && !values.is_empty()).then_some((name, values))
}
