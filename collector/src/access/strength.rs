//! How hard a password is to guess, by zxcvbn's estimate: it knows common passwords, words, names, dates, rows of keys and
//! their disguises, and is told what anybody at the school knows of the person.

use super::{PASSWORD_LEAST, PASSWORD_MOST};
use zxcvbn::{Score, feedback::Warning, zxcvbn};

/// What anybody knows of whoever chooses a password.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    /// Their name.
    pub(super) name: &'a str,
    /// Their address.
    pub(super) email: &'a str,
    /// What the school is called.
    pub(super) school: &'a str,
}

/// Longer ones are cut before they are weighed, so that weighing stays quick; what is cut only makes them stronger.
const WEIGHED: usize = 64;
const OURS: [&str; 4] = ["pastoral", "safeguarding", "school", "headteacher"];
const ADVICE: &str = "Three or four random words make a good password.";

/// Why a password is not taken, in plain words; none when it is good enough.
#[must_use]
pub(super) fn fault(password: &str, known: Known<'_>) -> Option<String> {
    if password.chars().count() < PASSWORD_LEAST {
        return Some(format!(
            "The password must have at least {PASSWORD_LEAST} characters. {ADVICE}"
        ));
    }
    if password.len() > PASSWORD_MOST {
        return Some(format!(
            "The password must have at most {PASSWORD_MOST} characters."
        ));
    }
    let weighed: String = password.chars().take(WEIGHED).collect();
    let words = words(known);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = zxcvbn(&weighed, &words);
    if found.score() >= Score::Three {
        return None;
    }
    let why = found.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    Some(format!(
        "This password is too easy to guess{}. {ADVICE}",
        why.map_or("", because)
    ))
}

const fn because(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            ": it follows the rows of the keyboard"
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            ": it repeats itself"
        }
        Warning::SequencesLikeAbcAreEasyToGuess => ": it counts up or down",
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => {
            ": it holds a year or a date"
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => ": it is like one that many people use",
        Warning::AWordByItselfIsEasyToGuess => {
            ": it is little more than one word, or what people know of you"
        }
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => ": it is little more than a name",
    }
}

/// Words of what is known, alone and together.
fn words(known: Known<'_>) -> Vec<String> {
    let mut words: Vec<String> = OURS.iter().map(|word| (*word).to_owned()).collect();
    for text in [known.name, known.email, known.school] {
        let parts: Vec<_> = text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|part| part.chars().count() > 1)
            .map(str::to_lowercase)
            .collect();
        words.push(parts.concat());
        for pair in parts.windows(2) {
            words.push(pair.concat());
        }
        words.extend(parts);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const CY: Known<'static> = Known {
        name: "Cyril Dunstanley",
        email: "c.dunstanley@oaklane.example",
        school: "Oak Lane Primary",
    };

    #[test]
    fn what_is_easily_guessed_is_refused_with_plain_advice() {
        for (password, word) in [
            ("short", "at least 12"),
            ("password1234", "too easy"),
            ("Passw0rd2026!", "too easy"),
            ("qwertyuiop12", "too easy"),
            ("aaaaaaaaaaaaaaaa", "repeats"),
            ("abcdefghijklm", "too easy"),
            ("CyrilDunstanley1", "too easy"),
            ("dunstanley2026!", "too easy"),
            ("OakLanePrimary1", "too easy"),
            ("Safeguarding2026", "too easy"),
            ("HeadteacherOakLane", "too easy"),
        ] {
            let fault = fault(password, CY).unwrap_or_default();
            assert!(fault.contains(word), "{password}: {fault}");
            assert!(fault.contains("random words"), "{password}: {fault}");
        }
    }

    #[test]
    fn random_words_and_long_random_passwords_are_taken() {
        for password in [
            "correct horse battery",
            "three random words 7",
            "purple-otter-catalogue",
            "k7#Vq2!mZt9w",
            "Ffenestr biano cwmwl",
        ] {
            assert_eq!(fault(password, CY), None, "{password}");
        }
        assert!(fault(&"long ".repeat(60), CY).is_some_and(|fault| fault.contains("at most")));
        assert!(fault(&"na".repeat(100), CY).is_some());
    }
}
