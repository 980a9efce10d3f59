//! The views a text is matched in, each with a map back to what was really written.
//!
//! **Plain**: the words, in lower case, without accents, compatibility forms or invisible characters, with one space
//! between them and one at either end; whatever stood between two words is that one space. A phrase with a space at either
//! end therefore matches whole words only, and needs no other test of word bounds. An apostrophe inside a word is left
//! out, so that `don't` and `dont` are the same word.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible, is_combining_mark};

/// The view of a text that a term was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum View {
    /// The words as written, but for case, accents and what stands between them.
    Plain,
}

impl View {
    /// The code that stands in messages and the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Plain => "plain",
        }
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// One text in the plain view.
pub(crate) struct Plain {
    text: String,
    words: Vec<Word>,
}

/// Where a word of the view stands in the original.
struct Word {
    /// In the view.
    at: usize,
    /// In the original.
    start: usize,
    end: usize,
}

impl Plain {
    pub(crate) fn new(original: &str) -> Self {
        let mut folding = Folding::with_capacity(original.len());
        for (at, character) in original.char_indices() {
            folding.take(at..at + character.len_utf8(), character);
        }
        folding.finish()
    }

    /// The view's text: begins and ends with a space.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The bytes of the original that stand for whole words of the view.
    pub(crate) fn original(&self, span: &Range<usize>) -> Range<usize> {
        let first = self.words.partition_point(|word| word.at < span.start);
        let after = self.words.partition_point(|word| word.at < span.end);
        match (self.words.get(first), self.words.get(after.saturating_sub(1))) {
            (Some(first), Some(last)) => first.start..last.end.max(first.end),
            _ => 0..0,
        }
    }
}

/// A view that is being written.
struct Folding {
    text: String,
    words: Vec<Word>,
    /// Whether the last character read belongs to a word, with or without an apostrophe after it.
    after: After,
}

#[derive(PartialEq)]
enum After {
    Word,
    Apostrophe,
    Gap,
}

impl Folding {
    fn with_capacity(bytes: usize) -> Self {
        let mut text = String::with_capacity(bytes + 2);
        text.push(' ');
        Self {
            text,
            words: Vec::new(),
            after: After::Gap,
        }
    }

    fn take(&mut self, at: Range<usize>, character: char) {
        if character.is_ascii() {
            self.take_folded(&at, character.to_ascii_lowercase());
        } else if !is_invisible(character) {
            decompose_compatible(character, |part| {
                for lower in part.to_lowercase() {
                    self.take_folded(&at, lower);
                }
            });
        }
    }

    fn take_folded(&mut self, at: &Range<usize>, character: char) {
        if is_accent(character) {
            // Belongs to what it stands on: the span of a word ends after it.
            if self.after == After::Word
                && let Some(word) = self.words.last_mut()
            {
                word.end = at.end;
            }
        } else if is_apostrophe(character) {
            self.after = if self.after == After::Word {
                After::Apostrophe
            } else {
                After::Gap
            };
        } else if character.is_alphanumeric() {
            match self.words.last_mut() {
                Some(word) if self.after != After::Gap => word.end = at.end,
                _ => self.begin_word(at),
            }
            self.text.push(character);
            self.after = After::Word;
        } else {
            self.after = After::Gap;
        }
    }

    fn begin_word(&mut self, at: &Range<usize>) {
        if !self.words.is_empty() {
            self.text.push(' ');
        }
        self.words.push(Word {
            at: self.text.len(),
            start: at.start,
            end: at.end,
        });
    }

    fn finish(mut self) -> Plain {
        self.text.push(' ');
        Plain {
            text: self.text,
            words: self.words,
        }
    }
}

/// Marks that change how a letter is written, not which it is. The vowel signs of Indic and south-east Asian scripts
/// are marks too, but letters of their own.
fn is_accent(character: char) -> bool {
    is_combining_mark(character) && (canonical_combining_class(character) != 0 || !character.is_alphabetic())
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{02bc}')
}

/// Characters that take no place: joiners, direction marks, soft hyphens, variation selectors, tags.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_accents_width_and_what_stands_between_words_do_not_matter() {
        for text in [
            "Café  au-lait",
            "cafe\u{301} — AU…lait!",
            "ｃａｆé_au\u{200b}\tla\u{ad}it",
            "(café/au.lait)",
        ] {
            assert_eq!(Plain::new(text).as_str(), " cafe au lait ", "{text}");
        }
    }

    #[test]
    fn an_apostrophe_inside_a_word_does_not_matter_and_quotes_are_not_one() {
        assert_eq!(Plain::new("don't 'Don’t' dont").as_str(), " dont dont dont ");
        assert_eq!(Plain::new("rock ' n'' roll").as_str(), " rock n roll ");
    }

    #[test]
    fn vowel_signs_stay_letters() {
        assert_eq!(Plain::new("हिंदी ภาษาไทย").as_str().split_whitespace().count(), 2);
        assert_ne!(Plain::new("की").as_str(), Plain::new("को").as_str());
    }

    #[test]
    fn a_word_maps_to_what_was_written_with_its_accents() {
        let text = "«Cafe\u{301}» x";
        let plain = Plain::new(text);
        assert_eq!(&text[plain.original(&(1..5))], "Cafe\u{301}");
    }

    proptest! {
        #[test]
        fn every_word_maps_to_a_part_of_the_original_that_reads_the_same(text in any::<String>()) {
            let plain = Plain::new(&text);
            let mut at = 1;
            for word in plain.as_str().split(' ').filter(|word| !word.is_empty()) {
                let span = plain.original(&(at..at + word.len()));
                let written = text.get(span);
                prop_assert!(written.is_some_and(|written| Plain::new(written).as_str().contains(word)), "{word:?} {written:?}");
                at += word.len() + 1;
            }
        }

        #[test]
        fn a_view_is_never_more_than_a_constant_times_its_text(text in any::<String>()) {
            prop_assert!(Plain::new(&text).as_str().len() <= 2 + 40 * text.len());
        }
    }
}
