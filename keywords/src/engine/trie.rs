//! The phrases of the lists, word by word: one tree for terms, exceptions, help and what is near.
//!
//! Branches that are alike are kept once, whoever leads to them, so `cut{,s,ting} my {wrist,arm}` costs little more than
//! its words. A phrase is then known by how many come before it in the tree's order, which is summed up on the way to it:
//! the numbering of Lucchesi and Kowaltowski, "Applications of finite automata representing large vocabularies" (1993).

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ops::Range;

use super::words::{NONE, Words};
use crate::list::phrase::GAP_MARK;

/// The gap of a phrase, in the place of a word.
pub(super) const GAP_WORD: u32 = u32::MAX - 1;
/// Words and gaps of the longest phrase.
const DEEPEST: u32 = 512;

/// A tree of phrases, whose like branches are one. Node 0 is the root, and a node's children have higher numbers.
#[derive(Debug, Default)]
pub(super) struct Trie {
    /// Which way leads on from the root for each word.
    first: Vec<u32>,
    /// Whether a term begins with each word.
    begins_term: Vec<bool>,
    /// How many ways lead on from earlier nodes, for each node; then how many there are.
    pub(super) begins: Vec<u32>,
    /// How many phrases end at each node.
    pub(super) ends: Vec<u32>,
    /// The word of each way, rising among those of one node.
    pub(super) words: Vec<u32>,
    /// The node that each way leads to.
    pub(super) targets: Vec<u32>,
    /// How many phrases that go through its node come before those of each way.
    skips: Vec<u32>,
    phrase_count: u32,
}

/// A node, as it was come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reached {
    node: u32,
    /// How many phrases come before those that go on from here.
    before: u32,
}

impl Trie {
    /// From its rows, as they were read, for so many words; none if they do not fit together.
    pub(super) fn from_rows(
        begins: Vec<u32>,
        ends: Vec<u32>,
        words: Vec<u32>,
        targets: Vec<u32>,
        word_count: usize,
    ) -> Option<Self> {
        let mut trie = Self {
            first: vec![NONE; word_count],
            begins_term: vec![false; word_count],
            begins,
            ends,
            words,
            targets,
            skips: Vec::new(),
            phrase_count: 0,
        };
        let is_word = |word: &u32| *word == GAP_WORD || (*word as usize) < word_count;
        if !trie.fits() || !trie.words.iter().all(is_word) {
            return None;
        }
        trie.phrase_count = trie.count()?;
        trie.lead_on_from_root();
        Some(trie)
    }

    /// Whether every node's ways are among the ways, and lead to later nodes.
    fn fits(&self) -> bool {
        let nodes = self.ends.len();
        let ways = self.words.len();
        let rows = self.begins.len() == nodes + 1
            && self.begins.first() == Some(&0)
            && self.begins.is_sorted()
            && self.begins.last().is_some_and(|last| *last as usize == ways)
            && self.targets.len() == ways;
        rows && (0u32..).zip(&self.ends).all(|(node, _)| {
            let ways = range(&self.begins, node);
            let rising = self.words[ways.clone()].is_sorted_by(|one, next| one < next);
            let later = |target: &u32| *target > node && (*target as usize) < nodes;
            rising && self.targets[ways].iter().all(later)
        })
    }

    /// Counts the phrases before each way, and all of them; nothing if there are too many, or one is too long.
    fn count(&mut self) -> Option<u32> {
        let mut counts = vec![0u32; self.ends.len()];
        let mut depths = vec![0u32; self.ends.len()];
        self.skips = vec![0; self.words.len()];
        for (node, ends) in self.ends.iter().enumerate().rev() {
            let (mut count, mut depth) = (*ends, 0);
            for way in range(&self.begins, u32::try_from(node).ok()?) {
                let target = self.targets[way] as usize;
                self.skips[way] = count;
                count = count.checked_add(counts[target])?;
                depth = depth.max(depths[target] + 1);
            }
            if depth > DEEPEST {
                return None;
            }
            (counts[node], depths[node]) = (count, depth);
        }
        counts.first().copied()
    }

    fn lead_on_from_root(&mut self) {
        for way in range(&self.begins, 0) {
            if let Some(first) = self.first.get_mut(self.words[way] as usize) {
                *first = u32::try_from(way).unwrap_or(NONE);
            }
        }
    }

    /// Takes down which words terms begin with.
    pub(super) fn take_down_terms(&mut self, is_term: impl Fn(u32) -> bool) {
        let mut after = self.phrase_count;
        for way in range(&self.begins, 0).rev() {
            let before = self.skips[way];
            if let Some(begins) = self.begins_term.get_mut(self.words[way] as usize) {
                *begins = (before..after).any(&is_term);
            }
            after = before;
        }
    }

    /// Whether a term begins with a word.
    #[inline]
    pub(super) fn begins_term(&self, word: u32) -> bool {
        self.begins_term.get(word as usize).is_some_and(|begins| *begins)
    }

    /// Whether a term may stand in words that follow each other: whether one ends, has a gap or goes on after their first
    /// word or their first two. Most texts hold none, and this is the quickest way to know.
    pub(super) fn may_hold_a_term(&self, words: &[u32], is_term: impl Fn(u32) -> bool) -> bool {
        let next = words.iter().skip(1).copied().chain([NONE]);
        words.iter().copied().zip(next).any(|(word, next)| {
            let Some(one) = self.start(word).filter(|_| self.begins_term(word)) else {
                return false;
            };
            self.ending(one).any(&is_term)
                || self.over_gap(one).is_some()
                || next != NONE
                    && self
                        .child(one, next)
                        .is_some_and(|two| self.goes_on(two) || self.ending(two).any(&is_term))
        })
    }

    /// Where a word leads from the root.
    #[inline]
    pub(super) fn start(&self, word: u32) -> Option<Reached> {
        let way = *self.first.get(word as usize)? as usize;
        Some(Reached {
            node: *self.targets.get(way)?,
            before: *self.skips.get(way)?,
        })
    }

    /// Where a word leads from a node.
    #[inline]
    pub(super) fn child(&self, from: Reached, word: u32) -> Option<Reached> {
        let ways = range(&self.begins, from.node);
        let way = ways.start + self.words.get(ways)?.binary_search(&word).ok()?;
        Some(Reached {
            node: *self.targets.get(way)?,
            before: from.before + self.skips.get(way)?,
        })
    }

    /// Where a gap leads from a node: the last of its ways, if any.
    #[inline]
    pub(super) fn over_gap(&self, from: Reached) -> Option<Reached> {
        let last = range(&self.begins, from.node).last()?;
        if *self.words.get(last)? != GAP_WORD {
            return None;
        }
        Some(Reached {
            node: *self.targets.get(last)?,
            before: from.before + self.skips.get(last)?,
        })
    }

    /// Whether a node has children.
    #[inline]
    pub(super) fn goes_on(&self, from: Reached) -> bool {
        !range(&self.begins, from.node).is_empty()
    }

    /// The phrases that end at a node, come to so.
    #[inline]
    pub(super) fn ending(&self, here: Reached) -> Range<u32> {
        let ends = self.ends.get(here.node as usize).copied().unwrap_or(0);
        here.before..here.before + ends
    }

    pub(super) const fn phrase_count(&self) -> usize {
        self.phrase_count as usize
    }

    /// The words of a phrase, in their order.
    pub(super) fn path(&self, phrase: u32) -> Vec<u32> {
        let (mut node, mut rest) = (0u32, phrase);
        let mut path = Vec::new();
        while self.ends.get(node as usize).is_some_and(|ends| rest >= *ends) {
            let ways = range(&self.begins, node);
            let before = self.skips[ways.clone()].partition_point(|skip| *skip <= rest);
            let Some(way) = before.checked_sub(1).map(|at| ways.start + at) else {
                break;
            };
            path.push(self.words[way]);
            (node, rest) = (self.targets[way], rest - self.skips[way]);
        }
        path
    }

    /// The words of a phrase, with a space between them.
    pub(super) fn spelt(&self, phrase: u32, words: &Words) -> String {
        let path = self.path(phrase);
        let spelt = path.iter().map(|word| match *word {
            GAP_WORD => GAP_MARK,
            word => words.get(word),
        });
        spelt.collect::<Vec<_>>().join(" ")
    }
}

#[inline]
fn range(begins: &[u32], node: u32) -> Range<usize> {
    match (begins.get(node as usize), begins.get(node as usize + 1)) {
        (Some(begin), Some(end)) => *begin as usize..*end as usize,
        _ => 0..0,
    }
}

/// The phrases that a tree is built of: kept flat, for a laptop builds its first rules by itself.
#[derive(Default)]
pub(super) struct Growing {
    words: Vec<u32>,
    /// Where the words of each end.
    ends: Vec<usize>,
    phrases: Vec<u32>,
}

/// What a branch is: how many phrases end where it begins, and which branches it leads to by which words.
type Branch = (usize, Vec<(u32, u32)>);

impl Growing {
    pub(super) fn add(&mut self, words: impl IntoIterator<Item = u32>, phrase: u32) {
        self.words.extend(words);
        self.ends.push(self.words.len());
        self.phrases.push(phrase);
    }

    /// The tree for so many words; and its phrases, in their new order. Nothing if there are too many phrases, or one has
    /// too many words.
    pub(super) fn finish(self, words: usize) -> Option<(Trie, Vec<u32>)> {
        let mut sorted: Vec<usize> = (0..self.phrases.len()).collect();
        // Those that end at a node, then those that go on from it, by their words.
        sorted.sort_by_key(|at| self.path(*at));
        if sorted.iter().any(|at| self.path(*at).len() > DEEPEST as usize) {
            return None;
        }
        let mut known = HashMap::new();
        self.branch(&sorted, 0, &mut known);
        let mut branches: Vec<(u32, Branch)> = known.into_iter().map(|(branch, at)| (at, branch)).collect();
        // The root's was known last.
        branches.sort_unstable_by_key(|(at, _)| Reverse(*at));
        let (mut begins, mut ends) = (vec![0], Vec::new());
        let (mut leading, mut targets) = (Vec::new(), Vec::new());
        for (_, (phrases, ways)) in &branches {
            for (word, branch) in ways {
                leading.push(*word);
                targets.push(u32::try_from(branches.len()).ok()? - 1 - branch);
            }
            begins.push(u32::try_from(leading.len()).ok()?);
            ends.push(u32::try_from(*phrases).ok()?);
        }
        let trie = Trie::from_rows(begins, ends, leading, targets, words)?;
        Some((trie, sorted.into_iter().map(|at| self.phrases[at]).collect()))
    }

    /// The words of one that was added, by how many were before it.
    pub(super) fn path(&self, at: usize) -> &[u32] {
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.words[begin..self.ends[at]]
    }

    /// The number of the branch that some phrases, which share their words down to a depth, are from there on. Those that
    /// are alike have one number, and each has a higher one than those it leads to.
    fn branch(&self, sorted: &[usize], depth: usize, known: &mut HashMap<Branch, u32>) -> u32 {
        let ended = sorted.partition_point(|at| self.path(*at).len() == depth);
        let (mut ways, mut rest) = (Vec::new(), &sorted[ended..]);
        while let Some(first) = rest.first() {
            let word = self.path(*first)[depth];
            let same = rest.partition_point(|at| self.path(*at)[depth] == word);
            ways.push((word, self.branch(&rest[..same], depth + 1, known)));
            rest = &rest[same..];
        }
        let next = u32::try_from(known.len()).unwrap_or(NONE);
        *known.entry((ended, ways)).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grown(phrases: &[Vec<u32>]) -> (Trie, Vec<u32>) {
        let mut growing = Growing::default();
        for (phrase, at) in phrases.iter().zip(0u32..) {
            growing.add(phrase.iter().copied(), at);
        }
        growing.finish(8).unwrap()
    }

    fn ending_at(trie: &Trie, phrase: &[u32]) -> Range<u32> {
        let (first, rest) = phrase.split_first().unwrap();
        let start = trie.start(*first).unwrap();
        let end = rest
            .iter()
            .fold(start, |here, word| trie.child(here, *word).unwrap());
        trie.ending(end)
    }

    #[test]
    fn branches_that_are_alike_are_kept_once() {
        let all = [[1, 3, 5], [1, 3, 6], [2, 3, 5], [2, 3, 6]].map(|phrase| phrase.to_vec());
        assert_eq!(grown(&all).0.ends.len(), 4);
    }

    #[test]
    fn rows_that_do_not_fit_together_are_refused() {
        let rows = |begins: &[u32], ends: &[u32], words: &[u32], targets: &[u32]| {
            let owned = [begins, ends, words, targets].map(<[u32]>::to_vec);
            let [begins, ends, words, targets] = owned;
            Trie::from_rows(begins, ends, words, targets, 8)
        };
        assert!(rows(&[0, 1, 1], &[1, 1], &[3], &[1]).is_some());
        assert!(rows(&[0, 1, 1], &[1, 1], &[8], &[1]).is_none(), "no such word");
        assert!(rows(&[0, 1, 1], &[1, 1], &[3], &[2]).is_none(), "no such node");
        assert!(rows(&[0, 1, 1], &[1, 1], &[3], &[0]).is_none(), "leads back");
        assert!(rows(&[0, 2, 1], &[1, 1], &[3], &[1]).is_none(), "not sorted");
        assert!(rows(&[0, 1, 1], &[1, u32::MAX], &[3], &[1]).is_none(), "too many");
        assert!(rows(&[0], &[], &[], &[]).is_none(), "no root");
    }

    proptest! {
        #[test]
        fn every_phrase_is_found_by_its_words_and_its_words_by_it(
            phrases in prop::collection::vec(prop::collection::vec(0u32..8, 1..5), 1..40),
        ) {
            let (trie, order) = grown(&phrases);
            for (at, old) in order.iter().enumerate() {
                let phrase = &phrases[*old as usize];
                let at = u32::try_from(at).unwrap();
                prop_assert_eq!(&trie.path(at), phrase);
                prop_assert!(ending_at(&trie, phrase).contains(&at));
            }
        }
    }
}
