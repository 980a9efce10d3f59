//! The phrases of the lists, word by word: one tree for terms, exceptions, help and what is near.

use std::collections::BTreeMap;

use super::words::NONE;

/// The gap of a phrase, in the place of a word.
pub(super) const GAP_WORD: u32 = u32::MAX - 1;

/// A tree of phrases. Node 0 is the root; a node's children and phrases stand side by side.
#[derive(Debug, Default)]
pub(super) struct Trie {
    /// The root's child for each word.
    pub(super) first: Vec<u32>,
    /// Where each node's children begin, and where the last one's end.
    pub(super) begins: Vec<u32>,
    /// The word that leads to each child, rising within a node.
    pub(super) words: Vec<u32>,
    pub(super) children: Vec<u32>,
    /// Where each node's phrases begin, and where the last one's end.
    pub(super) phrases_begin: Vec<u32>,
    /// The phrases that end at a node.
    pub(super) phrases: Vec<u32>,
}

impl Trie {
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
        let words = self.words.get(range.clone())?;
        let at = words.binary_search(&word).ok()?;
        self.children.get(range.start + at).copied()
    }

    /// Whether a node has children.
    #[inline]
    pub(super) fn goes_on(&self, node: u32) -> bool {
        !range(&self.begins, node).is_empty()
    }

    /// The phrases that end at a node.
    #[inline]
    pub(super) fn ending(&self, node: u32) -> &[u32] {
        self.phrases
            .get(range(&self.phrases_begin, node))
            .unwrap_or_default()
    }
}

#[inline]
fn range(begins: &[u32], node: u32) -> std::ops::Range<usize> {
    match (begins.get(node as usize), begins.get(node as usize + 1)) {
        (Some(begin), Some(end)) => *begin as usize..*end as usize,
        _ => 0..0,
    }
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

    /// Adds a phrase; the node that it ends at.
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

    pub(super) fn finish(self, words: usize) -> Trie {
        let mut trie = Trie {
            first: vec![NONE; words],
            ..Trie::default()
        };
        for (word, child) in &self.children[0] {
            if let Some(first) = trie.first.get_mut(*word as usize) {
                *first = *child;
            }
        }
        let begin = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
        for (children, phrases) in self.children.iter().zip(&self.phrases) {
            trie.begins.push(begin(trie.words.len()));
            trie.words.extend(children.keys());
            trie.children.extend(children.values());
            trie.phrases_begin.push(begin(trie.phrases.len()));
            trie.phrases.extend(phrases);
        }
        trie.begins.push(begin(trie.words.len()));
        trie.phrases_begin.push(begin(trie.phrases.len()));
        trie
    }
}
