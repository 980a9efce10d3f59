//! What the shipped lists promise.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::sync::LazyLock;

use pastoral_keywords::{
    Audience, Dictionary, Engine, KeywordList, Provenance, Severity, Source, Term, Text, Topic, WhyNot,
    shipped,
};

/// The engine as schools run it.
fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::build_with(&shipped::lists().unwrap(), &Dictionary::shipped()).unwrap());
    &ENGINE
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
    let mut lists = shipped::lists().unwrap();
    lists.push(KeywordList::looking_for_help(&lists, Severity::MIN));
    for topic in Topic::ALL {
        assert!(
            lists
                .iter()
                .flat_map(|list| list.terms())
                .any(|term| term.topic == *topic),
            "{topic}"
        );
    }
}

#[test]
fn english_has_2500_terms_the_curriculum_600_phrases_and_each_other_language_60_terms_that_say_they_need_review()
 {
    let lists = shipped::lists().unwrap();
    let english = lists.iter().filter(|list| list.language == "en");
    let terms: usize = english.map(|list| list.terms().len()).sum();
    assert!(terms >= 2_500, "{terms} English terms");
    let curriculum = lists
        .iter()
        .find(|list| list.id == "pastoral-curriculum")
        .unwrap();
    let phrases: usize = curriculum
        .exceptions()
        .iter()
        .map(|exception| exception.phrases.len())
        .sum();
    assert!(phrases >= 600, "{phrases} phrases of the curriculum");
    for language in ["cy", "pl", "ur", "ar", "ro", "uk"] {
        let list = lists.iter().find(|list| list.language == language).unwrap();
        assert!(
            list.terms().len() >= 60,
            "{language}: {} terms",
            list.terms().len()
        );
        assert!(list.review.is_some(), "{language} is not marked for review");
    }
}

#[test]
fn every_list_of_terms_has_severities_for_each_age_of_pupil_and_some_have_for_staff() {
    for list in shipped::lists().unwrap() {
        for audience in [Audience::Ks1, Audience::Ks2, Audience::Secondary] {
            assert!(
                list.terms().is_empty() || list.terms().iter().any(|term| term.severity(audience).is_some()),
                "{} {audience}",
                list.id
            );
        }
    }
    let staff = |term: &Term| term.severity(Audience::Staff).is_some();
    assert!(
        shipped::lists()
            .unwrap()
            .iter()
            .flat_map(|list| list.terms())
            .any(staff)
    );
}

#[test]
fn every_spelling_is_found_in_a_sentence_for_each_of_its_audiences_and_for_no_other() {
    let engine = engine();
    for list in shipped::lists().unwrap() {
        for term in list.terms() {
            for spelling in &term.spellings {
                let beside = term.near.first().map_or("zzz", String::as_str);
                let text = format!("Zzz, {}; {beside}", spelling.to_uppercase());
                for audience in Audience::ALL {
                    let found = engine.find(&searched(&text, *audience));
                    let mut of_term = found.iter().filter(|found| {
                        (&found.list_id, &found.term_id) == (&list.id, &term.id) && found.term == *spelling
                    });
                    // Found once more, and longer, where what is near is also the word after its gap.
                    let own = if term.severity(*audience).is_some() {
                        of_term.find(|found| text[found.span.clone()] == spelling.to_uppercase())
                    } else {
                        of_term.next()
                    };
                    assert_eq!(
                        own.map(|found| found.severity),
                        term.severity(*audience),
                        "{spelling} {audience}"
                    );
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
                let mut exceptions = explanation.exceptions.iter();
                let mut apart = explanation.not_applied.iter();
                exceptions.any(|seen| seen.exception == *phrase && !seen.covers.is_empty())
                    // A word of the phrase already keeps the term from applying, wherever else it stands.
                    || apart.any(|term| term.list_id == list.id && term.why == WhyNot::Near)
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
        "samaritans for teachers",
        "education support helpline number",
        "am i being bullied at work",
        "bullying at work acas",
        "how to raise a grievance",
        "nasuwt strike dates",
        "neu ballot",
        "unison pension advice",
        "whistleblowing policy schools",
        "how to whistleblow about headteacher",
        "employment tribunal time limits",
        "constructive dismissal solicitor",
        "sexual harassment at work policy",
        "what counts as sexual harassment at work",
        "menopause symptoms nhs",
        "antidepressants and driving",
        "sertraline side effects",
        "citalopram alcohol",
        "depression self referral",
        "am i depressed quiz",
        "burnout teacher symptoms",
        "panic attack at work",
        "miscarriage leave entitlement",
        "abortion clinic near me",
        "erectile dysfunction treatment nhs",
        "breast lump when to worry",
        "smear test results",
        "hiv prep nhs",
        "sti test at home",
        "divorce solicitor free consultation",
        "domestic abuse help for women",
        "my husband hits me what can i do",
        "domestic violence refuge",
        "non molestation order how to",
        "gambling addiction support",
        "gamcare number",
        "alcoholics anonymous meetings near me",
        "how to stop drinking",
        "drug and alcohol support nhs",
        "how to stop smoking weed",
        "overdose first aid course",
        "codeine and alcohol",
        "is it safe to drink on tramadol",
        "paracetamol overdose first aid",
        "suicide prevention training for schools",
        "how to support a suicidal pupil",
        "self harm policy template",
        "supporting pupils who self harm",
        "eating disorders training teachers",
        "how to spot grooming",
        "county lines training slides",
        "prevent duty training",
        "prevent referral form",
        "radicalisation signs in pupils",
        "fgm mandatory reporting duty",
        "forced marriage guidance multi agency",
        "child protection conference notes",
        "how to record a disclosure",
        "KCSIE part 1 quiz",
        "sexting in schools guidance ukcis",
        "harmful sexual behaviour toolkit brook",
        "lado referral threshold",
        "allegation against teacher procedure",
        "how to report a colleague",
        "knife arch policy school",
        "drugs policy school template",
        "suspected drug use in school what to do",
        "vape detection policy",
        "porn awareness lesson year 10",
        "pornography talk for parents",
        "rse lesson pornography",
        "consent lesson plan ks4",
        "gambling lesson pshe",
        "legal highs assembly",
        "hate crime lesson",
        "racist incident log template",
        "homophobic bullying policy",
        "exclusion guidance",
        "weapons in school searching screening confiscation",
        "immigration lawyer near me",
        "benefits advice line",
        "debt help stepchange",
        "citizens advice bureau",
        "rape crisis for staff",
        "stalking help",
        "restraining order ex",
        "how to leave an abusive partner",
        "my ex is harassing me",
        "sleep problems",
        "i want to quit teaching",
        "i hate my job",
        "how to resign from teaching",
        "i can't cope with my workload",
        "stressed at work sick note",
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
how did Robin Williams die
killing time at the airport
how to kill bed bugs
how to get more kills in fortnite
shooting stars tonight uk
cherry bomb the runaways
diet coke and mentos experiment
how to make acid rain model
sexism in of mice and men
robin red breast
cock robin nursery rhyme
how to cut a butterfly cake
my uncle hit me for six at cricket
nerf gun mods
poison chalice macbeth
how did hitler rise to power
honour killing meaning law
poker hands maths probability
scar lion king
how does lennie kill the puppy
sexual dimorphism in birds
why did hitler hate the jews
how to make a gun in unity
dead poets society suicide
cs2 knife skins
i want to cut down on sugar
what happens after death in islam
what is the minimum calories for a hamster
my dad is strict
who did henry viii marry
secret garden chapter 1
he hit mum jokes
blade for cutting card
knife to a gunfight
gram of sugar calories
who has a knife in cluedo
";

/// Each place of such a text can be read in very many ways.
#[test]
fn a_long_text_of_single_letters_is_matched_to_its_end() {
    for unit in ["i ", "l l l m ", "k.i.l.l.m.y.", "#i-l!l "] {
        let text = unit.repeat(200_000 / unit.len()) + " how to kill myself";
        let found = engine().find(&searched(&text, Audience::Ks2));
        assert_eq!(found[0].severity, Severity::MAX, "{unit}");
    }
}
