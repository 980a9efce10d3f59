//! Times, people, severities and codes in the words a tired person understands at once.

mod clock;
pub(super) mod concern;
mod cover;
mod gap;
pub(super) mod people;

pub(super) use clock::Clock;
pub(super) use cover::cover;
pub(super) use gap::gap;

use crate::concerns::ending::Ending;
use pastoral_keywords::View;

pub(super) const fn severity(severity: i64) -> &'static str {
    match severity {
        5 => "A life may be at risk",
        4 => "Serious",
        3 => "Worrying",
        2 => "Minor",
        _ => "For your information",
    }
}

/// How soon a person must look.
pub(super) const fn how_soon(severity: i64) -> &'static str {
    match severity {
        5 => "Act now.",
        4 => "Look at once.",
        3 => "Look today.",
        2 => "Look within a few days.",
        _ => "No need to hurry.",
    }
}

/// How a concern ended.
pub(super) fn ended(outcome: Option<Ending>) -> &'static str {
    outcome.unwrap_or(Ending::Expired).words()
}

/// `1 flag`, `2 flags`.
pub(super) fn count(number: i64, what: &str) -> String {
    if number == 1 {
        format!("1 {what}")
    } else {
        format!("{number} {what}s")
    }
}

/// A number as people read it, such as `98,012`.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.to_string();
    let mut read = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            read.push(',');
        }
        read.push(digit);
    }
    read
}

/// How what was written had to be read for a term to be found in it.
pub(super) fn view(code: &str) -> &'static str {
    match View::ALL.into_iter().find(|view| view.code() == code) {
        Some(View::Plain) => "Written just so",
        Some(View::Decoded) => "Written in codes",
        Some(View::Squeezed) => "Written with stretched letters",
        Some(View::Resolved) => "Written with look-alike letters or digits",
        Some(View::Joined) => "Written in separate letters or parts",
        Some(View::Split) => "Written without spaces",
        Some(View::Misspelt) => "Misspelt",
        _ => "Written otherwise",
    }
}

/// A message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_said_in_thousands() {
        assert_eq!(
            [7, 982, 98_012, 1_098_012].map(thousands),
            ["7", "982", "98,012", "1,098,012"]
        );
    }
}
