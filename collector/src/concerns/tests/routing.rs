use crate::concerns::kind::{Kind, SubjectRole};
use crate::concerns::model::{Duty, ReaderGroup};
use crate::concerns::naming::{Named, Strength};
use crate::concerns::routing::{About, Duties, Reason, Route, RoutingRule, RoutingRules, Subject, route};
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

fn names() -> impl Strategy<Value = Named> {
    let strengths = select(vec![Strength::Weak, Strength::Strong, Strength::Certain]);
    proptest::collection::btree_map(select(PEOPLE.to_vec()).prop_map(String::from), strengths, 0..7)
}

fn subjects() -> impl Strategy<Value = Subject> {
    let person = proptest::option::of(select(PEOPLE.to_vec()).prop_map(String::from));
    (person, select(SubjectRole::ALL.to_vec())).prop_map(|(person, role)| Subject { person, role })
}

fn rules() -> impl Strategy<Value = RoutingRules> {
    let rule = (
        select(About::ALL.to_vec()),
        proptest::collection::vec(select(&Kind::ALL[..]), 0..3),
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
    let named: Vec<_> = named.iter().map(|person| (*person, Strength::Certain)).collect();
    with_names(person, role, &named, duties)
}

fn with_names(person: Option<&str>, role: SubjectRole, named: &[(&str, Strength)], duties: &Duties) -> Route {
    let subject = Subject {
        person: person.map(String::from),
        role,
    };
    let named = named
        .iter()
        .map(|(person, strength)| ((*person).to_owned(), *strength))
        .collect();
    route(
        &subject,
        Kind::Bullying,
        &named,
        &BTreeSet::new(),
        duties,
        &RoutingRules::default(),
    )
}

fn read_by(group: ReaderGroup, readers: &[&str]) -> Route {
    Route {
        group,
        also: None,
        readers: readers.iter().map(|person| (*person).to_owned()).collect(),
        doubtful: BTreeSet::new(),
        reason: Reason::Usual,
    }
}

/// Who reads at all and is neither the subject, nor named beyond doubt, nor in conflict.
fn clear(duties: &Duties, subject: &Subject, named: &Named, conflicts: &BTreeSet<String>) -> Vec<String> {
    let is_clear = |person: &&str| {
        duties.is_reader(person)
            && subject.person.as_deref() != Some(*person)
            && !named.get(*person).is_some_and(|strength| strength.removes())
            && !conflicts.contains(*person)
    };
    PEOPLE
        .iter()
        .copied()
        .filter(is_clear)
        .map(String::from)
        .collect()
}

proptest! {
    /// INVARIANT 4, P20. Nobody reads about themselves; nobody who is named beyond doubt or in conflict reads as long as
    /// anybody else reads at all.
    #[test]
    fn nobody_reads_about_themselves_nor_what_names_them_nor_in_conflict(
        duties in cast(), subject in subjects(), named in names(), conflicts in some_people(),
        rules in rules(), kind in select(&Kind::ALL[..]),
    ) {
        let route = route(&subject, kind, &named, &conflicts, &duties, &rules);
        let clear = clear(&duties, &subject, &named, &conflicts);
        for reader in &route.readers {
            prop_assert_ne!(Some(reader), subject.person.as_ref());
            prop_assert!(clear.is_empty() || clear.contains(reader), "{reader}: {clear:?}");
        }
        let distinct: BTreeSet<_> = route.readers.iter().collect();
        prop_assert_eq!(distinct.len(), route.readers.len());
    }

    /// INVARIANT 4: total, and never empty while anybody but the subject reads at all, whoever is named and in conflict.
    #[test]
    fn a_route_is_never_empty_while_anybody_but_the_subject_reads(
        duties in cast(), subject in subjects(), named in names(), conflicts in some_people(),
        rules in rules(), kind in select(&Kind::ALL[..]),
    ) {
        let route = route(&subject, kind, &named, &conflicts, &duties, &rules);
        let others = PEOPLE.iter().any(|person| duties.is_reader(person) && subject.person.as_deref() != Some(*person));
        prop_assert_eq!(route.readers.is_empty(), !others);
        prop_assert_eq!(route.readers.is_empty(), route.group == ReaderGroup::Safe);
    }

    /// Who may be meant is among the readers, marked, and has somebody beside them who is not, where there is anybody.
    #[test]
    fn whoever_may_be_meant_is_not_left_alone_with_it(
        duties in cast(), subject in subjects(), named in names(), conflicts in some_people(),
        rules in rules(), kind in select(&Kind::ALL[..]),
    ) {
        let route = route(&subject, kind, &named, &conflicts, &duties, &rules);
        for reader in &route.readers {
            if named.contains_key(reader) || conflicts.contains(reader) {
                prop_assert!(route.doubtful.contains(reader));
            }
        }
        if let Some(first) = route.readers.first() && route.doubtful.contains(first) && route.reason != Reason::Last {
            let fit = |person: &String| !named.contains_key(person) && !conflicts.contains(person);
            let in_chain = [Duty::Chair, Duty::Independent];
            let left = in_chain.iter().flat_map(|duty| duties.holders(*duty))
                .any(|person| fit(person) && subject.person.as_ref() != Some(person));
            prop_assert!(!left || route.readers.get(1).is_some_and(fit), "{route:?}");
        }
    }

    /// Every reader's duty comes with a key that the content is sealed to; a technician's never does (P41).
    #[test]
    fn every_reader_holds_the_key(
        duties in cast(), subject in subjects(), named in names(), rules in rules(), kind in select(&Kind::ALL[..]),
    ) {
        let route = route(&subject, kind, &named, &BTreeSet::new(), &duties, &rules);
        for reader in &route.readers {
            let holds = Duty::ALL.into_iter().any(|duty| {
                route.sealed_to().groups().any(|group| duty.reader_groups().contains(&group)) && duties.has(reader, duty)
            });
            prop_assert!(holds, "{reader} does not hold {:?}", route.sealed_to());
        }
    }

    /// P20: with the usual rules the DSL reads nothing about staff while anybody else may.
    #[test]
    fn concerns_about_staff_stay_out_of_the_leads_queue(
        duties in cast(), named in names(), kind in select(&Kind::ALL[..]),
    ) {
        let subject = Subject { person: Some("somebody".into()), role: SubjectRole::Staff };
        let route = route(&subject, kind, &named, &BTreeSet::new(), &duties, &RoutingRules::default());
        let entitled = [Duty::Headteacher, Duty::Chair, Duty::Independent];
        for reader in &route.readers {
            prop_assert!(
                route.reason == Reason::Last || entitled.into_iter().any(|duty| duties.has(reader, duty))
            );
        }
        let clear = clear(&duties, &subject, &named, &BTreeSet::new());
        let is_left = clear.iter().any(|person| entitled.into_iter().any(|duty| duties.has(person, duty)));
        prop_assert!(!is_left || route.reason != Reason::Last);
    }
}

#[test]
fn a_pupils_concern_is_read_by_lead_deputy_and_headteacher_in_that_order() {
    let route = usual(Some("pupil"), SubjectRole::Pupil, &[], &a_whole_school());
    assert_eq!(route, read_by(ReaderGroup::Pupil, &["dsl", "deputy", "head"]));
}

/// P20.
#[test]
fn a_staff_concern_goes_to_the_headteacher_and_about_the_headteacher_to_the_chair() {
    let school = a_whole_school();
    let staff = usual(Some("teacher"), SubjectRole::Staff, &[], &school);
    assert_eq!(staff, read_by(ReaderGroup::Staff, &["head"]));
    let lead = usual(Some("dsl"), SubjectRole::Staff, &[], &school);
    assert_eq!(lead, read_by(ReaderGroup::Staff, &["head"]));
    let head = usual(Some("head"), SubjectRole::Staff, &[], &school);
    assert_eq!(head, read_by(ReaderGroup::Head, &["chair"]));
    let chair = usual(Some("chair"), SubjectRole::Governor, &[], &school);
    assert_eq!(chair, read_by(ReaderGroup::Staff, &["head"]));
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
            reason: Reason::Next,
            ..read_by(ReaderGroup::Head, &["chair"])
        }
    );
    assert_eq!(named.reason, Reason::Narrowed);
}

/// A text that names everybody beyond doubt has a reader all the same, who is named least, and never its subject.
#[test]
fn what_names_everybody_goes_to_the_independent_reader_else_to_whoever_is_named_least() {
    use Strength::{Certain, Strong};
    let all = |held: &[(&str, Strength)]| {
        let mut school = a_whole_school();
        if !held.iter().any(|(person, _)| *person == "outsider") {
            school = duties(&[
                (Duty::Dsl, "dsl"),
                (Duty::Deputy, "deputy"),
                (Duty::Headteacher, "head"),
                (Duty::Chair, "chair"),
            ]);
        }
        with_names(Some("pupil"), SubjectRole::Pupil, held, &school)
    };
    let four = [
        ("dsl", Certain),
        ("deputy", Certain),
        ("head", Certain),
        ("chair", Certain),
    ];
    let independent = usual(
        Some("pupil"),
        SubjectRole::Pupil,
        &["dsl", "deputy", "head", "chair"],
        &a_whole_school(),
    );
    assert_eq!(independent.readers, ["outsider"]);
    assert_eq!(
        (independent.reason, independent.doubtful.len()),
        (Reason::Next, 0)
    );
    let furthest = all(&four);
    assert_eq!(
        (furthest.readers.as_slice(), furthest.group),
        (&["chair".to_owned()][..], ReaderGroup::Head)
    );
    assert_eq!(furthest.reason, Reason::Last);
    assert!(furthest.doubtful.contains("chair"));
    let least = all(&[
        ("dsl", Certain),
        ("deputy", Strong),
        ("head", Certain),
        ("chair", Certain),
    ]);
    assert_eq!(
        (least.readers.as_slice(), least.group),
        (&["deputy".to_owned()][..], ReaderGroup::Pupil)
    );
    let five = [
        ("dsl", Certain),
        ("deputy", Certain),
        ("head", Certain),
        ("chair", Certain),
        ("outsider", Strong),
    ];
    assert_eq!(all(&five).readers, ["outsider"]);
    // The least named is its subject.
    let school = duties(&[(Duty::Dsl, "dsl"), (Duty::Headteacher, "head")]);
    let about_lead = with_names(Some("dsl"), SubjectRole::Staff, &[("head", Certain)], &school);
    assert_eq!(about_lead.readers, ["head"]);
}

/// A pupil's search that holds all surnames, or a page "Safeguarding team: …", takes nobody away.
#[test]
fn who_is_perhaps_named_stays_and_the_next_who_is_not_reads_beside_them() {
    use Strength::Weak;
    let school = a_whole_school();
    let pupils = |named: &[(&str, Strength)]| with_names(Some("pupil"), SubjectRole::Pupil, named, &school);
    let lead = pupils(&[("dsl", Weak)]);
    assert_eq!(lead.readers, ["dsl", "deputy", "head"]);
    assert_eq!((lead.reason, lead.also), (Reason::Perhaps, None));
    let two = pupils(&[("dsl", Weak), ("deputy", Weak)]);
    assert_eq!(two.readers, ["dsl", "head", "deputy"]);
    let tier = pupils(&[("dsl", Weak), ("deputy", Weak), ("head", Weak)]);
    assert_eq!(tier.readers, ["dsl", "chair", "deputy", "head"]);
    assert_eq!(
        (tier.group, tier.also),
        (ReaderGroup::Pupil, Some(ReaderGroup::Head))
    );
    let four = pupils(&[("dsl", Weak), ("deputy", Weak), ("head", Weak), ("chair", Weak)]);
    assert_eq!(four.readers, ["dsl", "outsider", "deputy", "head"]);
    assert!(!four.doubtful.contains("outsider") && four.doubtful.len() == 3);
    let staff = with_names(Some("teacher"), SubjectRole::Staff, &[("head", Weak)], &school);
    assert_eq!(staff.readers, ["head", "chair"]);
    assert_eq!(
        (staff.group, staff.also),
        (ReaderGroup::Staff, Some(ReaderGroup::Head))
    );
    // Who is told later than somebody who is not named changes nothing.
    let second = pupils(&[("deputy", Weak)]);
    assert_eq!((second.readers.len(), second.reason), (3, Reason::Usual));
    assert!(second.doubtful.contains("deputy"));
}

/// Two readers who may not read about each other, and the only one there is.
#[test]
fn conflicts_that_leave_nobody_do_not_leave_a_concern_without_a_reader() {
    let in_conflict = |person: &str, role, duties: &Duties, conflicts: &[&str]| {
        let subject = Subject {
            person: Some(person.into()),
            role,
        };
        let conflicts = conflicts.iter().map(|person| (*person).to_owned()).collect();
        let rules = RoutingRules::default();
        route(
            &subject,
            Kind::StaffMisuse,
            &Named::new(),
            &conflicts,
            duties,
            &rules,
        )
    };
    let two = duties(&[(Duty::Headteacher, "head"), (Duty::Chair, "chair")]);
    let about_head = in_conflict("head", SubjectRole::Staff, &two, &["chair"]);
    assert_eq!(
        (about_head.readers.as_slice(), about_head.reason),
        (&["chair".to_owned()][..], Reason::Last)
    );
    assert_eq!(
        in_conflict("chair", SubjectRole::Governor, &two, &["head"]).readers,
        ["head"]
    );
    let one = duties(&[(Duty::Dsl, "dsl")]);
    assert_eq!(
        in_conflict("pupil", SubjectRole::Pupil, &one, &["dsl"]).readers,
        ["dsl"]
    );
    let about_lead = in_conflict("dsl", SubjectRole::Staff, &one, &[]);
    assert_eq!(
        (about_lead.readers.len(), about_lead.group),
        (0, ReaderGroup::Safe)
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
