//! A school's whole configuration, as a file: what its policies say, turned into settings.
//!
//! A profile is read from TOML into a raw form that knows every key, then checked into a [`Profile`]. What is wrong is
//! refused with file, line and what to write instead; the last good profile stays in force (invariant 6).

mod check;
mod fault;
mod hours;
mod nation;
mod not_done;
mod raw;
mod shipped;

use crate::concerns::category::Ladders;
use crate::concerns::cover::Cover;
use crate::concerns::escalation::Plan;
use crate::concerns::kind::Kind;
use crate::concerns::routing::RoutingRules;
use jiff::civil::Date;
use pastoral_keywords::{Audience, Severity};

pub use fault::ProfileError;
pub use nation::Nation;
pub use shipped::SHIPPED;

/// The latest that the owner of an acknowledged concern of severity 1 to 5 is asked how it stands, in days.
pub const REVIEW_MOST_DAYS: [u32; 5] = [90, 90, 30, 14, 7];

/// A checked profile.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The text it was read from, as it is kept in the store.
    pub toml: String,
    /// Its name, such as `purley-oaks`.
    pub name: String,
    /// The school's name.
    pub school: String,
    /// Whose year groups the pupils have.
    pub nation: Nation,
    /// The pupils' phases, youngest first.
    pub phases: Vec<Audience>,
    /// Ids of the keyword lists in force.
    pub lists: Vec<String>,
    /// Groups of devices.
    pub groups: Vec<DeviceGroup>,
    /// When somebody looks after concerns.
    pub cover: Cover,
    /// What happens outside those hours, in the school's words; shown on the console.
    pub outside_cover: String,
    /// How concerns are brought to people, for severity 1 to 5.
    pub plans: [Plan; 5],
    /// How far apart in time flags of one concern may be.
    pub grouping_window_ms: i64,
    /// Categories of infringement.
    pub ladders: Ladders,
    /// Who reads what, where it differs from the usual.
    pub routing: RoutingRules,
    /// Whom the school calls.
    pub contacts: Vec<Contact>,
    /// What the school adds to procedures.
    pub additions: Vec<Addition>,
    /// Handling of concerns.
    pub handling: Handling,
    /// Who answers for the monitoring.
    pub accountability: Accountability,
}

/// Whose devices a group's are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Users {
    /// Pupils'.
    Pupils,
    /// Staff's.
    Staff,
    /// The office's.
    Administration,
}

/// A group of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGroup {
    /// Its name in tokens and policies.
    pub name: String,
    /// Whose they are.
    pub users: Users,
    /// Idle minutes until the screen locks (P13); 0: not locked.
    pub lock_after_minutes: u32,
    /// The rules for an account nobody knows.
    pub unknown_audience: Audience,
}

/// Somebody the school calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What for, such as `lado`.
    pub role: ContactRole,
    /// Who.
    pub name: String,
    /// Telephone number; may be empty.
    pub phone: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// Whether the school has confirmed that this is right. Shipped profiles hold placeholders.
    pub confirmed: bool,
}

/// What a contact is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactRole {
    /// The local authority's safeguarding team.
    LocalAuthority,
    /// Children's services.
    ChildrensServices,
    /// Local Authority Designated Officer.
    Lado,
    /// Police.
    Police,
    /// Child Exploitation and Online Protection.
    Ceop,
    /// Internet Watch Foundation.
    Iwf,
    /// The local Prevent route and Channel.
    Prevent,
    /// The children's mental-health service.
    MentalHealth,
}

impl ContactRole {
    /// The words a reader sees.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LocalAuthority => "Local authority safeguarding team",
            Self::ChildrensServices => "Children's services",
            Self::Lado => "Local Authority Designated Officer (LADO)",
            Self::Police => "Police",
            Self::Ceop => "CEOP",
            Self::Iwf => "Internet Watch Foundation (IWF)",
            Self::Prevent => "Prevent and Channel",
            Self::MentalHealth => "Children's mental-health service",
        }
    }

    /// The contacts that a kind's procedure speaks of.
    #[must_use]
    pub const fn for_kind(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::SelfHarm => &[Self::Police, Self::ChildrensServices, Self::MentalHealth],
            Kind::Exploitation => &[Self::Police, Self::Ceop, Self::ChildrensServices, Self::Lado],
            Kind::IndecentImages => &[Self::Iwf, Self::Police, Self::ChildrensServices, Self::Lado],
            Kind::SexualImagery | Kind::SexualHarassment => &[Self::ChildrensServices, Self::Police],
            Kind::Radicalisation => &[Self::Prevent, Self::Police],
            Kind::Disclosure => &[Self::ChildrensServices, Self::Police],
            Kind::Substances => &[Self::ChildrensServices, Self::Police],
            Kind::PersonalInformation => &[Self::Ceop, Self::Police],
            Kind::Bullying | Kind::Hate | Kind::Violence => &[Self::Police],
            Kind::HarmfulMaterial => &[Self::Police, Self::Ceop],
            Kind::Misuse | Kind::LookingForHelp => &[],
            Kind::StaffMisuse => &[Self::Lado, Self::Police],
        }
    }
}

/// What the school adds to the procedure of a kind. Nothing can be taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Which.
    pub kind: Kind,
    /// Further must-nots.
    pub must_not: Vec<String>,
    /// Further things done at once.
    pub at_once: Vec<String>,
    /// Further people told outside.
    pub outside: Vec<String>,
}

/// Handling of concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// From this severity a concern closes only with a second person (P27); at most 4.
    pub second_person_from: Severity,
    /// How often passwords must be changed (P39); none: not by time.
    pub password_days: Option<u32>,
    /// How soon somebody looks at pupils' searches for help, at most 3; none: nobody is told of them.
    pub pupils_looking_for_help: Option<Severity>,
}

/// Who answers for the monitoring. Without the whole of it no real device is approved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accountability {
    /// The data-protection officer (P43).
    pub data_protection_officer: Option<String>,
    /// When the written assessment was made (P16).
    pub assessment_date: Option<Date>,
    /// The lawful basis of the monitoring (P16).
    pub lawful_basis: Option<String>,
    /// How long a concern is kept after it was closed, or, while open, after it last changed.
    pub retention_days: Option<u32>,
    /// E-mail addresses of those on call, in the order in which they are told before other readers.
    pub on_call: Vec<String>,
    /// Whether the profile states cover hours.
    pub cover_stated: bool,
}

impl Profile {
    /// Reads and checks a profile. `file` is how faults name it.
    ///
    /// # Errors
    /// The first fault, with its line and what to write instead.
    pub fn parse(toml: &str, file: &str) -> Result<Self, ProfileError> {
        check::profile(toml, file)
    }

    /// A profile that comes with Pastoral.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        SHIPPED
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, toml)| *toml)
    }

    /// What must be stated before real devices are approved, in words; empty when all is.
    #[must_use]
    pub fn accountability_missing(&self) -> Vec<&'static str> {
        let accountability = &self.accountability;
        let missing = [
            (
                accountability.data_protection_officer.is_none(),
                "data_protection_officer: who the data-protection officer is",
            ),
            (
                accountability.assessment_date.is_none(),
                "assessment_date: the date of the written data-protection assessment",
            ),
            (
                accountability.lawful_basis.is_none(),
                "lawful_basis: the lawful basis of the monitoring",
            ),
            (
                accountability.retention_days.is_none(),
                "retention_days: how many days a concern is kept",
            ),
            (
                accountability.on_call.len() < 2,
                "on_call: the e-mail addresses of two people on call",
            ),
            (
                !accountability.cover_stated,
                "[cover]: the hours in which somebody looks after concerns",
            ),
        ];
        missing
            .into_iter()
            .filter(|(missing, _)| *missing)
            .map(|(_, what)| what)
            .collect()
    }

    /// The group of devices of a name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&DeviceGroup> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// How concerns of a severity are brought to people.
    #[must_use]
    pub fn plan(&self, severity: Severity) -> &Plan {
        &self.plans[usize::from(severity.get() - 1)]
    }

    /// What the school adds to the procedure of a kind.
    pub fn additions_to(&self, kind: Kind) -> impl Iterator<Item = &Addition> {
        self.additions
            .iter()
            .filter(move |addition| addition.kind == kind)
    }

    /// The contacts that a kind's procedure speaks of.
    pub fn contacts_for(&self, kind: Kind) -> impl Iterator<Item = &Contact> {
        self.contacts
            .iter()
            .filter(move |contact| ContactRole::for_kind(kind).contains(&contact.role))
    }

    /// How long concerns are kept, in milliseconds. A profile that does not say keeps them for a year.
    #[must_use]
    pub fn retention_ms(&self) -> i64 {
        i64::from(self.accountability.retention_days.unwrap_or(365)) * 86_400_000
    }
}
