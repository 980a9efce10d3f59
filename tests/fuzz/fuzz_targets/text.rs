//! A text, whatever is in it, against the shipped lists: every flag names characters of the text, severities are those
//! that the provenance allows, and what `find` returns `explain` returns too.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pastoral_keywords::{Audience, Engine, MATCHES, Provenance, Severity, Source, Text, shipped};
use std::sync::LazyLock;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let lists = shipped::lists().expect("the shipped lists are sound");
    Engine::build(&lists).expect("the shipped lists can be built")
});

fuzz_target!(|input: (u8, &str)| {
    let (which, text) = input;
    let audience = Audience::ALL[usize::from(which) % Audience::ALL.len()];
    let provenance = Provenance::ALL[usize::from(which / 5) % Provenance::ALL.len()];
    let source = Source::ALL[usize::from(which / 15) % Source::ALL.len()];
    let text = Text {
        text,
        source,
        provenance,
        audience,
    };
    let findings = ENGINE.findings(&text);
    assert!(findings.found.len() <= MATCHES);
    for found in &findings.found {
        assert!(
            text.text
                .get(found.span.clone())
                .is_some_and(|written| !written.is_empty())
        );
        assert!(provenance != Provenance::Page || found.severity <= Severity::PAGE_MAX);
    }
    assert_eq!(ENGINE.explain(&text).found, findings.found);
});
