//! A keyword list: read from TOML, checked, and from then on known to be sound. `FORMAT.md` describes the file.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;

use crate::fault::{Faults, ListError};
use crate::raw::{Phrases, RawException, RawList, RawTerm};
use crate::view::Plain;
use crate::{Audience, Severity, Source, Topic};

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
    terms: Vec<Term>,
    exceptions: Vec<Exception>,
}

/// A word or phrase that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Its identity in the list.
    pub id: String,
    /// How it is written; one or several.
    pub spellings: Vec<String>,
    /// What it is about.
    pub topic: Topic,
    /// Why it is in the list.
    pub reason: String,
    /// Phrases that are harmless although the term stands in them.
    pub exceptions: Vec<String>,
    /// Where it stands in its file.
    pub line: usize,
    sources: Option<Vec<Source>>,
    severities: [Option<Severity>; Audience::ALL.len()],
}

/// Phrases that are harmless although terms of the list stand in them.
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
        self.sources
            .as_ref()
            .is_none_or(|sources| sources.contains(&source))
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

    fn read(toml: &str, file: &str) -> Result<Self, Vec<ListError>> {
        let mut faults = Faults::new(toml, file);
        match toml::from_str::<RawList>(toml) {
            Ok(raw) => {
                let list = Checking {
                    faults: &mut faults,
                    ids: HashMap::new(),
                    seen: HashMap::new(),
                }
                .list(raw);
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

/// Checks a list as it is read; what is found wrong goes to `faults`.
struct Checking<'f, 'a> {
    faults: &'f mut Faults<'a>,
    /// Identities of terms, with their lines.
    ids: HashMap<String, usize>,
    /// Folded spellings of terms, with their lines.
    seen: HashMap<String, usize>,
}

impl Checking<'_, '_> {
    fn list(&mut self, raw: RawList) -> KeywordList {
        self.code(&raw.id, "id");
        self.code(&raw.language, "language");
        if *raw.version.get_ref() == 0 {
            self.faults
                .add(&raw.version.span(), "a list's first version is 1", "version = 1");
        }
        if raw.term.is_empty() && raw.exception.is_empty() {
            self.faults.add(
                &raw.id.span(),
                "the list has neither terms nor exceptions",
                "at least one [[term]]",
            );
        }
        KeywordList {
            title: self.words(&raw.title, "title"),
            author: self.words(&raw.author, "author"),
            date: self.date(&raw.date),
            terms: raw.term.into_iter().map(|term| self.term(term)).collect(),
            exceptions: raw
                .exception
                .into_iter()
                .map(|exception| self.exception(exception))
                .collect(),
            id: raw.id.into_inner(),
            version: raw.version.into_inner(),
            language: raw.language.into_inner(),
        }
    }

    fn term(&mut self, raw: Spanned<RawTerm>) -> Term {
        let line = self.faults.line(raw.span().start);
        let raw = raw.into_inner();
        let spellings = self.spellings(raw.text, line);
        let severities = raw.severity.get_ref().0;
        if severities.iter().all(Option::is_none) {
            let instead = "an audience with a number, as severity = { ks2 = 3 }";
            self.faults
                .add(&raw.severity.span(), "the term applies to no audience", instead);
        }
        if let Some(sources) = raw
            .sources
            .as_ref()
            .filter(|sources| sources.get_ref().is_empty())
        {
            let instead = "the sources, or no line `sources` for all of them";
            self.faults
                .add(&sources.span(), "the term is looked for nowhere", instead);
        }
        Term {
            id: self.identity(raw.id, &spellings, line),
            exceptions: raw
                .exceptions
                .map(|phrases| self.own_exceptions(phrases, &spellings))
                .unwrap_or_default(),
            reason: self.words(&raw.reason, "reason"),
            topic: raw.topic,
            sources: raw.sources.map(Spanned::into_inner),
            spellings,
            line,
            severities,
        }
    }

    fn exception(&mut self, raw: Spanned<RawException>) -> Exception {
        let line = self.faults.line(raw.span().start);
        let raw = raw.into_inner();
        Exception {
            phrases: self
                .phrases(raw.text)
                .into_iter()
                .map(|(phrase, _)| phrase)
                .collect(),
            reason: self.words(&raw.reason, "reason"),
            line,
        }
    }

    fn spellings(&mut self, raw: Spanned<Phrases>, line: usize) -> Vec<String> {
        let phrases = self.phrases(raw);
        for (phrase, span) in &phrases {
            let folded = Plain::new(phrase).as_str().to_owned();
            if let Some(before) = self.seen.insert(folded, line) {
                let fault = format!(
                    "`{phrase}` is already a term, on line {before}; case and accents make no difference"
                );
                self.faults.add(span, fault, "it once");
            }
        }
        phrases.into_iter().map(|(phrase, _)| phrase).collect()
    }

    /// An exception covers only what stands inside it, so one that does not hold the term, or is the term, is a mistake.
    fn own_exceptions(&mut self, raw: Spanned<Phrases>, spellings: &[String]) -> Vec<String> {
        let phrases = self.phrases(raw);
        for (phrase, span) in &phrases {
            let exception = Plain::new(phrase);
            let holds = |spelling: &String| {
                let spelling = Plain::new(spelling);
                exception.as_str() != spelling.as_str() && exception.as_str().contains(spelling.as_str())
            };
            if !spellings.iter().any(holds) {
                let fault = format!("the exception `{phrase}` can never cover the term");
                let instead = "a longer phrase in which the term stands as whole words, or an [[exception]] for the list";
                self.faults.add(span, fault, instead);
            }
        }
        phrases.into_iter().map(|(phrase, _)| phrase).collect()
    }

    fn phrases(&mut self, raw: Spanned<Phrases>) -> Vec<(String, Range<usize>)> {
        let span = raw.span();
        let phrases: Vec<(String, Range<usize>)> = match raw.into_inner() {
            Phrases::One(phrase) => vec![(phrase, span.clone())],
            Phrases::Several(phrases) => phrases
                .into_iter()
                .map(|phrase| (phrase.get_ref().clone(), phrase.span()))
                .collect(),
        };
        if phrases.is_empty() {
            self.faults
                .add(&span, "there is no phrase", "text = \"the phrase\"");
        }
        for (phrase, span) in &phrases {
            // Decomposed, a phrase can be longer than it was written, and its identity is made of that.
            if phrase.len() > PHRASE || Plain::new(phrase).as_str().len() > 2 * PHRASE {
                self.faults.add(
                    span,
                    format!("the phrase is over {PHRASE} bytes long"),
                    "its most telling words",
                );
            } else if Plain::new(phrase).is_empty() {
                self.faults.add(
                    span,
                    "the phrase has no letter or digit",
                    "a phrase with a word in it",
                );
            }
        }
        phrases
    }

    fn identity(&mut self, given: Option<Spanned<String>>, spellings: &[String], line: usize) -> String {
        let (id, span) = match given {
            Some(id) => {
                self.code(&id, "id");
                (id.get_ref().clone(), Some(id.span()))
            }
            None => (
                spellings.first().map(|first| derived(first)).unwrap_or_default(),
                None,
            ),
        };
        if let Some(before) = self.ids.insert(id.clone(), line).filter(|_| !id.is_empty()) {
            let fault = format!("the id `{id}` is already that of the term on line {before}");
            match span {
                Some(span) => self.faults.add(&span, fault, "an id of its own"),
                None => self
                    .faults
                    .add_at(line, fault, "a line `id = \"…\"` with an id of its own"),
            }
        }
        id
    }

    /// A lower-case word with digits and hyphens.
    fn code(&mut self, code: &Spanned<String>, what: &str) {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let text = code.get_ref();
        if text.is_empty() || text.len() > REASON || !text.chars().all(known) {
            let fault = format!("the {what} must be lower-case letters, digits and hyphens");
            let folded = derived(text);
            let instead = if folded.is_ascii() && !folded.is_empty() {
                folded
            } else {
                "for example my-list".into()
            };
            self.faults.add(&code.span(), fault, instead);
        }
    }

    fn words(&mut self, text: &Spanned<String>, what: &str) -> String {
        if text.get_ref().trim().is_empty() {
            self.faults.add(
                &text.span(),
                format!("the {what} is empty"),
                format!("{what} = \"…\""),
            );
        } else if text.get_ref().len() > REASON {
            self.faults.add(
                &text.span(),
                format!("the {what} is over {REASON} bytes long"),
                "a shorter one",
            );
        }
        text.get_ref().trim().to_owned()
    }

    fn date(&mut self, date: &Spanned<toml::value::Datetime>) -> String {
        let value = date.get_ref();
        match value.date.filter(|_| value.time.is_none()) {
            Some(date) => date.to_string(),
            None => {
                self.faults
                    .add(&date.span(), "the date must be a day", "date = 2026-01-31");
                String::new()
            }
        }
    }
}

/// The identity of a term that was given none: its words, joined by hyphens.
fn derived(phrase: &str) -> String {
    Plain::new(phrase)
        .as_str()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("-")
}
