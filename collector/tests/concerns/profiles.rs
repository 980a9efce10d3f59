//! The five schools as profiles (POLICY.md), and what becomes of a broken one.

use crate::school::{Concern, SCHOOL, School, monday};
use jiff::Timestamp;
use pastoral_collector::concerns::category::Rung;
use pastoral_collector::concerns::escalation::OutsideCover;
use pastoral_collector::concerns::kind::{Kind, SubjectRole};
use pastoral_collector::concerns::model::{Duty, ReaderGroup};
use pastoral_collector::concerns::naming::Named;
use pastoral_collector::concerns::routing::{Duties, Route, Subject, route};
use pastoral_collector::profile::{ContactRole, Profile, ProfileError, SHIPPED, Users};
use pastoral_collector::store::profile::accept;
use pastoral_collector::telling::Telling;
use pastoral_keywords::Severity;
use std::collections::BTreeSet;
use std::sync::Arc;

fn shipped(name: &str) -> Profile {
    Profile::parse(Profile::shipped(name).unwrap(), name).unwrap()
}

fn routed(profile: &Profile, person: &str, role: SubjectRole, kind: Kind) -> Route {
    let mut duties = Duties::default();
    for duty in Duty::ALL {
        duties.add(duty, duty.code());
    }
    let subject = Subject {
        person: Some(person.into()),
        role,
    };
    route(
        &subject,
        kind,
        &Named::new(),
        &BTreeSet::new(),
        &duties,
        &profile.routing,
    )
}

#[test]
fn every_shipped_profile_is_accepted_and_waits_for_the_school_to_confirm() {
    assert_eq!(SHIPPED.len(), 5);
    for (name, _) in SHIPPED {
        let profile = shipped(name);
        assert_eq!(&profile.name, name);
        assert!(
            profile
                .group("pupils")
                .is_some_and(|group| group.users == Users::Pupils)
        );
        assert!(!profile.contacts.is_empty() && profile.contacts.iter().all(|contact| !contact.confirmed));
        let missing = profile.accountability_missing().join(" ");
        for needed in [
            "data_protection_officer",
            "assessment_date",
            "lawful_basis",
            "on_call",
        ] {
            assert!(missing.contains(needed), "{name}: {missing}");
        }
        // P19: serious ones immediately, whatever the hour.
        for severity in [4, 5] {
            let plan = profile.plan(Severity::try_from(severity).unwrap());
            assert_eq!(plan.outside_cover, OutsideCover::TellAtOnce);
        }
    }
}

/// P13, P21, P39.
#[test]
fn purley_oaks_locks_after_10_and_30_minutes_and_has_its_ladders_and_90_day_passwords() {
    let profile = shipped("purley-oaks");
    assert_eq!(profile.group("administration").unwrap().lock_after_minutes, 10);
    assert_eq!(profile.group("pupils").unwrap().lock_after_minutes, 30);
    let codes = |ladder: &[Rung]| ladder.iter().map(|rung| rung.code).collect::<String>();
    assert_eq!(
        (codes(&profile.ladders.pupil), codes(&profile.ladders.staff)),
        ("ABCD".into(), "AB".into())
    );
    assert_eq!(profile.handling.password_days, Some(90));
    for role in ContactRole::for_kind(Kind::IndecentImages) {
        assert!(
            profile.contacts.iter().any(|contact| contact.role == *role),
            "{}",
            role.label()
        );
    }
    assert!(
        profile.cover.is_open(
            "2026-11-23T10:00:00Z"
                .parse::<Timestamp>()
                .unwrap()
                .as_millisecond()
        )
    );
}

/// P18: three leads, told together; P20: about indecent images on an adult's account the leads are told too.
#[test]
fn st_marks_tells_its_three_leads_together() {
    let profile = shipped("st-marks");
    assert_eq!(profile.plan(Severity::MIN).tell_first, 3);
    let images = routed(&profile, "teacher", SubjectRole::Staff, Kind::IndecentImages);
    assert_eq!(images.readers, ["headteacher", "dsl"]);
    assert_eq!(
        routed(&profile, "teacher", SubjectRole::Staff, Kind::StaffMisuse).readers,
        ["headteacher"]
    );
    // Never about the lead to the lead, nor sealed to a key that the lead holds.
    let lead = routed(&profile, "dsl", SubjectRole::Staff, Kind::IndecentImages);
    assert_eq!((lead.group, lead.also), (ReaderGroup::Staff, None));
    assert_eq!(lead.readers, ["headteacher"]);
}

/// P18: leads and deputies share the queue.
#[test]
fn ashover_tells_lead_and_deputy_together() {
    assert_eq!(shipped("ashover").plan(Severity::MIN).tell_first, 2);
}

/// P18, P27, P39.
#[test]
fn somerset_reports_to_the_headteacher_first_and_closes_nothing_alone() {
    let profile = shipped("somerset");
    let pupil = routed(&profile, "pupil", SubjectRole::Pupil, Kind::Bullying);
    assert_eq!((pupil.group, pupil.also), (ReaderGroup::Pupil, None));
    assert_eq!(pupil.readers, ["headteacher", "dsl", "deputy"]);
    assert_eq!(profile.handling.second_person_from, Severity::MIN);
    assert_eq!(profile.handling.password_days, Some(60));
}

/// P3: KS1 and KS2; P18: one lead.
#[test]
fn skerton_st_lukes_has_ks1_and_ks2_and_one_lead() {
    let profile = shipped("skerton-st-lukes");
    assert_eq!(profile.phases.len(), 2);
    assert_eq!(profile.plan(Severity::MIN).tell_first, 1);
    assert!(
        profile
            .contacts
            .iter()
            .any(|contact| contact.name.contains("Lancashire"))
    );
}

fn broken(from: &str, to: &str) -> (ProfileError, usize) {
    let good = Profile::shipped("purley-oaks").unwrap();
    assert!(good.contains(from), "{from}");
    let line = 1 + good[..good.find(from).unwrap()].matches('\n').count();
    let error = Profile::parse(&good.replacen(from, to, 1), "school.toml").unwrap_err();
    (error, line)
}

/// INVARIANT 6: file, line and what to write instead.
#[test]
fn a_broken_profile_is_refused_with_file_line_and_what_to_write_instead() {
    for (from, to, instead) in [
        (
            "time_zone = \"Europe/London\"",
            "time_zone = \"Europe/Croydon\"",
            "Europe/London",
        ),
        ("phases = [\"ks1\", \"ks2\"]", "phases = [\"ks9\"]", "one of ks1"),
        ("grouping_window_hours = 24", "grouping_window_hours = 0", "24"),
        ("lock_after_minutes = 30", "lock_after_hours = 1", "one of"),
        ("days = [\"monday\"", "days = [\"mondag\"", "monday"),
        ("to = 17:00:00", "to = 07:00:00", "16:30:00"),
        ("severity = 5", "severity = 6", "severity = 1"),
        ("tell_first = 2", "tell_first = 0", "tell_first = 1"),
        (
            "outside_cover = \"tell-at-once\"",
            "outside_cover = \"sleep\"",
            "wait-for-cover",
        ),
        (
            "topics = [\"gaming\", \"messaging\"]",
            "topics = [\"gaming\", \"self-harm\"]",
            "without it",
        ),
        ("code = \"B\"", "code = \"C\"", "code = \"B\""),
        ("role = \"lado\"", "role = \"lada\"", "one of"),
        (
            "second_person_from_severity = 4",
            "second_person_from_severity = 5",
            "second_person_from_severity = 4",
        ),
        (
            "retention_days = 365",
            "retention_days = 7",
            "retention_days = 365",
        ),
        (
            "retention_days = 365",
            "on_call = [\"somebody\"]",
            "lead@school.example",
        ),
        ("retention_days = 365", "assessment_date = \"soon\"", ""),
    ] {
        let (error, line) = broken(from, to);
        assert_eq!(
            (error.file.as_str(), error.line),
            ("school.toml", line),
            "{error}"
        );
        assert!(
            error.instead.contains(instead) && !error.instead.is_empty(),
            "{error}"
        );
    }
}

/// INVARIANT 4, 6: unusual routing is checked to be total before it is accepted.
#[test]
fn routing_that_would_show_somebody_their_own_concern_is_refused_with_its_line() {
    let rule = "[[routing]]\nabout = \"headteacher\"\nreaders = [\"dsl\"]\n\n[handling]";
    let (error, line) = broken("[handling]", rule);
    assert_eq!(error.line, line, "{error}");
    assert!(error.fault.contains("holds the key"), "{error}");
}

#[test]
fn a_severity_without_a_plan_is_refused() {
    let good = Profile::shipped("purley-oaks").unwrap();
    let from = good.find("[[escalation]]\nseverity = 3").unwrap();
    let to = good[from + 1..].find("[[escalation]]").unwrap() + from + 1;
    let error = Profile::parse(&format!("{}{}", &good[..from], &good[to..]), "f").unwrap_err();
    assert!(error.instead.contains("severity = 3"), "{error}");
}

/// INVARIANT 6: what is in force is what was accepted last, in the store, whatever becomes of the file; and every concern
/// is routed by it.
#[tokio::test]
async fn an_accepted_profile_is_kept_and_routes_what_is_there() {
    let school = School::new().await;
    school.open(&Concern::default()).await;
    let toml = Profile::shipped("somerset").unwrap();
    let profile = Arc::new(shipped("somerset"));
    let mut tx = school.app.store.write().await.unwrap();
    let telling = Telling {
        profile,
        ..school.telling()
    };
    accept(&mut tx, &telling, "pastoral", monday()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        school
            .texts("SELECT profile FROM school WHERE school_id = ?", SCHOOL)
            .await,
        [toml]
    );
    assert_eq!(school.readers("c1").await, ["head", "dsl", "deputy"]);
}

/// P16, P43: which part is missing is said, and nothing once all is there.
#[test]
fn a_filled_accountability_block_is_complete() {
    let filled = "data_protection_officer = \"A. Officer\"\nassessment_date = 2026-09-01\nlawful_basis = \"public task\"\n\
                  on_call = [\"dsl@oak.example\", \"head@oak.example\"]\nretention_days = 365";
    let toml = Profile::shipped("purley-oaks")
        .unwrap()
        .replace("retention_days = 365", filled);
    assert!(
        Profile::parse(&toml, "f")
            .unwrap()
            .accountability_missing()
            .is_empty()
    );
    let one_person = toml.replace(", \"head@oak.example\"", "");
    assert_eq!(
        Profile::parse(&one_person, "f")
            .unwrap()
            .accountability_missing()
            .len(),
        1
    );
}
