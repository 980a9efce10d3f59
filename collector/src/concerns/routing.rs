//! Who may see a concern (P20).
//!
//! The rules, and who holds which duty; [`route`] decides by them.

mod route;

pub use route::{Reason, Route, route};

use super::kind::{Kind, SubjectRole};
use super::model::{Duty, PersonId, ReaderGroup};
use super::naming::Named;
use std::collections::{BTreeMap, BTreeSet};

/// Whom a concern is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// None while nobody knows whose account it is.
    pub person: Option<PersonId>,
    /// What they are to the school.
    pub role: SubjectRole,
}

/// Who holds which duty now, in the order in which they are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Duties {
    holders: BTreeMap<Duty, Vec<PersonId>>,
}

impl Duties {
    /// Adds a holder, after those who are there.
    pub fn add(&mut self, duty: Duty, person: impl Into<PersonId>) {
        let person = person.into();
        let holders = self.holders.entry(duty).or_default();
        if !holders.contains(&person) {
            holders.push(person);
        }
    }

    /// The holders of a duty.
    #[must_use]
    pub fn holders(&self, duty: Duty) -> &[PersonId] {
        self.holders.get(&duty).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a person holds a duty.
    #[must_use]
    pub fn has(&self, person: &str, duty: Duty) -> bool {
        self.holders(duty).iter().any(|holder| holder == person)
    }

    /// Whether a person holds a duty that reads.
    #[must_use]
    pub fn is_reader(&self, person: &str) -> bool {
        Duty::ALL
            .into_iter()
            .any(|duty| !duty.reader_groups().is_empty() && self.has(person, duty))
    }

    fn holds_key(&self, person: &str, group: ReaderGroup) -> bool {
        Duty::ALL
            .into_iter()
            .any(|duty| duty.reader_groups().contains(&group) && self.has(person, duty))
    }
}

/// For whom a rule of a profile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Pupils, and unknown accounts on pupils' devices.
    Pupil,
    /// Everybody else but the next two.
    Staff,
    /// The headteacher.
    Headteacher,
    /// The chair of governors.
    Chair,
}

impl About {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pupil, Self::Staff, Self::Headteacher, Self::Chair];

    /// Whom a concern is about, as far as routing goes. A duty counts before a role.
    #[must_use]
    pub fn of(subject: &Subject, duties: &Duties) -> Self {
        let holds = |duty| {
            subject
                .person
                .as_deref()
                .is_some_and(|person| duties.has(person, duty))
        };
        if holds(Duty::Headteacher) {
            Self::Headteacher
        } else if holds(Duty::Chair) {
            Self::Chair
        } else if subject.role.is_pupil() {
            Self::Pupil
        } else {
            Self::Staff
        }
    }

    /// The tiers when the profile says nothing else; also what follows a profile's own tier.
    const fn tiers(self) -> &'static [&'static [Duty]] {
        match self {
            Self::Pupil => &[
                &[Duty::Dsl, Duty::Deputy, Duty::Headteacher],
                &[Duty::Chair],
                &[Duty::Independent],
            ],
            Self::Staff | Self::Chair => &[&[Duty::Headteacher], &[Duty::Chair], &[Duty::Independent]],
            Self::Headteacher => &[&[Duty::Chair], &[Duty::Independent]],
        }
    }
}

/// A profile's own first tier for some concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingRule {
    /// For concerns about whom.
    pub about: About,
    /// For which kinds; empty: all.
    pub kinds: Vec<Kind>,
    /// Who reads, in the order in which they are told.
    pub readers: Vec<Duty>,
}

/// What a profile says about routing. The usual tiers follow whatever it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingRules {
    rules: Vec<RoutingRule>,
}

/// Why a rule is refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}; write instead: {instead}")]
pub struct UnsoundRule {
    /// What is wrong.
    pub fault: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

impl RoutingRules {
    /// Adds a rule that is sound: it names readers who can hold one key, never technicians, and leaves somebody to read
    /// whoever the subject is.
    ///
    /// # Errors
    /// [`UnsoundRule`].
    pub fn add(&mut self, rule: RoutingRule) -> Result<(), UnsoundRule> {
        let unsound = |fault, instead| Err(UnsoundRule { fault, instead });
        let distinct: BTreeSet<_> = rule.readers.iter().collect();
        if rule.readers.is_empty() || distinct.len() != rule.readers.len() {
            return unsound(
                "`readers` must name each duty once, and at least one",
                "readers = [\"headteacher\"]",
            );
        }
        if distinct.contains(&Duty::Technician) {
            return unsound("a technician sees no content", "readers without \"technician\"");
        }
        let Some(group) = common_group(&rule.readers, rule.about) else {
            return unsound(
                "these readers share no key, so what is sealed for one could not be opened by the other",
                "readers out of \"dsl\", \"deputy\", \"headteacher\", or out of \"chair\", \"independent\"",
            );
        };
        let subjects_own = match rule.about {
            About::Headteacher => Duty::Headteacher.reader_groups().contains(&group),
            About::Chair => Duty::Chair.reader_groups().contains(&group),
            About::Pupil | About::Staff => false,
        };
        if subjects_own {
            return unsound(
                "the person it is about holds the key of these readers",
                "readers = [\"chair\"] about the headteacher, readers = [\"headteacher\"] about the chair",
            );
        }
        let mut with = self.clone();
        with.rules.push(rule);
        if !with.is_total() {
            return unsound(
                "it would leave a concern without a reader, or show it to its subject",
                "no such rule",
            );
        }
        *self = with;
        Ok(())
    }

    /// INVARIANT 4: with one person in each duty, every concern has a reader, who is not its subject.
    fn is_total(&self) -> bool {
        let readers = [
            Duty::Dsl,
            Duty::Deputy,
            Duty::Headteacher,
            Duty::Chair,
            Duty::Independent,
        ];
        let mut duties = Duties::default();
        for duty in readers {
            duties.add(duty, duty.code());
        }
        let mut subjects: Vec<_> = readers.iter().map(|duty| Some(duty.code().to_owned())).collect();
        subjects.push(Some("somebody else".into()));
        subjects.push(None);
        subjects.into_iter().all(|person| {
            SubjectRole::ALL.into_iter().all(|role| {
                let subject = Subject {
                    person: person.clone(),
                    role,
                };
                Kind::ALL.iter().all(|kind| {
                    let route = route(&subject, *kind, &Named::new(), &BTreeSet::new(), &duties, self);
                    !route.readers.is_empty()
                        && person
                            .as_ref()
                            .is_none_or(|person| !route.readers.contains(person))
                })
            })
        })
    }

    fn tiers(&self, about: About, kind: Kind) -> impl Iterator<Item = &[Duty]> {
        let own = self
            .rules
            .iter()
            .filter(move |rule| rule.about == about && (rule.kinds.is_empty() || rule.kinds.contains(&kind)));
        own.map(|rule| rule.readers.as_slice())
            .chain(about.tiers().iter().copied())
    }
}

/// The key that every duty of a tier comes with; for pupils the pupils' key first, for adults the narrowest.
fn common_group(tier: &[Duty], about: About) -> Option<ReaderGroup> {
    let order = match about {
        About::Pupil => [ReaderGroup::Pupil, ReaderGroup::Staff, ReaderGroup::Head],
        About::Staff | About::Headteacher | About::Chair => {
            [ReaderGroup::Staff, ReaderGroup::Head, ReaderGroup::Pupil]
        }
    };
    order
        .into_iter()
        .find(|group| tier.iter().all(|duty| duty.reader_groups().contains(group)))
}
