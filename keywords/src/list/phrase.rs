//! How a phrase of a list is written: words, braces with alternatives, and gaps.
//!
//! `cut{,s,ting} my {wrist,arm}` stands for every combination of its alternatives. ` … ` between two words stands for at
//! most [`GAP`] other words.
//!
//! | number | is | one less | one more |
//! |---|---|---|---|
//! | `ALTERNATIVES` | 64 | | bounds what one line of a list costs |
//! | `GAP` | 3 | misses `meet him in the park` | flags `meet our teacher at the park` |

use crate::plain::Plain;

/// Phrases that one phrase with braces may stand for.
pub(crate) const ALTERNATIVES: usize = 64;
/// The most words that a gap stands for.
pub(crate) const GAP: usize = 3;
/// A gap, as written.
pub(crate) const GAP_MARK: &str = "…";

/// What is wrong with a phrase, and what to write instead.
pub(crate) type PhraseFault = (String, String);

/// The words of a phrase as they are matched: one plain text for each part between its gaps.
pub(crate) fn parts(phrase: &str) -> impl Iterator<Item = Plain> {
    phrase.split(" … ").map(Plain::new)
}

/// The phrase as it is matched, for comparing phrases with one another.
pub(crate) fn folded(phrase: &str) -> String {
    let parts: Vec<String> = parts(phrase).map(|part| part.joined()).collect();
    parts.join(GAP_MARK)
}

/// A phrase taken apart, to be compared with many others.
pub(crate) struct Tokens(Vec<String>);

impl Tokens {
    /// Its words as they are matched, and its gaps.
    pub(crate) fn of(phrase: &str) -> Self {
        let mut tokens = Vec::new();
        for (at, part) in parts(phrase).enumerate() {
            if at > 0 {
                tokens.push(GAP_MARK.to_owned());
            }
            tokens.extend(part.spelt().map(str::to_owned));
        }
        Self(tokens)
    }

    /// Whether another phrase stands inside this one as whole words, and leaves something of it outside.
    pub(crate) fn holds(&self, shorter: &Self) -> bool {
        let (longer, shorter) = (&self.0, &shorter.0);
        longer != shorter && (0..longer.len()).any(|at| begins(&longer[at..], shorter))
    }
}

fn begins(words: &[String], phrase: &[String]) -> bool {
    match phrase.split_first() {
        None => true,
        Some((gap, rest)) if gap == GAP_MARK => {
            (0..=GAP.min(words.len())).any(|skip| begins(&words[skip..], rest))
        }
        Some((word, rest)) => words
            .split_first()
            .is_some_and(|(first, after)| first == word && begins(after, rest)),
    }
}

/// Every phrase that a phrase with braces stands for, each once, in order, with single spaces.
///
/// # Errors
/// When braces do not match, there are too many alternatives, or a gap does not stand between words.
pub(crate) fn expand(written: &str) -> Result<Vec<String>, PhraseFault> {
    let mut phrases = vec![String::new()];
    let mut rest = written;
    while let Some(open) = rest.find(['{', '}']) {
        let (before, braces) = rest.split_at(open);
        let inside = braces.strip_prefix('{').and_then(|braces| braces.split_once('}'));
        let Some((alternatives, after)) = inside.filter(|(inside, _)| !inside.contains('{')) else {
            let fault = format!("the braces of `{written}` do not match");
            return Err((
                fault,
                "alternatives as in cut{,s,ting}, one pair of braces inside no other".into(),
            ));
        };
        let alternatives: Vec<&str> = alternatives.split(',').collect();
        if phrases.len() * alternatives.len() > ALTERNATIVES {
            let fault = format!("`{written}` stands for more than {ALTERNATIVES} phrases");
            return Err((fault, "several phrases with fewer braces".into()));
        }
        phrases = phrases
            .iter()
            .flat_map(|phrase| {
                alternatives
                    .iter()
                    .map(move |one| format!("{phrase}{before}{one}"))
            })
            .collect();
        rest = after;
    }
    let mut distinct: Vec<String> = Vec::with_capacity(phrases.len());
    for phrase in phrases {
        let words = format!("{phrase}{rest}")
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        check_gaps(&words)?;
        if !distinct.contains(&words) {
            distinct.push(words);
        }
    }
    Ok(distinct)
}

fn check_gaps(phrase: &str) -> Result<(), PhraseFault> {
    let between = "words on both sides of each gap, as in meet … alone".to_owned();
    if phrase.contains(" ... ") {
        let fault = format!("`{phrase}` has three dots between its words, which mean nothing");
        return Err((fault, "the one character … for a gap".into()));
    }
    let words: Vec<&str> = phrase.split(' ').collect();
    for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == GAP_MARK) {
        let is_word = |at: Option<usize>| {
            let word = at.and_then(|at| words.get(at));
            word.is_some_and(|word| !Plain::new(word).is_empty())
        };
        if words.len() > 1 && !(is_word(at.checked_sub(1)) && is_word(Some(at + 1))) {
            return Err((format!("a gap of `{phrase}` has no word beside it"), between));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_stand_for_every_combination_once() {
        assert_eq!(
            expand("cut{,s} my {arm,leg}").unwrap(),
            ["cut my arm", "cut my leg", "cuts my arm", "cuts my leg"]
        );
        assert_eq!(
            expand("{i ,}want {,to }go").unwrap(),
            ["i want go", "i want to go", "want go", "want to go"]
        );
        assert_eq!(expand("a{,,b}").unwrap(), ["a", "ab"]);
        assert_eq!(expand("plain").unwrap(), ["plain"]);
    }

    #[test]
    fn braces_that_do_not_match_or_stand_for_too_much_are_refused() {
        for wrong in ["a{b", "a}b", "a{b{c}d}", "a}b{"] {
            assert!(expand(wrong).unwrap_err().0.contains("do not match"), "{wrong}");
        }
        assert!(expand(&"{a,b}".repeat(7)).unwrap_err().0.contains("more than 64"));
        assert_eq!(expand(&"{a,b}".repeat(6)).unwrap().len(), 64);
    }

    #[test]
    fn a_gap_stands_between_words() {
        assert_eq!(
            expand("meet … {alone,at night}").unwrap(),
            ["meet … alone", "meet … at night"]
        );
        for wrong in ["… alone", "meet …", "meet … - … alone", "meet ... alone"] {
            assert!(expand(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_phrase_holds_another_with_gaps_and_never_itself() {
        let holds = |longer, shorter| Tokens::of(longer).holds(&Tokens::of(shorter));
        assert!(holds("meet me quite alone today", "meet … alone"));
        assert!(!holds("meet me in the park alone", "meet … alone"));
        assert!(!holds("Meet … alone", "meet … alone"));
        assert!(!holds("meetings alone", "meet … alone"));
    }
}
