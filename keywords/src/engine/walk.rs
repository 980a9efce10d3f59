//! Walks through the readings of a text along the tree of phrases, and gathers the phrases that stand in it.

use super::letters::{Place, place, word_at};
use super::phrase_at::{PhraseAt, bit};
use super::reading::{Edge, Lattice};
use super::tables::{Kind, Tables};
use super::trie::{Reached, Trie};
use super::words::NONE;
use crate::list::phrase::GAP;
use crate::plain::Plain;
use crate::view::View;

/// Steps from one place of a text. No text of the evaluation needs 16, and only a list and a text made for each other need
/// so many; what is left out is counted.
const STEPS: usize = 256;

/// The phrases that stand in a text, and at how many places there was more to look for.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) standing: Vec<PhraseAt>,
    pub(super) dropped: usize,
}

pub(super) struct Walk<'t> {
    trie: &'t Trie,
    plain: &'t Plain,
    lattice: &'t Lattice,
    /// What phrases are for, where only terms are looked for.
    terms_of: Option<&'t Tables>,
    walked: Walked,
    steps: usize,
}

/// How far a walk has come.
#[derive(Clone, Copy)]
struct Here {
    node: Reached,
    from: Place,
    at: Place,
    start: usize,
    end: usize,
    view: View,
    whole: bool,
    skipped: u32,
}

impl<'t> Walk<'t> {
    pub(super) fn new(trie: &'t Trie, plain: &'t Plain, lattice: &'t Lattice) -> Self {
        Self {
            trie,
            plain,
            lattice,
            terms_of: None,
            walked: Walked::default(),
            steps: 0,
        }
    }

    /// The same for terms alone: most texts hold none.
    pub(super) fn only_terms(self, tables: &'t Tables) -> Self {
        Self {
            terms_of: Some(tables),
            ..self
        }
    }

    /// Every phrase that stands in the text, by where it begins.
    pub(super) fn all(mut self) -> Walked {
        let mut edge = 0;
        for word in 0..self.lattice.plain.len() {
            self.steps = STEPS;
            if self.is_worth(self.lattice.plain[word]) {
                self.begin(self.plain_edge(word));
            }
            let next = place(word + 1);
            while let Some(read) = self
                .lattice
                .edges
                .get(edge)
                .filter(|read| read.from < next)
                .copied()
            {
                self.steps = STEPS;
                if self.is_worth(read.word) {
                    self.begin(Some(read));
                }
                edge += 1;
            }
        }
        self.walked.standing.extend_from_slice(&self.lattice.phrases);
        if self.walked.standing.len() > 1 {
            self.walked
                .standing
                .sort_by_key(|found| (found.from, found.to, found.phrase, found.view));
            self.walked.standing.dedup_by(|b, a| {
                (a.from, a.to, a.phrase) == (b.from, b.to, b.phrase) && {
                    a.whole |= b.whole;
                    a.skipped |= b.skipped;
                    true
                }
            });
        }
        self.walked
    }

    /// Whether what is looked for may begin with a word.
    fn is_worth(&self, word: u32) -> bool {
        word != NONE && (self.terms_of.is_none() || self.trie.begins_term(word))
    }

    fn begin(&mut self, edge: Option<Edge>) {
        let Some(edge) = edge else { return };
        let Some(node) = self.trie.start(edge.word) else {
            return;
        };
        self.go(Here {
            node,
            from: edge.from,
            at: edge.to,
            start: edge.start,
            end: edge.end,
            view: edge.view,
            whole: edge.alone,
            skipped: 0,
        });
    }

    fn go(&mut self, here: Here) {
        let terms_of = self.terms_of;
        let is_meant =
            |phrase| terms_of.is_none_or(|tables| matches!(tables.owner(phrase).kind, Kind::Term(_)));
        for phrase in self.trie.ending(here.node).filter(|phrase| is_meant(*phrase)) {
            self.walked.standing.push(PhraseAt {
                from: here.from,
                to: here.at,
                phrase,
                view: here.view,
                span: here.start..here.end,
                whole: here.whole,
                skipped: here.skipped,
            });
        }
        if !self.trie.goes_on(here.node) {
            return;
        }
        if self.steps == 0 {
            self.walked.dropped += 1;
            return;
        }
        self.steps -= 1;
        self.onwards(here);
        if let Some(node) = self.trie.over_gap(here.node) {
            self.over_gap(Here { node, ..here }, 0);
        }
    }

    fn over_gap(&mut self, here: Here, skipped: usize) {
        self.onwards(here);
        if skipped == GAP {
            return;
        }
        if self.steps == 0 {
            self.walked.dropped += 1;
            return;
        }
        self.steps -= 1;
        let mut last = None;
        self.each_edge(here.at, |walk, edge| {
            if last != Some(edge.to) {
                last = Some(edge.to);
                let first = word_at(here.from);
                let passed = word_at(here.at)..word_at(edge.to.saturating_sub(1)) + 1;
                let passed = passed.fold(here.skipped, |words, word| words | bit(word - first));
                let on = Here {
                    at: edge.to,
                    skipped: passed,
                    ..here
                };
                walk.over_gap(on, skipped + 1);
            }
        });
    }

    fn onwards(&mut self, here: Here) {
        self.each_edge(here.at, |walk, edge| {
            if edge.word != NONE
                && let Some(node) = walk.trie.child(here.node, edge.word)
            {
                walk.go(Here {
                    node,
                    at: edge.to,
                    end: edge.end,
                    view: here.view.max(edge.view),
                    whole: true,
                    ..here
                });
            }
        });
    }

    fn each_edge(&mut self, at: Place, mut each: impl FnMut(&mut Self, Edge)) {
        if place(word_at(at)) == at
            && let Some(edge) = self.plain_edge(word_at(at))
        {
            each(self, edge);
        }
        let lattice = self.lattice;
        let first = lattice.edges.partition_point(|edge| edge.from < at);
        for edge in lattice.edges[first..].iter().take_while(|edge| edge.from == at) {
            each(self, *edge);
        }
    }

    fn plain_edge(&self, word: usize) -> Option<Edge> {
        let (id, written) = (*self.lattice.plain.get(word)?, self.plain.words().get(word)?);
        Some(Edge {
            from: place(word),
            to: place(word + 1),
            word: id,
            view: View::Plain,
            start: written.start,
            end: written.end,
            alone: true,
        })
    }
}
