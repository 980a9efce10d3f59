//! What a person who writes a list is told.

use pastoral_keywords::{Audience, KeywordList, Severity, Source};

const GOOD: &str = r#"id = "my-list"
version = 3
title = "My list"
language = "en"
author = "The school"
date = 2026-01-31

[[term]]
text = ["first phrase", "another"]
topic = "bullying"
severity = { ks1 = 3, ks2 = 2 }
reason = "Why it is here"
sources = ["search"]
exceptions = ["the first phrase of"]

[[term]]
id = "second"
text = "second phrase"
topic = "hate"
severity = 4
reason = "Why it is here"

[[exception]]
text = "harmless phrase"
reason = "Why it is harmless"
"#;

#[test]
fn a_sound_list_is_read_whole() {
    let list = KeywordList::parse(GOOD, "my.toml").unwrap();
    assert_eq!(
        (
            list.id.as_str(),
            list.version,
            list.title.as_str(),
            list.date.as_str()
        ),
        ("my-list", 3, "My list", "2026-01-31")
    );
    let [first, second] = list.terms() else {
        panic!("{list:?}")
    };
    assert_eq!(
        (first.id.as_str(), first.line, second.id.as_str(), second.line),
        ("first-phrase", 8, "second", 16)
    );
    assert_eq!(first.severity(Audience::Ks1).map(Severity::get), Some(3));
    assert_eq!(first.severity(Audience::Staff), None);
    assert_eq!(second.severity(Audience::Staff).map(Severity::get), Some(4));
    assert!(first.applies_to(Source::Search) && !first.applies_to(Source::Title));
    assert!(second.applies_to(Source::FileName));
    assert_eq!(list.exceptions()[0].phrases, ["harmless phrase"]);
}

/// What is changed in the good list, and what the fault then says, with its line and what to write instead.
const FAULTS: &[(&str, &str, usize, &str, &str)] = &[
    (
        "topic = \"hate\"",
        "topic = \"hatred\"",
        19,
        "`hatred` is not a known topic",
        "one of suicide, self-harm",
    ),
    (
        "severity = 4",
        "severity = 6",
        20,
        "`6` is not a severity",
        "one of 1, 2, 3, 4, 5",
    ),
    (
        "severity = 4",
        "severity = \"high\"",
        20,
        "invalid type",
        "a severity from 1 to 5",
    ),
    (
        "severity = 4",
        "severity = { ks3 = 1 }",
        20,
        "`ks3` is not a known audience",
        "one of ks1",
    ),
    (
        "severity = 4",
        "severity = {}",
        20,
        "applies to no audience",
        "severity = { ks2 = 3 }",
    ),
    (
        "severity = 4",
        "sevrity = 4",
        20,
        "unknown field `sevrity`",
        "`severity`",
    ),
    (
        "severity = 4\n",
        "",
        16,
        "missing field `severity`",
        "severity = …",
    ),
    (
        "[\"search\"]",
        "[\"keyboard\"]",
        13,
        "`keyboard` is not a known source",
        "search, title, file-name",
    ),
    (
        "[\"search\"]",
        "[]",
        13,
        "looked for nowhere",
        "no line `sources`",
    ),
    (
        "\"second phrase\"",
        "\"First—Phrase\"",
        18,
        "already a term, on line 8",
        "it once",
    ),
    (
        "id = \"second\"",
        "id = \"first-phrase\"",
        17,
        "already that of the term on line 8",
        "an id of its own",
    ),
    (
        "id = \"second\"",
        "id = \"Second One\"",
        17,
        "lower-case letters, digits and hyphens",
        "second-one",
    ),
    ("\"second phrase\"", "\"…\"", 18, "no letter or digit", "a word"),
    ("\"second phrase\"", "[]", 18, "no phrase", "text ="),
    ("\"second phrase\"", "7", 18, "invalid type", "a phrase in quotes"),
    (
        "the first phrase of",
        "the firstphrase",
        14,
        "can never cover the term",
        "a longer phrase",
    ),
    (
        "the first phrase of",
        "first phrase",
        14,
        "can never cover the term",
        "a longer phrase",
    ),
    (
        "\"Why it is harmless\"",
        "\" \"",
        25,
        "the reason is empty",
        "reason =",
    ),
    (
        "version = 3",
        "version = 0",
        2,
        "first version is 1",
        "version = 1",
    ),
    (
        "date = 2026-01-31",
        "date = 2026-01-31T10:00:00Z",
        6,
        "must be a day",
        "2026-01-31",
    ),
    ("[[exception]]", "[[exception]", 23, "unclosed", "`]`"),
];

#[test]
fn every_fault_is_told_with_its_line_and_what_to_write_instead() {
    for (good, bad, line, fault, instead) in FAULTS {
        assert!(GOOD.contains(good), "{good}");
        let error = KeywordList::parse(&GOOD.replace(good, bad), "my.toml").unwrap_err();
        let shown = error.to_string();
        assert!(
            error.fault.contains(fault) && error.instead.contains(instead),
            "{bad}: {shown}"
        );
        assert!(
            shown.starts_with(&format!("my.toml:{line}: ")) || *line == 18 && error.line == 17,
            "{bad}: {shown}"
        );
        assert!(shown.contains("; write instead: "), "{shown}");
    }
}

#[test]
fn all_faults_are_told_in_the_order_of_the_file() {
    let bad = GOOD
        .replace("id = \"my-list\"", "id = \"My list\"")
        .replace("reason = \"Why it is here\"", "reason = \"\"");
    let lines: Vec<usize> = KeywordList::faults(&bad, "my.toml")
        .iter()
        .map(|fault| fault.line)
        .collect();
    assert_eq!(lines, [1, 12, 21]);
    assert_eq!(KeywordList::faults(GOOD, "my.toml"), []);
}

#[test]
fn a_list_without_anything_in_it_is_refused() {
    let head = GOOD.split("\n[[").next().unwrap();
    assert!(
        KeywordList::parse(head, "my.toml")
            .unwrap_err()
            .fault
            .contains("neither terms nor exceptions")
    );
    assert!(
        KeywordList::parse("", "my.toml")
            .unwrap_err()
            .fault
            .contains("missing field")
    );
}

#[test]
fn the_example_in_the_documentation_is_a_sound_list_and_every_topic_is_named_there() {
    let format = include_str!("../FORMAT.md");
    let example = format
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    assert_eq!(KeywordList::faults(example, "FORMAT.md"), []);
    for topic in pastoral_keywords::Topic::ALL {
        assert!(format.contains(&format!("`{topic}`")), "{topic}");
    }
}
