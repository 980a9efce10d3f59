//! The winner's rule, and how many matches are kept.

use std::cmp::Reverse;
use std::ops::Range;

use super::MATCHES;
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
