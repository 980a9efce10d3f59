//! How words are hashed: step by step, so that the hashes of all beginnings of a word come with its own.
//!
//! Not a defence against anybody: what must be exact is compared after it was looked up, and a chance hit among the
//! ordinary words only means that one word is not read as a misspelling.

/// Where every hash begins.
pub(crate) const START: u64 = 0x243f_6a88_85a3_08d3;

/// The hash of what was hashed so far and one more letter.
#[inline]
pub(crate) const fn step(hash: u64, letter: u32) -> u64 {
    (hash ^ letter as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A hash whose every bit depends on every letter.
#[inline]
pub(crate) const fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 32)
}

#[inline]
pub(crate) fn of_bytes(word: &[u8]) -> u64 {
    finish(word.iter().fold(START, |hash, byte| step(hash, u32::from(*byte))))
}

pub(crate) fn of_letters(letters: impl IntoIterator<Item = char>) -> u64 {
    finish(
        letters
            .into_iter()
            .fold(START, |hash, letter| step(hash, letter as u32)),
    )
}
