//! A flag's text: long ones are cut around what matched. Pure.

use pastoral_proto::{Match, limits};

/// Cuts a text so that it keeps the first match with as much around it as fits, and moves or drops the others.
#[must_use]
pub(super) fn around_match(text: &str, matches: Vec<Match>, most: usize) -> (String, Vec<Match>) {
    let Some(winner) = matches
        .first()
        .filter(|_| text.len() > most)
        .map(|found| found.span.clone())
    else {
        return (text.to_owned(), matches);
    };
    let around = most.saturating_sub(winner.len()) / 2;
    let from = winner.start.saturating_sub(around).min(text.len() - most);
    let from = (from..=winner.start)
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(winner.start);
    let to = floor(text, from + most);
    let inside = matches.into_iter().filter_map(|mut found| {
        // A winner longer than the whole is cut at its end.
        let end = found.span.end.min(to);
        let kept = found.span.start >= from && found.span.start < end;
        found.span = found.span.start.wrapping_sub(from)..end.wrapping_sub(from);
        kept.then_some(found)
    });
    let inside = inside.collect();
    (text[from..to].to_owned(), inside)
}

/// The part of a name that fits.
#[must_use]
pub(super) fn name(mut name: String) -> String {
    name.truncate(floor(&name, limits::NAME));
    name
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pastoral_keywords::{Severity, Topic};
    use proptest::prelude::*;
    use std::ops::Range;

    fn found(span: Range<usize>) -> Match {
        Match {
            list_id: "invented".into(),
            list_version: 1,
            term_id: "t1".into(),
            term: "term".into(),
            topic: Topic::Bullying,
            severity: Severity::MIN,
            span,
            view: "plain".into(),
            reason: String::new(),
            severity_note: None,
            considered: Vec::new(),
            confidential: false,
        }
    }

    proptest! {
        #[test]
        fn the_winning_match_is_always_in_what_is_kept(
            before in "[aé€𝄞]{0,60}", term in "[xé]{1,8}", after in "[aé€𝄞]{0,60}", most in 16usize..80,
        ) {
            let text = format!("{before}{term}{after}");
            let span = before.len()..before.len() + term.len();
            let (cut, matches) = around_match(&text, vec![found(span), found(0..text.len())], most);
            prop_assert!(cut.len() <= most.max(text.len().min(most)));
            prop_assert_eq!(&cut[matches[0].span.clone()], term.as_str());
            for found in &matches {
                prop_assert!(cut.get(found.span.clone()).is_some_and(|marked| !marked.is_empty()));
            }
        }

        #[test]
        fn a_name_is_cut_between_characters(long in "[aé€𝄞]{0,400}") {
            prop_assert!(name(long).len() <= limits::NAME);
        }
    }
}
