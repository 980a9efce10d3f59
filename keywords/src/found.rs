//! What the engine says about a text.

use std::fmt;
use std::ops::Range;

use crate::{Audience, Provenance, Severity, Source, Topic, View};

/// A term that was found and applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The list.
    pub list_id: String,
    /// Its version.
    pub list_version: u32,
    /// The term's identity in the list.
    pub term_id: String,
    /// The spelling that matched, as written in the list.
    pub term: String,
    /// The term's topic.
    pub topic: Topic,
    /// For this audience and provenance.
    pub severity: Severity,
    /// Bytes of the original text, on character boundaries.
    pub span: Range<usize>,
    /// The view it was found in.
    pub view: View,
    /// Why the term is in the list.
    pub reason: String,
    /// Why the severity is not the term's own, where it is not.
    pub severity_note: Option<String>,
    /// The exceptions of the term that stand in the text, as written in their lists, and do not cover it.
    pub considered: Vec<String>,
    /// Whether the list is held in confidence: the term and its exceptions are then not said, its identity is a number, and
    /// the words that stand in the span are to be marked nowhere.
    pub confidential: bool,
}

/// What applies in a text, and how much more there was than is returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The winner first.
    pub found: Vec<Found>,
    /// How many that ranked lower were left out.
    pub dropped: usize,
}

/// All there is to say about a text, for a person who asks why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// What would be flagged, the winner first.
    pub found: Vec<Found>,
    /// The exceptions that stand in the text, in its order.
    pub exceptions: Vec<Considered>,
    /// Terms that stand in the text but are not for this audience or source, in its order.
    pub not_applied: Vec<NotApplied>,
    /// How many of any of these were left out because there are so many.
    pub dropped: usize,
}

/// An exception that stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The list.
    pub list_id: String,
    /// Its version.
    pub list_version: u32,
    /// The phrase, as written in the list.
    pub exception: String,
    /// What it can cover.
    pub scope: Scope,
    /// Bytes of the original text.
    pub span: Range<usize>,
    /// Why the exception is in the list.
    pub reason: String,
    /// The terms that are not flagged because they stand inside it; may be none.
    pub covers: Vec<String>,
}

/// What an exception can cover. Only ever what stands wholly inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scope {
    /// One term.
    Term,
    /// Every term of its list.
    List,
    /// Every term of every list.
    All,
    /// Every term: it is a search for help.
    Help,
}

/// A term that stands in the text, but not for this audience or source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotApplied {
    /// The list.
    pub list_id: String,
    /// Its version.
    pub list_version: u32,
    /// The term's identity in the list.
    pub term_id: String,
    /// The spelling that matched, as written in the list.
    pub term: String,
    /// Bytes of the original text.
    pub span: Range<usize>,
    /// Why it does not apply.
    pub why: WhyNot,
}

/// Why a term that stands in the text does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyNot {
    /// It has no severity for the audience.
    Audience(Audience),
    /// It is not looked for in the source.
    Source(Source),
    /// It is not looked for in what this writer wrote.
    Provenance(Provenance),
    /// It asks for another word near it, and there is none.
    NothingNear,
    /// A word stands near it with which it is harmless.
    Near,
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audience(audience) => write!(f, "not for this audience: {}", audience.label()),
            Self::Source(source) => write!(f, "not looked for here: {}", source.label()),
            Self::Provenance(provenance) => write!(f, "not looked for in this: {}", provenance.label()),
            Self::NothingNear => f.write_str("harmless without another word near it"),
            Self::Near => f.write_str("harmless with a word that stands near it"),
        }
    }
}
