//! A text's words as written, each with a map back to the original.
//!
//! They are in lower case, without accents, compatibility forms or invisible characters, with one space between them and
//! one at either end; whatever stood between two words is that one space. An apostrophe inside a word is left out, so that
//! `don't` and `dont` are the same word. In scripts that put no spaces between words every character is a word of its own.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible, is_combining_mark};

/// Which bytes are letters and digits of ASCII.
const IN_WORD: [bool; 256] = {
    let mut in_word = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        in_word[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    in_word
};

/// Words of a text that there is room for at once.
const WORDS: usize = 32;

/// One text in the plain view.
pub(crate) struct Plain {
    /// Where the words are written; what is between them does not count.
    text: String,
    words: Vec<Word>,
}

/// Where a word of the view stands.
pub(crate) struct Word {
    /// Where it begins and ends in the view's text.
    from: usize,
    to: usize,
    /// Where it begins and ends in the original.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Plain {
    pub(crate) fn new(original: &str) -> Self {
        // Every byte is looked at, for that is quicker than to stop at the first.
        let beyond = |byte: u8| !byte.is_ascii() | is_apostrophe(char::from(byte));
        if original.bytes().fold(false, |any, byte| any | beyond(byte)) {
            Self::folded(original)
        } else {
            Self::of_ascii(original)
        }
    }

    /// Of a text as most are: letters and digits of ASCII, with no apostrophe, are words as they stand.
    fn of_ascii(original: &str) -> Self {
        let bytes = original.as_bytes();
        let mut words = Vec::with_capacity(WORDS.min(bytes.len() / 2 + 1));
        let mut at = 0;
        while at < bytes.len() {
            let from = at;
            at += bytes[from..].iter().take_while(|byte| in_word(**byte)).count();
            if from < at {
                words.push(Word {
                    from,
                    to: at,
                    start: from,
                    end: at,
                });
            }
            at += 1;
        }
        Self {
            text: original.to_ascii_lowercase(),
            words,
        }
    }

    fn folded(original: &str) -> Self {
        let mut folding = Folding::with_capacity(original.len());
        let mut at = 0;
        while let Some(character) = original[at..].chars().next() {
            let run = original.as_bytes()[at..].iter();
            let run = run.take_while(|byte| in_word(**byte)).count();
            let end = at + run.max(character.len_utf8());
            if run > 0 {
                folding.take_run(at..end, &original[at..end]);
            } else {
                folding.take(at..end, character);
            }
            at = end;
        }
        folding.finish()
    }

    /// The words with one space between them, and one at either end.
    pub(crate) fn joined(&self) -> String {
        let mut joined = String::with_capacity(self.text.len() + 2);
        joined.push(' ');
        for word in self.spelt() {
            joined.push_str(word);
            joined.push(' ');
        }
        joined
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words, in order.
    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    /// The words as they are matched.
    pub(crate) fn spelt(&self) -> impl Iterator<Item = &str> {
        (0..self.words.len()).map(|at| self.word(at))
    }

    /// A word as it is matched.
    #[inline]
    pub(crate) fn word(&self, at: usize) -> &str {
        let place = self.words.get(at).map(|word| word.from..word.to);
        place.and_then(|place| self.text.get(place)).unwrap_or_default()
    }
}

#[inline]
fn in_word(byte: u8) -> bool {
    IN_WORD[usize::from(byte)]
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
    /// A letter of a script that puts no spaces between words: only marks go with it.
    Unspaced,
    Apostrophe,
    Gap,
}

impl Folding {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            words: Vec::with_capacity(WORDS.min(bytes / 2 + 1)),
            after: After::Gap,
        }
    }

    /// Letters and digits of ASCII, as they stand together: most of most texts.
    #[inline]
    fn take_run(&mut self, at: Range<usize>, run: &str) {
        if matches!(self.after, After::Gap | After::Unspaced) {
            self.begin_word(&at);
        }
        let begin = self.text.len();
        self.text.push_str(run);
        self.text[begin..].make_ascii_lowercase();
        self.lengthen(&at);
        self.after = After::Word;
    }

    /// Anything else.
    #[inline]
    fn take(&mut self, at: Range<usize>, character: char) {
        if character.is_ascii() {
            self.take_between(character);
        } else if let Some(letter) = flag_letter(character) {
            self.take_folded(&at, letter);
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
            if matches!(self.after, After::Word | After::Unspaced)
                && let Some(word) = self.words.last_mut()
            {
                word.end = at.end;
            }
        } else if character.is_alphanumeric() {
            let unspaced = is_unspaced(character);
            let begins = match self.after {
                After::Gap => true,
                After::Unspaced => !is_combining_mark(character),
                After::Word | After::Apostrophe => unspaced && !is_combining_mark(character),
            };
            if begins {
                self.begin_word(at);
            }
            self.text.push(one_letter(character));
            self.lengthen(at);
            self.after = if unspaced { After::Unspaced } else { After::Word };
        } else {
            self.take_between(character);
        }
    }

    /// What is neither letter nor mark.
    fn take_between(&mut self, character: char) {
        self.after = if self.after == After::Word && is_apostrophe(character) {
            After::Apostrophe
        } else {
            After::Gap
        };
    }

    fn begin_word(&mut self, at: &Range<usize>) {
        let from = self.text.len();
        self.words.push(Word {
            from,
            to: from,
            start: at.start,
            end: at.end,
        });
    }

    /// The last word goes on to the end of what is written.
    fn lengthen(&mut self, at: &Range<usize>) {
        if let Some(word) = self.words.last_mut() {
            (word.to, word.end) = (self.text.len(), at.end);
        }
    }

    fn finish(self) -> Plain {
        Plain {
            text: self.text,
            words: self.words,
        }
    }
}

/// Marks that change how a letter is written, not which it is. The vowel signs of Indic and south-east Asian scripts
/// are marks too, but letters of their own.
pub(crate) fn is_accent(character: char) -> bool {
    is_combining_mark(character) && (canonical_combining_class(character) != 0 || !character.is_alphabetic())
}

/// The letter that people write for another that Unicode does not take apart: one without its stroke, and the forms of
/// Arabic letters that differ by keyboard or haste. They are as one, as a letter with and without an accent is.
pub(crate) fn one_letter(character: char) -> char {
    match character {
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ة' | 'ہ' => 'ه',
        'ى' | 'ی' => 'ي',
        'ک' => 'ك',
        _ => character,
    }
}

pub(crate) fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '\u{2018}' | '\u{2019}' | '\u{02bc}')
}

/// The letter of a regional indicator, of which flags are made, and now and then words.
pub(crate) fn flag_letter(character: char) -> Option<char> {
    let letter = u32::from(character)
        .checked_sub(0x1f1e6)
        .filter(|letter| *letter < 26)?;
    char::from_u32(u32::from('a') + letter)
}

/// Letters of scripts that put no spaces between words: Han, kana, Thai, Lao, Burmese, Khmer.
pub(crate) fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{2e80}'..='\u{2fdf}'
        | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{aa60}'..='\u{aa7f}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Characters that take no place: joiners, direction marks, soft hyphens, variation selectors, tags.
pub(crate) fn is_invisible(character: char) -> bool {
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
            assert_eq!(Plain::new(text).joined(), " cafe au lait ", "{text}");
        }
    }

    #[test]
    fn a_stroke_and_the_keyboard_s_form_of_an_arabic_letter_do_not_matter() {
        for (written, as_well) in [
            ("Łódź", "lodz"),
            ("đo", "do"),
            ("المدرسة", "المدرسه"),
            ("على", "علي"),
            ("میں ہوں", "ميں هوں"),
        ] {
            assert_eq!(
                Plain::new(written).joined(),
                Plain::new(as_well).joined(),
                "{written}"
            );
        }
    }

    #[test]
    fn an_apostrophe_inside_a_word_does_not_matter_and_quotes_are_not_one() {
        assert_eq!(Plain::new("don't 'Don’t' dont").joined(), " dont dont dont ");
        assert_eq!(Plain::new("rock ' n'' roll").joined(), " rock n roll ");
    }

    #[test]
    fn characters_of_scripts_without_spaces_are_words_with_their_marks() {
        assert_eq!(Plain::new("日本kana語").joined(), " 日 本 kana 語 ");
        assert_eq!(Plain::new("ภาษาไทย").joined().split_whitespace().count(), 7);
    }

    #[test]
    fn vowel_signs_stay_letters() {
        assert_eq!(Plain::new("हिंदी").joined().split_whitespace().count(), 1);
        assert_ne!(Plain::new("की").joined(), Plain::new("को").joined());
    }

    #[test]
    fn a_word_maps_to_what_was_written_with_its_accents() {
        let text = "«Cafe\u{301}» x";
        let plain = Plain::new(text);
        let word = &plain.words()[0];
        assert_eq!(&text[word.start..word.end], "Cafe\u{301}");
    }

    proptest! {
        #[test]
        fn every_word_maps_to_a_part_of_the_original_that_reads_the_same(text in any::<String>()) {
            let plain = Plain::new(&text);
            for (at, place) in plain.words().iter().enumerate() {
                let (word, written) = (plain.word(at), text.get(place.start..place.end));
                prop_assert!(written.is_some_and(|written| Plain::new(written).joined().contains(word)), "{word:?} {written:?}");
            }
        }

        #[test]
        fn a_view_is_never_more_than_a_constant_times_its_text(text in any::<String>()) {
            prop_assert!(Plain::new(&text).joined().len() <= 2 + 40 * text.len());
        }
    }
}
