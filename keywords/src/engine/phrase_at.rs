//! A phrase at its place in a text.

use super::letters::{Place, word_at};
use crate::view::View;
use std::ops::{Range, RangeInclusive};

/// A phrase that stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PhraseAt {
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) phrase: u32,
    pub(super) view: View,
    /// Bytes of the original.
    pub(super) span: Range<usize>,
    /// Whether it may stand for a term.
    pub(super) whole: bool,
    /// Which of its first words are none of the phrase's, but fall into a gap of it; the lowest bit is the first.
    pub(super) skipped: u32,
}

impl PhraseAt {
    /// Whether words of the text fall into a gap of it.
    pub(super) fn skips(&self, mut words: RangeInclusive<usize>) -> bool {
        let first = word_at(self.from);
        words.all(|word| {
            word.checked_sub(first)
                .is_some_and(|at| self.skipped & bit(at) != 0)
        })
    }
}

/// The bit of a word of a phrase; none after the thirty-second.
pub(super) fn bit(word: usize) -> u32 {
    u32::try_from(word)
        .ok()
        .and_then(|word| 1u32.checked_shl(word))
        .unwrap_or(0)
}
