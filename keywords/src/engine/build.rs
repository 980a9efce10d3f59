//! Builds the engine's tables out of lists.

use std::collections::HashMap;

use super::tables::{Kind, ListEntry, Owner, Strings, Tables, TermEntry};
use super::trie::{GAP_WORD, Growing};
use super::words::{RUN_TOGETHER, Words};
use super::{BuildError, Engine};
use crate::dictionary::Dictionary;
use crate::list::phrase::{self, GAP_MARK};
use crate::list::{Exception, KeywordList, Term};
use crate::plain::Plain;
use crate::{Audience, Provenance, Severity, Source};

/// Words, strings and phrases of one engine at most, and bytes of its strings.
const MOST: usize = 1 << 26;
/// Why a term is in a list whose reasons are not said.
const IN_CONFIDENCE: &str = "Its publisher put it into a specialist list, whose words are not shown";

/// Builds an engine out of lists that are given one by one, so that they need not be in memory all at once.
///
/// ```
/// # use pastoral_keywords::{Dictionary, EngineBuilder, shipped};
/// let mut builder = EngineBuilder::default();
/// for list in shipped::lists()? {
///     builder.add(&list)?;
/// }
/// let engine = builder.finish(Dictionary::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct EngineBuilder {
    tables: Tables,
    trie: Growing,
    words: HashMap<String, u32>,
    /// The owner of each phrase.
    owned_by: Vec<u32>,
    /// Phrases that their list writes otherwise than their words are.
    written: HashMap<u32, String>,
    owners: HashMap<Owner, u32>,
    strings: HashMap<String, u32>,
    nears: HashMap<Vec<String>, u32>,
    /// Whether the list that is being added is held in confidence: the engine then has nothing of it to say.
    confidential: bool,
}

impl EngineBuilder {
    /// Adds a list.
    pub fn add(&mut self, list: &KeywordList) -> Result<(), BuildError> {
        let number = number(self.tables.lists.len())?;
        let id = self.string(&list.id)?;
        if self.tables.lists.iter().any(|before| before.id == id) {
            return Err(BuildError::SameList(list.id.clone()));
        }
        self.confidential = list.confidential;
        self.tables.lists.push(ListEntry {
            id,
            version: list.version,
            confidential: list.confidential,
        });
        for (at, term) in list.terms().iter().enumerate() {
            self.term(number, at, term)?;
        }
        let kind = if list.exceptions_for_all {
            Kind::ExceptionForAll
        } else {
            Kind::ExceptionOfList
        };
        self.exceptions(list.exceptions(), kind(number))?;
        self.exceptions(list.help(), Kind::Help(number))
    }

    fn term(&mut self, list: u32, at: usize, term: &Term) -> Result<(), BuildError> {
        let entry = number(self.tables.terms.len())?;
        for spelling in &term.spellings {
            self.phrase(spelling, Kind::Term(entry), 0)?;
        }
        if !term.exceptions.is_empty() {
            let reason = format!("harmless although the term `{}` stands in it", term.id);
            let reason = self.said(&reason)?;
            for exception in &term.exceptions {
                self.phrase(exception, Kind::ExceptionOfTerm(entry), reason)?;
            }
        }
        let mut severities = [None::<Severity>; Audience::ALL.len()];
        for (severity, audience) in severities.iter_mut().zip(Audience::ALL) {
            *severity = term.severity(*audience);
        }
        let sources = Source::ALL.iter().filter(|source| term.applies_to(**source));
        let provenances = Provenance::ALL
            .iter()
            .filter(|provenance| term.applies_to_writing(**provenance));
        let (id, reason) = if self.confidential {
            ((at + 1).to_string(), IN_CONFIDENCE)
        } else {
            (term.id.clone(), term.reason.as_str())
        };
        let entry = TermEntry {
            list,
            id: self.string(&id)?,
            reason: self.string(reason)?,
            topic: term.topic,
            severities,
            sources: sources.fold(0, |mask, source| mask | 1 << *source as u8),
            provenances: provenances.fold(0, |mask, provenance| mask | 1 << *provenance as u8),
            near: self.near(&term.near)?,
            not_near: self.near(&term.not_near)?,
        };
        self.tables.terms.push(entry);
        Ok(())
    }

    fn exceptions(&mut self, exceptions: &[Exception], kind: Kind) -> Result<(), BuildError> {
        for exception in exceptions {
            let reason = self.said(&exception.reason)?;
            for phrase in &exception.phrases {
                self.phrase(phrase, kind, reason)?;
            }
        }
        Ok(())
    }

    /// The number of some words that are near; groups of terms have the same ones.
    fn near(&mut self, phrases: &[String]) -> Result<u32, BuildError> {
        if phrases.is_empty() {
            return Ok(0);
        }
        if let Some(known) = self.nears.get(phrases) {
            return Ok(*known);
        }
        let near = number(self.nears.len() + 1)?;
        self.nears.insert(phrases.to_vec(), near);
        for phrase in phrases {
            self.phrase(phrase, Kind::Near(near), 0)?;
        }
        Ok(near)
    }

    fn phrase(&mut self, written: &str, kind: Kind, reason: u32) -> Result<(), BuildError> {
        let phrase = number(self.owned_by.len())?;
        let (mut path, mut spelt) = (Vec::new(), Vec::new());
        let parts: Vec<Plain> = phrase::parts(written).collect();
        for (at, part) in parts.iter().enumerate() {
            if at > 0 {
                path.push(GAP_WORD);
                spelt.push(GAP_MARK);
            }
            for word in part.spelt() {
                path.push(self.word(word)?);
                spelt.push(word);
            }
        }
        if spelt.join(" ") != written {
            self.written.insert(phrase, written.to_owned());
        }
        let next = number(self.tables.owners.len())?;
        let owner = Owner { kind, reason };
        let of = *self.owners.entry(owner).or_insert(next);
        if of == next {
            self.tables.owners.push(owner);
        }
        self.owned_by.push(of);
        self.trie.add(path, phrase);
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<u32, BuildError> {
        if let Some(known) = self.words.get(word) {
            return Ok(*known);
        }
        let next = number(self.words.len())?;
        self.words.insert(word.to_owned(), next);
        Ok(next)
    }

    /// What may be said of a phrase: nothing where its list is held in confidence.
    fn said(&mut self, text: &str) -> Result<u32, BuildError> {
        self.string(if self.confidential { "" } else { text })
    }

    fn string(&mut self, text: &str) -> Result<u32, BuildError> {
        if let Some(known) = self.strings.get(text) {
            return Ok(*known);
        }
        let Strings { text: all, ends } = &mut self.tables.strings;
        let string = number(ends.len())?;
        all.push_str(text);
        ends.push(number(all.len())?);
        self.strings.insert(text.to_owned(), string);
        Ok(string)
    }

    /// The engine, that tells odd words by the ordinary ones; see [`Engine::build`] for one that knows none.
    pub fn finish(mut self, dictionary: Dictionary) -> Result<Engine, BuildError> {
        let mut words = vec![String::new(); self.words.len()];
        for (word, id) in &self.words {
            words[*id as usize].clone_from(word);
        }
        let single = number(words.len())?;
        self.run_together(&mut words, &dictionary)?;
        let grown = std::mem::take(&mut self.trie).finish(words.len());
        let (trie, order) = grown
            .ok_or_else(|| BuildError::TooLarge("too many phrases, or one of too many words".to_owned()))?;
        let words = Words::new(&words, single);
        let otherwise = std::mem::take(&mut self.written);
        for (at, old) in (0u32..).zip(order) {
            self.tables.owned_by.push(self.owned_by[old as usize]);
            if let Some(written) = otherwise.get(&old)
                && !self.tables.is_confidential(at)
                && trie.spelt(at, &words) != *written
            {
                let written = self.string(written)?;
                self.tables.written.push((at, written));
            }
        }
        Ok(Engine::of(words, dictionary, trie, self.tables))
    }

    /// Phrases that, run together, are ordinary words (`blow job`) become words of the lists, for what is ordinary is not
    /// read as anything else. Others are found by their words.
    fn run_together(&mut self, words: &mut Vec<String>, dictionary: &Dictionary) -> Result<(), BuildError> {
        let mut known = HashMap::new();
        for phrase in 0..number(self.owned_by.len())? {
            let path = self.trie.path(phrase as usize);
            if path.len() < 2 || path.contains(&GAP_WORD) {
                continue;
            }
            let spelt: Vec<&str> = path.iter().map(|word| words[*word as usize].as_str()).collect();
            let together = spelt.concat();
            if together.len() < RUN_TOGETHER || !dictionary.contains(&together) {
                continue;
            }
            self.written.entry(phrase).or_insert_with(|| spelt.join(" "));
            let next = number(words.len())?;
            let word = *known.entry(together.clone()).or_insert(next);
            if word == next {
                words.push(together);
            }
            self.trie.add([word], phrase);
        }
        Ok(())
    }
}

fn number(count: usize) -> Result<u32, BuildError> {
    let fits = u32::try_from(count).ok().filter(|_| count < MOST);
    fits.ok_or_else(|| BuildError::TooLarge(format!("more than {MOST} words, phrases or bytes")))
}
