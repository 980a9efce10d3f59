//! A text letter by letter, for reading what is not written plainly: every character as the letter that it looks like or
//! is written for, with where it stands.

use unicode_normalization::char::decompose_compatible;

use crate::lookalike::{is_censor, leet, looks_like};
use crate::plain::{Plain, is_accent, is_apostrophe, is_invisible, is_unspaced, one_letter};

/// Where something begins or ends in a text's words: the number of a word, and of a letter in it.
pub(super) type Place = u64;
/// Letters of one word that have a place of their own.
const WITHIN: u64 = 256;

/// The place where a word begins.
#[inline]
pub(super) const fn place(word: usize) -> Place {
    word as u64 * WITHIN
}

/// The word that a place is in.
#[inline]
pub(super) const fn word_at(place: Place) -> usize {
    (place / WITHIN) as usize
}

/// A letter that a text may be read to hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letter {
    pub(super) letter: char,
    /// Where it begins among the words.
    pub(super) place: Place,
    /// Where it begins and ends in the original.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) how: How,
    /// Written as a digit.
    pub(super) digit: bool,
}

impl Letter {
    /// Whether it is written as a letter, be it of another alphabet, and not as a digit or a sign.
    pub(super) fn is_letter(&self) -> bool {
        match self.how {
            How::Plainly => true,
            How::AsAnother => !self.digit,
            How::AsSign | How::Hidden => false,
        }
    }
}

/// How a letter is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// As itself.
    Plainly,
    /// With another character.
    AsAnother,
    /// With a sign that may also be punctuation.
    AsSign,
    /// Not at all: a star stands for it.
    Hidden,
}

/// Letters that stand together, and what stands before them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) first: usize,
    pub(super) after: usize,
    /// Where the last of them ends among the words.
    pub(super) end: Place,
    /// Only a dash, a dot or the like, and no space, stands between it and the piece before.
    pub(super) attached: bool,
}

/// A text's letters, in pieces.
#[derive(Debug, Default)]
pub(super) struct Letters {
    pub(super) letters: Vec<Letter>,
    pub(super) pieces: Vec<Piece>,
}

impl Letters {
    pub(super) fn new(original: &str, plain: &Plain) -> Self {
        let mut reading = Reading {
            made: Self {
                letters: Vec::with_capacity(original.len()),
                pieces: Vec::new(),
            },
            plain,
            word: 0,
            letter: 0,
            begun: None,
            spaced: true,
        };
        for (at, character) in original.char_indices() {
            reading.take(at, character);
        }
        reading.end_piece();
        reading.made
    }
}

struct Reading<'p> {
    made: Letters,
    plain: &'p Plain,
    /// The word that is being read, or the next one.
    word: usize,
    /// How many letters of the word have been read.
    letter: u64,
    /// The first letter of the piece that is being read.
    begun: Option<usize>,
    /// Whether a space was read since the last piece.
    spaced: bool,
}

impl Reading<'_> {
    fn take(&mut self, at: usize, character: char) {
        let end = at + character.len_utf8();
        while self
            .plain
            .words()
            .get(self.word)
            .is_some_and(|word| word.end <= at)
        {
            self.word += 1;
            self.letter = 0;
        }
        if character.is_ascii_alphabetic() {
            self.push(at, end, character.to_ascii_lowercase(), How::Plainly, false);
        } else if character.is_ascii() {
            match character {
                '0'..='9' => self.push(
                    at,
                    end,
                    leet(character).unwrap_or(character),
                    How::AsAnother,
                    true,
                ),
                '@' | '$' | '!' | '|' | '+' => {
                    self.push(at, end, leet(character).unwrap_or(character), How::AsSign, false)
                }
                '*' | '#' => self.push(at, end, '*', How::Hidden, false),
                '\'' => {}
                _ => self.end_piece_at(character),
            }
        } else {
            self.take_other(at, end, character);
        }
    }

    fn take_other(&mut self, at: usize, end: usize, character: char) {
        if is_invisible(character) || is_apostrophe(character) {
            return;
        }
        if is_unspaced(character) {
            return self.end_piece_at(' ');
        }
        if is_censor(character) {
            return self.push(at, end, '*', How::Hidden, false);
        }
        if let Some(letter) = looks_like(character).or_else(|| leet(character)) {
            let digit = letter.is_ascii_digit();
            let letter = leet(letter).unwrap_or(letter);
            return self.push(at, end, letter, How::AsAnother, digit);
        }
        let mut ended = false;
        decompose_compatible(character, |part| {
            for lower in part.to_lowercase() {
                if is_accent(lower) || is_apostrophe(lower) {
                    continue;
                }
                let looks = if lower.is_ascii() { None } else { looks_like(lower) };
                match looks.or_else(|| leet(lower)) {
                    Some(letter) => self.push(at, end, letter, How::AsAnother, lower.is_ascii_digit()),
                    None if lower.is_alphanumeric() => {
                        self.push(at, end, one_letter(lower), How::Plainly, false)
                    }
                    None => ended = true,
                }
            }
        });
        if ended {
            self.end_piece_at(' ');
        }
    }

    fn push(&mut self, start: usize, end: usize, letter: char, how: How, digit: bool) {
        let inside = self
            .plain
            .words()
            .get(self.word)
            .is_some_and(|word| word.start <= start);
        let place = place(self.word) + if inside { self.letter.min(WITHIN - 1) } else { 0 };
        self.letter += u64::from(inside);
        self.begun.get_or_insert(self.made.letters.len());
        self.made.letters.push(Letter {
            letter,
            place,
            start,
            end,
            how,
            digit,
        });
    }

    fn end_piece_at(&mut self, character: char) {
        self.end_piece();
        if !matches!(
            character,
            '-' | '.' | '_' | '/' | '~' | ',' | ':' | '\\' | '=' | '^' | '`' | '"'
        ) {
            self.spaced = true;
        }
    }

    fn end_piece(&mut self) {
        let Some(first) = self.begun.take() else { return };
        let after = self.made.letters.len();
        let Some(last) = self.made.letters.last() else {
            return;
        };
        // The word that holds the last letter, or ended before it, is over.
        let words = self.plain.words();
        let over = words.get(self.word).is_some_and(|word| word.start <= last.start);
        let end = place(self.word + usize::from(over));
        self.made.pieces.push(Piece {
            first,
            after,
            end,
            attached: !self.spaced,
        });
        self.spaced = false;
    }
}
