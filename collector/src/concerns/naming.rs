//! Which adults of the school a text names (P20). Fails closed: rather one reader too few than a reader who reads about
//! themselves.
//!
//! Words are compared without case and accents. A person is named by given and family name in either order, by a title
//! and the family name, or by a family name of four letters or more alone.

use super::model::PersonId;
use std::collections::{BTreeSet, HashMap};

const TITLES: [&str; 14] = [
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "sir",
    "madam",
    "rev",
    "prof",
    "professor",
    "doctor",
    "mister",
    "madame",
];
const ALONE: usize = 4;

/// An adult of the school, as people write the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adult {
    /// Who.
    pub person_id: PersonId,
    /// Given name or names.
    pub given: String,
    /// Family name.
    pub family: String,
}

/// The names of all adults of a school, ready to be looked for.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Sequences of words that name somebody, by their first word.
    forms: HashMap<String, Vec<(Vec<String>, PersonId)>>,
}

impl Names {
    /// Prepares the names.
    #[must_use]
    pub fn new(adults: &[Adult]) -> Self {
        let mut names = Self::default();
        for adult in adults {
            for form in forms_of(adult) {
                names.add(form, &adult.person_id);
            }
        }
        names
    }

    /// Whom a text names.
    #[must_use]
    pub fn named_in(&self, text: &str) -> BTreeSet<PersonId> {
        if self.forms.is_empty() {
            return BTreeSet::new();
        }
        let words = words(text);
        let mut named = BTreeSet::new();
        for (at, word) in words.iter().enumerate() {
            for key in [word.as_str(), without_possessive(word)] {
                for (form, person) in self.forms.get(key).into_iter().flatten() {
                    if begins_with(&words[at..], form) {
                        named.insert(person.clone());
                    }
                }
            }
        }
        named
    }

    fn add(&mut self, form: Vec<String>, person: &PersonId) {
        let Some(first) = form.first() else { return };
        let forms = self.forms.entry(first.clone()).or_default();
        if !forms
            .iter()
            .any(|(known, whose)| *known == form && whose == person)
        {
            forms.push((form, person.clone()));
        }
    }
}

fn forms_of(adult: &Adult) -> Vec<Vec<String>> {
    let (given, family) = (words(&adult.given), words(&adult.family));
    if family.is_empty() {
        return Vec::new();
    }
    let joined = family.concat();
    let mut families = vec![family];
    if families[0].len() > 1 {
        families.push(vec![joined.clone()]);
    }
    let mut forms = Vec::new();
    for family in &families {
        // Each of several given names counts, and all of them together.
        for name in given
            .iter()
            .map(std::slice::from_ref)
            .chain(std::iter::once(given.as_slice()))
        {
            if !name.is_empty() {
                forms.push([name, family].concat());
                forms.push([family, name].concat());
                forms.push(vec![name.concat() + &family.concat()]);
            }
        }
        for title in TITLES {
            forms.push([&[title.to_owned()], family.as_slice()].concat());
            forms.push(vec![title.to_owned() + &family.concat()]);
        }
        if joined.chars().count() >= ALONE {
            forms.push(family.clone());
        }
    }
    forms
}

/// The last word of a form may be a possessive in the text.
fn begins_with(words: &[String], form: &[String]) -> bool {
    words.len() >= form.len()
        && words.iter().zip(form).enumerate().all(|(at, (word, wanted))| {
            word == wanted || (at + 1 == form.len() && without_possessive(word) == wanted)
        })
}

fn without_possessive(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// Words in lower case without accents; apostrophes inside a word are left out, everything else that is neither letter
/// nor digit stands between words.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in decompose(text) {
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        } else if !word.is_empty() && !joins(character) {
            words.push(std::mem::take(&mut word));
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Apostrophes, and what cannot be seen.
const fn joins(character: char) -> bool {
    matches!(
        character,
        '\'' | '\u{2019}' | '\u{2bc}' | '\u{ad}' | '\u{200b}'..='\u{200d}'
    )
}

/// Compatibility decomposition without the marks.
fn decompose(text: &str) -> impl Iterator<Item = char> + '_ {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfkd()
        .filter(|character| !unicode_normalization::char::is_combining_mark(*character))
        .flat_map(unligature)
}

/// Letters that no decomposition takes apart, as people type them on a plain keyboard.
fn unligature(character: char) -> impl Iterator<Item = char> {
    let plain: &[char] = match character {
        'ß' => &['s', 's'],
        'æ' | 'Æ' => &['a', 'e'],
        'ø' | 'Ø' => &['o'],
        'ł' | 'Ł' => &['l'],
        'đ' | 'Đ' => &['d'],
        'œ' | 'Œ' => &['o', 'e'],
        'ı' => &['i'],
        _ => &[],
    };
    plain.iter().copied().chain(plain.is_empty().then_some(character))
}
