//! The engine: one tree of phrases, word by word, for all terms, exceptions and searches for help of all lists, in all views.
//!
//! A text is read once into its words (`plain.rs`). Words that are neither of the lists nor ordinary, or that are written
//! with characters that are not their own, are odd, and are read as what they may stand for (`reading.rs`): each reading
//! is a word of the lists between two places of the text. The tree (`trie.rs`) is then followed along the words as written
//! and along the readings alike (`walk.rs`), so every view is matched at once, readings combine, and a phrase is found
//! whichever of its words are dodged. What is not odd is never read as anything else, which is what keeps false flags away.
//!
//! Where a number or a pattern decides what is found, the table at the top of its file says what it wins and loses.
//! `tests/thresholds.rs` holds the tables to it.
//!
//! Rules, in this order:
//! 1. A term stands in a text where its words do, in their order, in a view of the text.
//! 2. It applies where it has a severity for the text's audience, is looked for in its source and in what its writer wrote,
//!    has one of the words near it that it asks for, and none that it excludes.
//! 3. It is not flagged where it stands wholly inside an exception of its own, of its list or of all lists, or inside a
//!    search for help. An exception covers only the characters it matches: whatever reaches outside it, or stands elsewhere
//!    in the text, is flagged all the same. Where a school wants to know of pupils who look for help, those terms are
//!    not covered by the search for help that they are ([`KeywordList::looking_for_help`]).
//! 4. Text that a page wrote is never more than [`Severity::PAGE_MAX`].
//! 5. The winner is the highest severity; then the longest span; then the earliest; then list and term in their order.

mod apart;
mod build;
mod bytes;
mod decoded;
mod judge;
mod letters;
mod phrase_at;
mod rank;
mod reading;
mod report;
mod segment;
mod shorthand;
mod slips;
mod tables;
mod together;
mod trie;
mod walk;
mod words;

pub use self::build::EngineBuilder;
pub use self::bytes::LoadError;
use self::decoded::Decoded;
use self::judge::Judging;
use self::rank::Best;
use self::reading::Reader;
use self::tables::{Kind, Tables};
use self::trie::Trie;
use self::walk::{Walk, Walked};
use self::words::Words;
use crate::dictionary::Dictionary;
use crate::found::{Explanation, Findings, Found};
use crate::list::KeywordList;
use crate::plain::Plain;
use crate::view::View;
use crate::{Audience, Provenance, Source};

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
    /// The lists are larger than an engine can be.
    #[error("the lists are too large to match with ({0}); leave one out")]
    TooLarge(String),
}

/// Finds the terms of lists in texts. Made once for a set of lists; finding changes nothing in it.
#[derive(Debug)]
pub struct Engine {
    words: Words,
    dictionary: Dictionary,
    trie: Trie,
    tables: Tables,
    furthest: View,
}

impl Engine {
    /// An engine for the lists. It knows no ordinary words, so nothing that is written in plain letters is odd to it, but for
    /// stretched words: it looks neither for misspellings nor for words that are run together.
    pub fn build(lists: &[KeywordList]) -> Result<Self, BuildError> {
        Self::build_with(lists, &Dictionary::default())
    }

    /// An engine for the lists, that tells odd words by the ordinary ones.
    pub fn build_with(lists: &[KeywordList], dictionary: &Dictionary) -> Result<Self, BuildError> {
        let mut builder = EngineBuilder::default();
        for list in lists {
            builder.add(list)?;
        }
        builder.finish(dictionary.clone())
    }

    fn of(words: Words, dictionary: Dictionary, mut trie: Trie, tables: Tables) -> Self {
        trie.take_down_terms(|phrase| matches!(tables.owner(phrase).kind, Kind::Term(_)));
        Self {
            words,
            dictionary,
            trie,
            tables,
            furthest: View::Misspelt,
        }
    }

    /// The same engine, that looks no further than a view.
    #[must_use]
    pub fn up_to(self, furthest: View) -> Self {
        Self { furthest, ..self }
    }

    /// The terms that stand in a text and apply, the winner first; at most [`MATCHES`].
    #[must_use]
    pub fn find(&self, text: &Text<'_>) -> Vec<Found> {
        self.findings(text).found
    }

    /// The same as [`Engine::find`], with how many were left out.
    #[must_use]
    pub fn findings(&self, text: &Text<'_>) -> Findings {
        let mut findings = self.judged(text, self.look(text.text, true));
        if self.furthest >= View::Decoded
            && let Some(decoded) = Decoded::of(text.text)
        {
            let mut seen = self.look(&decoded.text, true);
            for standing in &mut seen.standing {
                standing.span = decoded.original(&standing.span);
                standing.view = standing.view.max(View::Decoded);
            }
            rank::merge(&mut findings, self.judged(text, seen));
        }
        findings
    }

    /// What applies of what stands in a text.
    fn judged(&self, text: &Text<'_>, seen: Walked) -> Findings {
        if seen.is_nothing() {
            return Findings::default();
        }
        let judging = Judging::new(self, seen, text);
        let mut best = Best::default();
        for (at, term) in judging.applying() {
            best.offer(judging.candidate(at, term));
        }
        let kept = best.kept.iter();
        Findings {
            found: kept.map(|candidate| judging.found(candidate)).collect(),
            dropped: best.dropped + judging.cut_short(),
        }
    }

    /// Everything there is to say about a text.
    #[must_use]
    pub fn explain(&self, text: &Text<'_>) -> Explanation {
        let Findings { found, dropped } = self.findings(text);
        Judging::new(self, self.look(text.text, false), text).explain(found, dropped)
    }

    /// How many terms there are, each counted once however many spellings it has.
    #[must_use]
    pub fn term_count(&self) -> usize {
        self.tables.terms.len()
    }

    /// A phrase as its list writes it; nothing of one that is held in confidence.
    fn written(&self, phrase: u32) -> String {
        if self.tables.is_confidential(phrase) {
            return String::new();
        }
        let written = &self.tables.written;
        match written.binary_search_by_key(&phrase, |(phrase, _)| *phrase) {
            Ok(at) => self.tables.strings.get(written[at].1).to_owned(),
            Err(_) => self.trie.spelt(phrase, &self.words),
        }
    }

    /// What stands in a text; nothing, where only terms are asked for and there is none.
    fn look(&self, original: &str, only_terms: bool) -> Walked {
        let plain = Plain::new(original);
        let reader = Reader {
            words: &self.words,
            dictionary: &self.dictionary,
            trie: &self.trie,
            furthest: self.furthest,
        };
        let lattice = reader.read(original, &plain);
        let walk = || Walk::new(&self.trie, &plain, &lattice);
        let is_term = |phrase| matches!(self.tables.owner(phrase).kind, Kind::Term(_));
        let nothing = || {
            lattice.is_as_written() && !self.trie.may_hold_a_term(&lattice.plain, is_term)
                || !walk()
                    .only_terms(&self.tables)
                    .all()
                    .may_hold_a_term(&self.tables)
        };
        if only_terms && nothing() {
            return Walked::default();
        }
        walk().all()
    }
}
