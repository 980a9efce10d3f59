//! What the phrases of the tree stand for: lists, terms, exceptions, and what is near.

use crate::{Audience, Provenance, Severity, Source, Topic};

/// Text that is kept once, and known by its number.
#[derive(Debug, Default)]
pub(super) struct Strings {
    pub(super) text: String,
    /// Where each ends.
    pub(super) ends: Vec<u32>,
}

impl Strings {
    pub(super) fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let start = at
            .checked_sub(1)
            .map_or(0, |before| self.ends.get(before).map_or(0, |end| *end as usize));
        let end = self.ends.get(at).map_or(start, |end| *end as usize);
        self.text.get(start..end).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ListEntry {
    pub(super) id: u32,
    pub(super) version: u32,
    pub(super) confidential: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TermEntry {
    pub(super) list: u32,
    pub(super) id: u32,
    pub(super) reason: u32,
    pub(super) topic: Topic,
    pub(super) severities: [Option<Severity>; Audience::ALL.len()],
    /// One bit for each source, and for each provenance.
    pub(super) sources: u8,
    pub(super) provenances: u8,
    /// The words of which one must be near, and of which none may be; 0 for none.
    pub(super) near: u32,
    pub(super) not_near: u32,
}

impl TermEntry {
    pub(super) fn is_for_source(&self, source: Source) -> bool {
        self.sources & (1 << source as u8) != 0
    }

    pub(super) fn is_for_writing(&self, provenance: Provenance) -> bool {
        self.provenances & (1 << provenance as u8) != 0
    }
}

/// What a phrase is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A spelling of a term.
    Term(u32),
    /// Covers a term.
    ExceptionOfTerm(u32),
    /// Covers the terms of a list.
    ExceptionOfList(u32),
    /// Covers every term.
    ExceptionForAll(u32),
    /// A search for help, which covers every term.
    Help(u32),
    /// One of some words that may have to be near a term, or must not be.
    Near(u32),
}

/// What some phrases are for, and why those of them that are exceptions are in their list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) kind: Kind,
    pub(super) reason: u32,
}

/// What the phrases stand for.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) strings: Strings,
    pub(super) lists: Vec<ListEntry>,
    pub(super) terms: Vec<TermEntry>,
    pub(super) owners: Vec<Owner>,
    /// The owner of each phrase.
    pub(super) owned_by: Vec<u32>,
    /// Phrases that their list writes otherwise than their words are, and how; by phrase.
    pub(super) written: Vec<(u32, u32)>,
}

impl Tables {
    #[inline]
    pub(super) fn owner(&self, phrase: u32) -> Owner {
        self.owners[self.owned_by[phrase as usize] as usize]
    }

    /// Whether nothing may be said of a phrase.
    pub(super) fn is_confidential(&self, phrase: u32) -> bool {
        self.lists[self.list_of(phrase) as usize].confidential
    }

    pub(super) fn list_of(&self, phrase: u32) -> u32 {
        match self.owner(phrase).kind {
            Kind::Term(term) | Kind::ExceptionOfTerm(term) => {
                self.terms.get(term as usize).map_or(0, |term| term.list)
            }
            Kind::ExceptionOfList(list) | Kind::ExceptionForAll(list) | Kind::Help(list) => list,
            Kind::Near(_) => 0,
        }
    }
}
