//! What the shipped lists promise.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::path::Path;

use pastoral_keywords::{Audience, Engine, KeywordList, Provenance, Severity, Source, Text, Topic, shipped};

fn engine() -> Engine {
    Engine::build(&shipped::lists().unwrap()).unwrap()
}

fn searched(text: &str, audience: Audience) -> Text<'_> {
    Text {
        text,
        source: Source::Search,
        provenance: Provenance::Typed,
        audience,
    }
}

fn alarming() -> Severity {
    Severity::try_from(3).unwrap()
}

#[test]
fn every_shipped_list_is_sound() {
    for (file, toml) in shipped::FILES {
        let faults = KeywordList::faults(toml, file);
        assert!(
            faults.is_empty(),
            "{}",
            faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        );
    }
}

#[test]
fn every_topic_has_terms() {
    let lists = shipped::lists().unwrap();
    for topic in Topic::ALL {
        assert!(
            lists
                .iter()
                .flat_map(|list| list.terms())
                .any(|term| term.topic == *topic),
            "{topic}"
        );
    }
    assert!(engine().term_count() >= 100);
}

#[test]
fn every_spelling_is_found_in_a_sentence_for_each_of_its_audiences_and_for_no_other() {
    let engine = engine();
    for list in shipped::lists().unwrap() {
        for term in list.terms() {
            for spelling in &term.spellings {
                let text = format!("Zzz, {}; zzz", spelling.to_uppercase());
                for audience in Audience::ALL {
                    let found = engine.find(&searched(&text, *audience));
                    let own = found
                        .iter()
                        .find(|found| found.term_id == term.id && found.term == *spelling);
                    assert_eq!(
                        own.map(|found| found.severity),
                        term.severity(*audience),
                        "{spelling} {audience}"
                    );
                    if let Some(own) = own {
                        assert_eq!(&text[own.span.clone()], spelling.to_uppercase());
                    }
                }
            }
        }
    }
}

#[test]
fn every_exception_covers_some_term() {
    let engine = engine();
    let mut useless = Vec::new();
    // Exceptions for all lists are also for those that a school makes, whose words nobody knows yet.
    for list in shipped::lists()
        .unwrap()
        .iter()
        .filter(|list| !list.exceptions_for_all)
    {
        let own = list.terms().iter().flat_map(|term| &term.exceptions);
        for phrase in own.chain(list.exceptions().iter().flat_map(|exception| &exception.phrases)) {
            let covers = Audience::ALL.iter().any(|audience| {
                let explanation = engine.explain(&searched(phrase, *audience));
                explanation
                    .exceptions
                    .iter()
                    .any(|seen| seen.exception == *phrase && !seen.covers.is_empty())
            });
            if !covers {
                useless.push(phrase.clone());
            }
        }
    }
    assert!(useless.is_empty(), "these exceptions cover no term: {useless:#?}");
}

#[test]
fn a_typed_wish_to_die_is_the_highest_severity_for_everyone() {
    let engine = engine();
    for text in [
        "how to kill myself",
        "How To Kill Myself?",
        "i want to die",
        "how do i end my life",
        "how to commit suicide",
    ] {
        for audience in Audience::ALL {
            let found = engine.find(&searched(text, *audience));
            assert_eq!(found[0].severity, Severity::MAX, "{text}");
            assert_eq!(found[0].topic, Topic::Suicide, "{text}");
        }
    }
}

#[test]
fn the_same_in_a_title_is_one_less_and_says_why() {
    let text = Text {
        text: "how to kill myself - a song",
        source: Source::Title,
        provenance: Provenance::Page,
        audience: Audience::Ks2,
    };
    let found = engine().find(&text);
    assert_eq!(found[0].severity, Severity::PAGE_MAX);
    assert!(found[0].severity_note.is_some());
}

#[test]
fn staff_are_concerned_by_pornography_and_not_by_looking_for_work_or_help() {
    let engine = engine();
    let found = engine.find(&searched("free porn videos", Audience::Staff));
    assert_eq!(
        (found[0].topic, found[0].severity),
        (Topic::Pornography, alarming())
    );
    for text in [
        "teaching jobs near me",
        "how to write a resignation letter",
        "teachers union helpline",
        "whistleblowing advice",
        "employment tribunal solicitor",
        "am i depressed",
        "samaritans",
        "education support helpline",
        "divorce lawyer",
        "nasuwt contact",
        "antidepressants side effects",
        "whatsapp web",
        "buy a vape",
        "vinted",
        "nordvpn",
    ] {
        for audience in [Audience::Staff, Audience::Administration] {
            assert_eq!(engine.find(&searched(text, audience)), [], "{text}");
        }
    }
}

#[test]
fn a_child_who_looks_for_help_is_not_flagged() {
    let engine = engine();
    for text in [
        "childline",
        "childline number",
        "samaritans phone number",
        "how to talk to a counsellor",
        "ceop report",
        "kooth",
        "papyrus hopeline",
        "young minds",
        "self harm helpline",
        "suicide helpline",
        "suicide prevention",
        "beat eating disorders",
        "how to report bullying",
        "nspcc helpline",
        "report remove tool",
        "shout text line",
        "how to tell my teacher i am sad",
        "help with suicidal thoughts",
        "frank drugs advice",
    ] {
        for audience in Audience::ALL {
            assert_eq!(engine.find(&searched(text, *audience)), [], "{text}");
        }
    }
}

#[test]
fn what_the_curriculum_needs_raises_nothing() {
    let engine = engine();
    let source = [
        (Source::Search, Provenance::Typed),
        (Source::Title, Provenance::Page),
    ];
    for text in BENIGN.lines().map(str::trim).filter(|line| !line.is_empty()) {
        for audience in Audience::ALL {
            for (source, provenance) in source {
                let text = Text {
                    text,
                    source,
                    provenance,
                    audience: *audience,
                };
                assert_eq!(engine.find(&text), [], "{}", text.text);
            }
        }
    }
}

#[test]
fn an_exception_hides_nothing_else_in_the_text() {
    let engine = engine();
    for text in [
        "to kill a mockingbird and how to kill myself",
        "how to kill yourself in minecraft how to kill yourself",
    ] {
        assert_eq!(
            engine.find(&searched(text, Audience::Ks2))[0].severity,
            Severity::MAX,
            "{text}"
        );
    }
}

/// Titles, places and questions written by other people, where the workspace has them beside it.
#[test]
fn benign_texts_are_seldom_flagged() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let engine = engine();
    for file in ["benign_titles.txt", "benign_queries.txt", "places.txt"] {
        let Ok(texts) = std::fs::read_to_string(data.join(file)) else {
            println!("skipped: there is no development data beside this workspace ({file})");
            continue;
        };
        let mut flagged = Vec::new();
        for line in texts.lines() {
            let found = Audience::ALL
                .iter()
                .filter_map(|audience| engine.find(&searched(line, *audience)).into_iter().next());
            if let Some(worst) = found
                .max_by_key(|found| found.severity)
                .filter(|worst| worst.severity >= alarming())
            {
                println!(
                    "{file}: {} {} `{}` in: {line}",
                    worst.severity, worst.topic, worst.term
                );
                if !RIGHTLY.contains(&line) {
                    flagged.push(line);
                }
            }
        }
        assert!(
            flagged.len() * 10_000 <= 2 * texts.lines().count(),
            "{file}: {flagged:#?}"
        );
    }
}

/// The safe half of a set of questions that only look dangerous.
#[test]
fn questions_that_only_look_dangerous_raise_nothing() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/xstest.tsv");
    let Ok(texts) = std::fs::read_to_string(file) else {
        println!("skipped: there is no development data beside this workspace (xstest.tsv)");
        return;
    };
    let engine = engine();
    let safe: Vec<&str> = texts
        .lines()
        .filter(|line| line.starts_with("safe\t"))
        .filter_map(|line| line.split('\t').nth(2))
        .collect();
    assert!(safe.len() > 50);
    for text in safe {
        for audience in Audience::ALL {
            assert_eq!(engine.find(&searched(text, *audience)), [], "{text}");
        }
    }
}

/// Questions among the benign ones that a school wants to know of.
const RIGHTLY: &[&str] = &[
    "2005 Mickie james playboy pics ?",
    "Anal sex for indian ladies ?",
    "Are clits designed for lesbians sex ?",
    "Are there any pornstars that virgin ?",
    "Big boobs girls how many percent hot ?",
    "Can you get high off carisoprodol ?",
    "Can you get high off of mucinex expectorent ?",
    "How can you earn money from adult websites ?",
    "How can you make the best homemade fleshlight ?",
    "How much is a gram of weed in the us ?",
    "Hw does getting a blowjob feel like ?",
    "Legal to buy marijuana seed from canada mail to US ?",
    "What are the different pleasurable sex positions ?",
    "What is coprophagia porn ?",
    "What is hentai corner ?",
    "What is if feel like to give a blowjob ?",
    "What pornstars win the most money ?",
    "Where can you find kendra wilkinson porn ?",
    "Where can you find naked pictures of matt bomer ?",
    "Where do you buy cannibis ?",
    "Where do you join a nazi gang online ?",
];

const BENIGN: &str = "
Scunthorpe
To Kill a Mockingbird
Middlesex
Essex
Penistone
breast cancer research
Dick Turpin worksheet
suicide prevention poster
Moby-Dick
Titus Andronicus
bath bomb experiment
Gunpowder Plot
assassination of Franz Ferdinand
how to kill a process
Suicide Squad
great tits and blue tits
half caste poem analysis
faggots and peas
how to get high scores in maths
how to get away with murder
what is suicide?
suicide in Romeo and Juliet
Mocking Bird
to kill two birds with one stone
Bartolomeu Dias 1488
how to make roasties
Sexting and sending nudes | Childline
Suicidal thoughts and feelings | Childline
Help for suicidal thoughts - NHS
Virginia Woolf
Sussex cockerel
Scunthorpe United kit
Cockermouth
the Dam Busters
Battle of the Somme
World War 2 atomic bomb Hiroshima
Anne Frank
the Holocaust
why did ISIS invade Iraq
drugs education ks2
vape detector
internet safety day
photosynthesis
sex education
reproduction in plants
";
