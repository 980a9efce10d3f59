//! Ordinary words and names: what is one of them is never taken for a misspelling, and words that are run together are
//! told apart by them.

use crate::buckets::Buckets;
use crate::hash;

/// A set of ordinary words, of which only their hashes are kept: with one word in some five thousand that is not among
/// them it believes that it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Dictionary {
    pub(crate) words: Buckets,
    /// The commonest of them.
    pub(crate) commonest: Buckets,
}

#[cfg(feature = "dictionary")]
static COMMONEST: &str = include_str!("../lists/commonest.txt");

#[cfg(feature = "dictionary")]
static ORDINARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/ordinary.bin"));

impl Dictionary {
    /// The ordinary words of English, with names of people and places, that come with Pastoral.
    #[cfg(feature = "dictionary")]
    #[must_use]
    pub fn shipped() -> Self {
        let (hashes, _) = ORDINARY.as_chunks::<8>();
        let lines = COMMONEST.lines().filter(|line| !line.starts_with('#'));
        Self {
            words: Buckets::set(hashes.iter().map(|hash| u64::from_le_bytes(*hash))),
            commonest: set(lines.flat_map(str::split_whitespace)),
        }
    }

    /// Of words in lower case, without accents; none of them a common one.
    pub fn of_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Self {
        Self {
            words: set(words),
            commonest: Buckets::default(),
        }
    }

    /// Whether it holds no word, so that no word can be called unusual.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.parts().2.is_empty()
    }

    pub(crate) fn is_common(&self, letters: impl IntoIterator<Item = char>) -> bool {
        self.commonest.contains(hash::of_letters(letters))
    }

    /// Whether a word is an ordinary one, as far as its hash tells.
    #[must_use]
    pub fn contains(&self, word: &str) -> bool {
        self.words.contains(hash::of_bytes(word.as_bytes()))
    }
}

fn set<'w>(words: impl IntoIterator<Item = &'w str>) -> Buckets {
    Buckets::set(words.into_iter().map(|word| hash::of_bytes(word.as_bytes())))
}
