//! What a person who writes a list is told.

use pastoral_keywords::{Audience, KeywordList, Provenance, Severity, Source, Topic};

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

/// What stands in a list with every key there is.
const EVERY_KEY: &str = r#"id = "all"
version = 1
title = "T"
language = "pl"
author = "A"
date = 2026-01-31
review = "by a speaker"
exceptions-for = "all"

[[group]]
topic = "hate"
severity = { ks1 = 3, staff = 2 }
reason = "R"
sources = ["search"]
provenances = ["typed"]
exceptions = ["red one line", "blue sky line"]
near = ["a{,b}"]
not-near = ["c"]
author = "B"
date = 2026-02-01
terms = [
  "red one",
  ["blue sky", "blue skies"],
  { id = "own", text = ["green{,s}"], severity = 5, near = ["z"], not-near = ["y"], exceptions = "green grass", reason = "S", topic = "drugs", sources = ["title"], provenances = ["page"], author = "C", date = 2026-03-01 },
]

[[help]]
text = "help {me,us}"
reason = "H"
"#;

#[test]
fn a_group_shares_all_but_its_words_and_a_term_of_it_may_say_otherwise() {
    let list = KeywordList::parse(EVERY_KEY, "all.toml").unwrap();
    assert_eq!(list.review.as_deref(), Some("by a speaker"));
    assert!(list.exceptions_for_all);
    assert_eq!(list.help()[0].phrases, ["help me", "help us"]);
    let [red, blue, own] = list.terms() else {
        panic!("{list:?}")
    };
    assert_eq!((red.id.as_str(), red.line, blue.line), ("red-one", 22, 23));
    assert_eq!(blue.spellings, ["blue sky", "blue skies"]);
    assert_eq!(
        (red.exceptions.as_slice(), blue.exceptions.as_slice()),
        (
            &["red one line".to_owned()][..],
            &["blue sky line".to_owned()][..]
        )
    );
    assert_eq!((red.near.len(), red.not_near.len()), (2, 1));
    assert_eq!(
        (red.author.as_deref(), red.date.as_deref()),
        (Some("B"), Some("2026-02-01"))
    );
    assert_eq!(
        red.severity(Audience::Ks1),
        own.severity(Audience::Ks1).map(|_| Severity::ALL[2])
    );
    assert!(red.applies_to_writing(Provenance::Typed) && !red.applies_to_writing(Provenance::Page));
    assert_eq!(
        (own.id.as_str(), own.spellings.as_slice()),
        ("own", &["green".to_owned(), "greens".to_owned()][..])
    );
    assert_eq!(
        (own.severity(Audience::Ks2), own.topic, own.reason.as_str()),
        (Some(Severity::MAX), Topic::Drugs, "S")
    );
    assert_eq!(
        (own.near.as_slice(), own.not_near.as_slice()),
        (&["z".to_owned()][..], &["y".to_owned()][..])
    );
    assert_eq!(
        (
            own.exceptions.as_slice(),
            own.author.as_deref(),
            own.date.as_deref()
        ),
        (&["green grass".to_owned()][..], Some("C"), Some("2026-03-01"))
    );
    assert!(
        own.applies_to(Source::Title)
            && !own.applies_to(Source::Search)
            && !own.applies_to_writing(Provenance::Typed)
    );
}

#[test]
fn faults_of_groups_braces_and_gaps_are_told_with_their_line() {
    for (good, bad, line, fault) in [
        ("\"red one\",", "\"red {one\",", 22, "do not match"),
        ("\"red one\",", "\"red … … one\",", 22, "a gap"),
        ("\"red one\",", "{ txt = \"red\" },", 22, "unknown field `txt`"),
        ("\"red one\",", "7,", 22, "invalid type"),
        ("\"red one\",", "\"blue sky\",", 23, "already a term, on line 22"),
        (
            "exceptions-for = \"all\"",
            "exceptions-for = \"some\"",
            8,
            "for nobody",
        ),
        ("\"red one line\"", "\"red line\"", 16, "can never cover"),
        (
            "exceptions = \"green grass\"",
            "exceptions = \"grass\"",
            24,
            "can never cover",
        ),
        (
            "provenances = [\"typed\"]",
            "provenances = []",
            15,
            "looked for nowhere",
        ),
    ] {
        assert!(EVERY_KEY.contains(good), "{good}");
        let faults = KeywordList::faults(&EVERY_KEY.replacen(good, bad, 1), "all.toml");
        let told = faults
            .iter()
            .any(|told| told.fault.contains(fault) && told.line == line);
        assert!(told, "{bad}: {faults:#?}");
    }
    let empty = EVERY_KEY.split("terms = [").next().unwrap().to_owned() + "terms = []\n";
    let faults = KeywordList::faults(&empty, "all.toml");
    assert!(
        faults.iter().any(|told| told.fault.contains("no terms")),
        "{faults:#?}"
    );
}

#[test]
fn plain_words_are_a_list_and_a_line_that_is_no_phrase_is_told() {
    let list = KeywordList::of_words("one word\n\nOne  Word\ntwo\n", "w.txt").unwrap();
    assert_eq!(
        list.terms()
            .iter()
            .map(|term| term.spellings[0].as_str())
            .collect::<Vec<_>>(),
        ["one word", "two"]
    );
    assert_eq!(
        KeywordList::of_words(&format!("one\n--\n{}\n", "x".repeat(201)), "w.txt")
            .unwrap_err()
            .line,
        3
    );
}
