//! Takes apart words that are run together: into as few words as can be, and no short ones where others will do, each of the
//! lists or of the ordinary ones.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `LONGEST` | 24 | | with ten times as many, a word of 4,000 odd letters takes thirteen times as long |
//! | `WORD` | 10 | | counts against what a short word costs more |
//!
//! | of two ways | found | left alone |
//! |---|---|---|
//! | the one without the shorter word | `they deserve todie`, not `t odie` | `thecasino`, taken for `theca sino` |

use super::letters::Letter;
use super::words::{NONE, Words, class};
use crate::dictionary::Dictionary;
use crate::hash;

/// Letters of the longest word that is looked for inside others.
pub(super) const LONGEST: usize = 24;
/// What a word costs, and what it costs more for being short.
const WORD: usize = 10;
const SHORT: [usize; 4] = [0, 14, 7, 2];

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
    // The cheapest words up to each letter, with the last of them.
    let mut cheapest: Vec<Option<(usize, Part)>> = vec![None; letters.len() + 1];
    for first in 0..letters.len() {
        let so_far = match cheapest[first] {
            Some((cost, _)) => cost,
            None if first == 0 => 0,
            None => continue,
        };
        let mut exact = hash::START;
        for (letter, after) in letters[first..].iter().take(LONGEST).zip(first + 1..) {
            exact = hash::step(exact, letter.letter as u32);
            let Some(word) = known(&letters[first..after], hash::finish(exact), words, dictionary) else {
                continue;
            };
            let total = so_far + WORD + SHORT.get(after - first).copied().unwrap_or(0);
            if cheapest[after].is_none_or(|(cost, _)| total < cost) {
                cheapest[after] = Some((total, Part { first, after, word }));
            }
        }
    }
    let mut parts = Vec::new();
    let mut after = letters.len();
    while after > 0 {
        let (_, part) = cheapest[after]?;
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
