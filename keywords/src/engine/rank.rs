//! The winner's rule, and how many matches are kept.

use std::cmp::Reverse;
use std::ops::Range;

use super::MATCHES;
use crate::found::{Findings, Found};
use crate::{Severity, View};

/// A term that applies, in the order of the winner's rule.
pub(super) struct Candidate<'e> {
    pub(super) severity: Severity,
    pub(super) span: Range<usize>,
    pub(super) list_id: &'e str,
    pub(super) term_id: &'e str,
    pub(super) phrase: u32,
    pub(super) view: View,
    pub(super) term: u32,
}

impl Candidate<'_> {
    fn rank(&self) -> impl Ord + use<'_> {
        let length = self.span.len();
        (
            Reverse(self.severity),
            Reverse(length),
            self.span.start,
            self.list_id,
            self.term_id,
            self.phrase,
        )
    }
}

/// The best candidates, in order, and how many others there were: never more than [`MATCHES`] are held.
#[derive(Default)]
pub(super) struct Best<'e> {
    pub(super) kept: Vec<Candidate<'e>>,
    pub(super) dropped: usize,
}

impl<'e> Best<'e> {
    // INVARIANT 8: what must go goes lowest severity first, and is counted.
    pub(super) fn offer(&mut self, candidate: Candidate<'e>) {
        let at = self.kept.partition_point(|kept| kept.rank() <= candidate.rank());
        self.kept.insert(at, candidate);
        if self.kept.len() > MATCHES {
            self.kept.pop();
            self.dropped += 1;
        }
    }
}

/// Adds what was found in another reading of the whole text, but for what was found already.
pub(super) fn merge(findings: &mut Findings, others: Findings) {
    let same = |one: &Found, other: &Found| {
        (&one.list_id, &one.term_id, &one.span) == (&other.list_id, &other.term_id, &other.span)
    };
    for other in others.found {
        if !findings.found.iter().any(|one| same(one, &other)) {
            findings.found.push(other);
        }
    }
    findings.found.sort_by(|one, other| {
        let rank = |found: &Found| {
            (
                Reverse(found.severity),
                Reverse(found.span.len()),
                found.span.start,
            )
        };
        let names = (&one.list_id, &one.term_id).cmp(&(&other.list_id, &other.term_id));
        rank(one).cmp(&rank(other)).then(names)
    });
    findings.dropped = findings.dropped.max(others.dropped) + findings.found.len().saturating_sub(MATCHES);
    findings.found.truncate(MATCHES);
}
