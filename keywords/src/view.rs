//! The view of a text that a term was found in: how far what was written is from what the list says.

/// How what was written has to be read for a term to be found in it, from the nearest to the most distant. A match of
/// several words has the view of its most distant word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum View {
    /// The words as written, but for case, accents and what stands between them.
    Plain,
    /// Percent-encoding or HTML entities taken for what they stand for.
    Decoded,
    /// A letter that is written three times or more taken for one or two.
    Squeezed,
    /// Look-alike characters, digits and signs taken for letters.
    Resolved,
    /// Letters or parts of a word that stand apart taken together.
    Joined,
    /// Words that are run together taken apart.
    Split,
    /// A word that is not an ordinary one taken for one that differs in a letter, or short for one: `i want 2 die`.
    Misspelt,
}

impl View {
    /// Every view, from the nearest to the most distant.
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::Decoded,
        Self::Squeezed,
        Self::Resolved,
        Self::Joined,
        Self::Split,
        Self::Misspelt,
    ];

    /// The code that stands in messages and the store.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Decoded => "decoded",
            Self::Squeezed => "squeezed",
            Self::Resolved => "resolved",
            Self::Joined => "joined",
            Self::Split => "split",
            Self::Misspelt => "misspelt",
        }
    }
}

impl std::fmt::Display for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
