//! The words of the lists, and the ways they are looked up.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `MISSPELT` | 4 | flags `find gu*` | misses `bmob` |
//! | `RUN_TOGETHER` | 5 | flags `aid and abet` | misses `imfat` |
//! | `STRETCHED` | 3 | flags `ich hatte` | misses `suiiicide` |

use std::ops::Range;

use crate::buckets::Buckets;
use crate::hash;

/// No word.
pub(super) const NONE: u32 = u32::MAX;
/// Letters that a word must have to be looked for misspelt.
pub(super) const MISSPELT: usize = 4;
/// Letters that a phrase must have to be looked for run together.
pub(super) const RUN_TOGETHER: usize = 5;
/// A letter that is written so often in a row is stretched.
pub(super) const STRETCHED: usize = 3;

/// Every word that stands in a phrase of a list; then, as words of their own, phrases that are ordinary words when they
/// are run together.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) text: String,
    /// How many are words; the others are phrases.
    pub(super) single: u32,
    /// Where each word ends.
    pub(super) ends: Vec<u32>,
    /// By their letters.
    pub(super) exact: Buckets,
    /// By their letters as they are [read](class), repeated ones once.
    pub(super) read: Buckets,
    /// By what is left when one letter is dropped, or none.
    pub(super) dropped: Buckets,
    /// By length, first and last letter.
    pub(super) shaped: Buckets,
}

/// Letters that are written for one another: `i`, `l`, `1`, `!` and `|` all look the same.
#[inline]
pub(super) const fn class(letter: char) -> char {
    if letter == 'i' { 'l' } else { letter }
}

/// The hash of a word as it is read, repeated letters once.
pub(super) fn read_hash(letters: impl IntoIterator<Item = char>) -> u64 {
    let mut last = None;
    let once = letters
        .into_iter()
        .map(class)
        .filter(|letter| last.replace(*letter) != Some(*letter));
    hash::of_letters(once)
}

/// The hash of letters without one of them.
pub(super) fn dropped_hash(letters: &[char], without: Option<usize>) -> u64 {
    let kept = letters.iter().enumerate().filter(|(at, _)| Some(*at) != without);
    hash::of_letters(kept.map(|(_, letter)| class(*letter)))
}

/// The hash of a word's length, first and last letter.
pub(super) fn shape_hash(length: usize, first: char, last: char) -> u64 {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let hash = [class(first) as u32, class(last) as u32]
        .into_iter()
        .fold(hash::START, hash::step);
    hash::finish(hash::step(hash, length))
}

impl Words {
    /// Of distinct words, of which the first are single ones.
    pub(super) fn new(words: &[String], single: u32) -> Self {
        let mut all = Self {
            single,
            ..Self::default()
        };
        let (mut exact, mut read, mut dropped, mut shaped) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, word) in (0u32..).zip(words) {
            all.text.push_str(word);
            all.ends.push(u32::try_from(all.text.len()).unwrap_or(u32::MAX));
            let letters: Vec<char> = word.chars().collect();
            exact.push((hash::of_bytes(word.as_bytes()), id));
            read.push((read_hash(letters.iter().copied()), id));
            if let ([first, ..], Some(last)) = (&letters[..], letters.last())
                && id < single
                && letters.iter().all(char::is_ascii_lowercase)
            {
                shaped.push((shape_hash(letters.len(), *first, *last), id));
                if letters.len() >= MISSPELT {
                    dropped.push((dropped_hash(&letters, None), id));
                    dropped.extend((0..letters.len()).map(|at| (dropped_hash(&letters, Some(at)), id)));
                }
            }
        }
        all.exact = Buckets::quick_map(exact);
        all.read = Buckets::map(read);
        all.dropped = Buckets::map(dropped);
        all.shaped = Buckets::map(shaped);
        all
    }

    /// One of them; nothing for a number that is none's.
    pub(super) fn get(&self, id: u32) -> &str {
        self.text.get(self.place(id)).unwrap_or_default()
    }

    #[inline]
    fn bytes(&self, id: u32) -> &[u8] {
        self.text.as_bytes().get(self.place(id)).unwrap_or_default()
    }

    #[inline]
    fn place(&self, id: u32) -> Range<usize> {
        let id = id as usize;
        let start = id
            .checked_sub(1)
            .map_or(0, |before| self.ends.get(before).map_or(0, |end| *end as usize));
        let end = self.ends.get(id).map_or(start, |end| *end as usize);
        start..end
    }

    /// The word that is written so, and the phrase that is written so when it is run together.
    #[inline]
    pub(super) fn exactly(&self, word: &str) -> (Option<u32>, Option<u32>) {
        let hash = hash::of_bytes(word.as_bytes());
        let (mut single, mut phrase) = (None, None);
        for id in self
            .exact
            .get(hash)
            .filter(|id| self.bytes(*id) == word.as_bytes())
        {
            if self.is_phrase(id) {
                phrase = Some(id);
            } else {
                single = Some(id);
            }
        }
        (single, phrase)
    }

    /// Whether a word is one of the lists.
    pub(super) fn has(&self, word: &str) -> bool {
        self.exactly(word) != (None, None)
    }

    /// Whether a word is a phrase that is run together.
    pub(super) const fn is_phrase(&self, word: u32) -> bool {
        word != NONE && word >= self.single
    }

    /// The words that letters may be read as, where a letter written three times or more may stand for fewer.
    pub(super) fn read_as<'w>(&'w self, letters: &'w [char]) -> impl Iterator<Item = u32> + 'w {
        self.hashed(read_hash(letters.iter().copied()), letters)
    }

    /// The same for every beginning of some letters up to a length, with its length.
    pub(super) fn beginning<'w>(
        &'w self,
        letters: &'w [char],
        longest: usize,
    ) -> impl Iterator<Item = (usize, u32)> + 'w {
        let (mut hash, mut last) = (hash::START, None);
        let hashes = letters.iter().take(longest).map(move |letter| {
            let letter = class(*letter);
            if last.replace(letter) != Some(letter) {
                hash = hash::step(hash, letter as u32);
            }
            hash::finish(hash)
        });
        (1..).zip(hashes).flat_map(move |(length, hash)| {
            let words = self.hashed(hash, &letters[..length]);
            words.map(move |word| (length, word))
        })
    }

    fn hashed<'w>(&'w self, hash: u64, letters: &'w [char]) -> impl Iterator<Item = u32> + 'w {
        self.read
            .get(hash)
            .filter(move |id| reads_as(letters, self.get(*id)))
    }
}

/// Whether a word is of Latin letters alone, none of them three times or more in a row.
pub(super) fn is_written_plainly(word: &str) -> bool {
    let bytes = word.as_bytes();
    let stretched = || {
        bytes
            .windows(STRETCHED)
            .any(|row| row.iter().all(|byte| *byte == row[0]))
    };
    bytes.iter().all(u8::is_ascii_lowercase) && !stretched()
}

/// Whether letters can be read as a word: the same letters by class, each as often or, where it is stretched, fewer times.
fn reads_as(letters: &[char], word: &str) -> bool {
    let mut word = word.chars().map(class).peekable();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied().map(class) {
        let written = letters[at..]
            .iter()
            .take_while(|next| class(**next) == letter)
            .count();
        let mut listed = 0;
        while word.next_if_eq(&letter).is_some() {
            listed += 1;
        }
        let same = if written >= STRETCHED {
            (1..=written).contains(&listed)
        } else {
            listed == written
        };
        if !same {
            return false;
        }
        at += written;
    }
    word.peek().is_none()
}
