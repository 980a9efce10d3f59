//! Words whose letters or parts stand apart: `s u i c i d e`, `sui-cide`.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `ALONE` | 5 | flags `the name is h a t e l e y` | misses `m y b u l l y` |
//! | `ALONE_AMONG_WORDS` | 3 | flags `a e d training` | misses `u d i e` |
//! | `AROUND` | 2 | misses `i u d i e` | finds `i o u d i e`; with no limit, a text of single letters takes seven times as long |
//! | `PIECES` | 3 | misses `co ca ine` | finds `co ca i ne`, and takes twice as long for a text of dashes |
//! | `ORDINARY_PIECES` | 2 | misses `hero-in` | finds `her-o-in` |
//! | `JOINED` | 5 | flags `vitamin k ill effects` | misses `bul ly` |

use super::letters::{How, Letter, Piece};
use super::reading::{Edge, LONGEST, Reading, edge};
use super::words::{STRETCHED, class};
use crate::view::View;

/// Letters that a word must have to be found alone among letters that stand apart, whatever the others are.
const ALONE: usize = 5;
/// The same, where the others are words of one letter.
const ALONE_AMONG_WORDS: usize = 3;
/// Words of one letter before it, and after it.
const AROUND: usize = 2;
/// Pieces that a word may be broken into.
const PIECES: usize = 3;
/// Pieces that a word may be broken into by dashes, where each piece is an ordinary word.
const ORDINARY_PIECES: usize = 2;
/// Letters that a word must have to be broken by spaces.
const JOINED: usize = 5;

impl Reading<'_, '_> {
    /// Letters that stand apart. Every word among them is read, for others may stand before and after; a short one counts
    /// alone only where those are words of one letter.
    pub(super) fn spaced_out(&mut self, run: &[Piece]) {
        let [first, .., last] = run else { return };
        let letters = &self.letters[first.first..last.after];
        let spelt: Vec<char> = letters.iter().map(|letter| letter.letter).collect();
        let are_words = |around: &[Letter]| around.len() <= AROUND && around.iter().all(is_word);
        for first in 0..spelt.len() {
            let begins = are_words(&letters[..first]);
            for (length, word) in self.reader.words.beginning(&spelt[first..], LONGEST) {
                if self.reader.words.get(word).len() < 2 || is_stretched_on(&spelt[first..], length) {
                    continue;
                }
                let after = first + length;
                let to = letters.get(after).map_or(last.end, |next| next.place);
                let among_words = || length >= ALONE_AMONG_WORDS && begins && are_words(&letters[after..]);
                self.edges.push(Edge {
                    alone: length >= ALONE || among_words(),
                    ..edge(&letters[first..after], to, word, View::Joined)
                });
            }
        }
    }

    /// A word that is broken into pieces: `sui-cide`, `wom en`.
    pub(super) fn broken(&mut self, pieces: &[Piece], is_odd: &[bool]) {
        for count in 2..=PIECES.min(pieces.len()) {
            let (Some(first), Some(last)) = (pieces.first(), pieces.get(count - 1)) else {
                return;
            };
            let dashed = pieces[1..count].iter().all(|piece| piece.attached);
            let length = last.after - first.first;
            let odd = is_odd[..count].contains(&true) || dashed && count <= ORDINARY_PIECES;
            if !odd || !dashed && length < JOINED || length > LONGEST {
                continue;
            }
            let letters = &self.letters[first.first..last.after];
            let spelt: Vec<char> = letters.iter().map(|letter| letter.letter).collect();
            for word in self.reader.words.read_as(&spelt) {
                self.edges.push(edge(letters, last.end, word, View::Joined));
            }
            if dashed {
                self.phrase_of(letters, &spelt, last.end);
            }
        }
    }
}

/// Whether a letter may be a word of its own.
fn is_word(letter: &Letter) -> bool {
    matches!(letter.letter, 'a' | 'i' | 'o' | 'u' | 's') || letter.how == How::AsAnother
}

/// Whether some letters end in a stretched one that goes on after them: it is taken for as long as it is.
fn is_stretched_on(letters: &[char], length: usize) -> bool {
    let last = class(letters[length - 1]);
    let same = |letter: &char| class(*letter) == last;
    length >= STRETCHED
        && letters.get(length).is_some_and(same)
        && letters[length - STRETCHED..length].iter().all(same)
}
