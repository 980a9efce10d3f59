//! Reads a text: its words as written, and what its odd words may be read as.
//!
//! Every reading is a word of the lists between two places of the text, so that one tree of phrases serves all views. A
//! word is odd that is neither one of the lists nor an ordinary one, or that is written with characters that are not its
//! own; only odd words are read as anything else.

use super::letters::{How, Letter, Letters, Piece, Place, place, word_at};
use super::phrase_at::PhraseAt;
use super::segment::segment;
use super::shorthand::shorthand;
use super::trie::Trie;
use super::words::{NONE, RUN_TOGETHER, STRETCHED, Words, class, is_written_plainly};
use crate::dictionary::Dictionary;
use crate::hash;
use crate::plain::Plain;
use crate::view::View;

/// Pieces of one letter that stand apart in a row.
const APART: usize = 3;
/// Letters a word must have to be found alone among letters that stand apart, and others.
const ALONE_APART: usize = 5;
/// Letters of the longest piece that is read as one word.
const LONGEST: usize = 40;
/// Pieces that a word may be broken into.
const BROKEN: usize = 3;
/// Letters a word must have to be put together from pieces of several letters.
const JOINED: usize = 5;
/// Digits of the longest number that is read as a word.
const NUMBER: usize = 8;
/// Letters a word must have to be found alone among words that are run together.
const ALONE: usize = 6;
/// Letters of the longest word of a phrase that is run together.
const LONGEST_PART: usize = 24;
/// Words that are tried for one piece; more than any phrase and its beginnings need.
const STEPS: usize = 512;

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
    const fn standing(&self, phrase: u32) -> PhraseAt {
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
    letters: &'r [Letter],
    pub(super) edges: Vec<Edge>,
    phrases: Vec<PhraseAt>,
}

impl Reader<'_> {
    pub(super) fn read(&self, original: &str, plain: &Plain) -> Lattice {
        let looks_further = self.furthest > View::Plain;
        let mut odd = Vec::new();
        let mut known = Vec::with_capacity(plain.words().len());
        let (mut single, mut apart) = (0, false);
        let mut found = Lattice::default();
        let knows_ordinary = !self.dictionary.is_empty();
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
            let is_ordinary = || {
                if knows_ordinary {
                    self.dictionary.contains(word)
                } else {
                    is_written_plainly(word)
                }
            };
            odd.push(id.is_none() && phrase.is_none() && !is_ordinary());
            single = if word.len() == 1 { single + 1 } else { 0 };
            apart |= single >= APART;
        }
        let sign = |byte| matches!(byte, b'@' | b'$' | b'!' | b'|' | b'*' | b'-' | b'+' | b'#');
        if looks_further && (apart || odd.contains(&true) || original.bytes().any(sign)) {
            self.edges(original, plain, &odd, &mut found);
        }
        found.plain = known;
        found
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
    /// Letters that stand apart: `s u i c i d e`. Every word among them is read, for others may stand before and after;
    /// a short one counts alone only where those are words of one letter.
    fn spaced_out(&mut self, run: &[Piece]) {
        let [first, .., last] = run else { return };
        let letters = &self.letters[first.first..last.after];
        let spelt: Vec<char> = letters.iter().map(|letter| letter.letter).collect();
        let is_word = |letter: &Letter| {
            matches!(letter.letter, 'a' | 'i' | 'o' | 'u' | 's') || letter.how == How::AsAnother
        };
        for first in 0..spelt.len() {
            let mut hash = hash::START;
            let mut before = None;
            let begins = first <= 2 && letters[..first].iter().all(is_word);
            for after in first + 1..=(first + LONGEST).min(spelt.len()) {
                let letter = class(spelt[after - 1]);
                if before.replace(letter) != Some(letter) {
                    hash = hash::step(hash, letter as u32);
                }
                // A letter that is stretched is taken for as long as it is.
                let stretched = after - first >= STRETCHED
                    && spelt.get(after).map(|next| class(*next)) == before
                    && spelt[after - STRETCHED..after]
                        .iter()
                        .all(|last| Some(class(*last)) == before);
                if after - first < 2 || stretched {
                    continue;
                }
                for word in self.reader.words.hashed(hash::finish(hash), &spelt[first..after]) {
                    if self.reader.words.get(word).len() < 2 {
                        continue;
                    }
                    let ends = letters.len() - after <= 2 && letters[after..].iter().all(is_word);
                    let to = letters.get(after).map_or(last.end, |next| next.place);
                    let read = edge(&letters[first..after], to, word, View::Joined);
                    let alone = after - first >= ALONE_APART || after - first > 2 && begins && ends;
                    self.edges.push(Edge { alone, ..read });
                }
            }
        }
    }

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
            if !plainly && letters.len() <= NUMBER {
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
            if plainly || digits * 3 <= letters.len() && !dictionary.contains(&written) {
                self.misspelt(letters, &spelt, end);
            }
        }
    }

    /// Words that are run together: `howtokillmyself`.
    fn run_together(&mut self, letters: &[Letter], spelt: &[char], end: Place) {
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
        if parts.len() < 2 || parts.iter().all(|part| part.word == NONE) {
            return;
        }
        for part in &parts {
            let to = letters.get(part.after).map_or(end, |next| next.place);
            let part_letters = &letters[part.first..part.after];
            let alone = part_letters.len() >= ALONE && parts.len() <= 3;
            let read = edge(part_letters, to, part.word, View::Split);
            self.edges.push(Edge { alone, ..read });
        }
    }

    /// The phrases that letters are, all of them, as its words run together.
    fn phrase_of(&mut self, letters: &[Letter], spelt: &[char], end: Place) {
        if spelt.len() < RUN_TOGETHER || self.reader.furthest < View::Split {
            return;
        }
        let whole = edge(letters, end, NONE, View::Split);
        let mut ways = vec![(0, None)];
        let mut steps = STEPS;
        while let Some((first, node)) = ways.pop() {
            let mut hash = hash::START;
            let mut before = None;
            for after in first + 1..=(first + LONGEST_PART).min(spelt.len()) {
                let letter = class(spelt[after - 1]);
                if before.replace(letter) != Some(letter) {
                    hash = hash::step(hash, letter as u32);
                }
                for word in self.reader.words.hashed(hash::finish(hash), &spelt[first..after]) {
                    let next = match node {
                        None => self.reader.trie.start(word),
                        Some(node) => self.reader.trie.child(node, word),
                    };
                    let Some(next) = next.filter(|_| steps > 0) else {
                        continue;
                    };
                    steps -= 1;
                    if after < spelt.len() {
                        ways.push((after, Some(next)));
                    } else if node.is_some() {
                        self.phrases
                            .extend(self.reader.trie.ending(next).map(|phrase| whole.standing(phrase)));
                    }
                }
            }
        }
    }

    /// A word that is broken into pieces: `sui-cide`, `wom en`.
    fn broken(&mut self, pieces: &[Piece], is_odd: &[bool]) {
        for count in 2..=BROKEN.min(pieces.len()) {
            let (Some(first), Some(last)) = (pieces.first(), pieces.get(count - 1)) else {
                return;
            };
            let dashed = pieces[1..count].iter().all(|piece| piece.attached);
            let length = last.after - first.first;
            let least = if dashed { 2 } else { JOINED };
            let odd = is_odd[..count].contains(&true) || dashed && count == 2;
            if !odd || !(least..=LONGEST).contains(&length) {
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
