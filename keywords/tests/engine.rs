//! What the engine promises, against a slow and obvious matcher.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use pastoral_keywords::{
    Audience, BuildError, Engine, Found, KeywordList, MATCHES, Provenance, Scope, Severity, Source, Text,
    View, WhyNot,
};
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

const HEAD: &str = "version = 1\ntitle = \"T\"\nlanguage = \"en\"\nauthor = \"A\"\ndate = 2026-01-31\n";

fn list(id: &str, body: &str) -> KeywordList {
    KeywordList::parse(&format!("id = \"{id}\"\n{HEAD}{body}"), "list.toml").unwrap()
}

fn term(text: &str, severity: &str, rest: &str) -> String {
    format!("[[term]]\ntext = {text}\ntopic = \"violence\"\nseverity = {severity}\nreason = \"R\"\n{rest}\n")
}

fn engine(body: &str) -> Engine {
    Engine::build(&[list("one", body)]).unwrap()
}

fn typed(text: &str) -> Text<'_> {
    Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Ks2,
    }
}

fn written<'t>(text: &'t str, found: &[Found]) -> Vec<&'t str> {
    found.iter().map(|found| &text[found.span.clone()]).collect()
}

#[test]
fn a_phrase_is_found_whatever_stands_between_its_words() {
    let engine = engine(&term("\"bad phrase here\"", "3", ""));
    for text in [
        "bad phrase here",
        "BAD -- phrase,\there!",
        "so: bad…phrase\u{a0}_here.",
        "bád phräse hëre",
    ] {
        assert_eq!(engine.find(&typed(text)).len(), 1, "{text}");
    }
    for text in [
        "bad phrases here",
        "abad phrase here",
        "bad phrase",
        "phrase bad here",
        "bad phrase hereby",
        "",
    ] {
        assert_eq!(engine.find(&typed(text)), [], "{text}");
    }
}

#[test]
fn a_match_says_all_there_is_to_say() {
    let text = "A Bád—Phräse!";
    let found = engine(&term("\"bad phrase\"", "4", "")).find(&typed(text));
    assert_eq!(written(text, &found), ["Bád—Phräse"]);
    let found = &found[0];
    assert_eq!(
        (found.list_id.as_str(), found.list_version, found.term_id.as_str()),
        ("one", 1, "bad-phrase")
    );
    assert_eq!(
        (found.term.as_str(), found.reason.as_str(), found.view),
        ("bad phrase", "R", View::Plain)
    );
    assert_eq!(
        (found.view.code(), found.severity.get(), &found.severity_note),
        ("plain", 4, &None)
    );
}

#[test]
fn what_a_page_wrote_never_reaches_the_highest_severity_and_says_so() {
    let engine = engine(&term("\"grave\"", "5", ""));
    let page = Text {
        provenance: Provenance::Page,
        source: Source::Title,
        ..typed("grave")
    };
    let found = engine.find(&page);
    assert_eq!(found[0].severity, Severity::PAGE_MAX);
    assert_eq!(
        found[0].severity_note.as_deref(),
        Some("lowered from 5 to 4: written by a page, not typed")
    );
    assert_eq!(engine.find(&typed("grave"))[0].severity, Severity::MAX);
    let medium = Text {
        provenance: Provenance::Medium,
        source: Source::FileName,
        ..typed("grave")
    };
    assert_eq!(engine.find(&medium)[0].severity, Severity::MAX);
}

#[test]
fn the_winner_is_the_most_severe_then_the_longest_then_the_earliest_then_by_name() {
    let body = [
        term("\"low and long phrase\"", "2", ""),
        term("\"short\"", "4", ""),
        term("\"longer one\"", "4", ""),
        term("[\"cat\", \"dog\"]", "3", ""),
    ];
    let one = list("one", &body.concat());
    let two = list("a-list", &term("\"short\"", "4", ""));
    let engine = Engine::build(&[one, two]).unwrap();
    let text = "low and long phrase dog cat short longer one";
    let found = engine.find(&typed(text));
    assert_eq!(
        written(text, &found),
        [
            "longer one",
            "short",
            "short",
            "dog",
            "cat",
            "low and long phrase"
        ]
    );
    assert_eq!(
        (found[1].list_id.as_str(), found[2].list_id.as_str()),
        ("a-list", "one")
    );
}

#[test]
fn an_exception_covers_only_what_stands_wholly_inside_it() {
    let body = term(
        "[\"kill\", \"kill the queen\"]",
        "3",
        "exceptions = [\"kill a process\"]",
    ) + &term("\"process\"", "3", "")
        + "[[exception]]\ntext = \"bee kill the\"\nreason = \"X\"\n";
    let engine = engine(&body);
    for (text, expected) in [
        ("kill a process", vec!["process"]),
        ("kill a process kill", vec!["process", "kill"]),
        ("bee kill the", vec![]),
        ("bee kill the queen", vec!["kill the queen"]),
        ("bee kill the bee kill", vec!["kill"]),
    ] {
        assert_eq!(written(text, &engine.find(&typed(text))), expected, "{text}");
    }
}

#[test]
fn an_exception_of_one_list_covers_nothing_of_another() {
    let one = list(
        "one",
        &(term("\"kill\"", "3", "") + "[[exception]]\ntext = \"kill time\"\nreason = \"X\"\n"),
    );
    let two = list("two", &term("\"kill\"", "2", ""));
    let found = Engine::build(&[one, two]).unwrap().find(&typed("kill time"));
    assert_eq!(
        found
            .iter()
            .map(|found| found.list_id.as_str())
            .collect::<Vec<_>>(),
        ["two"]
    );
}

#[test]
fn an_explanation_names_the_exceptions_and_what_does_not_apply() {
    let body = term("\"kill\"", "3", "exceptions = \"kill time\"")
        + &term("\"beer\"", "{ secondary = 2 }", "")
        + &term("\"grave\"", "5", "sources = [\"title\"]");
    let explanation = engine(&body).explain(&typed("kill time, beer, kill and grave"));
    assert_eq!(explanation.found.len(), 1);
    assert_eq!(explanation.found[0].span, 17..21);
    let [exception] = &explanation.exceptions[..] else {
        panic!("{explanation:?}")
    };
    assert_eq!(
        (exception.exception.as_str(), exception.scope, &exception.span),
        ("kill time", Scope::Term, &(0..9))
    );
    assert_eq!(exception.covers, ["kill"]);
    let why: Vec<_> = explanation
        .not_applied
        .iter()
        .map(|term| (term.term.as_str(), term.why))
        .collect();
    assert_eq!(
        why,
        [
            ("beer", WhyNot::Audience(Audience::Ks2)),
            ("grave", WhyNot::Source(Source::Search))
        ]
    );
    assert_eq!(explanation.dropped, 0);
}

#[test]
fn what_is_dropped_is_the_least_severe_and_is_counted() {
    let engine = engine(&(term("\"low\"", "1", "") + &term("\"high\"", "5", "")));
    let text = "low ".repeat(100) + "high";
    let findings = engine.findings(&typed(&text));
    assert_eq!((findings.found.len(), findings.dropped), (MATCHES, 101 - MATCHES));
    assert_eq!(findings.found[0].severity, Severity::MAX);
    assert_eq!(engine.explain(&typed(&text)).dropped, 101 - MATCHES);
}

#[test]
fn the_same_list_twice_is_refused_and_no_list_finds_nothing() {
    let one = list("one", &term("\"kill\"", "3", ""));
    assert_eq!(
        Engine::build(&[one.clone(), one]).unwrap_err(),
        BuildError::SameList("one".into())
    );
    let none = Engine::build(&[]).unwrap();
    assert_eq!((none.find(&typed("kill")), none.term_count()), (vec![], 0));
}

/// The words of a text as a reader would split them, with where each begins and ends: one word at a time, no automaton.
fn words(text: &str) -> Vec<(String, usize, usize)> {
    let mut words: Vec<(String, usize, usize)> = Vec::new();
    let mut open = false;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        for part in std::iter::once(character).nfkd().flat_map(char::to_lowercase) {
            if unicode_normalization::char::is_combining_mark(part) {
                if open && let Some(last) = words.last_mut() {
                    last.2 = end;
                }
            } else if part.is_alphanumeric() {
                match words.last_mut().filter(|_| open) {
                    Some(last) => {
                        last.0.push(part);
                        last.2 = end;
                    }
                    None => words.push((part.to_string(), at, end)),
                }
                open = true;
            } else {
                open = false;
            }
        }
    }
    words
}

/// Where a phrase stands in a text: its first word, and the one after its last.
fn standing(text: &[(String, usize, usize)], phrase: &str) -> Vec<(usize, usize)> {
    let phrase: Vec<String> = words(phrase).into_iter().map(|(word, ..)| word).collect();
    let same = |at: &usize| {
        text[*at..]
            .iter()
            .map(|(word, ..)| word)
            .take(phrase.len())
            .eq(phrase.iter())
    };
    (0..text.len())
        .filter(same)
        .map(|at| (at, at + phrase.len()))
        .collect()
}

fn reference(terms: &[String], exceptions: &[String], text: &str) -> Vec<(usize, usize)> {
    let text = words(text);
    let covers: Vec<_> = exceptions
        .iter()
        .flat_map(|phrase| standing(&text, phrase))
        .collect();
    let mut standing: Vec<_> = terms.iter().flat_map(|phrase| standing(&text, phrase)).collect();
    standing.retain(|at| !covers.iter().any(|cover| cover.0 <= at.0 && at.1 <= cover.1));
    let mut spans: Vec<_> = standing
        .into_iter()
        .map(|(first, after)| (text[first].1, text[after - 1].2))
        .collect();
    spans.sort_by_key(|span| (std::cmp::Reverse(span.1 - span.0), span.0));
    spans
}

/// Few letters, so that terms, exceptions and texts meet often; with accents, width, marks and punctuation.
fn few_words(most: usize) -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "a", "b", "ab", "ba", "Á", "b\u{301}", "ａ", "ﬁ", "fi", "é", "日", "½", "1",
    ]);
    let gap = prop::sample::select(vec![" ", "-", "  ", ", ", "…", "_"]);
    prop::collection::vec((word, gap), 1..most).prop_map(|parts| {
        let text: String = parts.iter().flat_map(|(word, gap)| [*word, *gap]).collect();
        text.trim_end_matches([' ', '-', ',', '…', '_']).to_owned()
    })
}

fn distinct(phrases: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let folded = |phrase: &String| {
        words(phrase)
            .into_iter()
            .map(|(word, ..)| word)
            .collect::<Vec<_>>()
    };
    phrases
        .into_iter()
        .filter(|phrase| seen.insert(folded(phrase)))
        .collect()
}

proptest! {
    #[test]
    fn it_agrees_with_a_slow_and_obvious_matcher(
        terms in prop::collection::vec(few_words(3), 1..4),
        exceptions in prop::collection::vec(few_words(4), 0..3),
        text in few_words(10),
    ) {
        let terms = distinct(terms);
        let mut body: String = terms.iter().enumerate()
            .map(|(at, phrase)| term(&format!("'{phrase}'"), "3", &format!("id = \"t{at}\""))).collect();
        for phrase in &exceptions {
            body += &format!("[[exception]]\ntext = '{phrase}'\nreason = \"X\"\n");
        }
        let found = engine(&body).up_to(View::Plain).find(&typed(&text));
        let spans: Vec<_> = found.iter().map(|found| (found.span.start, found.span.end)).collect();
        prop_assert_eq!(spans, reference(&terms, &exceptions, &text));
        for found in &found {
            let folded = |text: &str| words(text).into_iter().map(|(word, ..)| word).collect::<Vec<_>>();
            let (written, term) = (folded(&text[found.span.clone()]), folded(&found.term));
            // One character may stand for several words, as ½ does: then the span is the whole character.
            prop_assert!(written.windows(term.len()).any(|part| part == term), "{:?} {:?}", written, term);
        }
    }

    #[test]
    fn no_text_can_make_it_panic(text in any::<String>(), around in any::<String>()) {
        let engine = engine(&(term("[\"kill\", \"a b\"]", "5", "exceptions = \"kill time\"") + &term("\"time\"", "1", "")));
        let text = format!("{text}kill time{around} a b");
        for found in engine.find(&typed(&text)) {
            prop_assert!(text.get(found.span).is_some());
        }
        let _ = engine.explain(&typed(&text));
    }

    #[test]
    fn no_file_can_make_it_panic(toml in any::<String>(), phrase in any::<String>(), cut in 0usize..400) {
        let _ = KeywordList::parse(&toml, "list.toml");
        let quoted = toml::Value::from(phrase).to_string();
        let sound = format!("id = \"x\"\n{HEAD}{}", term(&quoted, "{ ks1 = 2 }", &format!("exceptions = [{quoted}]")));
        for fault in KeywordList::faults(&sound, "list.toml") {
            prop_assert!(fault.line > 0 && !fault.instead.is_empty());
        }
        let cut = (0..=cut.min(sound.len())).rev().find(|cut| sound.is_char_boundary(*cut)).unwrap_or(0);
        let _ = KeywordList::parse(&sound[..cut], "list.toml");
    }
}

#[test]
fn a_text_a_thousand_times_as_long_is_matched_whole_and_memory_stays_bounded() {
    let engine = engine(
        &(term("[\"a\", \"a a\", \"a a a\"]", "3", "exceptions = \"a b\"") + &term("\"end\"", "5", "")),
    );
    let text = "a a a b\u{301} ".repeat(100_000) + "end";
    let findings = engine.findings(&typed(&text));
    assert_eq!(findings.found[0].severity, Severity::MAX);
    assert_eq!(findings.found.len() + findings.dropped, 1 + 100_000 * 5);
}
