//! A school's own changes to the lists, applied one after the other.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeMap;

use pastoral_keywords::changes::{Changed, NotPossible, Operation, Over, SCHOOL, TermName};
use pastoral_keywords::{Audience, Engine, KeywordList, Provenance, Source, Text, Topic};
use proptest::prelude::*;

const SHIPPED: &str = r#"
id = "shipped"
version = 4
title = "Shipped"
language = "en"
author = "Pastoral"
date = 2026-01-31

[[term]]
text = ["fight page", "fights page"]
topic = "bullying"
severity = 3
reason = "Films of fights"

[[term]]
text = "the glade"
topic = "drugs"
severity = { secondary = 2 }
reason = "Where it is sold"
"#;

fn shipped() -> Vec<KeywordList> {
    vec![KeywordList::parse(SHIPPED, "shipped.toml").unwrap()]
}

fn changed(operations: &[Operation]) -> Changed {
    Changed::new(shipped(), Vec::new(), operations, 7, "2026-11-23")
}

fn term(id: &str) -> TermName {
    TermName {
        list: "shipped".into(),
        id: id.into(),
    }
}

fn severity(levels: &[(Audience, u8)]) -> BTreeMap<Audience, u8> {
    levels.iter().copied().collect()
}

fn add(text: &str) -> Operation {
    Operation::AddTerm {
        text: vec![text.into()],
        topic: Topic::Bullying,
        severity: severity(&[(Audience::Ks2, 4), (Audience::Secondary, 3)]),
        reason: "A page about pupils of this school".into(),
    }
}

fn except(phrase: &str, over: Over) -> Operation {
    Operation::AddException {
        phrase: phrase.into(),
        over,
        reason: "The chess club".into(),
    }
}

/// The list, term and severity of every flag.
fn flags(changed: &Changed, audience: Audience, text: &str) -> Vec<(String, String, u8)> {
    let engine = Engine::build(&changed.lists).unwrap();
    let found = engine.find(&Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience,
    });
    found
        .iter()
        .map(|found| (found.list_id.clone(), found.term_id.clone(), found.severity.get()))
        .collect()
}

#[test]
fn without_changes_the_lists_are_the_shipped_ones() {
    assert_eq!(changed(&[]).lists, shipped());
}

#[test]
fn a_word_that_the_school_adds_is_looked_for_at_once_and_says_whose_it_is() {
    let changed = changed(&[add("oak house gossip")]);
    assert!(changed.stale.is_empty(), "{:?}", changed.stale);
    assert_eq!(
        flags(&changed, Audience::Ks2, "Oak House gossip new"),
        [(SCHOOL.into(), "oak-house-gossip".into(), 4)]
    );
    assert!(flags(&changed, Audience::Staff, "Oak House gossip new").is_empty());
    assert_eq!(changed.lists.last().map(|list| list.version), Some(7));
}

#[test]
fn an_exception_covers_what_it_was_agreed_for_and_nothing_else() {
    let over_term = changed(&[except("fight page boys", Over::Term(term("fight-page")))]);
    assert!(flags(&over_term, Audience::Ks2, "fight page boys").is_empty());
    assert_eq!(
        flags(&over_term, Audience::Ks2, "fight page girls, fight page boys").len(),
        1
    );
    let over_list = changed(&[except("the glade school", Over::List("shipped".into()))]);
    assert!(flags(&over_list, Audience::Secondary, "the glade school").is_empty());
}

#[test]
fn a_term_is_switched_off_and_on_again_as_it_was() {
    let off = Operation::SwitchOff {
        term: term("fight-page"),
    };
    let gone = changed(std::slice::from_ref(&off));
    assert!(flags(&gone, Audience::Ks2, "fight page").is_empty());
    assert_eq!(gone.off[0].0, term("fight-page"));
    let back = changed(&[
        off,
        Operation::SwitchOn {
            term: term("fight-page"),
        },
    ]);
    assert_eq!(flags(&back, Audience::Ks2, "fight page").len(), 1);
    assert!(back.off.is_empty());
}

#[test]
fn a_severity_is_the_schools_for_the_audiences_it_names_alone() {
    let changed = changed(&[Operation::SetSeverity {
        term: term("fight-page"),
        severity: severity(&[(Audience::Secondary, 5)]),
    }]);
    assert_eq!(flags(&changed, Audience::Secondary, "fight page")[0].2, 5);
    assert!(flags(&changed, Audience::Ks2, "fight page").is_empty());
}

#[test]
fn a_change_that_does_nothing_or_is_not_sound_is_refused_with_what_to_write_instead() {
    let mut lists = changed(&[]);
    let refused = |lists: &mut Changed, operation: &Operation| lists.apply(operation).unwrap_err();
    assert!(matches!(
        refused(&mut lists, &add("Fights, page!")),
        NotPossible::Already { .. }
    ));
    assert!(matches!(
        refused(&mut lists, &add("?!")),
        NotPossible::Unsound { .. }
    ));
    assert!(matches!(
        refused(&mut lists, &add(&"x".repeat(201))),
        NotPossible::Unsound { .. }
    ));
    for phrase in ["fight page", "chess club"] {
        let operation = except(phrase, Over::Term(term("fight-page")));
        assert!(
            matches!(refused(&mut lists, &operation), NotPossible::CoversNothing(_)),
            "{phrase}"
        );
    }
    assert!(matches!(
        refused(
            &mut lists,
            &Operation::SwitchOff {
                term: term("no-such")
            }
        ),
        NotPossible::NoTerm(_)
    ));
    assert!(matches!(
        refused(
            &mut lists,
            &Operation::SwitchOn {
                term: term("fight-page")
            }
        ),
        NotPossible::NotOff(_)
    ));
    let nobody = Operation::SetSeverity {
        term: term("fight-page"),
        severity: severity(&[]),
    };
    assert!(matches!(
        refused(&mut lists, &nobody),
        NotPossible::Unsound { .. }
    ));
    let beyond = Operation::SetSeverity {
        term: term("fight-page"),
        severity: severity(&[(Audience::Ks2, 6)]),
    };
    assert!(matches!(
        refused(&mut lists, &beyond),
        NotPossible::Unsound { .. }
    ));
    assert_eq!(lists.lists, shipped(), "a refused change left something behind");
}

#[test]
fn a_change_that_fits_the_lists_no_more_is_set_aside_and_the_others_hold() {
    let changed = changed(&[
        Operation::SwitchOff {
            term: term("gone-since-the-update"),
        },
        add("oak house gossip"),
    ]);
    assert_eq!(changed.stale.len(), 1);
    assert_eq!(changed.stale[0].0, 0);
    assert_eq!(flags(&changed, Audience::Ks2, "oak house gossip").len(), 1);
}

#[test]
fn a_change_reads_back_from_how_it_is_kept() {
    for operation in [
        add("oak house gossip"),
        except("fight page boys", Over::Term(term("fight-page"))),
        except("front page fight page", Over::All),
        Operation::SetSeverity {
            term: term("fight-page"),
            severity: severity(&[(Audience::Ks1, 5)]),
        },
        Operation::SwitchOff {
            term: term("fight-page"),
        },
    ] {
        let kept = serde_json::to_string(&operation).unwrap();
        assert_eq!(
            serde_json::from_str::<Operation>(&kept).unwrap(),
            operation,
            "{kept}"
        );
    }
}

proptest! {
    #[test]
    fn no_text_that_somebody_proposes_makes_the_lists_unsound(text in any::<String>(), reason in any::<String>()) {
        let mut changed = changed(&[]);
        let operation = Operation::AddTerm {
            text: vec![text.clone()],
            topic: Topic::Violence,
            severity: severity(&[(Audience::Ks2, 3)]),
            reason,
        };
        let taken = changed.apply(&operation).is_ok();
        prop_assert!(Engine::build(&changed.lists).is_ok());
        if !taken {
            prop_assert!(changed.lists.iter().all(|list| list.terms().iter().all(|term| !term.spellings.contains(&text))));
        }
    }
}
