//! P20 against every shipped profile: every subject, every kind, everybody with a duty.
//!
//! | about | reads first | never reads |
//! |---|---|---|
//! | a member of staff, a governor, somebody from outside, an unknown adult | the headteacher | safeguarding lead and deputies, unless the profile says so for the kind |
//! | the headteacher | the chair of governors | the headteacher, safeguarding lead, deputies |
//! | the chair of governors | the headteacher | the chair, safeguarding lead, deputies |
//! | a pupil | whom the profile names, of those who read pupils' concerns | technicians |
//! | anybody | | themselves |

use pastoral_collector::concerns::kind::{Kind, SubjectRole};
use pastoral_collector::concerns::model::Duty;
use pastoral_collector::concerns::routing::{Duties, Subject, route};
use pastoral_collector::profile::{Profile, SHIPPED};

const LEADS: [&str; 2] = ["dsl", "deputy"];

/// What a shipped profile lets the safeguarding leads read about staff, and why.
fn told_by_profile(profile: &str, kind: Kind) -> bool {
    // St Mark's: the leads are told of indecent images on an adult's account too (M in P20).
    profile == "st-marks" && kind == Kind::IndecentImages
}

fn readers(profile: &Profile, person: Option<&str>, role: SubjectRole, kind: Kind) -> Vec<String> {
    let mut duties = Duties::default();
    for duty in Duty::ALL {
        duties.add(duty, duty.code());
    }
    let subject = Subject {
        person: person.map(str::to_owned),
        role,
    };
    let (named, conflicts) = Default::default();
    route(&subject, kind, &named, &conflicts, &duties, &profile.routing).readers
}

#[test]
fn every_shipped_profile_keeps_every_row_of_p20() {
    for (name, toml) in SHIPPED {
        let profile = Profile::parse(toml, name).unwrap();
        for kind in Kind::ALL.iter().copied() {
            for role in SubjectRole::ALL {
                let holders = Duty::ALL.iter().map(|duty| Some(duty.code()));
                for person in holders.chain([Some("somebody else"), None]) {
                    let readers = readers(&profile, person, role, kind);
                    let case = format!("{name}, {kind:?} about {person:?} as {role:?}: {readers:?}");
                    assert!(!readers.is_empty(), "{case}");
                    assert!(
                        !readers.iter().any(|reader| Some(reader.as_str()) == person),
                        "{case}"
                    );
                    assert!(!readers.contains(&"technician".to_owned()), "{case}");
                    let leads = readers.iter().any(|reader| LEADS.contains(&reader.as_str()));
                    match person {
                        Some("headteacher") => assert!(readers[0] == "chair" && !leads, "{case}"),
                        Some("chair") => assert!(readers[0] == "headteacher" && !leads, "{case}"),
                        Some("somebody else") | None if role.is_pupil() => assert!(leads, "{case}"),
                        // A pupil with a duty is nobody; who reads is not the leads' matter alone.
                        _ if role.is_pupil() => {}
                        _ => {
                            assert_eq!(readers[0], "headteacher", "{case}");
                            assert!(!leads || told_by_profile(name, kind), "{case}");
                        }
                    }
                }
            }
        }
    }
}
