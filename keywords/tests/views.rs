//! Terms are found however they are written, what is ordinary is left alone, and a built engine is the engine.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use pastoral_keywords::{
    Audience, Dictionary, Engine, KeywordList, LoadError, Provenance, Source, Text, View, WhyNot,
};
use proptest::prelude::*;

const LIST: &str = r#"id = "one"
version = 7
title = "T"
language = "en"
author = "A"
date = 2026-01-31

[[group]]
topic = "violence"
severity = 5
reason = "R"
terms = ["kill myself", "suicide", "meet … alone", "hate to be me"]

[[term]]
text = "cut"
topic = "self-harm"
severity = 3
reason = "R"
near = "wrist{,s}"
not-near = "paper"

[[term]]
text = "he told … alone with"
topic = "grooming"
severity = 3
reason = "R"
near = ["secret", "alone"]
not-near = ["told my teacher"]

[[term]]
text = "knife"
topic = "violence"
severity = 3
reason = "R"
provenances = ["typed"]

[[exception]]
text = "suicide squad"
reason = "A film"

[[help]]
text = "suicide helpline"
reason = "Asks for help"
"#;

fn engine() -> Engine {
    let ordinary =
        "how to want a i the see on my paper wrist side dislike dutch bill helpline squad prevention cut";
    let dictionary = Dictionary::of_words(ordinary.split(' '));
    Engine::build_with(&[KeywordList::parse(LIST, "one.toml").unwrap()], &dictionary).unwrap()
}

fn typed(text: &str) -> Text<'_> {
    Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience: Audience::Ks2,
    }
}

/// The views and the written texts of what is found.
fn seen(text: &str) -> Vec<(View, &str)> {
    let found = engine().find(&typed(text));
    found
        .into_iter()
        .map(|found| (found.view, &text[found.span]))
        .collect()
}

#[test]
fn a_term_is_found_however_it_is_dodged_and_marked_where_it_was_written() {
    for (text, view, written) in [
        ("how to k1ll mys3lf", View::Resolved, "k1ll mys3lf"),
        ("ѕuісіdе", View::Resolved, "ѕuісіdе"),
        ("🅢🅤🅘🅒🅘🅓🅔 a", View::Resolved, "🅢🅤🅘🅒🅘🅓🅔"),
        ("$u!c!de?", View::Resolved, "$u!c!de"),
        ("suuuicide", View::Squeezed, "suuuicide"),
        ("a s u 1 c i d e", View::Joined, "s u 1 c i d e"),
        ("s.u.i.c.i.d.e", View::Joined, "s.u.i.c.i.d.e"),
        ("k🔪i🔪l🔪l myself", View::Joined, "k🔪i🔪l🔪l myself"),
        ("the sui-cide", View::Joined, "sui-cide"),
        ("#howtokillmyself", View::Split, "killmyself"),
        ("k%69ll myself", View::Decoded, "k%69ll myself"),
        ("k&#105;ll myself", View::Decoded, "k&#105;ll myself"),
        ("su*cide", View::Misspelt, "su*cide"),
        ("suicde", View::Misspelt, "suicde"),
        ("i want to kill mysefl", View::Misspelt, "kill mysefl"),
        ("k1ll mysefl", View::Misspelt, "k1ll mysefl"),
        ("kil myself", View::Misspelt, "kil myself"),
        ("meet u alone 2", View::Plain, "meet u alone"),
        ("i hate 2 b me", View::Misspelt, "hate 2 b me"),
        (
            "ＳＵＩＣＩＤＥ s\u{301}uic\u{200b}ide",
            View::Plain,
            "s\u{301}uic\u{200b}ide",
        ),
    ] {
        assert!(seen(text).contains(&(view, written)), "{text}: {:?}", seen(text));
    }
}

#[test]
fn what_is_ordinary_is_left_alone() {
    for text in [
        "1994 50",
        "how to see the dutch bill",
        "on my side",
        "s u",
        "pesticide",
        "killjoy my shelf",
    ] {
        assert_eq!(seen(text), [], "{text}");
    }
}

#[test]
fn a_gap_is_at_most_three_words() {
    assert_eq!(seen("meet me in the alone").len(), 1);
    assert_eq!(seen("meet alone").len(), 1);
    assert_eq!(seen("meet me in the park alone"), []);
}

#[test]
fn a_term_may_ask_for_a_word_near_it_and_exclude_one() {
    assert_eq!(seen("cut my wrists").len(), 1);
    assert_eq!(seen("wrist a b c d e f g cut").len(), 1);
    assert_eq!(seen("wrist a b c d e f g h cut"), []);
    assert_eq!(seen("cut my wrist on paper"), []);
    let why = engine().explain(&typed("cut")).not_applied[0].why;
    assert_eq!(why, WhyNot::NothingNear);
    let page = Text {
        provenance: Provenance::Page,
        source: Source::Title,
        ..typed("knife")
    };
    assert_eq!(
        engine().explain(&page).not_applied[0].why,
        WhyNot::Provenance(Provenance::Page)
    );
}

#[test]
fn what_is_near_a_term_may_stand_in_its_gap_but_not_be_its_own_words() {
    assert_eq!(seen("he told me secret things alone with").len(), 1);
    assert_eq!(seen("he told me things alone with"), []);
    assert_eq!(seen("he told me things alone with alone").len(), 1);
    assert_eq!(seen("he told my teacher alone with secret").len(), 1);
}

#[test]
fn help_and_exceptions_cover_what_they_match_in_any_view_and_nothing_else() {
    for text in [
        "suicide helpline",
        "su1cide helpline",
        "suicide  squad",
        "suicidesquad",
    ] {
        assert_eq!(seen(text), [], "{text}");
    }
    let found = engine().find(&typed("suicide squad suicide"));
    assert_eq!((found.len(), found[0].span.clone()), (1, 14..21));
    assert_eq!(found[0].considered, ["suicide squad"]);
}

#[test]
fn a_list_for_all_covers_terms_of_other_lists() {
    let all = LIST
        .split("[[group]]")
        .next()
        .unwrap()
        .replace("\"one\"", "\"all\"")
        + "exceptions-for = \"all\"\n[[exception]]\ntext = \"suicide in hamlet\"\nreason = \"A play\"\n";
    let lists = [LIST, &all].map(|toml| KeywordList::parse(toml, "l.toml").unwrap());
    let engine = Engine::build(&lists).unwrap();
    assert_eq!(engine.find(&typed("suicide in hamlet")), []);
    assert_eq!(engine.find(&typed("hamlet and suicide")).len(), 1);
}

#[test]
fn a_loaded_engine_finds_what_the_built_one_does() {
    let engine = engine();
    let bytes = engine.to_bytes();
    let loaded = Engine::load(&bytes).unwrap();
    for text in [
        "su1cide",
        "meet me alone",
        "cut my wrist",
        "suicide squad suicde",
        "k%69ll myself",
        "",
    ] {
        assert_eq!(
            engine.explain(&typed(text)),
            loaded.explain(&typed(text)),
            "{text}"
        );
    }
    assert_eq!(loaded.to_bytes(), bytes);
    assert_eq!(Engine::load(b"something else").unwrap_err(), LoadError::OtherFile);
    let mut newer = bytes.clone();
    newer[8] = 99;
    assert_eq!(
        Engine::load(&newer).unwrap_err(),
        LoadError::OtherVersion { found: 99 }
    );
    assert!(matches!(
        Engine::load(&[&bytes[..], b"x"].concat()),
        Err(LoadError::Damaged(_))
    ));
}

#[test]
fn an_engine_without_ordinary_words_or_lists_loads_too() {
    let list = KeywordList::parse(LIST, "one.toml").unwrap();
    for lists in [&[][..], &[list]] {
        let built = Engine::build(lists).unwrap();
        let loaded = Engine::load(&built.to_bytes()).unwrap();
        let text = typed("su1cide");
        assert_eq!(built.explain(&text), loaded.explain(&text));
    }
}

#[test]
fn an_engine_that_is_cut_short_is_refused() {
    let bytes = engine().to_bytes();
    for end in 8..bytes.len() {
        assert!(
            matches!(Engine::load(&bytes[..end]), Err(LoadError::Damaged(_))),
            "{end}"
        );
    }
}

/// One way to dodge a filter: what becomes of the letter at a place of a word.
fn dodge(how: u8, at: usize, letter: char) -> String {
    let of = |table: &[(char, &str)]| {
        let known = table.iter().find(|(plain, _)| *plain == letter);
        known.map_or_else(|| letter.to_string(), |(_, written)| (*written).to_owned())
    };
    match how {
        0 => letter.to_uppercase().to_string(),
        1 => of(&[('a', "4"), ('e', "3"), ('i', "1"), ('o', "0"), ('s', "5")]),
        2 => of(&[
            ('a', "а"),
            ('e', "е"),
            ('i', "і"),
            ('o', "ο"),
            ('c', "с"),
            ('s', "ѕ"),
            ('u', "υ"),
        ]),
        3 if at > 0 => format!("\u{200b}{letter}"),
        4 => format!("{letter}\u{301}"),
        5 => char::from_u32(letter as u32 + 0xfee0).unwrap().to_string(),
        6 if at == 2 => letter.to_string().repeat(4),
        7 if at > 0 => format!(" {letter}"),
        8 if at > 0 => format!(".{letter}"),
        9 if at == 3 => format!("-{letter}"),
        _ => letter.to_string(),
    }
}

proptest! {
    #[test]
    fn a_word_dodged_in_any_one_way_is_found_where_it_stands_among_ordinary_ones(
        how in 0u8..10,
        word in prop::sample::select(vec!["suicide", "myself"]),
        before in prop::sample::select(vec!["", "how to ", "i want the "]),
        after in prop::sample::select(vec!["", " on the dutch side", ", see my paper?"]),
    ) {
        let dodged: String = word.chars().enumerate().map(|(at, letter)| dodge(how, at, letter)).collect();
        let dodged = if word == "myself" { format!("kill {dodged}") } else { dodged };
        let text = format!("{before}{dodged}{after}");
        let found = engine().find(&typed(&text));
        let written: Vec<&str> = found.iter().map(|found| &text[found.span.clone()]).collect();
        prop_assert!(written.contains(&dodged.as_str()), "{}: {:?}", text, written);
    }

    #[test]
    fn a_damaged_engine_is_refused_or_still_cannot_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        text in any::<String>(),
    ) {
        let mut bytes = engine().to_bytes();
        for (at, byte) in damage {
            let at = 12 + at.index(bytes.len() - 12);
            bytes[at] = byte;
        }
        if let Ok(engine) = Engine::load(&bytes) {
            for text in [&text, "su1cide k i l l mysefl meet me alone cut my wrist suicide squad helpline su*cide"] {
                let _ = engine.explain(&typed(text));
            }
        }
    }

    #[test]
    fn every_view_of_any_text_has_its_span_in_the_text(parts in prop::collection::vec(prop_oneof![
        any::<String>(),
        prop::sample::select(vec!["su1cide", "s u i", "c i d e", "k%69ll", "my-self", " ", "\u{301}", "½", "𝓴𝓲𝓵𝓵", "su*c", "ide", "!", "日", "suicideeee"]).prop_map(str::to_owned),
    ], 0..8)) {
        let text = parts.concat();
        for found in engine().find(&typed(&text)) {
            prop_assert!(text.get(found.span.clone()).is_some(), "{:?} {:?}", text, found);
        }
    }
}
