//! People, their duties and accounts; and the [`Directory`], the snapshot of them that routing works with.

mod directory;
mod reading;
mod years;

pub use directory::{Directory, Whose};
pub(super) use years::keep_year;
pub use years::{Years, years_of};

use crate::concerns::kind::SubjectRole;
use crate::concerns::model::PersonId;
use crate::people::years as groups;
use crate::profile::Nation;
use pastoral_keywords::Audience;

/// A person of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id in the store.
    pub person_id: PersonId,
    /// The id in the school's own system, or `pastoral:<uuid>`.
    pub source_id: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Works in the office.
    pub administration: bool,
    /// As [`crate::people::years`] keeps them, or empty.
    pub year_group: String,
    /// Of a pupil; may be empty.
    pub class_name: String,
    /// Whose year groups the school has.
    pub nation: Nation,
    /// The user name on the school's devices; may be empty.
    pub username: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address; may be empty.
    pub email: String,
    /// Still at the school.
    pub active: bool,
}

impl Person {
    /// The rules for this person (P3).
    #[must_use]
    pub fn audience(&self) -> Audience {
        match self.role {
            SubjectRole::Pupil | SubjectRole::UnknownPupil => self.audience_in(&self.year_group),
            _ if self.administration => Audience::Administration,
            _ => Audience::Staff,
        }
    }

    /// The rules for a pupil of this school in a year group.
    #[must_use]
    pub fn audience_in(&self, year_group: &str) -> Audience {
        groups::audience(year_group, self.nation)
    }
}
