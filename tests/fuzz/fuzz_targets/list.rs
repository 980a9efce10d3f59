//! A list's TOML, whatever is in it: it is refused with a line that it has, or it is sound; then it can be built, and each
//! of its own phrases can be looked for.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use pastoral_keywords::{Audience, Engine, KeywordList, Provenance, Source, Text};

fuzz_target!(|toml: &str| -> Corpus {
    let faults = KeywordList::faults(toml, "fuzz.toml");
    for fault in &faults {
        assert!((1..=toml.lines().count() + 1).contains(&fault.line), "{fault}");
    }
    let list = match KeywordList::parse(toml, "fuzz.toml") {
        Ok(list) => list,
        Err(error) => {
            assert!(faults.contains(&error), "{error}");
            return Corpus::Keep;
        }
    };
    assert!(faults.is_empty());
    let engine = match Engine::build(std::slice::from_ref(&list)) {
        Ok(engine) => engine,
        Err(_) => return Corpus::Keep,
    };
    for term in list.terms() {
        for text in &term.spellings {
            let _ = engine.explain(&Text {
                text,
                source: Source::Search,
                provenance: Provenance::Typed,
                audience: Audience::Secondary,
            });
        }
    }
    Corpus::Keep
});
