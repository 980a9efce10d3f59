//! Words with a slip: a letter dropped, doubled, swapped, replaced, or hidden behind a star.
//!
//! | slip | found | left alone |
//! |---|---|---|
//! | two letters swapped | `suicdie` | `ublly`, the first of a short word |
//! | a vowel for a vowel | `suicede` | `suicidt`, a consonant |
//! | a consonant for one that sounds alike | `suizide` | `pullied`, the first letter |
//! | one letter doubled | `suicidde` | `suicidre`, another one added |
//! | one letter dropped | `suicie` | `suiie`, and another |
//! | one vowel dropped inside a short word | `vdka` | `vodk`, at its end |
//! | no slip of one of the commonest words | `lagr` | `a lagre box`, for `large` |
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `SWAPPED_FIRST` | 6 | flags `mrs bause` | misses `acsino` |
//! | `REPLACED` in a phrase | 5 | flags `please koll him` | misses `he herts me` |
//! | `REPLACED` alone | 7 | flags `cosino` | misses `bulemia` |
//! | `DOUBLED` in a phrase | 5 | finds `kkill him` | misses `knnife crime` |
//! | `DOUBLED` alone | 6 | finds `knifee` | misses `heeroin` |
//! | `DROPPED` alone | 6 | flags `das knie` | misses `heoin` |
//! | `VOWEL_DROPPED` alone | 5 | flags `what is hte time` | misses `vdka` |
//! | `HIDDEN` | 2 | flags `see you l***r` | misses `b**b` |
//! | `STARRED` | 4 | flags `solve d*e = 12` | misses `b*mb` |

use super::letters::{Letter, Place};
use super::reading::{Edge, Reading, edge};
use super::words::{MISSPELT, class, dropped_hash, shape_hash};
use crate::view::View;

/// Letters that a word must have for a slip to be taken for it: in a phrase, and where it stands for a term alone.
struct Least {
    in_phrase: usize,
    alone: usize,
}

impl Least {
    const fn new(in_phrase: usize, alone: usize) -> Self {
        Self { in_phrase, alone }
    }
}

const SWAPPED: Least = Least::new(MISSPELT, MISSPELT);
const SWAPPED_FIRST: Least = Least::new(6, 6);
const REPLACED: Least = Least::new(5, 7);
const DOUBLED: Least = Least::new(5, 6);
const DROPPED: Least = Least::new(MISSPELT, 6);
const VOWEL_DROPPED: Least = Least::new(MISSPELT, 5);
/// Of so many letters, one may be hidden.
const HIDDEN: usize = 2;
/// Letters that a word must have to be found alone with stars inside it.
const STARRED: usize = 4;

impl Reading<'_, '_> {
    /// A word of the lists that differs in one letter.
    pub(super) fn misspelt(&mut self, letters: &[Letter], spelt: &[char], end: Place) {
        let words = self.reader.words;
        // Without ordinary words every word would be odd.
        let knows_ordinary = !self.reader.dictionary.is_empty();
        if self.reader.furthest < View::Misspelt || !knows_ordinary {
            return;
        }
        let mut seen = Vec::new();
        let drops = std::iter::once(None).chain((0..spelt.len()).map(Some));
        for hash in drops.map(|without| dropped_hash(spelt, without)) {
            for word in words.dropped.get(hash) {
                if seen.contains(&word) {
                    continue;
                }
                seen.push(word);
                let listed = words.get(word);
                if let Some(alone) = slip(spelt, listed) {
                    let alone = alone && !self.is_slip_of_a_common_word(spelt, listed);
                    self.edges.push(Edge {
                        alone,
                        ..edge(letters, end, word, View::Misspelt)
                    });
                }
            }
        }
    }

    /// Whether a letter is missing of one of the commonest words, or two of its letters are swapped: `whre` is `where`.
    fn is_slip_of_a_common_word(&self, spelt: &[char], listed: &str) -> bool {
        let dictionary = self.reader.dictionary;
        let common = |letters: &[char]| {
            let is_listed = || letters.iter().copied().eq(listed.chars());
            dictionary.is_common(letters.iter().copied()) && !is_listed()
        };
        let mut letters = spelt.to_vec();
        for at in 1..letters.len() {
            letters.swap(at - 1, at);
            if common(&letters) {
                return true;
            }
            letters.swap(at - 1, at);
        }
        (0..=spelt.len()).any(|at| {
            letters.insert(at, 'a');
            let missing = ('a'..='z').any(|letter| {
                letters[at] = letter;
                common(&letters)
            });
            letters.remove(at);
            missing
        })
    }

    /// A word of the lists with stars for some of its letters.
    pub(super) fn starred(&mut self, letters: &[Letter], spelt: &[char], hidden: usize, end: Place) {
        let words = self.reader.words;
        let (Some(first), Some(last)) = (spelt.first(), spelt.last()) else {
            return;
        };
        if hidden * HIDDEN > spelt.len() {
            return;
        }
        let shown = |letter: &char| *letter != '*';
        if shown(first) && shown(last) {
            for word in words.shaped.get(shape_hash(spelt.len(), *first, *last)) {
                let mut listed = words.get(word).chars().map(class);
                let same = |letter: &char| {
                    listed
                        .next()
                        .is_some_and(|is| !shown(letter) || is == class(*letter))
                };
                if spelt.iter().all(same) && listed.next().is_none() {
                    let alone = spelt.len() >= STARRED;
                    self.edges.push(Edge {
                        alone,
                        ..edge(letters, end, word, View::Misspelt)
                    });
                }
            }
        } else if hidden == 1 {
            let at = spelt.iter().position(|letter| !shown(letter));
            for word in words.dropped.get(dropped_hash(spelt, at)) {
                let listed: Vec<char> = words.get(word).chars().collect();
                let same = |(letter, is): (&char, &char)| !shown(letter) || class(*letter) == class(*is);
                if listed.len() == spelt.len() && spelt.iter().zip(&listed).all(same) {
                    self.edges.push(edge(letters, end, word, View::Misspelt));
                }
            }
        }
    }
}

/// Whether a word was written with one slip, and if so, whether the word can then stand for a term alone.
fn slip(written: &[char], word: &str) -> Option<bool> {
    let listed: Vec<char> = word.chars().collect();
    let same = written.iter().zip(&listed).take_while(|(a, b)| a == b).count();
    let begun = same > 0;
    let least = match (&written[same..], &listed[same..]) {
        ([a, b, w @ ..], [c, d, l @ ..]) if a == d && b == c && w == l => {
            if begun {
                SWAPPED
            } else {
                SWAPPED_FIRST
            }
        }
        ([a, w @ ..], [b, l @ ..]) if w == l && begun && alike(*a, *b) => REPLACED,
        ([a, w @ ..], l) if w == l && begun && written[same - 1] == *a => DOUBLED,
        (w, [dropped, l @ ..]) if w == l => {
            if begun && !l.is_empty() && VOWELS.contains(*dropped) {
                VOWEL_DROPPED
            } else {
                DROPPED
            }
        }
        _ => return None,
    };
    (listed.len() >= least.in_phrase).then_some(listed.len() >= least.alone)
}

const VOWELS: &str = "aeiouy";

/// Whether two letters are both vowels, or sound alike.
fn alike(one: char, other: char) -> bool {
    [VOWELS, "csz", "ckq", "fv", "vw", "gj", "bp", "dt", "mn"]
        .iter()
        .any(|like| like.contains(one) && like.contains(other))
}
