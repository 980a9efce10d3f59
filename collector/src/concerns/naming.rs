//! Which adults of the school a text names, and how strongly (P20, ADR 9).
//!
//! Words are compared without case and accents. A person is named by given and family name in either order, by a title
//! and the family name, or by a family name of four letters or more alone. How much that says depends on who wrote it,
//! and beside what; see [`Circumstances::weigh`].

mod duties;
mod forms;

pub use forms::Adult;

use super::kind::SubjectRole;
use super::model::{Duty, PersonId};
use crate::codes::codes;
use forms::{Form, Found, Names as Forms};
use pastoral_keywords::{Provenance, Topic};
use std::collections::{BTreeMap, BTreeSet};

codes! {
    /// How strongly a text names somebody.
    pub enum Strength {
        /// Perhaps: it removes no reader, but the next is told as well, and who is perhaps named closes nothing alone.
        Weak = "weak";
        /// By a family name alone where it leaves little doubt.
        Strong = "strong";
        /// By a title or given name with the family name.
        Certain = "certain";
    }
}

impl Strength {
    /// Whether who is named so does not read it.
    #[must_use]
    pub const fn removes(self) -> bool {
        matches!(self, Self::Strong | Self::Certain)
    }
}

/// Whom a text names, and how strongly.
pub type Named = BTreeMap<PersonId, Strength>;

/// Adds to those named; of two strengths the greater counts.
pub fn add(named: &mut Named, more: &Named) {
    for (person, strength) in more {
        let known = named.entry(person.clone()).or_insert(*strength);
        *known = (*known).max(*strength);
    }
}

/// What a text's words can be taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// Whoever the account belongs to is no pupil.
    pub by_adult: bool,
    /// Who wrote it.
    pub provenance: Provenance,
    /// What matched is what adults do to children.
    pub of_abuse: bool,
}

/// Readers named in one text, from which it is a list of people rather than about one.
const LIST: usize = 3;

impl Circumstances {
    /// Of a flag: whose it is, who wrote it, and what matched in it.
    pub fn of(role: SubjectRole, provenance: Provenance, topics: impl IntoIterator<Item = Topic>) -> Self {
        Self {
            by_adult: !role.is_pupil(),
            provenance,
            of_abuse: topics.into_iter().any(is_abuse),
        }
    }

    /// How strongly somebody is named, where the text names so many readers. The cases that each line wins and loses are
    /// in ADR 9, and tested.
    const fn weigh(&self, found: Found, readers: usize) -> Strength {
        let is_list = readers >= LIST;
        match (self.provenance, found.form) {
            // Nobody of the school need have meant anybody.
            (Provenance::Page, _) => Strength::Weak,
            // More than one may be called so.
            (_, Form::Called) => Strength::Weak,
            // All that adults write about each other, but for what is no name at all.
            _ if self.by_adult => match (found.form, found.ordinary) {
                (Form::Full, false) => Strength::Certain,
                (Form::Full, true) | (Form::Family, false) => Strength::Strong,
                (Form::Family, true) | (Form::Called, _) => Strength::Weak,
            },
            (_, Form::Full) if is_list && !self.of_abuse => Strength::Weak,
            (_, Form::Full) if !found.ordinary => Strength::Certain,
            (Provenance::Typed, Form::Full) if self.of_abuse => Strength::Strong,
            (Provenance::Typed, Form::Family)
                if self.of_abuse && !is_list && !found.ordinary && !found.of_pupil =>
            {
                Strength::Strong
            }
            _ => Strength::Weak,
        }
    }
}

/// The duties whose holders a text perhaps means without a name: "the headteacher hit me". Page-written text and what
/// pupils write of other things mean nobody.
#[must_use]
pub fn duties_in(text: &str, circumstances: &Circumstances) -> BTreeSet<Duty> {
    let is_of_somebody = circumstances.by_adult || circumstances.of_abuse;
    match circumstances.provenance {
        Provenance::Page => BTreeSet::new(),
        _ if is_of_somebody => duties::found_in(text),
        _ => BTreeSet::new(),
    }
}

/// Topics in which an adult who is named may be the one who does it. Not bullying: most of it is between pupils, by
/// family names that teachers have too; the next reader is told there as well.
const fn is_abuse(topic: Topic) -> bool {
    matches!(
        topic,
        Topic::Abuse
            | Topic::Grooming
            | Topic::CoerciveControl
            | Topic::SexualHarassment
            | Topic::Sexting
            | Topic::IndecentImages
            | Topic::Violence
            | Topic::ViolenceAgainstWomen
    )
}

/// The names of all adults of a school, ready to be looked for.
#[derive(Debug, Clone, Default)]
pub struct Names(Forms);

impl Names {
    /// Prepares the names. Those of pupils, given and family, say which names of adults could be theirs.
    #[must_use]
    pub fn new<'n>(adults: &[Adult], pupils: impl IntoIterator<Item = &'n str>) -> Self {
        Self(Forms::new(adults, pupils))
    }

    /// Whom a text names, and how strongly.
    #[must_use]
    pub fn named_in(
        &self,
        text: &str,
        circumstances: &Circumstances,
        is_reader: impl Fn(&str) -> bool,
    ) -> Named {
        let found = self.0.found_in(text);
        let readers = found.keys().filter(|person| is_reader(person)).count();
        found
            .into_iter()
            .map(|(person, found)| (person, circumstances.weigh(found, readers)))
            .collect()
    }

    /// Whom a text names at all; by a family name that is also an ordinary word only where it is written with a capital.
    #[must_use]
    pub fn mentioned_in(&self, text: &str) -> BTreeSet<PersonId> {
        let is_capital = |word: &&str| {
            word.chars()
                .find(|letter| letter.is_alphabetic())
                .is_some_and(char::is_uppercase)
        };
        let capitals: Vec<&str> = text.split_whitespace().filter(is_capital).collect();
        let is_written_as_name = |person: &PersonId| {
            capitals
                .iter()
                .any(|word| self.0.found_in(word).contains_key(person))
        };
        let found = self.0.found_in(text).into_iter();
        found
            .filter(|(person, found)| {
                found.form == Form::Full || !found.ordinary || is_written_as_name(person)
            })
            .map(|(person, _)| person)
            .collect()
    }
}
