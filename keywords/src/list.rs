//! A keyword list: read from TOML, checked, and from then on known to be sound. `FORMAT.md` describes the file.

pub mod changes;
mod checking;
pub(crate) mod phrase;

#[cfg(feature = "tool")]
pub(crate) use self::checking::derived;

use std::collections::HashSet;

use self::checking::Checking;
use crate::fault::{Faults, ListError};
use crate::plain::Plain;
use crate::raw::RawList;
use crate::{Audience, Provenance, Severity, Source, Topic};

/// Bytes of one phrase of a list.
pub const PHRASE: usize = 200;
/// Bytes of a reason, a title, an identity or a name in a list.
pub const REASON: usize = 400;

/// A checked keyword list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeywordList {
    /// Its identity, the same in every version.
    pub id: String,
    /// Raised with every change.
    pub version: u32,
    /// What a person calls it.
    pub title: String,
    /// The language of its terms, as a tag such as `en`.
    pub language: String,
    /// Who answers for it.
    pub author: String,
    /// When this version was agreed, as year-month-day.
    pub date: String,
    /// What a reviewer must still look at, such as a language that its author does not speak.
    pub review: Option<String>,
    /// Whether its exceptions cover terms of every list, not only its own.
    pub exceptions_for_all: bool,
    /// Whether its words are shown to nobody, as the publisher of a specialist list asks.
    pub confidential: bool,
    terms: Vec<Term>,
    exceptions: Vec<Exception>,
    help: Vec<Exception>,
}

/// A word or phrase that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its identity in the list.
    pub id: String,
    /// How it is written; one or several, with ` … ` for a gap of a few words.
    pub spellings: Vec<String>,
    /// What it is about.
    pub topic: Topic,
    /// Why it is in the list.
    pub reason: String,
    /// Phrases that are harmless although the term stands in them.
    pub exceptions: Vec<String>,
    /// One of these must stand near it, if there are any.
    pub near: Vec<String>,
    /// None of these may stand near it.
    pub not_near: Vec<String>,
    /// Who wrote it, where that is not the list's author.
    pub author: Option<String>,
    /// When it was written, where that is not the list's date; year-month-day.
    pub date: Option<String>,
    /// Where it stands in its file.
    pub line: usize,
    /// Where it is looked for; everywhere if none.
    pub sources: Option<Vec<Source>>,
    /// Whose text it is looked for in; everybody's if none.
    pub provenances: Option<Vec<Provenance>>,
    severities: [Option<Severity>; Audience::ALL.len()],
}

/// Phrases that are harmless although terms stand in them, or that ask for help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The phrases.
    pub phrases: Vec<String>,
    /// Why they are harmless.
    pub reason: String,
    /// Where it stands in its file.
    pub line: usize,
}

impl Term {
    /// How urgent the term is for an audience; none if it does not apply to it.
    #[must_use]
    pub fn severity(&self, audience: Audience) -> Option<Severity> {
        self.severities[audience as usize]
    }

    /// Whether the term is looked for in a source.
    #[must_use]
    pub fn applies_to(&self, source: Source) -> bool {
        let sources = self.sources.as_ref();
        sources.is_none_or(|sources| sources.contains(&source))
    }

    /// Whether the term is looked for in what somebody, or something, wrote.
    #[must_use]
    pub fn applies_to_writing(&self, provenance: Provenance) -> bool {
        let provenances = self.provenances.as_ref();
        provenances.is_none_or(|provenances| provenances.contains(&provenance))
    }
}

impl KeywordList {
    /// Reads and checks a list. `file` is what the person who wrote it calls the file.
    ///
    /// # Errors
    /// The first fault, with its line and what to write instead; [`KeywordList::faults`] has them all.
    pub fn parse(toml: &str, file: &str) -> Result<Self, ListError> {
        // INVARIANT 6: a list with any fault is refused whole.
        Self::read(toml, file).map_err(|faults| first(faults, file))
    }

    /// Everything that is wrong with a list, in the order of the file; nothing if it is sound.
    #[must_use]
    pub fn faults(toml: &str, file: &str) -> Vec<ListError> {
        Self::read(toml, file).err().unwrap_or_default()
    }

    /// What is looked for, in the order of the file.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// What is harmless whichever term stands in it, in the order of the file.
    #[must_use]
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// What asks for help whichever term stands in it, in the order of the file.
    #[must_use]
    pub fn help(&self) -> &[Exception] {
        &self.help
    }

    fn read(toml: &str, file: &str) -> Result<Self, Vec<ListError>> {
        let mut faults = Faults::new(toml, file);
        match toml::from_str::<RawList>(toml) {
            Ok(raw) => {
                let list = Checking::new(&mut faults).list(raw);
                let faults = faults.into_found();
                if faults.is_empty() { Ok(list) } else { Err(faults) }
            }
            Err(error) => {
                faults.add_toml(&error);
                Err(faults.into_found())
            }
        }
    }
}

fn first(faults: Vec<ListError>, file: &str) -> ListError {
    faults.into_iter().next().unwrap_or_else(|| ListError {
        file: file.to_owned(),
        line: 1,
        fault: "the list cannot be read".into(),
        instead: "a list as in the example of FORMAT.md".into(),
    })
}

/// The severity and topic of plain words, which have none of their own.
const OF_WORDS: (Topic, Severity) = (Topic::Bullying, Severity::ALL[2]);

impl KeywordList {
    /// A list of plain words or phrases, one a line, for trying and comparing engines: severity 3 for everybody, and a
    /// topic that stands for nothing. `file` becomes its identity. Phrases are taken as they are, without braces or gaps; one
    /// that is there twice counts once, and one without a letter or digit, such as an emoji, cannot be matched and is left out.
    ///
    /// # Errors
    /// The first line that is too long.
    pub fn of_words(words: &str, file: &str) -> Result<Self, ListError> {
        let mut seen = HashSet::new();
        let mut terms = Vec::new();
        for (at, written) in words
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let phrase = written
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .replace(" … ", " ");
            let plain = Plain::new(&phrase);
            if phrase.len() > PHRASE || plain.joined().len() > 2 * PHRASE {
                return Err(ListError {
                    file: file.to_owned(),
                    line: at + 1,
                    fault: format!("the phrase is over {PHRASE} bytes long"),
                    instead: "its most telling words".to_owned(),
                });
            }
            if plain.is_empty() {
                continue;
            }
            if seen.insert(plain.joined()) {
                terms.push(Term::of_words(phrase, at + 1));
            }
        }
        Ok(Self {
            id: file.to_owned(),
            version: 1,
            title: file.to_owned(),
            language: "en".to_owned(),
            author: String::new(),
            date: String::new(),
            review: None,
            exceptions_for_all: false,
            confidential: false,
            terms,
            exceptions: Vec::new(),
            help: Vec::new(),
        })
    }
}

impl KeywordList {
    /// The searches for help of some lists as terms for pupils, for a school that wants to know of them: out of care, and
    /// never as misuse.
    #[must_use]
    pub fn looking_for_help(lists: &[Self], severity: Severity) -> Self {
        let help = lists.iter().flat_map(|list| &list.help);
        let terms = help.enumerate().map(|(at, help)| Term {
            id: (at + 1).to_string(),
            spellings: help.phrases.clone(),
            topic: Topic::LookingForHelp,
            reason: help.reason.clone(),
            exceptions: Vec::new(),
            near: Vec::new(),
            not_near: Vec::new(),
            author: None,
            date: None,
            line: help.line,
            sources: Some(vec![Source::Search]),
            provenances: None,
            severities: std::array::from_fn(|at| Audience::ALL[at].is_pupil().then_some(severity)),
        });
        let first = lists.iter().find(|list| !list.help.is_empty());
        Self {
            id: "looking-for-help".to_owned(),
            version: first.map_or(1, |list| list.version),
            title: "Pupils who look for help".to_owned(),
            language: "en".to_owned(),
            author: first.map(|list| list.author.clone()).unwrap_or_default(),
            date: first.map(|list| list.date.clone()).unwrap_or_default(),
            review: None,
            exceptions_for_all: false,
            confidential: false,
            terms: terms.collect(),
            exceptions: Vec::new(),
            help: Vec::new(),
        }
    }
}

impl Term {
    fn of_words(phrase: String, line: usize) -> Self {
        let (topic, severity) = OF_WORDS;
        Self {
            id: phrase.clone(),
            spellings: vec![phrase],
            topic,
            reason: "One of the words to be matched".to_owned(),
            exceptions: Vec::new(),
            near: Vec::new(),
            not_near: Vec::new(),
            author: None,
            date: None,
            line,
            sources: None,
            provenances: None,
            severities: [Some(severity); Audience::ALL.len()],
        }
    }
}
