//! The engine's tables, while lists are added to them.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::{BuildError, Engine, Entry, ExceptionEntry, ListName, Target};
use crate::list::KeywordList;
use crate::view::Plain;

/// The automaton's patterns, each text once.
#[derive(Default)]
struct Patterns {
    texts: Vec<String>,
    /// What each stands for.
    targets: Vec<Vec<Target>>,
    known: HashMap<String, usize>,
}

impl Patterns {
    /// Adds a phrase and returns its length in the view.
    fn add(&mut self, phrase: &str, target: Target) -> usize {
        let plain = Plain::new(phrase).as_str().to_owned();
        let length = plain.len() - 2;
        let pattern = *self.known.entry(plain.clone()).or_insert_with(|| {
            self.texts.push(plain);
            self.targets.push(Vec::with_capacity(1));
            self.targets.len() - 1
        });
        self.targets[pattern].push(target);
        length
    }
}

/// The engine's tables while lists are added.
#[derive(Default)]
pub(super) struct Building {
    patterns: Patterns,
    lists: Vec<ListName>,
    terms: Vec<Entry>,
    exceptions: Vec<ExceptionEntry>,
    longest_exception: usize,
}

impl Building {
    pub(super) fn add(&mut self, list: &KeywordList) -> Result<(), BuildError> {
        if self.lists.iter().any(|before| before.id == list.id) {
            return Err(BuildError::SameList(list.id.clone()));
        }
        let at = self.lists.len();
        self.lists.push(ListName {
            id: list.id.clone(),
            version: list.version,
        });
        for term in list.terms() {
            let entry = self.terms.len();
            for (spelling, phrase) in term.spellings.iter().enumerate() {
                self.patterns.add(phrase, Target::Term { entry, spelling });
            }
            let reason = format!("harmless although the term `{}` stands in it", term.id);
            for phrase in &term.exceptions {
                self.except(at, Some(entry), phrase, &reason);
            }
            self.terms.push(Entry {
                list: at,
                term: term.clone(),
            });
        }
        for exception in list.exceptions() {
            for phrase in &exception.phrases {
                self.except(at, None, phrase, &exception.reason);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Engine, BuildError> {
        let Patterns { texts, targets, .. } = self.patterns;
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&texts)
            .map_err(|error| BuildError::TooLarge(error.to_string()))?;
        Ok(Engine {
            automaton,
            targets,
            lists: self.lists,
            terms: self.terms,
            exceptions: self.exceptions,
            longest_exception: self.longest_exception,
        })
    }

    fn except(&mut self, list: usize, entry: Option<usize>, phrase: &str, reason: &str) {
        let length = self
            .patterns
            .add(phrase, Target::Exception(self.exceptions.len()));
        self.longest_exception = self.longest_exception.max(length);
        let (phrase, reason) = (phrase.to_owned(), reason.to_owned());
        self.exceptions.push(ExceptionEntry {
            list,
            entry,
            phrase,
            reason,
        });
    }
}
