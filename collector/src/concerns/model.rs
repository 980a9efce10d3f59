//! The words of the concerns' logic, with the codes that stand in the store.

use crate::codes::codes;

/// A person's id in the store.
pub type PersonId = String;

codes! {
    /// Whose key a concern's content is sealed to.
    pub enum ReaderGroup {
        /// Concerns about pupils: held by the DSL, deputies and the headteacher.
        Pupil = "pupil", "concerns about pupils";
        /// Concerns about staff: held by the headteacher.
        Staff = "staff", "concerns about staff";
        /// Concerns about the headteacher, and those that no other reader may see: held by the chair and the independent reader.
        Head = "head", "concerns about the headteacher";
        /// Held by nobody: only the printed copy in the school safe opens it (P46).
        Safe = "safe", "what only the school safe opens";
    }
}

/// Whose keys open a concern's content: mostly one group's; two where somebody reads it who does not hold the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SealedTo {
    /// The first.
    pub group: ReaderGroup,
    /// The second.
    pub also: Option<ReaderGroup>,
}

impl SealedTo {
    /// One or two groups.
    pub fn groups(self) -> impl Iterator<Item = ReaderGroup> {
        std::iter::once(self.group).chain(self.also)
    }
}

impl From<ReaderGroup> for SealedTo {
    fn from(group: ReaderGroup) -> Self {
        Self { group, also: None }
    }
}

codes! {
    /// Where a concern stands.
    pub enum ConcernState {
        /// Nobody has answered.
        New = "new", "New";
        /// Somebody deals with it.
        Acknowledged = "acknowledged", "Acknowledged";
        /// It has ended, and never changes.
        Closed = "closed", "Closed";
    }
}

impl ConcernState {
    /// Whether nobody has answered.
    #[must_use]
    pub const fn is_new(self) -> bool {
        matches!(self, Self::New)
    }

    /// Whether it has not ended.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Closed)
    }
}

codes! {
    /// What a person is trusted with.
    pub enum Duty {
        /// Designated Safeguarding Lead.
        Dsl = "dsl", "Designated Safeguarding Lead";
        /// Deputy DSL.
        Deputy = "deputy", "Deputy safeguarding lead";
        /// Headteacher.
        Headteacher = "headteacher", "Headteacher";
        /// Chair of governors.
        Chair = "chair", "Chair of governors";
        /// A reader from outside the school, for what nobody inside may see.
        Independent = "independent", "Independent reader";
        /// Keeps the system running without seeing content (P41).
        Technician = "technician", "Technician";
    }
}

impl Duty {
    /// The reader keys that go with the duty.
    #[must_use]
    pub const fn reader_groups(self) -> &'static [ReaderGroup] {
        match self {
            Self::Dsl | Self::Deputy => &[ReaderGroup::Pupil],
            Self::Headteacher => &[ReaderGroup::Pupil, ReaderGroup::Staff],
            Self::Chair | Self::Independent => &[ReaderGroup::Head],
            Self::Technician => &[],
        }
    }
}
