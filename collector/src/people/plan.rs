//! What taking files would change, and what stops it until somebody has confirmed that. Pure.

use super::Row;
use crate::codes::codes;
use crate::concerns::model::{Duty, PersonId};
use std::collections::BTreeSet;

/// A person as the store knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The id in the store.
    pub person_id: PersonId,
    /// As a row of a file would say them.
    pub row: Row,
    /// Still at the school.
    pub active: bool,
    /// Made here, such as at `init`, and in no file yet.
    pub made_here: bool,
    /// Their duties in force.
    pub duties: Vec<Duty>,
}

/// Something about an adult that would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The name.
    Name,
    /// The address.
    Email,
    /// The role, or whether they work in the office.
    Role,
    /// The year group.
    Year,
    /// The class.
    Class,
    /// The user name.
    Username,
    /// The id in the school's system.
    Id,
    /// They come back.
    Back,
}

impl What {
    /// The words a person sees.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "address",
            Self::Role => "role",
            Self::Year => "year group",
            Self::Class => "class",
            Self::Username => "user name",
            Self::Id => "id",
            Self::Back => "comes back",
        }
    }
}

/// A known person about whom something changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Who.
    pub person_id: PersonId,
    /// As they are now.
    pub before: Row,
    /// As they will be.
    pub after: Row,
    /// What is different.
    pub what: Vec<What>,
}

/// What files say of somebody with a duty that no file changes: two people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub person_id: PersonId,
    /// As they are, and stay until two people agree.
    pub before: Row,
    /// As the file has them.
    pub file: Row,
    /// What is different.
    pub what: Vec<What>,
}

/// Somebody who would leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaves {
    /// Who.
    pub person_id: PersonId,
    /// As they are.
    pub row: Row,
    /// The duties that would end.
    pub duties: Vec<Duty>,
}

/// What taking files would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// People who are new.
    pub new: Vec<Row>,
    /// Known people about whom something changes.
    pub changed: Vec<Changed>,
    /// People who have left.
    pub leaves: Vec<Leaves>,
    /// What two people are asked to agree to. Not done by taking the files.
    pub asked: Vec<Asked>,
    /// What somebody has to confirm first.
    pub stops: Vec<Stop>,
    /// Known pupils or adults who stay as they are because the files have nobody of their kind.
    pub untouched: usize,
    /// People who stay as they are because their rows were left out.
    pub kept: usize,
}

impl Plan {
    /// Who has to confirm it before it is taken.
    #[must_use]
    pub fn confirms(&self) -> Confirms {
        self.stops
            .iter()
            .map(Stop::confirms)
            .max()
            .unwrap_or(Confirms::Giver)
    }

    /// Whether taking the files would change nothing and ask for nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.leaves.is_empty() && self.asked.is_empty()
    }

    /// Whom it is about in such a way that they cannot be the one who confirms it.
    #[must_use]
    pub fn about(&self) -> BTreeSet<&str> {
        let duties = self.leaves.iter().filter(|leaves| !leaves.duties.is_empty());
        let kinds = self
            .changed
            .iter()
            .filter(|changed| changed.before.role.is_pupil() != changed.after.role.is_pupil());
        duties
            .map(|leaves| leaves.person_id.as_str())
            .chain(kinds.map(|changed| changed.person_id.as_str()))
            .collect()
    }
}

codes! {
    /// Who has to confirm an import.
    pub enum Confirms {
        /// Whoever gave the files.
        Giver = "giver", "whoever gave the files";
        /// A reader.
        Reader = "reader", "a person who reads concerns";
        /// One reader, and a second person.
        Two = "two", "two people: one who reads concerns, and a second one";
    }
}

codes! {
    /// Why an import waits for somebody.
    pub enum Reason {
        /// More than a tenth leave.
        ManyLeave = "many-leave", "would leave: more than a tenth";
        /// People leave and come anew under the same names.
        Renumbered = "renumbered",
            "would leave and come anew under the same name: the ids look renumbered (Excel drops zeros in front; export ids as text)";
        /// More than a tenth have another name.
        ManyNames = "many-names",
            "would have another name: more than a tenth (are columns swapped?)";
        /// More than a tenth have another user name.
        ManyUsernames = "many-user-names",
            "would have another user name: more than a tenth (are columns swapped?)";
        /// More than a tenth go back a year.
        EarlierYear = "earlier-year",
            "would go back a year: the file looks like an earlier year's";
        /// Somebody's duty ends.
        DutyEnds = "duty-ends", "would leave and lose their duty";
        /// Somebody with a duty has another user name.
        DutyUsername = "duty-user-name", "would have another user name, and has a duty";
        /// Somebody has the address of somebody else with a duty.
        DutyAddress = "duty-address", "would have the address of somebody else, who has a duty";
        /// Staff become pupils, or pupils staff.
        OtherKind = "other-kind",
            "would become a pupil after being an adult of the school, or the reverse";
        /// A user name passes between a pupil and an adult.
        UsernamePasses = "user-name-passes",
            "would have a user name that is a pupil's now and would be an adult's, or the reverse";
    }
}

/// One reason to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Why.
    pub reason: Reason,
    /// How many people it is about.
    pub count: usize,
    /// How many are known of their kind.
    pub of: usize,
    /// Adults of the school are among them, or decided about.
    pub adults: bool,
}

impl Stop {
    /// Who has to confirm it.
    #[must_use]
    pub const fn confirms(&self) -> Confirms {
        if self.adults {
            Confirms::Two
        } else {
            Confirms::Reader
        }
    }
}
