//! The terms of the keyword lists, for every page that speaks of one: who may change them, and what may be said of them.

use super::who::SignedIn;
use crate::concerns::model::Duty;
use crate::lists::Rules;
use pastoral_keywords::Term;
use pastoral_keywords::changes::TermName;

/// Whether somebody may propose a change to the lists.
pub(super) fn may_propose(who: &SignedIn) -> bool {
    [Duty::Dsl, Duty::Deputy, Duty::Headteacher, Duty::Technician]
        .into_iter()
        .any(|duty| who.has(duty))
}

/// Whether somebody may agree to another's change: the leadership does (P34).
pub(super) fn may_agree(who: &SignedIn) -> bool {
    who.has(Duty::Dsl) || who.has(Duty::Headteacher)
}

/// A term by its name, and whether it is switched off; none of a list that is held in confidence.
pub(super) fn find<'r>(rules: &'r Rules, name: &TermName) -> Option<(&'r Term, bool)> {
    let known = rules
        .list(&name.list)
        .filter(|list| !list.confidential)
        .and_then(|list| list.terms().iter().find(|term| term.id == name.id));
    let off = || rules.changed.off.iter().find(|(off, _)| off == name);
    known
        .map(|term| (term, false))
        .or_else(|| off().map(|(_, term)| (term, true)))
}

/// Whether a phrase in which a term is harmless can be proposed: not where the term is not shown, off, or gone.
pub(super) fn can_be_harmless(rules: &Rules, name: &TermName) -> bool {
    find(rules, name).is_some_and(|(_, is_off)| !is_off)
}

/// What is said in the place of a term of a specialist list; none of a list whose words are shown.
pub(super) fn in_confidence(rules: &Rules, list_id: &str) -> Option<String> {
    let list = rules.list(list_id).filter(|list| list.confidential)?;
    Some(specialist_term(&list.title))
}

/// What is said in the place of a term of a specialist list.
pub(super) fn specialist_term(title: &str) -> String {
    format!("A term of a specialist list ({title}), whose words are not shown")
}

/// The first of a term's spellings, by which a person knows it.
pub(super) fn first_words(term: &Term) -> String {
    term.spellings.first().cloned().unwrap_or_default()
}
