//! Which of the terms that stand in a text apply to it, and which are covered.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `NEAR` | 8 | misses `cut a b c d e f g wrist` | flags `cut a b c d e f g h wrist` |

use super::letters::{Place, place, word_at};
use super::phrase_at::PhraseAt;
use super::rank::Candidate;
use super::tables::{Kind, Tables, TermEntry};
use super::walk::Walked;
use super::{Engine, Text};
use crate::found::WhyNot;
use crate::{Provenance, Severity, Topic};

/// How many words away something may stand that is near a term.
const NEAR: usize = 8;

/// What stands in a text, sorted by what it is for.
pub(super) struct Judging<'e, 't> {
    pub(super) engine: &'e Engine,
    pub(super) tables: &'e Tables,
    pub(super) text: &'e Text<'t>,
    pub(super) terms: Vec<PhraseAt>,
    /// Exceptions and searches for help, by where they end.
    pub(super) covers: Vec<PhraseAt>,
    /// By where they begin.
    nears: Vec<PhraseAt>,
    longest_cover: Place,
    longest_near: Place,
    dropped: usize,
}

impl Walked {
    /// Whether nothing stands in the text, and there was no more to look for.
    pub(super) fn is_nothing(&self) -> bool {
        self.standing.is_empty() && self.dropped == 0
    }

    /// Whether a term stands in the text, or there was more to look for.
    pub(super) fn may_hold_a_term(&self, tables: &Tables) -> bool {
        let mut standing = self.standing.iter();
        self.dropped > 0 || standing.any(|found| matches!(tables.owner(found.phrase).kind, Kind::Term(_)))
    }
}

impl<'e, 't> Judging<'e, 't> {
    pub(super) fn new(engine: &'e Engine, seen: Walked, text: &'e Text<'t>) -> Self {
        let mut judging = Self {
            engine,
            tables: &engine.tables,
            text,
            terms: Vec::new(),
            covers: Vec::new(),
            nears: Vec::new(),
            longest_cover: 0,
            longest_near: 0,
            dropped: seen.dropped,
        };
        for standing in seen.standing {
            match judging.kind(&standing) {
                Kind::Term(_) if standing.whole => judging.terms.push(standing),
                Kind::Term(_) => {}
                Kind::Near(_) => {
                    judging.longest_near = judging.longest_near.max(standing.to - standing.from);
                    judging.nears.push(standing);
                }
                _ => {
                    judging.longest_cover = judging.longest_cover.max(standing.to - standing.from);
                    judging.covers.push(standing);
                }
            }
        }
        judging.covers.sort_by_key(|cover| cover.to);
        judging
    }

    /// At how many places of the text there was more to look for.
    pub(super) fn cut_short(&self) -> usize {
        self.dropped
    }

    /// The terms that apply and are not covered, with their numbers.
    pub(super) fn applying(&self) -> impl Iterator<Item = (usize, u32)> {
        let terms = self
            .terms
            .iter()
            .enumerate()
            .map(|(at, standing)| (at, self.term_of(standing)));
        terms.filter(|(at, term)| {
            let standing = &self.terms[*at];
            self.why_not(standing, *term).is_none() && self.covering(standing, *term).next().is_none()
        })
    }

    pub(super) fn kind(&self, standing: &PhraseAt) -> Kind {
        self.tables.owner(standing.phrase).kind
    }

    pub(super) fn term_of(&self, standing: &PhraseAt) -> u32 {
        match self.kind(standing) {
            Kind::Term(term) => term,
            _ => 0,
        }
    }

    /// Why a term that stands in the text does not apply; none if it does.
    pub(super) fn why_not(&self, standing: &PhraseAt, term: u32) -> Option<WhyNot> {
        let term = &self.tables.terms[term as usize];
        let text = self.text;
        if self.own_severity(term).is_none() {
            Some(WhyNot::Audience(text.audience))
        } else if !term.is_for_source(text.source) {
            Some(WhyNot::Source(text.source))
        } else if !term.is_for_writing(text.provenance) {
            Some(WhyNot::Provenance(text.provenance))
        } else if term.near != 0 && !self.is_near(standing, term.near) {
            Some(WhyNot::NothingNear)
        } else if term.not_near != 0 && self.is_near(standing, term.not_near) {
            Some(WhyNot::Near)
        } else {
            None
        }
    }

    /// Whether one of some words stands within a few words of a term, or in a gap of it; the term's own words are not meant.
    fn is_near(&self, term: &PhraseAt, near: u32) -> bool {
        let (first, last) = words_of(term);
        let earliest = place(first.saturating_sub(NEAR)).saturating_sub(self.longest_near);
        let begin = self.nears.partition_point(|standing| standing.from < earliest);
        let around = self.nears[begin..]
            .iter()
            .take_while(|standing| word_at(standing.from) <= last + NEAR);
        around
            .filter(|standing| self.kind(standing) == Kind::Near(near))
            .any(|standing| {
                let (begins, ends) = words_of(standing);
                let inside = term.from <= standing.from && standing.to <= term.to;
                let own = inside && !term.skips(begins..=ends);
                !own && begins <= last + NEAR && ends + NEAR >= first
            })
    }

    /// Which of the exceptions that stand in the text a term stands wholly inside of.
    pub(super) fn covering<'s>(
        &'s self,
        standing: &'s PhraseAt,
        term: u32,
    ) -> impl Iterator<Item = usize> + 's {
        let first = self.covers.partition_point(|cover| cover.to < standing.to);
        let furthest = standing.from + self.longest_cover;
        let TermEntry { list, topic, .. } = self.tables.terms[term as usize];
        let covers = self.covers.iter().enumerate().skip(first);
        covers
            .take_while(move |(_, cover)| cover.to <= furthest)
            .filter(move |(_, cover)| {
                let is_for = match self.kind(cover) {
                    Kind::ExceptionOfTerm(only) => only == term,
                    Kind::ExceptionOfList(of) => of == list,
                    Kind::ExceptionForAll(_) => true,
                    Kind::Help(_) => topic != Topic::LookingForHelp,
                    Kind::Term(_) | Kind::Near(_) => false,
                };
                is_for && cover.from <= standing.from
            })
            .map(|(at, _)| at)
    }

    pub(super) fn own_severity(&self, term: &TermEntry) -> Option<Severity> {
        term.severities[self.text.audience as usize]
    }

    pub(super) fn candidate(&self, at: usize, term: u32) -> Candidate<'_> {
        let entry = &self.tables.terms[term as usize];
        let own = self.own_severity(entry).unwrap_or(Severity::MIN);
        let severity = if self.text.provenance == Provenance::Page {
            own.min(Severity::PAGE_MAX)
        } else {
            own
        };
        let list = &self.tables.lists[entry.list as usize];
        Candidate {
            severity,
            span: self.terms[at].span.clone(),
            list_id: self.tables.strings.get(list.id),
            term_id: self.tables.strings.get(entry.id),
            phrase: self.terms[at].phrase,
            view: self.terms[at].view,
            term,
        }
    }
}

/// The first and the last word that something stands in.
fn words_of(standing: &PhraseAt) -> (usize, usize) {
    (word_at(standing.from), word_at(standing.to.saturating_sub(1)))
}
