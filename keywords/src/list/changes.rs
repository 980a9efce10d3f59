//! What a school changes about the lists, one agreed operation after the other.
//!
//! The shipped lists are never edited: the lists in force are the shipped ones with the school's operations applied in
//! their order. So an update of Pastoral brings better lists without losing what the school decided, and every change can
//! be read, replayed and taken back. What a school adds stands in a list of its own, [`SCHOOL`].

mod document;
mod operation;

use std::collections::BTreeMap;

pub use self::operation::{NotPossible, Operation, Over, TermName};
use super::phrase::{Tokens, folded};
use super::{KeywordList, Term};
use crate::{Audience, Severity, Topic};

/// The identity of the list of what a school has added.
pub const SCHOOL: &str = "school";

/// Lists with a school's changes.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The lists in force.
    pub lists: Vec<KeywordList>,
    /// Specialist lists that were imported; in force only once the school has agreed to use them.
    pub imported: Vec<KeywordList>,
    /// What is switched off, as it stood.
    pub off: Vec<(TermName, Term)>,
    /// Operations that no longer fit the lists, by their place: what they changed is not there any more.
    pub stale: Vec<(usize, NotPossible)>,
}

impl Changed {
    /// The lists with the operations applied in their order. `version` is that of the school's own list.
    ///
    /// An operation that does not fit any more (its term left the shipped lists) is set aside, never a reason to be
    /// without lists.
    #[must_use]
    pub fn new(
        lists: Vec<KeywordList>,
        imported: Vec<KeywordList>,
        operations: &[Operation],
        version: u32,
        date: &str,
    ) -> Self {
        let mut changed = Self {
            lists,
            imported,
            off: Vec::new(),
            stale: Vec::new(),
        };
        if !operations.is_empty() {
            changed.lists.push(own(version, date));
        }
        for (place, operation) in operations.iter().enumerate() {
            if is_over(operation, &operations[place + 1..]) {
                continue;
            }
            if let Err(error) = changed.apply(operation) {
                changed.stale.push((place, error));
            }
        }
        changed
    }

    /// Applies one operation more.
    ///
    /// # Errors
    /// [`NotPossible`]; nothing has then changed.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), NotPossible> {
        match operation {
            Operation::AddTerm {
                text,
                topic,
                severity,
                reason,
            } => self.add_term(text, *topic, severity, reason),
            Operation::AddException { phrase, over, reason } => self.add_exception(phrase, over, reason),
            Operation::SetSeverity { term, severity } => {
                let severities = severities(severity)?;
                self.term(term)?.severities = severities;
                Ok(())
            }
            Operation::SwitchOff { term } => {
                let list = self.list(&term.list)?;
                let place = list.terms.iter().position(|known| known.id == term.id);
                let place = place.ok_or_else(|| NotPossible::NoTerm(term.clone()))?;
                let gone = list.terms.remove(place);
                self.off.push((term.clone(), gone));
                Ok(())
            }
            Operation::SwitchOn { term } => {
                let place = self.off.iter().position(|(name, _)| name == term);
                let place = place.ok_or_else(|| NotPossible::NotOff(term.clone()))?;
                self.list(&term.list)?;
                let (_, back) = self.off.remove(place);
                self.list(&term.list)?.terms.push(back);
                Ok(())
            }
            Operation::UseList {
                list,
                version,
                title,
                terms,
            } => self.use_list((list, *version), title, *terms),
            Operation::DropList { list, .. } => {
                // One that cannot be opened is not among the lists, and must be possible to drop all the same.
                self.lists
                    .retain(|known| known.id != *list || !known.confidential);
                Ok(())
            }
        }
    }

    /// The list with its title and number of terms is what people agreed to, so it must be what comes into force.
    fn use_list(&mut self, (id, version): (&str, u32), title: &str, terms: usize) -> Result<(), NotPossible> {
        let is_meant = |list: &&KeywordList| {
            (list.id.as_str(), list.version, list.title.as_str()) == (id, version, title)
                && list.terms.len() == terms
                && list.confidential
        };
        let list = self.imported.iter().find(is_meant).cloned();
        let list = list.ok_or_else(|| NotPossible::NotImported(id.to_owned(), version))?;
        if self
            .lists
            .iter()
            .any(|known| known.id == id && !known.confidential)
        {
            return Err(NotPossible::Unsound {
                fault: format!("there is another list `{id}`"),
                instead: "another id in the specialist list's file".into(),
            });
        }
        self.lists.retain(|known| known.id != id);
        self.lists.push(list);
        Ok(())
    }

    fn list(&mut self, id: &str) -> Result<&mut KeywordList, NotPossible> {
        let list = self.lists.iter_mut().find(|list| list.id == id);
        let list = list.ok_or_else(|| NotPossible::NoList(id.to_owned()))?;
        if list.confidential {
            return Err(NotPossible::Confidential(id.to_owned()));
        }
        Ok(list)
    }

    fn term(&mut self, name: &TermName) -> Result<&mut Term, NotPossible> {
        let term = self
            .list(&name.list)?
            .terms
            .iter_mut()
            .find(|term| term.id == name.id);
        term.ok_or_else(|| NotPossible::NoTerm(name.clone()))
    }
}

impl Changed {
    fn add_term(
        &mut self,
        text: &[String],
        topic: Topic,
        severity: &BTreeMap<Audience, u8>,
        reason: &str,
    ) -> Result<(), NotPossible> {
        let mut new = document::term(text, topic, severity, reason)?;
        let Some(mut term) = new.terms.pop() else {
            return Ok(());
        };
        let spelt: Vec<String> = term.spellings.iter().map(|spelling| folded(spelling)).collect();
        // A list that is held in confidence is not asked: the answer would say what its words are.
        for list in self.lists.iter().filter(|list| !list.confidential) {
            let known = list.terms.iter().find_map(|known| {
                let again = |spelling: &&String| spelt.contains(&folded(spelling));
                Some((known, known.spellings.iter().find(again)?))
            });
            if let Some((known, phrase)) = known {
                return Err(NotPossible::Already {
                    phrase: phrase.clone(),
                    term: TermName {
                        list: list.id.clone(),
                        id: known.id.clone(),
                    },
                });
            }
        }
        let school = self.school();
        // A term that was switched off keeps its identity: the flags it raised still name it.
        let first = term.id.clone();
        let mut again = 2;
        while school.terms.iter().any(|known| known.id == term.id) {
            term.id = format!("{first}-{again}");
            again += 1;
        }
        school.terms.push(term);
        Ok(())
    }

    fn add_exception(&mut self, phrase: &str, over: &Over, reason: &str) -> Result<(), NotPossible> {
        let mut new = document::exception(phrase, reason)?;
        let Some(exception) = new.exceptions.pop() else {
            return Ok(());
        };
        match over {
            Over::Term(name) => {
                let term = self.term(name)?;
                let covers = |spelling: &String| {
                    let spelling = Tokens::of(spelling);
                    let mut phrases = exception.phrases.iter();
                    phrases.all(|phrase| Tokens::of(phrase).holds(&spelling))
                };
                if !term.spellings.iter().any(covers) {
                    return Err(NotPossible::CoversNothing(phrase.to_owned()));
                }
                term.exceptions.extend(exception.phrases);
            }
            Over::List(list) => self.list(list)?.exceptions.push(exception),
            Over::All => self.school().exceptions.push(exception),
        }
        Ok(())
    }

    /// The school's own list, which is there from the first operation on.
    fn school(&mut self) -> &mut KeywordList {
        let place = self.lists.iter().position(|list| list.id == SCHOOL);
        let place = place.unwrap_or_else(|| {
            self.lists.push(own(1, ""));
            self.lists.len() - 1
        });
        &mut self.lists[place]
    }
}

/// Whether a specialist list came or went again later, so that it need not be here any more.
fn is_over(operation: &Operation, later: &[Operation]) -> bool {
    let again = |list| later.iter().any(|later| later.specialist_list() == Some(list));
    match operation {
        Operation::UseList { list, .. } => again(list),
        Operation::DropList { .. } => true,
        _ => false,
    }
}

fn own(version: u32, date: &str) -> KeywordList {
    KeywordList {
        id: SCHOOL.to_owned(),
        version,
        title: "The school's own list".to_owned(),
        language: "en".to_owned(),
        author: "The school".to_owned(),
        date: date.to_owned(),
        review: None,
        exceptions_for_all: true,
        confidential: false,
        terms: Vec::new(),
        exceptions: Vec::new(),
        help: Vec::new(),
    }
}

fn severities(
    severity: &BTreeMap<Audience, u8>,
) -> Result<[Option<Severity>; Audience::ALL.len()], NotPossible> {
    let mut severities = [None; Audience::ALL.len()];
    for (audience, level) in severity {
        let level = Severity::try_from(*level).map_err(|error| NotPossible::Unsound {
            fault: error.to_string(),
            instead: "a severity from 1 to 5".into(),
        })?;
        severities[*audience as usize] = Some(level);
    }
    if severity.is_empty() {
        return Err(NotPossible::Unsound {
            fault: "the term would apply to no audience".into(),
            instead: "a severity for one audience at least, or switch the term off".into(),
        });
    }
    Ok(severities)
}
