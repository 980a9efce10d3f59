//! What schools read, teach and play raises nothing that a person would have to look at.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::collections::BTreeSet;

use pastoral_keywords::{
    Audience, Dictionary, Engine, KeywordList, Provenance, Severity, Source, Text, shipped,
};

/// Invented titles of lessons, searches and homework; none is a phrase of the curriculum list.
fn harmless() -> Vec<&'static str> {
    shipped::harmless().collect()
}

/// The engine as schools run it.
fn engine(lists: &[KeywordList]) -> Engine {
    Engine::build_with(lists, &Dictionary::shipped()).unwrap()
}

/// Whether something stands in a text that is to be looked at soon, and the terms that say so.
fn alarms(engine: &Engine, text: &str) -> BTreeSet<String> {
    let soon = Severity::try_from(3).unwrap();
    let written = [
        (Source::Search, Provenance::Typed),
        (Source::Title, Provenance::Page),
    ];
    let mut alarms = BTreeSet::new();
    for audience in Audience::ALL {
        for (source, provenance) in written {
            let text = Text {
                text,
                source,
                provenance,
                audience: *audience,
            };
            let found = engine
                .find(&text)
                .into_iter()
                .filter(|found| found.severity >= soon);
            alarms.extend(found.map(|found| format!("{} of {}", found.term, found.list_id)));
        }
    }
    alarms
}

#[test]
fn lessons_homework_games_and_figures_of_speech_raise_no_alarm() {
    let engine = engine(&shipped::lists().unwrap());
    let texts = harmless();
    assert!(texts.len() >= 100, "only {} texts", texts.len());
    let alarming: Vec<_> = texts
        .iter()
        .map(|text| (text, alarms(&engine, text)))
        .filter(|(_, alarms)| !alarms.is_empty())
        .collect();
    assert!(alarming.is_empty(), "these raise an alarm: {alarming:#?}");
}

#[test]
fn the_texts_are_not_phrases_of_the_curriculum_list() {
    let lists = shipped::lists().unwrap();
    let curriculum = lists
        .iter()
        .find(|list| list.id == "pastoral-curriculum")
        .unwrap();
    let phrases: BTreeSet<String> = curriculum
        .exceptions()
        .iter()
        .flat_map(|exception| &exception.phrases)
        .map(|phrase| phrase.to_lowercase())
        .collect();
    let copied: Vec<_> = harmless()
        .into_iter()
        .filter(|text| phrases.contains(&text.to_lowercase()))
        .collect();
    assert!(copied.is_empty(), "these are exceptions themselves: {copied:#?}");
}

#[test]
fn a_danger_beside_a_phrase_of_the_curriculum_is_still_found() {
    let engine = engine(&shipped::lists().unwrap());
    for text in [
        "to kill a mockingbird and i want to kill myself",
        "romeo and juliet suicide scene, how to kill myself",
        "suicide prevention poster but i want to die",
        "bath bomb experiment then i will kill myself",
        "among us kill, i want to end my life",
        "childline number i want to kill myself",
    ] {
        assert!(!alarms(&engine, text).is_empty(), "nothing is found in `{text}`");
    }
}

#[test]
fn what_is_said_outright_is_found_beside_the_name_of_any_game_song_or_lesson() {
    let engine = engine(&shipped::lists().unwrap());
    let mut hidden = Vec::new();
    for said in [
        "i want to kill myself",
        "how to kill myself",
        "i want to die",
        "i want to end my life",
        "how to hang myself",
        "i tried to kill myself last night",
        "i want to hurt myself",
        "i cut my wrists",
        "my dad hits me",
        "my mum hits me with a belt",
        "my uncle touches me",
        "i was raped",
        "how to make myself sick after eating",
        "he is blackmailing me with my nudes",
        "i want to kill my mum",
        "im going to stab him at school tomorrow",
        "i am going to bring a knife to school",
        "everyone in my class hates me",
        "they beat me up after school",
        "kill yourself nobody likes you",
    ] {
        for beside in [
            "minecraft",
            "roblox",
            "fortnite",
            "lyrics",
            "song",
            "film",
            "book",
            "quiz",
            "homework",
            "essay",
            "lol",
            "haha",
            "romeo and juliet",
            "hamlet",
            "history lesson",
        ] {
            for text in [format!("{beside} {said}"), format!("{said} {beside}")] {
                if alarms(&engine, &text).is_empty() {
                    hidden.push(text);
                }
            }
        }
    }
    assert!(hidden.is_empty(), "hidden by a word beside them: {hidden:#?}");
}

/// A list as a school may make it, of single words that the shipped lists are careful not to look for.
const SINGLE_WORDS: &str = r#"
id = "school-words"
version = 1
title = "Words of our school"
language = "en"
author = "Safeguarding team"
date = 2026-01-31

[[term]]
id = "single-words"
text = ["kill", "killed", "killing", "kills", "murder", "bomb", "suicide", "drugs", "shoot", "gun", "dead", "die", "rape", "sex"]
topic = "violence"
severity = 4
reason = "A single word"
"#;

#[test]
fn a_school_that_looks_for_single_words_can_still_teach() {
    let mut lists = shipped::lists().unwrap();
    lists.push(KeywordList::parse(SINGLE_WORDS, "school-words.toml").unwrap());
    let engine = engine(&lists);
    for text in [
        "To Kill a Mockingbird chapter 3",
        "how to kill a process in linux",
        "why does Macbeth kill Duncan?",
        "bath bomb experiment",
        "the assassination of Franz Ferdinand: who killed Franz Ferdinand",
        "basketball shooting guard, dead ball situation",
        "drugs education lesson",
        "durkheim suicide",
        "asexual and sexual reproduction, sex chromosomes",
        "oilseed rape and the Dead Sea",
        "how to kill the ender dragon",
        "killing time",
        "glue gun",
    ] {
        assert!(
            alarms(&engine, text).is_empty(),
            "`{text}`: {:?}",
            alarms(&engine, text)
        );
        let danger = format!("{text} then kill him with a gun");
        assert!(
            !alarms(&engine, &danger).is_empty(),
            "nothing is found in `{danger}`"
        );
    }
}
