//! No file of the agent is used by one that it uses: whoever reads one need not have read all.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Uses = BTreeMap<String, BTreeSet<String>>;

/// The names that follow `from` (as `crate::`), alone or in braces.
fn named_after<'a>(text: &'a str, from: &str) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (_, rest) in text
        .match_indices(from)
        .map(|(at, _)| text.split_at(at + from.len()))
    {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(first_word(rest));
            continue;
        };
        let (mut depth, mut start) = (0, true);
        for (at, letter) in group.char_indices() {
            if start && letter.is_alphabetic() {
                names.insert(first_word(&group[at..]));
                start = false;
            }
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ => {}
            }
        }
    }
    names
}

fn first_word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    &text[..end.unwrap_or(text.len())]
}

/// A file without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn circle(uses: &Uses) -> Option<Vec<String>> {
    fn follow(uses: &Uses, at: &str, way: &mut Vec<String>, done: &mut BTreeSet<String>) -> bool {
        if let Some(start) = way.iter().position(|name| name == at) {
            way.drain(..start);
            return true;
        }
        if !done.insert(at.into()) {
            return false;
        }
        way.push(at.into());
        let found = uses
            .get(at)
            .into_iter()
            .flatten()
            .any(|next| follow(uses, next, way, done));
        if !found {
            way.pop();
        }
        found
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|at| {
        let mut way = Vec::new();
        follow(uses, at, &mut way, &mut done).then_some(way)
    })
}

#[test]
fn no_module_of_the_agent_is_used_by_one_that_it_uses() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses = Uses::new();
    for path in files(&source) {
        let inside = path.strip_prefix(&source).unwrap();
        let module = name(Path::new(inside.components().next().unwrap().as_os_str()));
        if ["lib", "main", "bin"].contains(&module.as_str()) {
            continue;
        }
        let names: Vec<_> = named_after(&code(&path), "crate::")
            .into_iter()
            .map(String::from)
            .collect();
        let names = names.into_iter().filter(|name| *name != module);
        uses.entry(module.clone()).or_default().extend(names);
    }
    assert!(uses["service"].contains("context") && uses["session"].contains("watch"));
    assert_eq!(circle(&uses), None);
}

#[test]
fn no_file_of_a_folder_is_used_by_one_beside_it_that_it_uses() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders: BTreeMap<PathBuf, Uses> = BTreeMap::new();
    for path in files(&source).iter().filter(|path| name(path) != "mod") {
        let names = named_after(&code(path), "super::")
            .into_iter()
            .map(String::from)
            .collect();
        let uses = folders.entry(path.parent().unwrap().into()).or_default();
        uses.insert(name(path), names);
    }
    assert!(folders[&source.join("spool")]["disk"].contains("seal"));
    for (folder, uses) in folders {
        assert_eq!(circle(&uses), None, "in {}", folder.display());
    }
}
