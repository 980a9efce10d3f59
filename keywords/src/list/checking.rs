//! Checks a list as it is read.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::value::Datetime;

use super::phrase::{Tokens, expand, folded};
use super::{Exception, KeywordList, PHRASE, REASON, Term};
use crate::fault::Faults;
use crate::plain::Plain;
use crate::raw::{
    Phrases, RawEntry, RawException, RawGroup, RawList, RawOwn, RawSeverity, RawShared, RawTerm,
};
use crate::{Audience, Provenance, Severity, Source, Topic};

/// A phrase and where it stands in the file.
type Placed = (String, Range<usize>);

/// Checks a list; what is found wrong goes to `faults`.
pub(super) struct Checking<'f, 'a> {
    faults: &'f mut Faults<'a>,
    /// Identities of terms, with their lines.
    ids: HashMap<String, usize>,
    /// Folded spellings of terms, with their lines.
    seen: HashMap<String, usize>,
}

/// What the terms of a group share, checked.
#[derive(Clone)]
struct Shared {
    topic: Topic,
    severities: [Option<Severity>; Audience::ALL.len()],
    reason: String,
    sources: Option<Vec<Source>>,
    provenances: Option<Vec<Provenance>>,
    exceptions: Vec<Placed>,
    near: Vec<Placed>,
    not_near: Vec<Placed>,
    author: Option<String>,
    date: Option<String>,
}

impl<'f, 'a> Checking<'f, 'a> {
    pub(super) fn new(faults: &'f mut Faults<'a>) -> Self {
        Self {
            faults,
            ids: HashMap::new(),
            seen: HashMap::new(),
        }
    }

    pub(super) fn list(mut self, raw: RawList) -> KeywordList {
        self.code(&raw.id, "id");
        self.code(&raw.language, "language");
        if *raw.version.get_ref() == 0 {
            let at = raw.version.span();
            self.faults.add(&at, "a list's first version is 1", "version = 1");
        }
        if raw.term.is_empty() && raw.group.is_empty() && raw.exception.is_empty() && raw.help.is_empty() {
            self.faults.add(
                &raw.id.span(),
                "the list has neither terms nor exceptions",
                "at least one [[term]]",
            );
        }
        if let Some(whom) = raw.exceptions_for.as_ref().filter(|whom| whom.get_ref() != "all") {
            let instead = "exceptions-for = \"all\", or no such line where they are for this list alone";
            self.faults
                .add(&whom.span(), "the exceptions are for nobody", instead);
        }
        let mut terms: Vec<Term> = raw.term.into_iter().map(|term| self.term(term)).collect();
        for group in raw.group {
            self.group(group, &mut terms);
        }
        terms.sort_by_key(|term| term.line);
        KeywordList {
            title: self.words(&raw.title, "title"),
            author: self.words(&raw.author, "author"),
            date: self.date(&raw.date),
            review: raw.review.map(|review| self.words(&review, "review")),
            exceptions_for_all: raw.exceptions_for.is_some(),
            confidential: raw.confidential,
            terms,
            exceptions: self.exceptions(raw.exception),
            help: self.exceptions(raw.help),
            id: raw.id.into_inner(),
            version: raw.version.into_inner(),
            language: raw.language.into_inner(),
        }
    }

    fn term(&mut self, raw: Spanned<RawTerm>) -> Term {
        let line = self.faults.line(raw.span().start);
        let (shared, own) = raw.into_inner().into_parts();
        let shared = self.shared(shared, None);
        let (term, placed) = self.own(own, shared, line);
        self.exceptions_hold(&placed, std::slice::from_ref(&term));
        term
    }

    fn group(&mut self, raw: Spanned<RawGroup>, terms: &mut Vec<Term>) {
        let (shared, entries) = raw.into_inner().into_parts();
        let shared = self.shared(shared, None);
        if entries.get_ref().is_empty() {
            let at = entries.span();
            self.faults
                .add(&at, "the group has no terms", "terms = [\"a phrase\"]");
        }
        let first = terms.len();
        for entry in entries.into_inner() {
            let (at, line) = (entry.span(), self.faults.line(entry.span().start));
            let own = match entry.into_inner() {
                RawEntry::Own(own) => *own,
                RawEntry::Words(text) => RawOwn {
                    id: None,
                    text: Spanned::new(at, text),
                    shared: RawShared::default(),
                },
            };
            let has_exceptions = own.shared.exceptions.is_some();
            let of_term = self.shared(own.shared, Some(&shared));
            let own = RawOwn {
                shared: RawShared::default(),
                ..own
            };
            let (term, placed) = self.own(own, of_term, line);
            if has_exceptions {
                self.exceptions_hold(&placed, std::slice::from_ref(&term));
            }
            terms.push(term);
        }
        self.exceptions_hold(&shared.exceptions, &terms[first..]);
    }

    /// What is said of a term, or of a group's terms; what is not said is the group's.
    fn shared(&mut self, raw: RawShared, group: Option<&Shared>) -> Shared {
        let raw_severity = raw.severity.map(|severity| self.severities(&severity));
        let reason = raw.reason.map(|reason| self.words(&reason, "reason"));
        let of_group = group.cloned();
        let base = of_group.unwrap_or_else(|| Shared {
            topic: Topic::ALL[0],
            severities: [None; Audience::ALL.len()],
            reason: String::new(),
            sources: None,
            provenances: None,
            exceptions: Vec::new(),
            near: Vec::new(),
            not_near: Vec::new(),
            author: None,
            date: None,
        });
        Shared {
            topic: raw.topic.unwrap_or(base.topic),
            severities: raw_severity.unwrap_or(base.severities),
            reason: reason.unwrap_or(base.reason),
            sources: self.places(raw.sources, "sources").or(base.sources),
            provenances: self.places(raw.provenances, "provenances").or(base.provenances),
            exceptions: raw
                .exceptions
                .map_or(base.exceptions, |phrases| self.phrases(phrases)),
            near: raw.near.map_or(base.near, |phrases| self.phrases(phrases)),
            not_near: raw
                .not_near
                .map_or(base.not_near, |phrases| self.phrases(phrases)),
            author: raw
                .author
                .map(|author| self.words(&author, "author"))
                .or(base.author),
            date: raw.date.map(|date| self.date(&date)).or(base.date),
        }
    }

    /// A term, and the exceptions that it was given, of which it keeps those that can cover it.
    fn own(&mut self, raw: RawOwn, shared: Shared, line: usize) -> (Term, Vec<Placed>) {
        let spellings = self.spellings(raw.text, line);
        let tokens: Vec<Tokens> = spellings.iter().map(|spelling| Tokens::of(spelling)).collect();
        let covers = |phrase: &String| {
            let phrase = Tokens::of(phrase);
            tokens.iter().any(|spelling| phrase.holds(spelling))
        };
        let words = |placed: Vec<Placed>| placed.into_iter().map(|(phrase, _)| phrase).collect();
        let given = shared.exceptions.clone();
        let term = Term {
            id: self.identity(raw.id, &spellings, line),
            exceptions: given
                .iter()
                .map(|(phrase, _)| phrase)
                .filter(|phrase| covers(phrase))
                .cloned()
                .collect(),
            near: words(shared.near),
            not_near: words(shared.not_near),
            reason: shared.reason,
            topic: shared.topic,
            sources: shared.sources,
            provenances: shared.provenances,
            severities: shared.severities,
            author: shared.author,
            date: shared.date,
            spellings,
            line,
        };
        (term, given)
    }

    fn severities(&mut self, raw: &Spanned<RawSeverity>) -> [Option<Severity>; Audience::ALL.len()] {
        let severities = raw.get_ref().0;
        if severities.iter().all(Option::is_none) {
            let instead = "an audience with a number, as severity = { ks2 = 3 }";
            self.faults
                .add(&raw.span(), "the term applies to no audience", instead);
        }
        severities
    }

    fn places<T>(&mut self, raw: Option<Spanned<Vec<T>>>, what: &str) -> Option<Vec<T>> {
        if let Some(places) = raw.as_ref().filter(|places| places.get_ref().is_empty()) {
            let instead = format!("the {what}, or no line `{what}` for all of them");
            self.faults
                .add(&places.span(), "the term is looked for nowhere", instead);
        }
        raw.map(Spanned::into_inner)
    }

    fn exceptions(&mut self, raw: Vec<Spanned<RawException>>) -> Vec<Exception> {
        let mut exceptions = Vec::with_capacity(raw.len());
        for exception in raw {
            let line = self.faults.line(exception.span().start);
            let exception = exception.into_inner();
            let phrases = self.phrases(exception.text);
            exceptions.push(Exception {
                phrases: phrases.into_iter().map(|(phrase, _)| phrase).collect(),
                reason: self.words(&exception.reason, "reason"),
                line,
            });
        }
        exceptions
    }

    fn spellings(&mut self, raw: Spanned<Phrases>, line: usize) -> Vec<String> {
        let phrases = self.phrases(raw);
        for (phrase, span) in &phrases {
            if let Some(before) = self.seen.insert(folded(phrase), line) {
                let fault = format!(
                    "`{phrase}` is already a term, on line {before}; case and accents make no difference"
                );
                self.faults.add(span, fault, "it once");
            }
        }
        phrases.into_iter().map(|(phrase, _)| phrase).collect()
    }

    /// An exception covers only what stands inside it, so one that does not hold the term, or is the term, is a mistake.
    fn exceptions_hold(&mut self, exceptions: &[Placed], terms: &[Term]) {
        let spellings = terms.iter().flat_map(|term| &term.spellings);
        let spellings: Vec<Tokens> = spellings.map(|spelling| Tokens::of(spelling)).collect();
        for (phrase, span) in exceptions {
            let tokens = Tokens::of(phrase);
            if !spellings.iter().any(|spelling| tokens.holds(spelling)) {
                let fault = format!("the exception `{phrase}` can never cover the term");
                let instead = "a longer phrase in which the term stands as whole words, or an [[exception]] for the list";
                self.faults.add(span, fault, instead);
            }
        }
    }

    /// Phrases with their braces spelt out.
    fn phrases(&mut self, raw: Spanned<Phrases>) -> Vec<Placed> {
        let span = raw.span();
        let written: Vec<Placed> = match raw.into_inner() {
            Phrases::One(phrase) => vec![(phrase, span.clone())],
            Phrases::Several(phrases) => phrases
                .into_iter()
                .map(|phrase| (phrase.get_ref().clone(), phrase.span()))
                .collect(),
        };
        if written.is_empty() {
            self.faults
                .add(&span, "there is no phrase", "text = \"the phrase\"");
        }
        let mut phrases = Vec::with_capacity(written.len());
        for (written, span) in written {
            match expand(&written) {
                Ok(expanded) => phrases.extend(expanded.into_iter().map(|phrase| (phrase, span.clone()))),
                Err((fault, instead)) => self.faults.add(&span, fault, instead),
            }
        }
        for (phrase, span) in &phrases {
            // Decomposed, a phrase can be longer than it was written, and its identity is made of that.
            if phrase.len() > PHRASE || Plain::new(phrase).joined().len() > 2 * PHRASE {
                let fault = format!("the phrase is over {PHRASE} bytes long");
                self.faults.add(span, fault, "its most telling words");
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
            let fault = format!("the {what} is empty");
            self.faults.add(&text.span(), fault, format!("{what} = \"…\""));
        } else if text.get_ref().len() > REASON {
            let fault = format!("the {what} is over {REASON} bytes long");
            self.faults.add(&text.span(), fault, "a shorter one");
        }
        text.get_ref().trim().to_owned()
    }

    fn date(&mut self, date: &Spanned<Datetime>) -> String {
        let value = date.get_ref();
        match value.date.filter(|_| value.time.is_none()) {
            Some(date) => date.to_string(),
            None => {
                let at = date.span();
                self.faults
                    .add(&at, "the date must be a day", "date = 2026-01-31");
                String::new()
            }
        }
    }
}

/// The identity of a term that was given none: its words, joined by hyphens.
pub(crate) fn derived(phrase: &str) -> String {
    Plain::new(phrase)
        .joined()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join("-")
}
