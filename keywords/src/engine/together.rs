//! Words that are run together: `howtokillmyself`.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `ALONE` | 6 | flags `bullyland toys` | misses `myweapon` |
//! | `PARTS` | 3 | misses `howtosuicide` | flags `casinonightatschool` |
//! | `STEPS` | 512 | | no text of the evaluation needs 8 |

use super::letters::{Letter, Place};
use super::reading::{Edge, Reader, Reading, edge};
use super::segment::{LONGEST, segment};
use super::words::{NONE, RUN_TOGETHER};
use crate::view::View;

/// Letters that a word must have to be found alone among words that are run together.
const ALONE: usize = 6;
/// Words, it and the others.
const PARTS: usize = 3;
/// Words that are tried for one piece. Only a list and a text made for each other need so many.
const STEPS: usize = 512;

impl Reading<'_, '_> {
    /// The words, and the phrases, that letters are run together of.
    pub(super) fn run_together(&mut self, letters: &[Letter], spelt: &[char], end: Place) {
        let Reader {
            words, dictionary, ..
        } = *self.reader;
        if spelt.len() < RUN_TOGETHER || self.reader.furthest < View::Split {
            return;
        }
        self.phrase_of(letters, spelt, end);
        let Some(parts) = segment(letters, words, dictionary) else {
            return;
        };
        if parts.iter().all(|part| part.word == NONE) {
            return;
        }
        for part in &parts {
            let to = letters.get(part.after).map_or(end, |next| next.place);
            let part_letters = &letters[part.first..part.after];
            let alone = part_letters.len() >= ALONE && parts.len() <= PARTS;
            let read = edge(part_letters, to, part.word, View::Split);
            self.edges.push(Edge { alone, ..read });
        }
    }

    /// The phrases that letters are, all of them, as its words run together.
    pub(super) fn phrase_of(&mut self, letters: &[Letter], spelt: &[char], end: Place) {
        if spelt.len() < RUN_TOGETHER || self.reader.furthest < View::Split {
            return;
        }
        let Reader { words, trie, .. } = *self.reader;
        let whole = edge(letters, end, NONE, View::Split);
        let mut ways = vec![(0, None)];
        let mut steps = STEPS;
        while let Some((first, node)) = ways.pop() {
            for (length, word) in words.beginning(&spelt[first..], LONGEST) {
                let next = match node {
                    None => trie.start(word),
                    Some(node) => trie.child(node, word),
                };
                let Some(next) = next.filter(|_| steps > 0) else {
                    continue;
                };
                steps -= 1;
                if first + length < spelt.len() {
                    ways.push((first + length, Some(next)));
                } else if node.is_some() {
                    self.phrases
                        .extend(trie.ending(next).map(|phrase| whole.standing(phrase)));
                }
            }
        }
    }
}
