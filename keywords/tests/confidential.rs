//! Lists that are held in confidence: matched like any other, and never said.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use pastoral_keywords::changes::{Changed, NotPossible, Operation, Over, TermName};
use pastoral_keywords::csv::{self, Header};
use pastoral_keywords::diff::diff;
use pastoral_keywords::{Audience, Engine, KeywordList, Provenance, Source, Text, Topic};

const LIST: &str = r#"
id = "specialist"
version = 3
title = "Watch list"
language = "en"
author = "A publisher"
date = 2026-01-31
confidential = true

[[term]]
id = "zebra-id"
text = "zebrafinch bassoon"
topic = "suicide"
severity = 5
reason = "The zebrafinch of the reason"
exceptions = ["zebrafinch bassoon lesson"]

[[exception]]
text = "zebrafinch museum"
reason = "A zebrafinch to look at"
"#;

fn list(text: &str) -> KeywordList {
    KeywordList::parse(text, "specialist.toml").unwrap()
}

fn text(text: &str) -> Text<'_> {
    Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Ks2,
    }
}

#[test]
fn a_list_held_in_confidence_is_matched_and_none_of_its_words_is_said() {
    let built = Engine::build(&[list(LIST)]).unwrap().to_bytes();
    let engine = Engine::load(&built).unwrap();
    let seen = "z3brafinch bassoon, not a zebrafinch bassoon lesson in the zebrafinch museum";
    let found = engine.find(&text(seen));
    assert_eq!((found.len(), found[0].severity.get()), (1, 5));
    assert_eq!((found[0].term_id.as_str(), found[0].term.as_str()), ("1", ""));
    assert!(found[0].confidential && found[0].considered.is_empty());
    let explained = engine.explain(&text(seen));
    assert_eq!(
        explained.found[0].span,
        0..seen.len(),
        "which words matched would say what they are"
    );
    let said = format!("{found:?}{explained:?}");
    assert!(!said.contains("zebra"), "{said}");
    let holds = |phrase: &str| built.windows(phrase.len()).any(|part| part == phrase.as_bytes());
    for phrase in [
        "zebrafinch bassoon",
        "zebra-id",
        "of the reason",
        "zebrafinch museum",
    ] {
        assert!(!holds(phrase), "the engine holds `{phrase}`");
    }
    assert!(
        engine.find(&text("a zebrafinch bassoon lesson")).is_empty(),
        "its exceptions count"
    );
}

#[test]
fn a_list_held_in_confidence_stays_so_over_csv_and_differs_by_numbers_alone() {
    let before = list(LIST);
    assert!(
        csv::export(&before, "specialist.toml")
            .unwrap_err()
            .to_string()
            .contains("confidential")
    );
    let rows = "text,topic,ks2,reason\nzebrafinch oboe,suicide,5,Why\n";
    let after = list(&csv::import(rows, "rows.csv", &Header::from(&before)).unwrap());
    assert!(after.confidential);
    let said: Vec<String> = diff(&before, &after).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "added term `1 in confidence`",
            "removed term `1 in confidence`",
            "removed exception `1 in confidence`",
        ]
    );
}

fn using() -> Operation {
    Operation::UseList {
        list: "specialist".into(),
        version: 3,
        title: "Watch list".into(),
        terms: 1,
    }
}

fn dropping() -> Operation {
    Operation::DropList {
        list: "specialist".into(),
        title: "Watch list".into(),
    }
}

#[test]
fn a_specialist_list_is_in_force_from_the_change_that_uses_it_to_the_one_that_drops_it() {
    let of =
        |operations: &[Operation]| Changed::new(Vec::new(), vec![list(LIST)], operations, 1, "2026-11-23");
    let is_used = |changed: &Changed| changed.lists.iter().any(|list| list.id == "specialist");
    assert!(!is_used(&of(&[])));
    assert!(is_used(&of(&[using()])));
    let dropped = of(&[using(), dropping()]);
    assert!(!is_used(&dropped) && dropped.stale.is_empty());
    let gone = Changed::new(Vec::new(), Vec::new(), &[using(), dropping()], 1, "2026-11-23");
    assert!(
        gone.stale.is_empty(),
        "a list that went is not missed: {:?}",
        gone.stale
    );
    let lost = Changed::new(Vec::new(), Vec::new(), &[using()], 1, "2026-11-23");
    assert!(
        lost.stale[0]
            .1
            .to_string()
            .contains("remove it and import it again"),
        "{:?}",
        lost.stale
    );
    let other = Operation::UseList {
        list: "specialist".into(),
        version: 3,
        title: "Another title".into(),
        terms: 1,
    };
    assert!(!is_used(&of(&[other])), "not what people agreed to");
}

#[test]
fn a_school_changes_nothing_of_a_specialist_list_and_cannot_ask_for_its_words() {
    let mut changed = Changed::new(Vec::new(), vec![list(LIST)], &[using()], 1, "2026-11-23");
    let term = TermName {
        list: "specialist".into(),
        id: "zebra-id".into(),
    };
    for operation in [
        Operation::SwitchOff { term: term.clone() },
        Operation::AddException {
            phrase: "zebrafinch bassoon case".into(),
            over: Over::Term(term),
            reason: "Why".into(),
        },
    ] {
        let refused = changed.apply(&operation).unwrap_err();
        assert_eq!(refused, NotPossible::Confidential("specialist".into()));
    }
    let same = Operation::AddTerm {
        text: vec!["zebrafinch bassoon".into()],
        topic: Topic::Suicide,
        severity: [(Audience::Ks2, 3)].into(),
        reason: "Why".into(),
    };
    assert_eq!(
        changed.apply(&same),
        Ok(()),
        "to refuse it would say that the list has it"
    );
}
