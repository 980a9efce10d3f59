//! What each shipped list promises: invented texts that it must raise, in `lists/`.
//!
//! A file is named for the theme of an English list or for the language of another. A line is an audience, the least
//! severity and what somebody of that audience could type, with tabs between.

use std::fs;
use std::path::Path;

use pastoral_keywords::{
    Audience, Dictionary, Engine, KeywordList, Provenance, Severity, Source, Text, shipped,
};

/// The identity of the shipped list that a file of texts is about.
fn list_of<'a>(theme: &str, lists: &'a [KeywordList]) -> &'a str {
    let english = format!("en-{theme}.toml");
    let own = format!("{theme}.toml");
    let place = shipped::FILES
        .iter()
        .position(|(file, _)| *file == english)
        .or_else(|| shipped::FILES.iter().position(|(file, _)| *file == own))
        .unwrap_or_else(|| panic!("there is no list `{english}` or `{own}` for the texts of {theme}.tsv"));
    &lists[place].id
}

/// The audience, least severity and text of a line.
fn read(line: &str) -> Option<(Audience, Severity, &str)> {
    let (audience, rest) = line.split_once('\t')?;
    let (least, text) = rest.split_once('\t')?;
    let least = Severity::try_from(least.parse::<u8>().ok()?).ok()?;
    Some((audience.parse().ok()?, least, text))
}

#[test]
fn each_list_raises_what_a_child_at_risk_would_type() {
    let lists = shipped::lists().unwrap();
    let engine = Engine::build_with(&lists, &Dictionary::shipped()).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lists");
    let mut missed = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "tsv") {
            continue;
        }
        let theme = file.file_stem().unwrap().to_string_lossy().into_owned();
        let list = list_of(&theme, &lists);
        let texts = fs::read_to_string(&file).unwrap();
        assert!(
            texts.lines().count() >= 15,
            "{theme}.tsv has too few texts to hold its list to"
        );
        for line in texts.lines() {
            let (audience, least, text) = read(line)
                .unwrap_or_else(|| panic!("{theme}.tsv: `{line}` is not an audience, a severity and a text"));
            let found = engine.find(&Text {
                text,
                source: Source::Search,
                provenance: Provenance::Typed,
                audience,
            });
            if !found
                .iter()
                .any(|found| found.list_id == list && found.severity >= least)
            {
                missed.push(format!("{theme}: {audience} {least} {text}"));
            }
        }
    }
    assert!(missed.is_empty(), "not raised by their own list: {missed:#?}");
}
