//! What was seen: text with the matched words marked, and why.

use super::opener::Opener;
use crate::console::terms::{can_be_harmless, specialist_term};
use crate::console::words::{self, Clock};
use crate::store::flags::FlagRow;
use pastoral_keywords::changes::TermName;
use pastoral_keywords::{PHRASE, Provenance, Topic};
use pastoral_proto::device;
use prost::Message as _;
use std::ops::Range;

/// Words on either side of a match that may make it harmless.
const WORDS_AROUND: usize = 3;
/// A clock this wrong is said.
const CLOCK_WRONG_MS: i64 = 2 * 60 * 1000;

pub(in crate::console) struct FlagShown {
    /// Which flag of the concern it is.
    pub(in crate::console) place: i64,
    pub(in crate::console) severity: i64,
    pub(in crate::console) severity_words: &'static str,
    /// Pieces of the text; whether each is marked.
    pub(in crate::console) text: Vec<(bool, String)>,
    pub(in crate::console) source: &'static str,
    pub(in crate::console) provenance: &'static str,
    pub(in crate::console) site_and_program: String,
    pub(in crate::console) device: String,
    pub(in crate::console) account: String,
    pub(in crate::console) audience: &'static str,
    /// Why these rules, where they are not those of the person's year.
    pub(in crate::console) whose_rules: String,
    pub(in crate::console) seen: String,
    pub(in crate::console) arrived: String,
    pub(in crate::console) repeats: String,
    pub(in crate::console) clock: String,
    pub(in crate::console) why: Vec<Why>,
    pub(in crate::console) false_alarm: bool,
    pub(in crate::console) conflicting: bool,
    pub(in crate::console) topic: &'static str,
}

/// Why a flag was raised.
pub(in crate::console) struct Why {
    /// In quotation marks, or what is said in its place.
    pub(in crate::console) term: String,
    pub(in crate::console) topic: &'static str,
    pub(in crate::console) severity: i64,
    pub(in crate::console) list: String,
    pub(in crate::console) reason: String,
    /// How it was written.
    pub(in crate::console) view: &'static str,
    /// Why the severity is not the term's own; empty where it is.
    pub(in crate::console) note: String,
    /// The term, where a phrase in which it is harmless can be proposed.
    pub(in crate::console) name: Option<TermName>,
    /// What such a phrase might be: the words around the match. Nothing of what staff wrote, for others read the lists.
    pub(in crate::console) around: String,
    /// Exceptions that stand in the text and do not cover it.
    pub(in crate::console) considered: Vec<String>,
}

impl Opener<'_> {
    /// A flag with its content, `of_pupil` where it is known to be a pupil's.
    pub(in crate::console) fn flag(&self, row: &FlagRow, of_pupil: bool, clock: &Clock) -> FlagShown {
        let opened = self.open(&row.data_key_id, &row.sealed);
        let content = opened.and_then(|bytes| device::Flag::decode(bytes.as_slice()).ok());
        let mut seen = without_content(row, clock);
        let Some(content) = content else {
            seen.text = vec![(false, "Your key does not open this.".to_owned())];
            return seen;
        };
        seen.text = marked(&content);
        let shown = [&content.site, &content.program];
        let shown: Vec<_> = shown
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(String::as_str)
            .collect();
        seen.site_and_program = shown.join(", in ");
        let text = if of_pupil { content.text.as_str() } else { "" };
        let matches = content.matches.iter();
        seen.why = matches.map(|found| self.why(found, text)).collect();
        seen
    }

    fn why(&self, found: &device::Match, text: &str) -> Why {
        let title = self.rules.title(&found.list_id);
        let name = TermName {
            list: found.list_id.clone(),
            id: found.term_id.clone(),
        };
        Why {
            term: if found.confidential {
                specialist_term(title)
            } else {
                format!("“{}”", found.term)
            },
            topic: found.topic.parse::<Topic>().map_or("Other", Topic::label),
            severity: found.severity.into(),
            list: format!("{title}, version {}", found.list_version),
            reason: found.reason.clone(),
            view: words::view(&found.view),
            note: match found.severity_note.as_str() {
                "" => String::new(),
                note => words::sentence(note),
            },
            name: Some(name).filter(|name| can_be_harmless(self.rules, name)),
            around: around(text, found.start as usize..found.end as usize),
            considered: found.considered.clone(),
        }
    }
}

fn same_again(row: &FlagRow, clock: &Clock) -> String {
    match row.last_repeat_at {
        Some(last) if row.repeats > 0 => format!(
            "The same {} more, the last {}. ",
            times(row.repeats),
            clock.when(&last)
        ),
        _ => String::new(),
    }
}

/// A flood is one flag with a count: what was counted and not kept is said.
fn further(row: &FlagRow, clock: &Clock) -> String {
    match (row.further_from_at, row.further_to_at) {
        (Some(from), Some(to)) if row.further > 0 => format!(
            "And {} more like it by this account, between {} and {}: so many came that only the first are kept in full. ",
            words::thousands(row.further),
            clock.when(&from),
            clock.when(&to)
        ),
        _ => String::new(),
    }
}

/// A flag with everything but what was seen: for an unknown person, until a reader asks to see it.
pub(in crate::console) fn without_content(row: &FlagRow, clock: &Clock) -> FlagShown {
    let topic = row.topic.label();
    let at = row.observed_at + row.clock_offset_ms;
    let late = row.received_at - at;
    let repeats = [same_again(row, clock), further(row, clock)].concat();
    FlagShown {
        place: row.place,
        severity: row.severity,
        severity_words: words::severity(row.severity),
        text: Vec::new(),
        source: row.source.label(),
        provenance: match row.provenance {
            Provenance::Typed => "Typed on this account",
            Provenance::Page => "Written by a page or program, not typed",
            Provenance::Medium => "The name of a file on a removable medium",
        },
        site_and_program: String::new(),
        device: row.host_name.clone(),
        account: account(row),
        whose_rules: String::new(),
        audience: row.audience.label(),
        seen: clock.exactly(&at),
        arrived: match late {
            ..60_000 => format!("{} later", words::count((late / 1000).max(0), "second")),
            _ => clock.when(&row.received_at),
        },
        repeats,
        clock: if row.clock_offset_ms.abs() > CLOCK_WRONG_MS {
            "The device’s clock was wrong; the time seen is corrected.".to_owned()
        } else {
            String::new()
        },
        why: Vec::new(),
        false_alarm: row.false_alarm,
        conflicting: row.conflicting,
        topic,
    }
}

fn account(row: &FlagRow) -> String {
    match row.authority.as_str() {
        "local" => row.account_name.clone(),
        directory => format!("{} ({directory})", row.account_name),
    }
}

fn times(count: i64) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

/// A match with a few words on either side of it; nothing where it does not fit the text, or a list's phrase.
fn around(text: &str, span: Range<usize>) -> String {
    let (Some(before), Some(inside), Some(behind)) = (
        text.get(..span.start),
        text.get(span.clone()),
        text.get(span.end..),
    ) else {
        return String::new();
    };
    let mut words: Vec<&str> = before.split_whitespace().rev().take(WORDS_AROUND).collect();
    words.reverse();
    words.extend(inside.split_whitespace());
    words.extend(behind.split_whitespace().take(WORDS_AROUND));
    let phrase = words.join(" ");
    if phrase.len() > PHRASE {
        String::new()
    } else {
        phrase
    }
}

// The text in pieces, those that matched marked. Spans were checked on arrival; one that does not fit marks nothing.
fn marked(content: &device::Flag) -> Vec<(bool, String)> {
    let text = content.text.as_str();
    let mut spans: Vec<(usize, usize)> = content
        .matches
        .iter()
        // Which words of the text matched would say what a specialist list holds.
        .filter(|found| !found.confidential)
        .map(|found| (found.start as usize, found.end as usize))
        .collect();
    spans.sort_unstable();
    let (mut pieces, mut at) = (Vec::new(), 0);
    for (start, end) in spans {
        let start = start.max(at);
        let (Some(before), Some(inside)) = (text.get(at..start), text.get(start..end)) else {
            continue;
        };
        if inside.is_empty() {
            continue;
        }
        pieces.push((false, before.to_owned()));
        pieces.push((true, inside.to_owned()));
        at = end;
    }
    pieces.push((false, text.get(at..).unwrap_or_default().to_owned()));
    pieces.retain(|(_, piece)| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_phrase_is_the_match_with_three_words_on_either_side() {
        let text = "the whole of my class  wants to kill a mockingbird by harper lee";
        let at = text.find("kill a").unwrap();
        assert_eq!(
            around(text, at..at + 6),
            "class wants to kill a mockingbird by harper"
        );
        assert_eq!(around("kill", 0..4), "kill");
        assert_eq!(around("kill", 0..9), "");
    }

    fn content(text: &str, spans: &[(u32, u32)]) -> device::Flag {
        let matches = spans.iter().map(|(start, end)| device::Match {
            start: *start,
            end: *end,
            ..Default::default()
        });
        device::Flag {
            text: text.to_owned(),
            matches: matches.collect(),
            ..Default::default()
        }
    }

    #[test]
    fn every_character_is_shown_once_and_what_matched_is_marked() {
        let pieces = marked(&content("one two three", &[(4, 7), (0, 3), (2, 5)]));
        assert_eq!(
            pieces.iter().map(|(_, piece)| piece.as_str()).collect::<String>(),
            "one two three"
        );
        assert!(pieces.contains(&(true, "one".to_owned())));
        assert_eq!(pieces.last(), Some(&(false, " three".to_owned())));
    }

    #[test]
    fn a_span_that_does_not_fit_hides_nothing() {
        for spans in [&[(0, 400)][..], &[(1, 2)], &[(5, 3)]] {
            let pieces = marked(&content("éa", spans));
            assert_eq!(
                pieces.iter().map(|(_, piece)| piece.as_str()).collect::<String>(),
                "éa"
            );
        }
    }
}
