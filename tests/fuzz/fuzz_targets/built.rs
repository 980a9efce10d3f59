//! The bytes of a built engine, changed in any way: they are refused, or what comes of them still finds without harm.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pastoral_keywords::{Audience, Engine, Provenance, Source, Text};

const TEXTS: [&str; 4] = [
    "i want to hurt myself tonight",
    "I W4NT T0 H U R T myself",
    "hurtmyself hrut myslef",
    "wörter",
];

fuzz_target!(|bytes: &[u8]| {
    let Ok(engine) = Engine::load(bytes) else {
        return;
    };
    for text in TEXTS {
        let text = Text {
            text,
            source: Source::Search,
            provenance: Provenance::Typed,
            audience: Audience::Secondary,
        };
        for found in engine.find(&text) {
            assert!(text.text.get(found.span).is_some());
        }
    }
});
