//! What is said of a text: flags, and the explanation of them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::MATCHES;
use super::judge::Judging;
use super::rank::Candidate;
use super::tables::Kind;
use crate::found::{Considered, Explanation, Found, NotApplied, Scope, WhyNot};

impl Judging<'_, '_> {
    pub(super) fn found(&self, candidate: &Candidate<'_>) -> Found {
        let entry = &self.tables.terms[candidate.term as usize];
        let list = &self.tables.lists[entry.list as usize];
        let own = self.own_severity(entry).filter(|own| *own != candidate.severity);
        let strings = &self.tables.strings;
        Found {
            list_id: candidate.list_id.to_owned(),
            list_version: list.version,
            term_id: candidate.term_id.to_owned(),
            term: self.engine.written(candidate.phrase),
            topic: entry.topic,
            severity: candidate.severity,
            span: candidate.span.clone(),
            view: candidate.view,
            reason: strings.get(entry.reason).to_owned(),
            severity_note: own.map(|own| {
                let to = candidate.severity;
                format!("lowered from {own} to {to}: written by a page, not typed")
            }),
            considered: self.considered_for(candidate),
            confidential: list.confidential,
        }
    }

    /// The exceptions of a term that stand in the text, none of which covers it.
    fn considered_for(&self, candidate: &Candidate<'_>) -> Vec<String> {
        let list = self.tables.terms[candidate.term as usize].list;
        let mut considered: Vec<String> = Vec::new();
        for cover in &self.covers {
            let is_for = match self.kind(cover) {
                Kind::ExceptionOfTerm(term) => term == candidate.term,
                Kind::ExceptionOfList(of) => of == list,
                _ => true,
            };
            let is_for = is_for
                && !self.tables.is_confidential(cover.phrase)
                && !self.tables.lists[list as usize].confidential;
            if is_for && considered.len() < MATCHES {
                let written = self.engine.written(cover.phrase);
                if !considered.contains(&written) {
                    considered.push(written);
                }
            }
        }
        considered
    }

    pub(super) fn explain(&self, mut found: Vec<Found>, mut dropped: usize) -> Explanation {
        for found in found.iter_mut().filter(|found| found.confidential) {
            found.span = 0..self.text.text.len();
        }
        let mut covers: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut not_applied = Vec::new();
        for standing in &self.terms {
            let term = self.term_of(standing);
            if self.tables.is_confidential(standing.phrase) {
                continue;
            }
            let written = self.engine.written(standing.phrase);
            if let Some(why) = self.why_not(standing, term) {
                if not_applied.len() < MATCHES {
                    not_applied.push(self.not_applied(term, &written, standing.span.clone(), why));
                } else {
                    dropped += 1;
                }
                continue;
            }
            for covering in self.covering(standing, term) {
                let covered = covers.entry(covering).or_default();
                if covered.len() < MATCHES && !covered.contains(&written) {
                    covered.push(written.clone());
                }
            }
        }
        let said: Vec<usize> = (0..self.covers.len())
            .filter(|at| !self.tables.is_confidential(self.covers[*at].phrase))
            .collect();
        dropped += said.len().saturating_sub(MATCHES);
        let exceptions = said
            .into_iter()
            .take(MATCHES)
            .map(|at| self.considered(at, covers.remove(&at).unwrap_or_default()))
            .collect();
        Explanation {
            found,
            exceptions,
            not_applied,
            dropped,
        }
    }

    fn not_applied(&self, term: u32, written: &str, span: Range<usize>, why: WhyNot) -> NotApplied {
        let entry = &self.tables.terms[term as usize];
        let list = &self.tables.lists[entry.list as usize];
        NotApplied {
            list_id: self.tables.strings.get(list.id).to_owned(),
            list_version: list.version,
            term_id: self.tables.strings.get(entry.id).to_owned(),
            term: written.to_owned(),
            span,
            why,
        }
    }

    fn considered(&self, at: usize, covers: Vec<String>) -> Considered {
        let standing = &self.covers[at];
        let owner = self.tables.owner(standing.phrase);
        let list = &self.tables.lists[self.tables.list_of(standing.phrase) as usize];
        Considered {
            list_id: self.tables.strings.get(list.id).to_owned(),
            list_version: list.version,
            exception: self.engine.written(standing.phrase),
            scope: match owner.kind {
                Kind::ExceptionOfTerm(_) => Scope::Term,
                Kind::ExceptionForAll(_) => Scope::All,
                Kind::Help(_) => Scope::Help,
                _ => Scope::List,
            },
            span: standing.span.clone(),
            reason: self.tables.strings.get(owner.reason).to_owned(),
            covers,
        }
    }
}
