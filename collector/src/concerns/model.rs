//! The words of the concerns' logic, with the codes that stand in the store.

/// A person's id in the store.
pub type PersonId = String;

/// Whose key a concern's content is sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReaderGroup {
    /// Concerns about pupils: held by the DSL, deputies and the headteacher.
    Pupil,
    /// Concerns about staff: held by the headteacher.
    Staff,
    /// Concerns about the headteacher, and those that no other reader may see: held by the chair and the independent reader.
    Head,
    /// Held by nobody: only the printed copy in the school safe opens it (P46).
    Safe,
}

impl ReaderGroup {
    /// Every group.
    pub const ALL: [Self; 4] = [Self::Pupil, Self::Staff, Self::Head, Self::Safe];

    /// The code in the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Pupil => "pupil",
            Self::Staff => "staff",
            Self::Head => "head",
            Self::Safe => "safe",
        }
    }

    /// What its key opens, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pupil => "concerns about pupils",
            Self::Staff => "concerns about staff",
            Self::Head => "concerns about the headteacher",
            Self::Safe => "what only the school safe opens",
        }
    }

    /// Reads a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.code() == code)
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

/// What a person is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Duty {
    /// Designated Safeguarding Lead.
    Dsl,
    /// Deputy DSL.
    Deputy,
    /// Headteacher.
    Headteacher,
    /// Chair of governors.
    Chair,
    /// A reader from outside the school, for what nobody inside may see.
    Independent,
    /// Keeps the system running without seeing content (P41).
    Technician,
}

impl Duty {
    /// Every duty.
    pub const ALL: [Self; 6] = [
        Self::Dsl,
        Self::Deputy,
        Self::Headteacher,
        Self::Chair,
        Self::Independent,
        Self::Technician,
    ];

    /// The code in the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dsl => "dsl",
            Self::Deputy => "deputy",
            Self::Headteacher => "headteacher",
            Self::Chair => "chair",
            Self::Independent => "independent",
            Self::Technician => "technician",
        }
    }

    /// Reads a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|duty| duty.code() == code)
    }

    /// The words a person sees.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Dsl => "Designated Safeguarding Lead",
            Self::Deputy => "Deputy safeguarding lead",
            Self::Headteacher => "Headteacher",
            Self::Chair => "Chair of governors",
            Self::Independent => "Independent reader",
            Self::Technician => "Technician",
        }
    }

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
