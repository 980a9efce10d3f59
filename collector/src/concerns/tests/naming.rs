use crate::concerns::kind::SubjectRole;
use crate::concerns::model::Duty;
use crate::concerns::naming::Strength::{Certain, Strong, Weak};
use crate::concerns::naming::{Adult, Circumstances, Names, Strength, duties_in};
use pastoral_keywords::{Provenance, Topic};
use proptest::prelude::*;

fn adult(person_id: &str, given: &str, family: &str) -> Adult {
    Adult {
        person_id: person_id.into(),
        given: given.into(),
        family: family.into(),
    }
}

/// Four readers, and others; `harper` has a pupil of the same family name.
fn names() -> Names {
    let adults = [
        adult("ash", "Anna Maria", "Ashdown"),
        adult("lee", "Jo", "Lee"),
        adult("obrien", "Siân", "O'Brien-Núñez"),
        adult("kov", "Mila", "Kovač"),
        adult("long", "May", "Long"),
        adult("price", "Rhys", "Price"),
        adult("duncan", "Fiona", "Duncan"),
        adult("lincoln", "Abel", "Lincoln"),
        adult("hathersage", "Hugo", "Hathersage"),
        adult("okonkwo", "Ada", "Okonkwo"),
        adult("one", "", "Suharto"),
        adult("wang", "伟", "王"),
        adult("shev", "Олена", "Шевченко"),
        adult("half", "Elizabeth (Liz)", "Ng-Fairbrother"),
        adult("clan", "Isla", "MacDermott"),
        adult("grace", "Grace", "van der Berg"),
    ];
    Names::new(&adults, ["Pip", "Okonkwo", "Grace"])
}

const READERS: [&str; 5] = ["ash", "hathersage", "kov", "obrien", "price"];

const PUPIL: Circumstances = Circumstances {
    by_adult: false,
    provenance: Provenance::Typed,
    of_abuse: false,
};
const OF_ABUSE: Circumstances = Circumstances {
    of_abuse: true,
    ..PUPIL
};
const PAGE: Circumstances = Circumstances {
    provenance: Provenance::Page,
    ..OF_ABUSE
};
const FILE: Circumstances = Circumstances {
    provenance: Provenance::Medium,
    ..OF_ABUSE
};
const STAFF: Circumstances = Circumstances {
    by_adult: true,
    ..PUPIL
};
const STAFF_PAGE: Circumstances = Circumstances {
    by_adult: true,
    ..PAGE
};

fn named(text: &str, circumstances: &Circumstances) -> Vec<(String, Strength)> {
    let is_reader = |person: &str| READERS.contains(&person);
    names()
        .named_in(text, circumstances, is_reader)
        .into_iter()
        .collect()
}

/// The table of ADR 9, with the case that each line wins and those that it loses.
#[test]
fn how_strongly_a_text_names_an_adult() {
    let one: [(&str, &Circumstances, &str, Strength); 45] = [
        // Title or given name with the family name.
        ("i hate mrs ashdown", &PUPIL, "ash", Certain),
        ("anna ashdown", &PUPIL, "ash", Certain),
        ("Ashdown, Anna", &PUPIL, "ash", Certain),
        ("mrsashdown", &PUPIL, "ash", Certain),
        ("mr lee is mean", &PUPIL, "lee", Certain),
        ("mrs price keeps me behind", &PUPIL, "price", Certain),
        ("Mrs O’Brien-Núñez", &PUPIL, "obrien", Certain),
        ("mrs nunez shouted", &PUPIL, "obrien", Certain),
        ("ms o brien nunez", &PUPIL, "obrien", Certain),
        ("mr suharto", &PUPIL, "one", Certain),
        ("王伟老师打我", &PUPIL, "wang", Certain),
        ("Олена Шевченко", &PUPIL, "shev", Certain),
        ("what mrs ashdown did.docx", &FILE, "ash", Certain),
        // Half of a double name, short or not; a nickname in brackets; apostrophes of any kind; Mac and Mc.
        ("mr ng shouted", &PUPIL, "half", Certain),
        ("mrs fairbrother", &PUPIL, "half", Certain),
        ("liz fairbrother", &PUPIL, "half", Certain),
        ("mrs ng‑fairbrother’s room", &PUPIL, "half", Certain),
        ("mrs o‘brien shouted", &PUPIL, "obrien", Certain),
        ("mrs o`brien-nunez", &PUPIL, "obrien", Certain),
        ("miss mcdermott", &PUPIL, "clan", Certain),
        ("miss mc dermott", &PUPIL, "clan", Certain),
        ("mcdermott hit me", &OF_ABUSE, "clan", Strong),
        // Title and given name.
        ("miss anna hit me", &OF_ABUSE, "ash", Weak),
        ("mr hugo is mean", &PUPIL, "hathersage", Weak),
        ("mrs liz", &STAFF, "half", Weak),
        ("mrs grace shouted", &PUPIL, "grace", Weak),
        // A family name alone.
        ("where does ashdown live", &PUPIL, "ash", Weak),
        ("ashdowns class", &PUPIL, "ash", Weak),
        ("шевченко", &PUPIL, "shev", Weak),
        // Beside a pupil's words of abuse.
        ("ashdown touches me", &OF_ABUSE, "ash", Strong),
        ("ashdown touches me.docx", &FILE, "ash", Weak),
        // It is also an ordinary word, a place, of a set text, a pupil's.
        ("how long has he hit me", &OF_ABUSE, "long", Weak),
        ("the price of telling", &OF_ABUSE, "price", Weak),
        ("raped in lincoln", &OF_ABUSE, "lincoln", Weak),
        ("macbeth murders duncan", &OF_ABUSE, "duncan", Weak),
        ("okonkwo hit me", &OF_ABUSE, "okonkwo", Weak),
        // So are both its words; but not beside abuse.
        ("it may long for rain", &PUPIL, "long", Weak),
        ("i miss long days", &PUPIL, "long", Weak),
        ("may long hurts me", &OF_ABUSE, "long", Strong),
        // Page-written.
        ("Mrs Ashdown - staff page", &PAGE, "ash", Weak),
        ("Mrs Ashdown - staff page", &STAFF_PAGE, "ash", Weak),
        // All that staff write about each other, but for what is no name at all.
        ("ashdown is useless", &STAFF, "ash", Strong),
        ("okonkwo is useless", &STAFF, "okonkwo", Strong),
        ("mr price is useless", &STAFF, "price", Certain),
        ("price list", &STAFF, "price", Weak),
    ];
    for (text, circumstances, person, strength) in one {
        assert_eq!(
            named(text, circumstances),
            [(person.to_owned(), strength)],
            "{text}, {circumstances:?}"
        );
    }
}

#[test]
fn a_list_of_readers_names_nobody_for_sure_but_those_accused_by_title() {
    let all = |text: &str, circumstances: &Circumstances| -> Vec<Strength> {
        named(text, circumstances)
            .into_iter()
            .map(|(_, strength)| strength)
            .collect()
    };
    let surnames = "ashdown hathersage kovac obrien nunez";
    assert_eq!(all(surnames, &PUPIL), [Weak; 4]);
    assert_eq!(all(surnames, &OF_ABUSE), [Weak; 4]);
    let titles = "mrs ashdown, mr hathersage, ms kovac";
    assert_eq!(all(titles, &PUPIL), [Weak; 3]);
    assert_eq!(all(titles, &OF_ABUSE), [Certain; 3]);
    assert_eq!(
        all("Safeguarding team: Mrs Ashdown, Mr Hathersage, Ms Kovač", &PAGE),
        [Weak; 3]
    );
    // Two are no list.
    assert_eq!(all("mrs ashdown and mr hathersage", &PUPIL), [Certain; 2]);
    assert_eq!(all("mrs ashdown and mr lee", &PUPIL), [Certain; 2]);
}

#[test]
fn short_family_names_alone_and_parts_of_words_name_nobody() {
    for text in [
        "bruce lee films",
        "sleep",
        "ashdowner",
        "anna",
        "",
        "mr",
        "ash down the hill",
        "王",
        "ng",
        "mr van",
        "i miss grace",
        "sir hit me",
        "liz",
    ] {
        assert!(named(text, &STAFF).is_empty(), "{text}");
    }
}

#[test]
fn whoever_holds_a_duty_is_perhaps_meant_where_it_is_written_of() {
    let of = |text: &str, circumstances: &Circumstances| -> Vec<Duty> {
        duties_in(text, circumstances).into_iter().collect()
    };
    for text in [
        "the headteacher hit me",
        "Head teacher’s office",
        "our principal touches me",
    ] {
        assert_eq!(of(text, &OF_ABUSE), [Duty::Headteacher], "{text}");
    }
    assert_eq!(of("the chair of governors is useless", &STAFF), [Duty::Chair]);
    assert_eq!(of("our safeguarding lead drinks", &STAFF), [Duty::Dsl]);
    for (text, circumstances) in [
        ("how to become a headteacher", &PUPIL),
        ("Headteacher’s welcome", &PAGE),
        ("Headteacher’s welcome", &STAFF_PAGE),
        ("the deputy headteacher hit me", &OF_ABUSE),
        ("he hit my head, teacher", &PUPIL),
        ("principal components", &STAFF),
        ("a chair of the dining room", &STAFF),
    ] {
        assert!(of(text, circumstances).is_empty(), "{text}");
    }
}

#[test]
fn what_matched_decides_whether_a_pupil_writes_of_abuse() {
    let of = |role, topic| Circumstances::of(role, Provenance::Typed, [topic]);
    assert!(of(SubjectRole::Pupil, Topic::Grooming).of_abuse);
    assert!(!of(SubjectRole::Pupil, Topic::Suicide).of_abuse);
    assert!(!of(SubjectRole::UnknownPupil, Topic::Bullying).by_adult);
    for role in [
        SubjectRole::Staff,
        SubjectRole::Governor,
        SubjectRole::Outside,
        SubjectRole::UnknownAdult,
    ] {
        assert!(of(role, Topic::Bullying).by_adult);
    }
}

proptest! {
    #[test]
    fn a_name_is_found_wherever_it_stands(before in "[ .!?a-z]{0,20}", after in "[ .!?a-z]{0,20}") {
        let text = format!("{before} Mrs Ashdown {after}");
        prop_assert!(named(&text, &PUPIL).contains(&("ash".to_owned(), Certain)));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = named(&text, &PUPIL);
    }
}
