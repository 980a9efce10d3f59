//! Evasions that people wrote: each text of HateCheck's `spell_*` kinds beside the text it is an evasion of. The term is
//! what differs between the two, as the reference writes it.

use crate::data::Data;
use crate::flagging::engine;
use crate::table::Table;
use anyhow::Result;
use pastoral_keywords::KeywordList;
use pastoral_keywords::evaluation::{self, Case, Share};
use std::collections::{BTreeMap, BTreeSet};

/// The kinds, what they are called here, and what is wanted of each, in a hundred.
const KINDS: [(&str, &str, u32); 5] = [
    ("spell_leet_h", "leet", 97),
    ("spell_space_add_h", "added spaces", 97),
    ("spell_space_del_h", "deleted spaces", 97),
    ("spell_char_del_h", "letter deletion", 60),
    ("spell_char_swap_h", "letter swap", 60),
];

/// A row of the file.
struct Row<'a> {
    functionality: &'a str,
    reference: &'a str,
    text: &'a str,
}

pub(crate) fn measure(data: &Data, say_missed: bool, table: &mut Table) -> Result<()> {
    table.heading(
        "Recall: evasions that people wrote (hatecheck.tsv), with the term taken from the reference",
    );
    let Some(tsv) = data.read("hatecheck.tsv", table)? else {
        return Ok(());
    };
    let rows = rows(&tsv);
    let mut pairs = Vec::new();
    let mut unlike = 0;
    for row in rows.values() {
        let Some(reference) = rows
            .get(row.reference)
            .filter(|_| row.functionality.starts_with("spell_"))
        else {
            continue;
        };
        match term(reference.text, row.text) {
            Some(term) => pairs.push((row.functionality, term, row.text)),
            None => unlike += 1,
        }
    }
    let words: BTreeSet<&str> = pairs.iter().map(|(_, term, _)| term.as_str()).collect();
    let words: Vec<&str> = words.into_iter().collect();
    let engine = engine(&[KeywordList::of_words(&words.join("\n"), "hatecheck.tsv")?])?;
    for (functionality, name, wanted) in KINDS {
        let mut share = Share::default();
        for (_, term, text) in pairs.iter().filter(|(of, _, _)| *of == functionality) {
            let case = Case {
                transform: name,
                term,
                text,
            };
            // Texts hold other pairs' terms too, so only that very term counts.
            let hit = evaluation::recall(&engine, &[case])
                .iter()
                .all(|recall| recall.by_term.hits == 1);
            share.add(hit);
            if say_missed && !hit {
                table.note(format!("missed: {name}: {term}: {text}"));
            }
        }
        table.at_least(name, share, Some(wanted));
    }
    table.note(format!(
        "{unlike} pairs are left out: their texts differ in more than one place"
    ));
    Ok(())
}

fn rows(tsv: &str) -> BTreeMap<&str, Row<'_>> {
    let rows = tsv.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[id, functionality, _, reference, text] = columns.as_slice() else {
            return None;
        };
        Some((
            id,
            Row {
                functionality,
                reference,
                text,
            },
        ))
    });
    rows.collect()
}

/// The words of the reference that the evasion writes otherwise; none if they differ in more than one place.
fn term(reference: &str, evasion: &str) -> Option<String> {
    let (reference, evasion) = (words(reference), words(evasion));
    let same =
        |pairs: &mut dyn Iterator<Item = (&String, &String)>| pairs.take_while(|(a, b)| a == b).count();
    let before = same(&mut reference.iter().zip(&evasion));
    let after = same(
        &mut reference[before..]
            .iter()
            .rev()
            .zip(evasion[before..].iter().rev()),
    );
    let differs = &reference[before..reference.len() - after];
    let written = &evasion[before..evasion.len() - after];
    let apart = differs.iter().any(|word| written.contains(word));
    (!differs.is_empty() && !apart).then(|| differs.join(" "))
}

fn words(text: &str) -> Vec<String> {
    let words = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| ".,!?;:\"'".contains(c)));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_term_is_what_the_reference_writes_where_the_two_differ() {
        let term = |reference, evasion| term(reference, evasion);
        assert_eq!(term("I like cats.", "I l1ke cats").as_deref(), Some("like"));
        assert_eq!(term("I like cats.", "Ilike cats").as_deref(), Some("i like"));
        assert_eq!(
            term("So many cats!", "So many c a t s !").as_deref(),
            Some("cats")
        );
        assert_eq!(term("My cat is good", "Your c4t is good"), Some("my cat".into()));
        assert_eq!(term("Cats are the best", "The ct is the best of all"), None);
        assert_eq!(term("I like cats", "I like cats"), None);
    }
}
