//! The ways in which people write an adult's name.

use crate::concerns::model::PersonId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

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
/// Titles that are words of their own: "I miss May" names nobody for sure.
const ORDINARY_TITLES: [&str; 4] = ["miss", "sir", "madam", "doctor"];
/// A family name alone, or a part of a double one, has at least so many letters.
const ALONE: usize = 4;
const APOSTROPHES: [char; 3] = ['\'', '\u{2019}', '\u{2bc}'];
/// Parts of double names that nobody is called by.
const PARTICLES: [&str; 27] = [
    "al", "ap", "bin", "bint", "da", "de", "del", "della", "den", "der", "di", "dos", "du", "el", "ibn",
    "la", "le", "mac", "mc", "o", "san", "st", "ten", "ter", "van", "von", "y",
];
/// Written together, apart, and one for the other.
const CLANS: [&str; 2] = ["mac", "mc"];

static ORDINARY: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("../ordinary.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

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

/// What of a name stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// A title with the given name, as small children are taught to say.
    Called,
    /// The family name, or a part of a double one.
    Family,
    /// It with a title or given name.
    Full,
}

/// How somebody's name stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) form: Form,
    /// Each of its words is also an ordinary word, a place, or of a set text.
    pub(super) ordinary: bool,
    /// A pupil is called so too.
    pub(super) of_pupil: bool,
}

impl Found {
    /// What says more: a full name before a family name, and what is nothing else before what may be.
    const fn says(&self) -> (bool, bool, bool, bool) {
        let (is_full, is_family) = (
            matches!(self.form, Form::Full),
            !matches!(self.form, Form::Called),
        );
        (is_full, is_family, !self.ordinary, !self.of_pupil)
    }
}

/// Sequences of words that name somebody.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    /// By their first word.
    forms: HashMap<String, Vec<(Vec<String>, PersonId, Found)>>,
    /// Full names in writing without spaces between words, found anywhere.
    unspaced: Vec<(String, PersonId)>,
}

impl Names {
    pub(super) fn new<'n>(adults: &[Adult], pupils: impl IntoIterator<Item = &'n str>) -> Self {
        let pupils: HashSet<String> = pupils.into_iter().flat_map(words).collect();
        let mut names = Self::default();
        for adult in adults {
            for (form, words) in forms_of(adult) {
                if form == Form::Called && is_missed(&words, &pupils) {
                    continue;
                }
                let found = Found {
                    form,
                    ordinary: is_ordinary(form, &words),
                    of_pupil: form == Form::Family && words.iter().all(|word| pupils.contains(word)),
                };
                names.add(words, &adult.person_id, found);
            }
            let (given, family) = (words(&adult.given).concat(), words(&adult.family).concat());
            if (given + &family).chars().any(is_unspaced) {
                for full in [
                    format!("{}{}", adult.family, adult.given),
                    format!("{}{}", adult.given, adult.family),
                ] {
                    names
                        .unspaced
                        .push((words(&full).concat(), adult.person_id.clone()));
                }
            }
        }
        names
    }

    /// Whom a text names, and by what at best.
    pub(super) fn found_in(&self, text: &str) -> BTreeMap<PersonId, Found> {
        let mut named: BTreeMap<PersonId, Found> = BTreeMap::new();
        if self.forms.is_empty() {
            return named;
        }
        let mut note = |person: &PersonId, found: Found| {
            let known = named.entry(person.clone()).or_insert(found);
            if found.says() > known.says() {
                *known = found;
            }
        };
        let words = words(text);
        for (at, word) in words.iter().enumerate() {
            for key in [word.as_str(), without_possessive(word)] {
                for (form, person, found) in self.forms.get(key).into_iter().flatten() {
                    if begins_with(&words[at..], form) {
                        note(person, *found);
                    }
                }
            }
        }
        if !self.unspaced.is_empty() {
            let run = words.concat();
            for (name, person) in &self.unspaced {
                if run.contains(name) {
                    let full = Found {
                        form: Form::Full,
                        ordinary: false,
                        of_pupil: false,
                    };
                    note(person, full);
                }
            }
        }
        named
    }

    fn add(&mut self, form: Vec<String>, person: &PersonId, found: Found) {
        let Some(first) = form.first() else { return };
        let forms = self.forms.entry(first.clone()).or_default();
        if !forms
            .iter()
            .any(|(known, whose, _)| *known == form && whose == person)
        {
            forms.push((form, person.clone(), found));
        }
    }
}

/// Each word is an ordinary one; of a title only those that are words of their own.
fn is_ordinary(form: Form, words: &[String]) -> bool {
    let is_word = |word: &String| ORDINARY.contains(word.as_str());
    let (first, rest) = words.split_at(1.min(words.len()));
    match form {
        Form::Family => words.iter().all(is_word),
        Form::Called => rest.iter().all(is_word),
        Form::Full => {
            let title = |word: &String| ORDINARY_TITLES.contains(&word.as_str());
            !rest.is_empty()
                && first.iter().all(|word| title(word) || is_word(word))
                && rest.iter().all(is_word)
        }
    }
}

/// "I miss Grace" is of the pupil who is called so.
fn is_missed(words: &[String], pupils: &HashSet<String>) -> bool {
    let (title, given) = words.split_at(1.min(words.len()));
    title.iter().all(|word| ORDINARY_TITLES.contains(&word.as_str()))
        && given.iter().all(|word| pupils.contains(word))
}

/// A family name that begins with Mac or Mc, in the other ways in which people write it.
fn of_clan(family: &[String]) -> Vec<Vec<String>> {
    let [name] = family else { return Vec::new() };
    let rest = CLANS.iter().find_map(|clan| name.strip_prefix(clan));
    let Some(rest) = rest.filter(|rest| rest.chars().count() >= 3) else {
        return Vec::new();
    };
    let ways = CLANS.iter().flat_map(|clan| {
        [
            vec![format!("{clan}{rest}")],
            vec![(*clan).to_owned(), rest.to_owned()],
        ]
    });
    ways.collect()
}

fn forms_of(adult: &Adult) -> Vec<(Form, Vec<String>)> {
    let (mut given, mut family) = (words(&adult.given), words(&adult.family));
    // Who has one name only is called by it.
    if family.is_empty() {
        std::mem::swap(&mut given, &mut family);
    }
    if family.is_empty() {
        return Vec::new();
    }
    let joined = family.concat();
    let mut families = vec![family.clone()];
    if family.len() > 1 {
        families.push(vec![joined.clone()]);
        // Half of a double name is what most people say; "de" or "van" is no half.
        let parts = family.iter().filter(|part| !PARTICLES.contains(&part.as_str()));
        families.extend(parts.map(|part| vec![part.clone()]));
    }
    let joined = vec![joined];
    families.extend(of_clan(if family.len() > 1 { &joined } else { &family }));
    // O'Brien as "o brien", also where it is half of a double name.
    for name in adult.family.split([' ', '-']).chain([adult.family.as_str()]) {
        let apart = words(&name.replace(APOSTROPHES, " "));
        if apart != words(name) {
            families.push(apart);
        }
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
                forms.push((Form::Full, [name, family].concat()));
                forms.push((Form::Full, [family, name].concat()));
                forms.push((Form::Full, vec![name.concat() + &family.concat()]));
            }
        }
        for title in TITLES {
            forms.push((Form::Full, [&[title.to_owned()], family.as_slice()].concat()));
            forms.push((Form::Full, vec![title.to_owned() + &family.concat()]));
        }
        if family.concat().chars().count() >= ALONE {
            forms.push((Form::Family, family.clone()));
        }
    }
    for name in &given {
        forms.extend(TITLES.map(|title| (Form::Called, vec![title.to_owned(), name.clone()])));
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
pub(super) fn words(text: &str) -> Vec<String> {
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

/// Chinese, Japanese and Thai letters: written without spaces.
const fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
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
