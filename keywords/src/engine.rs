//! The engine: one automaton for all terms and exceptions of all lists.
//!
//! Rules, in this order:
//! 1. A term stands in a text where its words do, in their order, in a view of the text.
//! 2. It applies where it has a severity for the text's audience and is looked for in its source.
//! 3. It is not flagged where it stands wholly inside an exception of its own or of its list. An exception covers only
//!    the characters it matches: whatever reaches outside it, or stands elsewhere in the text, is flagged all the same.
//! 4. Text that a page wrote is never more than [`Severity::PAGE_MAX`].
//! 5. The winner is the highest severity; then the longest span; then the earliest; then list and term in their order.

mod build;
mod rank;

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::AhoCorasick;

use self::build::Building;
use self::rank::{Best, Candidate};
use crate::found::{Considered, Explanation, Findings, Found, NotApplied, Scope, WhyNot};
use crate::list::{KeywordList, Term};
use crate::view::{Plain, View};
use crate::{Audience, Provenance, Severity, Source};

/// The most matches that are returned for one text; what is dropped is counted.
pub const MATCHES: usize = 32;

/// A text with what decides which terms apply to it.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// What was seen or typed.
    pub text: &'a str,
    /// What was observed.
    pub source: Source,
    /// Who wrote the text.
    pub provenance: Provenance,
    /// Who is in front of the device.
    pub audience: Audience,
}

/// Why lists cannot be built into an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Two lists have one identity.
    #[error("the list `{0}` is there twice; keep one version of it")]
    SameList(String),
    /// The lists are larger than an automaton can be.
    #[error("the lists are too large to match with ({0}); leave one out")]
    TooLarge(String),
}

/// Finds the terms of lists in texts. Made once for a set of lists; finding changes nothing in it.
#[derive(Debug)]
pub struct Engine {
    automaton: AhoCorasick,
    /// What each pattern of the automaton stands for.
    targets: Vec<Vec<Target>>,
    lists: Vec<ListName>,
    terms: Vec<Entry>,
    exceptions: Vec<ExceptionEntry>,
    /// Bytes of the longest exception, which bounds how far around a term one is looked for.
    longest_exception: usize,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    Term { entry: usize, spelling: usize },
    Exception(usize),
}

#[derive(Debug)]
struct ListName {
    id: String,
    version: u32,
}

#[derive(Debug)]
struct Entry {
    list: usize,
    term: Term,
}

#[derive(Debug)]
struct ExceptionEntry {
    list: usize,
    /// The entry it is for; none if it is for the whole list.
    entry: Option<usize>,
    phrase: String,
    reason: String,
}

/// Something that stands in the view.
struct Standing<T> {
    /// In the view, without the spaces around it.
    at: Range<usize>,
    what: T,
}

/// What stands in a text's view, each in the order of where it ends.
struct Seen {
    terms: Vec<Standing<(usize, usize)>>,
    exceptions: Vec<Standing<usize>>,
}

impl Engine {
    /// Builds one automaton for all terms and exceptions of the lists.
    ///
    /// # Errors
    /// When two lists have the same identity, or the lists are too large.
    pub fn build(lists: &[KeywordList]) -> Result<Self, BuildError> {
        let mut building = Building::default();
        for list in lists {
            building.add(list)?;
        }
        building.finish()
    }

    /// The terms that stand in a text and apply, the winner first; at most [`MATCHES`].
    #[must_use]
    pub fn find(&self, text: &Text<'_>) -> Vec<Found> {
        self.findings(text).found
    }

    /// The same as [`Engine::find`], with how many were left out.
    #[must_use]
    pub fn findings(&self, text: &Text<'_>) -> Findings {
        let view = Plain::new(text.text);
        let seen = self.look(&view);
        let mut best = Best::default();
        for standing in &seen.terms {
            let (entry, spelling) = standing.what;
            if self.why_not(entry, text).is_none()
                && self.covering(standing, &seen.exceptions).next().is_none()
            {
                best.offer(self.candidate(entry, spelling, view.original(&standing.at), text));
            }
        }
        let found = best
            .kept
            .iter()
            .map(|candidate| self.found(candidate, text))
            .collect();
        Findings {
            found,
            dropped: best.dropped,
        }
    }

    /// Everything there is to say about a text.
    #[must_use]
    pub fn explain(&self, text: &Text<'_>) -> Explanation {
        let view = Plain::new(text.text);
        let seen = self.look(&view);
        let Findings { found, mut dropped } = self.findings(text);
        let mut covers: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut not_applied = Vec::new();
        for standing in &seen.terms {
            let (entry, spelling) = standing.what;
            if let Some(why) = self.why_not(entry, text) {
                if not_applied.len() < MATCHES {
                    not_applied.push(self.not_applied(entry, spelling, view.original(&standing.at), why));
                } else {
                    dropped += 1;
                }
                continue;
            }
            for covering in self.covering(standing, &seen.exceptions) {
                let covered = covers.entry(covering).or_default();
                let written = &self.terms[entry].term.spellings[spelling];
                if covered.len() < MATCHES && !covered.contains(written) {
                    covered.push(written.clone());
                }
            }
        }
        dropped += seen.exceptions.len().saturating_sub(MATCHES);
        let considered = seen.exceptions.iter().enumerate().take(MATCHES);
        let exceptions = considered
            .map(|(at, standing)| {
                let covers = covers.remove(&at).unwrap_or_default();
                self.considered(standing.what, view.original(&standing.at), covers)
            })
            .collect();
        Explanation {
            found,
            exceptions,
            not_applied,
            dropped,
        }
    }

    /// How many terms there are, each counted once however many spellings it has.
    #[must_use]
    pub fn term_count(&self) -> usize {
        self.terms.len()
    }

    fn look(&self, view: &Plain) -> Seen {
        let mut seen = Seen {
            terms: Vec::new(),
            exceptions: Vec::new(),
        };
        for hit in self.automaton.find_overlapping_iter(view.as_str()) {
            let at = hit.start() + 1..hit.end() - 1;
            for target in &self.targets[hit.pattern().as_usize()] {
                let at = at.clone();
                match *target {
                    Target::Term { entry, spelling } => seen.terms.push(Standing {
                        at,
                        what: (entry, spelling),
                    }),
                    Target::Exception(what) => seen.exceptions.push(Standing { at, what }),
                }
            }
        }
        seen
    }

    /// Why a term that stands in the text does not apply; none if it does.
    fn why_not(&self, entry: usize, text: &Text<'_>) -> Option<WhyNot> {
        let term = &self.terms[entry].term;
        if term.severity(text.audience).is_none() {
            Some(WhyNot::Audience(text.audience))
        } else if !term.applies_to(text.source) {
            Some(WhyNot::Source(text.source))
        } else {
            None
        }
    }

    /// Which of the exceptions that stand in the text a term stands wholly inside of.
    fn covering<'s>(
        &'s self,
        term: &'s Standing<(usize, usize)>,
        exceptions: &'s [Standing<usize>],
    ) -> impl Iterator<Item = usize> + 's {
        let entry = term.what.0;
        let first = exceptions.partition_point(|exception| exception.at.end < term.at.end);
        let furthest = term.at.start + self.longest_exception;
        exceptions
            .iter()
            .enumerate()
            .skip(first)
            .take_while(move |(_, exception)| exception.at.end <= furthest)
            .filter(move |(_, exception)| {
                let for_whom = &self.exceptions[exception.what];
                let is_for = match for_whom.entry {
                    Some(only) => only == entry,
                    None => for_whom.list == self.terms[entry].list,
                };
                is_for && exception.at.start <= term.at.start
            })
            .map(|(at, _)| at)
    }

    fn candidate<'s>(
        &'s self,
        entry: usize,
        spelling: usize,
        span: Range<usize>,
        text: &Text<'_>,
    ) -> Candidate<'s> {
        let term = &self.terms[entry].term;
        let own = term.severity(text.audience).unwrap_or(Severity::MIN);
        let severity = if text.provenance == Provenance::Page {
            own.min(Severity::PAGE_MAX)
        } else {
            own
        };
        let list_id = self.lists[self.terms[entry].list].id.as_str();
        Candidate {
            severity,
            span,
            list_id,
            term_id: &term.id,
            entry,
            spelling,
        }
    }

    fn found(&self, candidate: &Candidate<'_>, text: &Text<'_>) -> Found {
        let Entry { list, term } = &self.terms[candidate.entry];
        let own = term
            .severity(text.audience)
            .filter(|own| *own != candidate.severity);
        Found {
            list_id: self.lists[*list].id.clone(),
            list_version: self.lists[*list].version,
            term_id: term.id.clone(),
            term: term.spellings[candidate.spelling].clone(),
            topic: term.topic,
            severity: candidate.severity,
            span: candidate.span.clone(),
            view: View::Plain,
            reason: term.reason.clone(),
            severity_note: own.map(|own| {
                format!(
                    "lowered from {own} to {}: written by a page, not typed",
                    candidate.severity
                )
            }),
        }
    }

    fn not_applied(&self, entry: usize, spelling: usize, span: Range<usize>, why: WhyNot) -> NotApplied {
        let Entry { list, term } = &self.terms[entry];
        NotApplied {
            list_id: self.lists[*list].id.clone(),
            list_version: self.lists[*list].version,
            term_id: term.id.clone(),
            term: term.spellings[spelling].clone(),
            span,
            why,
        }
    }

    fn considered(&self, exception: usize, span: Range<usize>, covers: Vec<String>) -> Considered {
        let exception = &self.exceptions[exception];
        Considered {
            list_id: self.lists[exception.list].id.clone(),
            list_version: self.lists[exception.list].version,
            exception: exception.phrase.clone(),
            scope: if exception.entry.is_some() {
                Scope::Term
            } else {
                Scope::List
            },
            span,
            reason: exception.reason.clone(),
            covers,
        }
    }
}
