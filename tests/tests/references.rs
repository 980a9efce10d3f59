//! The map of the house and the promises that code and documents name by number.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The map of ARCHITECTURE.md: a folder, and below it, indented, what is in it.
#[test]
fn every_folder_of_the_map_is_there() {
    let text = read("ARCHITECTURE.md");
    let map = text.split("```").nth(1).unwrap();
    let mut folder = "";
    let mut named = 0;
    for line in map.lines().filter(|line| !line.trim().is_empty()) {
        let name = line.split_whitespace().next().unwrap();
        let path = if line.starts_with(' ') {
            format!("{folder}{name}")
        } else {
            name.to_owned()
        };
        if !line.starts_with(' ') {
            folder = name;
        }
        if !name.ends_with('…') {
            assert!(
                top().join(&path).exists(),
                "the map names {path}, which is not there"
            );
            named += 1;
        }
    }
    assert!(named > 15, "only {named} folders were found");
}

#[test]
fn every_promise_that_the_code_names_by_number_is_explained() {
    let explained: BTreeSet<String> = read("docs/promises.md")
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| P")?
                .split(' ')
                .next()
                .map(|number| format!("P{number}"))
        })
        .collect();
    assert_eq!(explained.len(), 53);
    let mut named = 0;
    for folder in [
        "agent/src",
        "collector/src",
        "collector/templates",
        "keywords/src",
        "keywords/lists",
        "docs",
    ] {
        for (file, text) in texts(&top().join(folder)) {
            for number in promises_in(&text) {
                assert!(
                    explained.contains(&number),
                    "{} names {number}, which docs/promises.md does not explain",
                    file.display()
                );
                named += 1;
            }
        }
    }
    assert!(named > 100, "only {named} promises were found");
}

/// `P20`, but not `P256` nor the year groups `P1` to `P7` of a quotation.
fn promises_in(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    words
        .filter(|word| {
            let digits = word.strip_prefix('P').unwrap_or_default();
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
        .filter(|word| !["P60", "P0"].contains(word))
        .map(str::to_owned)
        .collect()
}

fn texts(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push((path, text));
        }
    }
    found
}
