//! Takes apart words that are run together: into as few words as can be, each of the lists or of the ordinary ones.

use super::letters::Letter;
use super::words::{NONE, Words, class};
use crate::dictionary::Dictionary;
use crate::hash;

/// Letters of the longest word that is looked for inside others.
const LONGEST: usize = 24;
/// What a word costs, and what it costs more for being short.
const WORD: u32 = 10;
const SHORT: [u32; 4] = [0, 14, 7, 2];

/// A part of the letters: one word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) first: usize,
    pub(super) after: usize,
    /// The word of the lists; none if it is only an ordinary one.
    pub(super) word: u32,
}

/// The parts that letters are made of; none if some letter belongs to no word. Time linear in the letters.
pub(super) fn segment(letters: &[Letter], words: &Words, dictionary: &Dictionary) -> Option<Vec<Part>> {
    let mut best: Vec<(u32, Part)> = vec![
        (
            u32::MAX,
            Part {
                first: 0,
                after: 0,
                word: NONE
            }
        );
        letters.len() + 1
    ];
    best[0].0 = 0;
    for first in 0..letters.len() {
        let so_far = best[first].0;
        if so_far == u32::MAX {
            continue;
        }
        let mut exact = hash::START;
        for length in 1..=LONGEST.min(letters.len() - first) {
            exact = hash::step(exact, letters[first + length - 1].letter as u32);
            let after = first + length;
            let found = known(&letters[first..after], hash::finish(exact), words, dictionary);
            let cost = match found {
                Some(_) => WORD + SHORT.get(length).copied().unwrap_or(0),
                None => continue,
            };
            let total = so_far.saturating_add(cost);
            if total < best[after].0 {
                best[after] = (
                    total,
                    Part {
                        first,
                        after,
                        word: found.unwrap_or(NONE),
                    },
                );
            }
        }
    }
    let mut parts = Vec::new();
    let mut after = letters.len();
    while after > 0 {
        let (cost, part) = best[after];
        if cost == u32::MAX {
            return None;
        }
        parts.push(part);
        after = part.first;
    }
    parts.reverse();
    Some(parts)
}

/// The word of the lists that letters are; [`NONE`] for one that is only ordinary.
fn known(letters: &[Letter], exact: u64, words: &Words, dictionary: &Dictionary) -> Option<u32> {
    let is = |id: &u32| {
        let mut word = words.get(*id).chars().map(class);
        letters
            .iter()
            .all(|letter| word.next() == Some(class(letter.letter)))
            && word.next().is_none()
    };
    let listed = words.exact.get(exact).find(|id| !words.is_phrase(*id) && is(id));
    listed.or_else(|| dictionary.words.contains(exact).then_some(NONE))
}
