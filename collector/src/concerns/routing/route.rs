//! Who may see one concern.
//!
//! [`route`] goes through tiers of duties and takes the first in which somebody is left once the subject, whoever is
//! named beyond doubt and whoever is in conflict are removed. Who is perhaps named stays, and somebody who is not named
//! reads it beside them. Where nobody is left, whoever of all readers is named least takes it, so that a concern is
//! without a reader only in a school where nobody but its subject reads.

use super::{About, Duties, RoutingRules, Subject, common_group};
use crate::codes::codes;
use crate::concerns::kind::Kind;
use crate::concerns::model::{Duty, PersonId, ReaderGroup, SealedTo};
use crate::concerns::naming::{Named, Strength};
use std::collections::BTreeSet;

codes! {
    /// Why a concern goes to its readers.
    #[derive(Default)]
    pub enum Reason {
        /// They are those who read such concerns.
        #[default]
        Usual = "usual", "";
        /// Who would be told first is perhaps named.
        Perhaps = "perhaps",
            "What was seen perhaps names somebody who reads it. The next person was told as well, and whoever may be \
                 meant cannot close it alone.";
        /// Somebody who usually reads it is named or in conflict.
        Narrowed = "narrowed",
            "It does not go to everybody who usually reads such concerns: somebody is named in it, or in conflict \
                 with somebody it concerns.";
        /// All who usually read it are.
        Next = "next",
            "Everybody who usually reads such concerns is named in it, or in conflict with somebody it concerns. So \
                 it comes to the next who may read it.";
        /// All readers of the school are.
        Last = "last",
            "Everybody who should read this is named in it, is in conflict with somebody it concerns, or is not \
                 there. It comes to whoever is named least, who cannot close it alone. Give somebody else a duty to read \
                 it: see People.";
    }
}

/// Who may see a concern, and whose key it is sealed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Whose key.
    pub group: ReaderGroup,
    /// Whose key besides, where somebody reads it who does not hold the first.
    pub also: Option<ReaderGroup>,
    /// In the order in which they are told. Empty only with [`ReaderGroup::Safe`].
    pub readers: Vec<PersonId>,
    /// Those of them who may be meant: they close nothing alone.
    pub doubtful: BTreeSet<PersonId>,
    /// Why.
    pub reason: Reason,
}

impl Route {
    /// Whose keys its content is sealed to.
    #[must_use]
    pub const fn sealed_to(&self) -> SealedTo {
        SealedTo {
            group: self.group,
            also: self.also,
        }
    }
}

/// People of a tier, and the key they share.
struct Tier {
    group: ReaderGroup,
    people: Vec<PersonId>,
}

/// INVARIANT 4: who may see a concern. Total; never the subject, and nobody who is named beyond doubt or in conflict as
/// long as anybody else reads at all.
///
/// `conflicts` are the readers who must not see what concerns this subject.
#[must_use]
pub fn route(
    subject: &Subject,
    kind: Kind,
    named: &Named,
    conflicts: &BTreeSet<PersonId>,
    duties: &Duties,
    rules: &RoutingRules,
) -> Route {
    let about = About::of(subject, duties);
    let is_subject = |person: &PersonId| subject.person.as_ref() == Some(person);
    let removed = |person: &PersonId| {
        conflicts.contains(person) || named.get(person).is_some_and(|strength| strength.removes())
    };
    let perhaps = |person: &PersonId| named.get(person) == Some(&Strength::Weak);
    let usual = tiers(subject, kind, duties, rules, &|person| !is_subject(person));
    let mut left = tiers(subject, kind, duties, rules, &|person| {
        !is_subject(person) && !removed(person)
    })
    .into_iter();
    let Some(Tier { group, people }) = left.next() else {
        return last(subject, about, named, conflicts, duties);
    };
    let mut route = Route {
        group,
        also: None,
        doubtful: BTreeSet::new(),
        reason: match usual.first() {
            Some(first)
                if first.group == group && people.iter().all(|person| first.people.contains(person)) =>
            {
                if people.len() < first.people.len() {
                    Reason::Narrowed
                } else {
                    Reason::Usual
                }
            }
            _ => Reason::Next,
        },
        readers: people,
    };
    if perhaps(&route.readers[0]) {
        if route.reason != Reason::Next {
            route.reason = Reason::Perhaps;
        }
        beside(&mut route, left, duties, &perhaps);
    }
    route.doubtful = route
        .readers
        .iter()
        .filter(|person| perhaps(person))
        .cloned()
        .collect();
    route
}

/// Puts somebody who is not named beside the first, who perhaps is: of the same tier, else of a further one, else the
/// first of the next although they are perhaps named too.
fn beside(
    route: &mut Route,
    further: impl Iterator<Item = Tier>,
    duties: &Duties,
    perhaps: &impl Fn(&PersonId) -> bool,
) {
    if let Some(place) = route.readers.iter().position(|person| !perhaps(person)) {
        let fit = route.readers.remove(place);
        route.readers.insert(1, fit);
        return;
    }
    let others: Vec<(ReaderGroup, PersonId)> = further
        .flat_map(|tier| tier.people.into_iter().map(move |person| (tier.group, person)))
        .filter(|(_, person)| !route.readers.contains(person))
        .collect();
    let next = others
        .iter()
        .find(|(_, person)| !perhaps(person))
        .or(others.first());
    if let Some((group, person)) = next {
        route.also = (!duties.holds_key(person, route.group)).then_some(*group);
        route.readers.insert(1, person.clone());
    }
}

/// The tiers in which somebody is left, each with its key. Those whose key the subject does not hold come first; better
/// one that they hold, since the store keeps them out, than nobody.
fn tiers(
    subject: &Subject,
    kind: Kind,
    duties: &Duties,
    rules: &RoutingRules,
    may: &dyn Fn(&PersonId) -> bool,
) -> Vec<Tier> {
    let about = About::of(subject, duties);
    let mut tiers: Vec<Tier> = Vec::new();
    for tier in rules.tiers(about, kind) {
        let Some(group) = common_group(tier, about) else {
            continue;
        };
        let mut people: Vec<PersonId> = Vec::new();
        for person in tier.iter().flat_map(|duty| duties.holders(*duty)) {
            if may(person) && !people.contains(person) {
                people.push(person.clone());
            }
        }
        if !people.is_empty() {
            tiers.push(Tier { group, people });
        }
    }
    tiers.sort_by_key(|tier| subject_holds(subject, duties, tier.group));
    tiers
}

fn subject_holds(subject: &Subject, duties: &Duties, group: ReaderGroup) -> bool {
    let person = subject.person.as_deref();
    person.is_some_and(|person| duties.holds_key(person, group))
}

/// The most senior first.
const SENIOR: [Duty; 5] = [
    Duty::Independent,
    Duty::Chair,
    Duty::Headteacher,
    Duty::Dsl,
    Duty::Deputy,
];

/// Nobody is left who should read it: whoever else reads at all and is named least, the most senior of
/// several. Never the subject.
fn last(
    subject: &Subject,
    about: About,
    named: &Named,
    conflicts: &BTreeSet<PersonId>,
    duties: &Duties,
) -> Route {
    let mut readers: Vec<(bool, Option<Strength>, usize, Duty, &PersonId)> = Vec::new();
    for (place, duty) in SENIOR.into_iter().enumerate() {
        for person in duties.holders(duty) {
            if subject.person.as_ref() != Some(person) {
                let strength = named.get(person).copied();
                readers.push((conflicts.contains(person), strength, place, duty, person));
            }
        }
    }
    // Who is neither named beyond doubt nor in conflict comes first, though no tier of these concerns has them.
    let least = readers.iter().min_by_key(|(conflict, strength, place, ..)| {
        let removed = *conflict || strength.is_some_and(Strength::removes);
        (removed, *strength, *conflict, *place)
    });
    let Some((conflict, strength, place, duty, person)) = least else {
        return Route {
            group: ReaderGroup::Safe,
            also: None,
            readers: Vec::new(),
            doubtful: BTreeSet::new(),
            reason: Reason::Last,
        };
    };
    let groups = duty.reader_groups();
    let unheld = groups
        .iter()
        .find(|group| !subject_holds(subject, duties, **group));
    let group = common_group(&[*duty], about).filter(|group| !subject_holds(subject, duties, *group));
    let group = group.or(unheld.copied()).unwrap_or(groups[0]);
    let is_clear = strength.is_none() && !conflict;
    // Who has nothing to do with it reads it with all of the same duty; of those who have, one is enough.
    let readers: Vec<PersonId> = if is_clear {
        let equal = readers
            .iter()
            .filter(|(conflict, strength, other, ..)| other == place && strength.is_none() && !conflict);
        equal.map(|(.., person)| (*person).clone()).collect()
    } else {
        vec![(*person).clone()]
    };
    let doubtful = if is_clear {
        BTreeSet::new()
    } else {
        readers.iter().cloned().collect()
    };
    Route {
        group,
        also: None,
        readers,
        doubtful,
        reason: Reason::Last,
    }
}
