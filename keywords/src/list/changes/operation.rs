//! The changes that a school may make, and why one cannot be made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Audience, Topic};

/// One change to the lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// Look for another word or phrase.
    AddTerm {
        /// How it is written; one or several.
        text: Vec<String>,
        /// What it is about.
        topic: Topic,
        /// How urgent it is, 1 to 5, for each audience that it concerns.
        severity: BTreeMap<Audience, u8>,
        /// Why it is looked for.
        reason: String,
    },
    /// Take a phrase for harmless.
    AddException {
        /// The phrase.
        phrase: String,
        /// What it covers.
        over: Over,
        /// Why it is harmless.
        reason: String,
    },
    /// Look at a term sooner or later than the list says.
    SetSeverity {
        /// The term.
        term: TermName,
        /// How urgent it is, 1 to 5, for each audience that it concerns; it does not apply to the others.
        severity: BTreeMap<Audience, u8>,
    },
    /// Look for a term no more.
    SwitchOff {
        /// The term.
        term: TermName,
    },
    /// Look for a term again that was switched off.
    SwitchOn {
        /// The term.
        term: TermName,
    },
    /// Use a specialist list that was imported, in the place of an earlier version of it.
    UseList {
        /// The list's identity.
        list: String,
        /// Its version.
        version: u32,
        /// What a person calls it.
        title: String,
        /// How many terms it has.
        terms: usize,
    },
    /// Use a specialist list no more.
    DropList {
        /// The list's identity.
        list: String,
        /// What a person calls it.
        title: String,
    },
}

impl Operation {
    /// The specialist list that comes or goes.
    #[must_use]
    pub fn specialist_list(&self) -> Option<&str> {
        match self {
            Self::UseList { list, .. } | Self::DropList { list, .. } => Some(list),
            _ => None,
        }
    }
}

/// A term of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermName {
    /// The list's identity.
    pub list: String,
    /// The term's identity in it.
    pub id: String,
}

/// What an exception covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// One term.
    Term(TermName),
    /// Every term of a list.
    List(String),
    /// Every term of every list.
    All,
}

/// Why an operation cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotPossible {
    /// There is no such list.
    #[error("there is no list `{0}`")]
    NoList(String),
    /// The list has no such term, or it is switched off.
    #[error("the list `{}` has no term `{}`, or it is switched off already", .0.list, .0.id)]
    NoTerm(TermName),
    /// The term is not switched off.
    #[error("the term `{}` of `{}` is not switched off", .0.id, .0.list)]
    NotOff(TermName),
    /// The specialist list is not here as it was proposed.
    #[error(
        "the specialist list `{0}`, version {1}, cannot be opened or is not here; remove it and import it again"
    )]
    NotImported(String, u32),
    /// A list that is held in confidence is its publisher's to change.
    #[error("the list `{0}` is held in confidence, and only its publisher changes it")]
    Confidential(String),
    /// The same words are a term already.
    #[error("`{phrase}` is already the term `{}` of `{}`", .term.id, .term.list)]
    Already {
        /// The words.
        phrase: String,
        /// The term.
        term: TermName,
    },
    /// The exception would be the term itself, or does not hold it.
    #[error(
        "`{0}` must hold the words of the term and more: an exception covers only a term that stands inside it"
    )]
    CoversNothing(String),
    /// What was written is not sound.
    #[error("{fault}; write instead: {instead}")]
    Unsound {
        /// What is wrong.
        fault: String,
        /// What to write instead.
        instead: String,
    },
}
