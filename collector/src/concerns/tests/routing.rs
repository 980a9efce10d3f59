use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::{Duty, ReaderGroup};
use crate::concerns::routing::{About, Duties, Route, RoutingRule, RoutingRules, Subject, route};
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

const PEOPLE: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];

fn cast() -> impl Strategy<Value = Duties> {
    proptest::collection::vec((select(Duty::ALL.to_vec()), select(PEOPLE.to_vec())), 0..14).prop_map(|held| {
        let mut duties = Duties::default();
        for (duty, person) in held {
            duties.add(duty, person);
        }
        duties
    })
}

fn some_people() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set(select(PEOPLE.to_vec()).prop_map(String::from), 0..5)
}

fn subjects() -> impl Strategy<Value = Subject> {
    let person = proptest::option::of(select(PEOPLE.to_vec()).prop_map(String::from));
    (person, select(SubjectRole::ALL.to_vec())).prop_map(|(person, role)| Subject { person, role })
}

fn rules() -> impl Strategy<Value = RoutingRules> {
    let rule = (
        select(About::ALL.to_vec()),
        proptest::collection::vec(select(Kind::ALL), 0..3),
        proptest::collection::vec(select(Duty::ALL.to_vec()), 0..4),
    );
    proptest::collection::vec(rule, 0..4).prop_map(|written| {
        let mut rules = RoutingRules::default();
        for (about, kinds, readers) in written {
            // A rule that is refused changes nothing.
            let _refused = rules.add(RoutingRule {
                about,
                kinds,
                readers,
            });
        }
        rules
    })
}

fn duties(held: &[(Duty, &str)]) -> Duties {
    let mut duties = Duties::default();
    for (duty, person) in held {
        duties.add(*duty, *person);
    }
    duties
}

fn a_whole_school() -> Duties {
    duties(&[
        (Duty::Dsl, "dsl"),
        (Duty::Deputy, "deputy"),
        (Duty::Headteacher, "head"),
        (Duty::Chair, "chair"),
        (Duty::Independent, "outsider"),
        (Duty::Technician, "technician"),
    ])
}

fn usual(person: Option<&str>, role: SubjectRole, named: &[&str], duties: &Duties) -> Route {
    let subject = Subject {
        person: person.map(String::from),
        role,
    };
    let named = named.iter().map(|person| (*person).to_owned()).collect();
    route(
        &subject,
        Kind::Bullying,
        &named,
        &BTreeSet::new(),
        duties,
        &RoutingRules::default(),
    )
}

proptest! {
    /// INVARIANT 4, P20.
    #[test]
    fn nobody_reads_about_themselves_nor_what_names_them_nor_in_conflict(
        duties in cast(), subject in subjects(), named in some_people(), conflicts in some_people(),
        rules in rules(), kind in select(Kind::ALL),
    ) {
        let route = route(&subject, kind, &named, &conflicts, &duties, &rules);
        for reader in &route.readers {
            prop_assert_ne!(Some(reader), subject.person.as_ref());
            prop_assert!(!named.contains(reader) && !conflicts.contains(reader));
        }
        let distinct: BTreeSet<_> = route.readers.iter().collect();
        prop_assert_eq!(distinct.len(), route.readers.len());
    }

    /// INVARIANT 4: total. Without a reader only when nobody entitled is left, and then it is sealed to the safe.
    #[test]
    fn somebody_reads_as_long_as_anybody_entitled_is_left(
        duties in cast(), subject in subjects(), named in some_people(), conflicts in some_people(),
        rules in rules(), kind in select(Kind::ALL),
    ) {
        let route = route(&subject, kind, &named, &conflicts, &duties, &rules);
        prop_assert_eq!(route.readers.is_empty(), route.group == ReaderGroup::Safe);
        if route.readers.is_empty() {
            // The last in every chain.
            for duty in [Duty::Chair, Duty::Independent] {
                for person in duties.holders(duty) {
                    prop_assert!(
                        subject.person.as_ref() == Some(person) || named.contains(person) || conflicts.contains(person)
                    );
                }
            }
        }
    }

    /// Every reader's duty comes with the key that the content is sealed to; a technician's never does (P41).
    #[test]
    fn every_reader_holds_the_key(
        duties in cast(), subject in subjects(), named in some_people(), rules in rules(), kind in select(Kind::ALL),
    ) {
        let route = route(&subject, kind, &named, &BTreeSet::new(), &duties, &rules);
        for reader in &route.readers {
            let holds = Duty::ALL.into_iter()
                .any(|duty| duty.reader_groups().contains(&route.group) && duties.has(reader, duty));
            prop_assert!(holds, "{reader} does not hold {:?}", route.group);
        }
    }

    /// P20: with the usual rules the DSL reads nothing about staff.
    #[test]
    fn concerns_about_staff_stay_out_of_the_leads_queue(
        duties in cast(), named in some_people(), kind in select(Kind::ALL),
    ) {
        let subject = Subject { person: Some("somebody".into()), role: SubjectRole::Staff };
        let route = route(&subject, kind, &named, &BTreeSet::new(), &duties, &RoutingRules::default());
        for reader in &route.readers {
            let entitled = [Duty::Headteacher, Duty::Chair, Duty::Independent];
            prop_assert!(entitled.into_iter().any(|duty| duties.has(reader, duty)));
        }
    }
}

#[test]
fn a_pupils_concern_is_read_by_lead_deputy_and_headteacher_in_that_order() {
    let route = usual(Some("pupil"), SubjectRole::Pupil, &[], &a_whole_school());
    assert_eq!(
        route,
        Route {
            group: ReaderGroup::Pupil,
            readers: vec!["dsl".into(), "deputy".into(), "head".into()]
        }
    );
}

/// P20.
#[test]
fn a_staff_concern_goes_to_the_headteacher_and_about_the_headteacher_to_the_chair() {
    let school = a_whole_school();
    let staff = usual(Some("teacher"), SubjectRole::Staff, &[], &school);
    assert_eq!(
        staff,
        Route {
            group: ReaderGroup::Staff,
            readers: vec!["head".into()]
        }
    );
    let lead = usual(Some("dsl"), SubjectRole::Staff, &[], &school);
    assert_eq!(
        lead,
        Route {
            group: ReaderGroup::Staff,
            readers: vec!["head".into()]
        }
    );
    let head = usual(Some("head"), SubjectRole::Staff, &[], &school);
    assert_eq!(
        head,
        Route {
            group: ReaderGroup::Head,
            readers: vec!["chair".into()]
        }
    );
    let chair = usual(Some("chair"), SubjectRole::Governor, &[], &school);
    assert_eq!(
        chair,
        Route {
            group: ReaderGroup::Staff,
            readers: vec!["head".into()]
        }
    );
}

/// P20: a title that names a reviewer goes to the next entitled person.
#[test]
fn what_names_a_reader_goes_to_the_next() {
    let school = a_whole_school();
    let named = usual(Some("pupil"), SubjectRole::Pupil, &["dsl", "head"], &school);
    assert_eq!(named.readers, ["deputy"]);
    let all = usual(
        Some("pupil"),
        SubjectRole::Pupil,
        &["dsl", "deputy", "head"],
        &school,
    );
    assert_eq!(
        all,
        Route {
            group: ReaderGroup::Head,
            readers: vec!["chair".into()]
        }
    );
    let everybody = usual(
        Some("pupil"),
        SubjectRole::Pupil,
        &["dsl", "deputy", "head", "chair", "outsider"],
        &school,
    );
    assert_eq!(
        everybody,
        Route {
            group: ReaderGroup::Safe,
            readers: vec![]
        }
    );
}

#[test]
fn an_unknown_account_goes_by_its_device() {
    let school = a_whole_school();
    assert_eq!(
        usual(None, SubjectRole::UnknownPupil, &[], &school).group,
        ReaderGroup::Pupil
    );
    assert_eq!(
        usual(None, SubjectRole::UnknownAdult, &[], &school).readers,
        ["head"]
    );
}

/// A head who is also the lead still is nobody's judge in their own case.
#[test]
fn a_duty_counts_before_a_role() {
    let small = duties(&[
        (Duty::Dsl, "head"),
        (Duty::Headteacher, "head"),
        (Duty::Chair, "chair"),
    ]);
    assert_eq!(
        usual(Some("head"), SubjectRole::Staff, &[], &small).readers,
        ["chair"]
    );
    assert_eq!(
        usual(Some("head"), SubjectRole::Pupil, &[], &small).readers,
        ["chair"]
    );
}

/// INVARIANT 6: unusual routing is checked before it is accepted.
#[test]
fn a_rule_that_would_show_a_concern_to_its_subject_or_to_nobody_is_refused() {
    let refused = |about, readers: &[Duty]| {
        let mut rules = RoutingRules::default();
        rules
            .add(RoutingRule {
                about,
                kinds: vec![],
                readers: readers.to_vec(),
            })
            .is_err()
    };
    assert!(refused(About::Headteacher, &[Duty::Headteacher]));
    assert!(refused(About::Headteacher, &[Duty::Dsl]));
    assert!(refused(About::Chair, &[Duty::Chair]));
    assert!(refused(About::Pupil, &[Duty::Technician]));
    assert!(refused(About::Pupil, &[]));
    assert!(refused(About::Pupil, &[Duty::Dsl, Duty::Chair]));
    assert!(!refused(About::Pupil, &[Duty::Headteacher, Duty::Dsl]));
    assert!(!refused(About::Staff, &[Duty::Headteacher, Duty::Dsl]));
}
