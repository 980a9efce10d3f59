//! What stops an import until somebody has confirmed it. Pure.
//!
//! | what stops an import | who confirms |
//! |---|---|
//! | more than a tenth leave, of all, or of pupils or adults (then at least five) | a reader; two for adults |
//! | ids look renumbered: people leave and come anew under the same names | a reader; two for adults |
//! | more than a tenth have another name or user name | a reader; two for adults |
//! | more than a tenth of the pupils go back a year: the file is last year's | a reader |
//! | somebody's duty ends, they have another user name, or somebody else has their address | two |
//! | staff become pupils, or pupils staff; or a user name passes from one to the other | two |

use super::Row;
use super::plan::{Changed, Known, Plan, Reason, Stop, What};
use super::usernames::{Username, normal};
use super::years::height;
use crate::concerns::kind::SubjectRole;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A tenth of few is one, who may well leave.
const FEW: usize = 5;

pub(super) fn of(known: &[Known], plan: &Plan) -> Vec<Stop> {
    let mut stops = Vec::new();
    let from_files = |pupil: Option<bool>| {
        let of_kind = |known: &&Known| pupil.is_none_or(|pupil| known.row.role.is_pupil() == pupil);
        let active = known.iter().filter(|known| known.active && !known.made_here);
        active.filter(of_kind).count()
    };
    let counts = [(false, from_files(Some(false))), (true, from_files(Some(true)))];
    leaving(plan, &counts, from_files(None), &mut stops);
    renumbered(plan, &counts, &mut stops);
    renamed(plan, &counts, &mut stops);
    let back = plan.changed.iter().filter(|changed| goes_back(changed)).count();
    many(Reason::EarlierYear, back, counts[1].1, false, &mut stops);
    for (reason, count) in [
        (Reason::DutyEnds, ending(plan)),
        (Reason::DutyUsername, other_usernames(known, plan)),
        (Reason::DutyAddress, addresses_of_another(known, plan)),
        (Reason::OtherKind, other_kind(plan)),
        (Reason::UsernamePasses, passing(known, plan)),
    ] {
        if count > 0 {
            stops.push(Stop {
                reason,
                count,
                of: count,
                adults: true,
            });
        }
    }
    stops
}

/// Many have another name or user name.
fn renamed(plan: &Plan, counts: &[(bool, usize)], stops: &mut Vec<Stop>) {
    for (reason, what) in [
        (Reason::ManyNames, What::Name),
        (Reason::ManyUsernames, What::Username),
    ] {
        let differs = |changed: &&Changed| {
            // A first user name is none that is taken away.
            let had = what != What::Username || !changed.before.username.is_empty();
            had && changed.what.contains(&what)
        };
        for (pupil, of) in counts {
            let count = plan
                .changed
                .iter()
                .filter(differs)
                .filter(|changed| changed.before.role.is_pupil() == *pupil)
                .count();
            many(reason, count, *of, !pupil, stops);
        }
    }
}

fn ending(plan: &Plan) -> usize {
    let leaves = plan.leaves.iter();
    leaves.filter(|leaves| !leaves.duties.is_empty()).count()
}

/// Somebody with a duty has another user name than before.
fn other_usernames(known: &[Known], plan: &Plan) -> usize {
    let on_duty: HashSet<&str> = known
        .iter()
        .filter(|known| !known.duties.is_empty())
        .map(|known| known.person_id.as_str())
        .collect();
    let renamed = plan.changed.iter().filter(|changed| {
        let other = changed.what.contains(&What::Username) && !changed.before.username.is_empty();
        other && on_duty.contains(changed.person_id.as_str())
    });
    renamed.count()
}

/// Somebody has the address of somebody else with a duty.
fn addresses_of_another(known: &[Known], plan: &Plan) -> usize {
    let addresses: HashMap<String, &str> = known
        .iter()
        .filter(|known| !known.duties.is_empty() && !known.row.email.is_empty())
        .map(|known| (normal(&known.row.email), known.person_id.as_str()))
        .collect();
    let moved = plan
        .changed
        .iter()
        .filter(|changed| changed.what.contains(&What::Email))
        .map(|changed| (&changed.after, changed.person_id.as_str()));
    let of_another = plan
        .new
        .iter()
        .map(|row| (row, ""))
        .chain(moved)
        .filter(|(row, person_id)| {
            let holder = addresses.get(&normal(&row.email));
            holder.is_some_and(|holder| holder != person_id)
        });
    of_another.count()
}

/// Staff become pupils, or pupils staff.
fn other_kind(plan: &Plan) -> usize {
    let changed = plan.changed.iter();
    let other = changed.filter(|changed| changed.before.role.is_pupil() != changed.after.role.is_pupil());
    let asked = plan.asked.iter().filter(|asked| asked.file.role.is_pupil());
    other.count() + asked.count()
}

fn many(reason: Reason, count: usize, of: usize, adults: bool, stops: &mut Vec<Stop>) {
    if count >= FEW && count * 10 > of {
        stops.push(Stop {
            reason,
            count,
            of,
            adults,
        });
    }
}

fn leaving(plan: &Plan, counts: &[(bool, usize)], all: usize, stops: &mut Vec<Stop>) {
    let leave = |pupil: bool| {
        plan.leaves
            .iter()
            .filter(move |leaves| leaves.row.role.is_pupil() == pupil)
    };
    let before = stops.len();
    for (pupil, of) in counts {
        // Parents come and go with their children.
        let adults = !pupil && leave(*pupil).any(|leaves| leaves.row.role != SubjectRole::Outside);
        many(Reason::ManyLeave, leave(*pupil).count(), *of, adults, stops);
    }
    if stops.len() == before && plan.leaves.len() * 10 > all {
        let adults = leave(false).any(|leaves| leaves.row.role != SubjectRole::Outside);
        stops.push(Stop {
            reason: Reason::ManyLeave,
            count: plan.leaves.len(),
            of: all,
            adults,
        });
    }
}

/// The same name leaves and comes anew. Two people may have one name; several pairs, or one whose ids differ by
/// zeros in front, are the same people.
fn renumbered(plan: &Plan, counts: &[(bool, usize)], stops: &mut Vec<Stop>) {
    let name = |row: &Row| {
        (
            row.role.is_pupil(),
            normal(&row.given_name),
            normal(&row.family_name),
        )
    };
    let bare = |row: &Row| row.source_id.trim_start_matches('0').to_owned();
    let mut new: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for row in &plan.new {
        new.entry(name(row)).or_default().push(bare(row));
    }
    for (pupil, of) in counts {
        let leave = plan
            .leaves
            .iter()
            .filter(|leaves| leaves.row.role.is_pupil() == *pupil);
        let pairs: Vec<bool> = leave
            .filter_map(|leaves| Some(new.get(&name(&leaves.row))?.contains(&bare(&leaves.row))))
            .collect();
        if pairs.contains(&true) || pairs.len() >= 3 {
            stops.push(Stop {
                reason: Reason::Renumbered,
                count: pairs.len(),
                of: *of,
                adults: !pupil,
            });
        }
    }
}

fn goes_back(changed: &Changed) -> bool {
    let (before, after) = (
        height(&changed.before.year_group),
        height(&changed.after.year_group),
    );
    before.zip(after).is_some_and(|(before, after)| after < before)
}

/// By a user name an account is somebody's: who gets that of somebody of the other kind gets their account too.
fn passing(known: &[Known], plan: &Plan) -> usize {
    let mut now: HashMap<String, Vec<(Username, bool, &str)>> = HashMap::new();
    for known in known.iter().filter(|known| known.active) {
        if let Some(username) = Username::parse(&known.row.username) {
            let same = now.entry(username.name.clone()).or_default();
            same.push((username, known.row.role.is_pupil(), &known.person_id));
        }
    }
    let new = plan.new.iter().map(|row| (row, ""));
    let gets = |changed: &&Changed| {
        changed
            .what
            .iter()
            .any(|what| matches!(what, What::Username | What::Back))
    };
    let changed = plan
        .changed
        .iter()
        .filter(gets)
        .map(|changed| (&changed.after, changed.person_id.as_str()));
    new.chain(changed)
        .filter(|(row, person_id)| {
            Username::parse(&row.username).is_some_and(|username| {
                let same = now.get(&username.name).map_or(&[][..], Vec::as_slice);
                same.iter().any(|(other, pupil, other_id)| {
                    other_id != person_id && *pupil != row.role.is_pupil() && other.meets(&username)
                })
            })
        })
        .count()
}
