//! Walks through the readings of a text along the tree of phrases, and gathers the phrases that stand in it.

use std::ops::Range;

use super::letters::{Place, place, word_at};
use super::reading::{Edge, Lattice};
use super::trie::{GAP_WORD, Trie};
use super::words::NONE;
use crate::list::phrase::GAP;
use crate::plain::Plain;
use crate::view::View;

/// Steps from one place of a text. Only a list and a text made for each other need so many; what is left out is counted.
const STEPS: usize = 256;

/// A phrase that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) phrase: u32,
    pub(super) view: View,
    /// Bytes of the original.
    pub(super) span: Range<usize>,
    /// Whether it may stand for a term.
    pub(super) whole: bool,
}

/// The phrases that stand in a text, and at how many places there was more to look for.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) standing: Vec<Standing>,
    pub(super) dropped: usize,
}

pub(super) struct Walk<'t> {
    trie: &'t Trie,
    plain: &'t Plain,
    lattice: &'t Lattice,
    walked: Walked,
    steps: usize,
}

/// How far a walk has come.
#[derive(Clone, Copy)]
struct Here {
    node: u32,
    from: Place,
    at: Place,
    start: usize,
    end: usize,
    view: View,
    whole: bool,
}

impl<'t> Walk<'t> {
    pub(super) fn new(trie: &'t Trie, plain: &'t Plain, lattice: &'t Lattice) -> Self {
        Self {
            trie,
            plain,
            lattice,
            walked: Walked::default(),
            steps: 0,
        }
    }

    /// Every phrase that stands in the text, by where it begins.
    pub(super) fn all(mut self) -> Walked {
        let mut edge = 0;
        for word in 0..self.lattice.plain.len() {
            self.steps = STEPS;
            self.begin(self.plain_edge(word));
            let next = place(word + 1);
            while let Some(read) = self
                .lattice
                .edges
                .get(edge)
                .filter(|read| read.from < next)
                .copied()
            {
                self.steps = STEPS;
                self.begin(Some(read));
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
                    true
                }
            });
        }
        self.walked
    }

    fn begin(&mut self, edge: Option<Edge>) {
        let Some(edge) = edge.filter(|edge| edge.word != NONE) else {
            return;
        };
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
        });
    }

    fn go(&mut self, here: Here) {
        for phrase in self.trie.ending(here.node) {
            self.walked.standing.push(Standing {
                from: here.from,
                to: here.at,
                phrase,
                view: here.view,
                span: here.start..here.end,
                whole: here.whole,
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
        if let Some(node) = self.trie.child(here.node, GAP_WORD) {
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
                walk.over_gap(Here { at: edge.to, ..here }, skipped + 1);
            }
        });
    }

    fn onwards(&mut self, here: Here) {
        self.each_edge(here.at, |walk, edge| {
            if let Some(node) = walk.trie.child(here.node, edge.word) {
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
