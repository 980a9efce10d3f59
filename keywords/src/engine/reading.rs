//! Reads a text: its words as written, and what its odd words may be read as.
//!
//! Every reading is a word of the lists between two places of the text, so that one tree of phrases serves all views. A
//! word is odd that is neither one of the lists nor an ordinary one, or that is written with characters that are not its
//! own; only odd words are read as anything else.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `APART` | 3 | misses `b-u-limia`, whose letters are then taken for a word spelt out | misses `d i e` |
//! | `LONGEST` | 40 | | with no limit, a word of 4,000 odd letters takes six times as long |
//! | `DIGITS` | 3 | flags `classroom 80bm` | misses `5u1cde` |

use super::letters::{How, Letter, Letters, Piece, Place, place, word_at};
use super::phrase_at::PhraseAt;
use super::shorthand::shorthand;
use super::trie::Trie;
use super::words::{NONE, Words, is_written_plainly};
use crate::dictionary::Dictionary;
use crate::plain::Plain;
use crate::view::View;

/// Pieces of one letter in a row that are a word spelt out.
const APART: usize = 3;
/// Letters of the longest piece that is read as one word.
pub(super) const LONGEST: usize = 40;
/// Of so many letters of a word that is misspelt, one may be a digit or a sign.
const DIGITS: usize = 3;

/// A word of the lists, or an ordinary one, that a part of a text may be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: Place,
    pub(super) to: Place,
    /// [`NONE`] for one that only gaps pass over.
    pub(super) word: u32,
    pub(super) view: View,
    /// Bytes of the original.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a term of this one word may be found by it.
    pub(super) alone: bool,
}

impl Edge {
    /// A phrase that stands where the edge does.
    pub(super) const fn standing(&self, phrase: u32) -> PhraseAt {
        PhraseAt {
            from: self.from,
            to: self.to,
            phrase,
            view: self.view,
            span: self.start..self.end,
            whole: true,
            skipped: 0,
        }
    }
}

/// What a text may be read as.
#[derive(Debug, Default)]
pub(super) struct Lattice {
    /// The word of the lists that each word of the text is.
    pub(super) plain: Vec<u32>,
    /// What else can be read, by where it begins.
    pub(super) edges: Vec<Edge>,
    /// Whole phrases that are run together.
    pub(super) phrases: Vec<PhraseAt>,
}

impl Lattice {
    /// Whether a text is read as it is written, and no other way.
    pub(super) fn is_as_written(&self) -> bool {
        self.edges.is_empty() && self.phrases.is_empty()
    }
}

/// Reads texts with the words of lists and the ordinary ones.
pub(super) struct Reader<'e> {
    pub(super) words: &'e Words,
    pub(super) dictionary: &'e Dictionary,
    pub(super) trie: &'e Trie,
    /// The most distant view that is read in.
    pub(super) furthest: View,
}

/// A text that is being read.
pub(super) struct Reading<'r, 'e> {
    pub(super) reader: &'r Reader<'e>,
    pub(super) letters: &'r [Letter],
    pub(super) edges: Vec<Edge>,
    pub(super) phrases: Vec<PhraseAt>,
}

impl Reader<'_> {
    pub(super) fn read(&self, original: &str, plain: &Plain) -> Lattice {
        let looks_further = self.furthest > View::Plain;
        let mut odd = Vec::new();
        let mut known = Vec::with_capacity(plain.words().len());
        let (mut single, mut apart) = (0, false);
        let mut found = Lattice::default();
        for (at, written) in plain.words().iter().enumerate() {
            let word = plain.word(at);
            let (id, phrase) = self.words.exactly(word);
            known.push(id.unwrap_or(NONE));
            if !looks_further {
                continue;
            }
            let as_written = |word, view, alone| Edge {
                from: place(at),
                to: place(at + 1),
                word,
                view,
                start: written.start,
                end: written.end,
                alone,
            };
            found
                .edges
                .extend(phrase.map(|word| as_written(word, View::Split, true)));
            if self.furthest >= View::Misspelt {
                let stands_for = shorthand(word)
                    .iter()
                    .filter_map(|word| self.words.exactly(word).0);
                found
                    .edges
                    .extend(stands_for.map(|word| as_written(word, View::Misspelt, false)));
            }
            odd.push(id.is_none() && phrase.is_none() && !self.is_ordinary(word));
            single = if word.len() == 1 { single + 1 } else { 0 };
            apart |= single >= APART;
        }
        if looks_further && (apart || odd.contains(&true) || original.bytes().any(may_be_a_letter)) {
            self.edges(original, plain, &odd, &mut found);
        }
        found.plain = known;
        found
    }

    /// Whether a word is an ordinary one; where none is known, whether it is written as they are.
    fn is_ordinary(&self, word: &str) -> bool {
        if self.dictionary.is_empty() {
            is_written_plainly(word)
        } else {
            self.dictionary.contains(word)
        }
    }

    fn edges(&self, original: &str, plain: &Plain, odd: &[bool], found: &mut Lattice) {
        let Letters { letters, pieces } = Letters::new(original, plain);
        let mut reading = Reading {
            reader: self,
            letters: &letters,
            edges: Vec::new(),
            phrases: Vec::new(),
        };
        let is_odd: Vec<bool> = pieces
            .iter()
            .map(|piece| piece.is_odd(&letters, plain, odd))
            .collect();
        let mut at = 0;
        while let Some(piece) = pieces.get(at) {
            let run = pieces[at..]
                .iter()
                .take_while(|piece| piece.after - piece.first == 1)
                .count();
            if run >= APART {
                reading.spaced_out(&pieces[at..at + run]);
                at += run;
                continue;
            }
            if is_odd[at] {
                reading.piece(piece);
            }
            reading.broken(&pieces[at..], &is_odd[at..]);
            at += 1;
        }
        found.phrases = reading.phrases;
        found.edges.append(&mut reading.edges);
        found
            .edges
            .retain(|edge| edge.view <= self.furthest && edge.from < edge.to);
        found.edges.sort_unstable();
        found.edges.dedup_by_key(|edge| (edge.from, edge.to, edge.word));
    }
}

impl Reading<'_, '_> {
    /// One piece, with the signs around it and without.
    fn piece(&mut self, piece: &Piece) {
        let all = &self.letters[piece.first..piece.after];
        let signs = |letter: &&Letter| matches!(letter.how, How::AsSign | How::Hidden);
        let (before, behind) = (
            all.iter().take_while(signs).count(),
            all.iter().rev().take_while(signs).count(),
        );
        self.letters_of(all, piece.end);
        if before + behind < all.len() {
            let inner = before..all.len() - behind;
            for (signs, part) in [
                (before, before..all.len()),
                (behind, 0..inner.end),
                (before.min(behind), inner),
            ] {
                if signs > 0 {
                    self.letters_of(&all[part], piece.end);
                }
            }
        }
    }

    /// Reads letters that stand together.
    fn letters_of(&mut self, letters: &[Letter], end: Place) {
        let Reader {
            words, dictionary, ..
        } = *self.reader;
        let spelt: Vec<char> = letters.iter().map(|letter| letter.letter).collect();
        let plainly = letters.iter().all(|letter| letter.how == How::Plainly);
        if plainly && letters.len() < 2 || !letters.iter().any(Letter::is_letter) {
            // A number may stand for a word of a phrase, but alone it is a number.
            if !plainly {
                for word in words.read_as(&spelt) {
                    let read = edge(letters, end, word, View::Resolved);
                    self.edges.push(Edge { alone: false, ..read });
                }
            }
            return;
        }
        let written: String = spelt.iter().collect();
        if plainly && (words.has(&written) || dictionary.contains(&written)) {
            return;
        }
        if letters.len() > LONGEST {
            return self.run_together(letters, &spelt, end);
        }
        let hidden = letters.iter().filter(|letter| letter.how == How::Hidden).count();
        if hidden > 0 {
            return self.starred(letters, &spelt, hidden, end);
        }
        let view = if plainly { View::Squeezed } else { View::Resolved };
        let before = self.edges.len();
        for word in words.read_as(&spelt) {
            self.edges.push(edge(letters, end, word, view));
        }
        if self.edges.len() == before && spelt.iter().all(char::is_ascii_lowercase) {
            self.run_together(letters, &spelt, end);
            let digits = letters.iter().filter(|letter| !letter.is_letter()).count();
            if plainly || digits * DIGITS <= letters.len() && !dictionary.contains(&written) {
                self.misspelt(letters, &spelt, end);
            }
        }
    }
}

impl Piece {
    /// Whether it is anything but one ordinary word, or one of the lists, plainly written.
    fn is_odd(&self, letters: &[Letter], plain: &Plain, odd: &[bool]) -> bool {
        let letters = &letters[self.first..self.after];
        let Some(first) = letters.first() else {
            return false;
        };
        let word = word_at(first.place);
        let whole = first.place == place(word)
            && self.end == place(word + 1)
            && plain.word(word).len() == letters.len()
            && letters.iter().all(|letter| letter.how == How::Plainly);
        !whole || odd.get(word).copied().unwrap_or(true)
    }
}

/// Whether a sign may stand for a letter, or between the parts of a word.
const fn may_be_a_letter(sign: u8) -> bool {
    matches!(sign, b'@' | b'$' | b'!' | b'|' | b'*' | b'-' | b'+' | b'#')
}

pub(super) fn edge(letters: &[Letter], to: Place, word: u32, view: View) -> Edge {
    Edge {
        from: letters.first().map_or(to, |letter| letter.place),
        to,
        word,
        view,
        start: letters.first().map_or(0, |letter| letter.start),
        end: letters.last().map_or(0, |letter| letter.end),
        alone: true,
    }
}
