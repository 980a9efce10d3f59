//! The phrases of the lists, word by word: one tree for terms, exceptions, help and what is near.

use std::collections::BTreeMap;
use std::ops::Range;

use super::words::NONE;

/// The gap of a phrase, in the place of a word.
pub(super) const GAP_WORD: u32 = u32::MAX - 1;

/// A tree of phrases. Node 0 is the root. Nodes are numbered level by level and phrases by the node they end at, so a
/// node's children, and its phrases, are ranges, and nothing has to point back.
#[derive(Debug, Default)]
pub(super) struct Trie {
    /// The root's child for each word.
    first: Vec<u32>,
    /// How many nodes are children of earlier ones, for each node; then how many are children of any.
    pub(super) begins: Vec<u32>,
    /// The word that leads to each node but the root, rising among the children of one.
    pub(super) words: Vec<u32>,
    /// How many phrases end at earlier nodes, for each node; then how many there are.
    pub(super) phrases_begin: Vec<u32>,
}

impl Trie {
    /// From its rows, as they were read, for so many words; none if they do not fit together.
    pub(super) fn from_rows(
        begins: Vec<u32>,
        words: Vec<u32>,
        phrases_begin: Vec<u32>,
        word_count: usize,
    ) -> Option<Self> {
        let nodes = begins.len().checked_sub(1)?;
        let children_come_later = || {
            begins[..nodes]
                .iter()
                .zip(0u32..)
                .all(|(begin, node)| *begin >= node)
        };
        let sound = begins.first() == Some(&0)
            && begins.is_sorted()
            && begins.last().is_some_and(|last| *last as usize == words.len())
            && words.len() + 1 == nodes
            && phrases_begin.len() == begins.len()
            && phrases_begin.first() == Some(&0)
            && phrases_begin.is_sorted()
            && words
                .iter()
                .all(|word| *word == GAP_WORD || (*word as usize) < word_count);
        if !sound || !children_come_later() {
            return None;
        }
        let mut first = vec![NONE; word_count];
        let of_root = begins.get(1).map_or(0, |end| *end as usize);
        for (word, node) in words[..of_root].iter().zip(1u32..) {
            if let Some(first) = first.get_mut(*word as usize) {
                *first = node;
            }
        }
        Some(Self {
            first,
            begins,
            words,
            phrases_begin,
        })
    }

    /// The child of the root that a word leads to.
    #[inline]
    pub(super) fn start(&self, word: u32) -> Option<u32> {
        self.first
            .get(word as usize)
            .copied()
            .filter(|node| *node != NONE)
    }

    /// The child of a node that a word leads to.
    #[inline]
    pub(super) fn child(&self, node: u32, word: u32) -> Option<u32> {
        let range = range(&self.begins, node);
        let words = self.words.get(range.start as usize..range.end as usize)?;
        let at = words.binary_search(&word).ok()?;
        Some(range.start + u32::try_from(at).ok()? + 1)
    }

    /// Whether a node has children.
    #[inline]
    pub(super) fn goes_on(&self, node: u32) -> bool {
        !range(&self.begins, node).is_empty()
    }

    /// The phrases that end at a node.
    #[inline]
    pub(super) fn ending(&self, node: u32) -> Range<u32> {
        range(&self.phrases_begin, node)
    }

    /// How many phrases there are.
    pub(super) fn phrase_count(&self) -> usize {
        self.phrases_begin.last().map_or(0, |count| *count as usize)
    }

    /// The words of a phrase, in their order.
    pub(super) fn path(&self, phrase: u32) -> Vec<u32> {
        let mut node = holder(&self.phrases_begin, phrase);
        let mut path = Vec::new();
        while let Some(before) = node.checked_sub(1) {
            path.extend(self.words.get(before as usize));
            node = holder(&self.begins, before);
        }
        path.reverse();
        path
    }

    /// How many words and gaps the longest phrase has.
    pub(super) fn depth(&self) -> u32 {
        // Level by level: the next one ends where the children of this one's last node do.
        let (mut depth, mut last) = (0, 0usize);
        while let Some(end) = self
            .begins
            .get(last + 1)
            .map(|end| *end as usize)
            .filter(|end| *end > last)
        {
            (depth, last) = (depth + 1, end);
        }
        depth
    }
}

#[inline]
fn range(begins: &[u32], node: u32) -> Range<u32> {
    match (begins.get(node as usize), begins.get(node as usize + 1)) {
        (Some(begin), Some(end)) => *begin..*end,
        _ => 0..0,
    }
}

/// The node whose range holds an item.
fn holder(begins: &[u32], item: u32) -> u32 {
    let after = begins.partition_point(|begin| *begin <= item);
    u32::try_from(after.saturating_sub(1)).unwrap_or(0)
}

/// A tree that is being built.
pub(super) struct Growing {
    children: Vec<BTreeMap<u32, u32>>,
    phrases: Vec<Vec<u32>>,
}

impl Growing {
    pub(super) fn new() -> Self {
        Self {
            children: vec![BTreeMap::new()],
            phrases: vec![Vec::new()],
        }
    }

    /// Adds a phrase.
    pub(super) fn add(&mut self, words: impl IntoIterator<Item = u32>, phrase: u32) {
        let mut node = 0usize;
        for word in words {
            let next = self.children.len();
            let child = *self.children[node]
                .entry(word)
                .or_insert_with(|| u32::try_from(next).unwrap_or(NONE));
            if child as usize == next {
                self.children.push(BTreeMap::new());
                self.phrases.push(Vec::new());
            }
            node = child as usize;
        }
        self.phrases[node].push(phrase);
    }

    /// The tree for so many words; and its phrases, in their new order.
    pub(super) fn finish(self, words: usize) -> (Trie, Vec<u32>) {
        let mut trie = Trie {
            first: vec![NONE; words],
            ..Trie::default()
        };
        let mut phrases = Vec::new();
        let mut by_level = vec![0u32];
        let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        let mut at = 0;
        while let Some(node) = by_level.get(at).map(|node| *node as usize) {
            trie.begins.push(count(trie.words.len()));
            trie.phrases_begin.push(count(phrases.len()));
            for (word, child) in &self.children[node] {
                by_level.push(*child);
                trie.words.push(*word);
                if let Some(first) = trie.first.get_mut(*word as usize).filter(|_| node == 0) {
                    *first = count(trie.words.len());
                }
            }
            phrases.extend(&self.phrases[node]);
            at += 1;
        }
        trie.begins.push(count(trie.words.len()));
        trie.phrases_begin.push(count(phrases.len()));
        (trie, phrases)
    }
}
