//! What is wrong with the running collector itself, until it is right again: said on the console to those who must see
//! to it. Says nothing of content.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The disk is full, so that only severe flags are taken.
    Disk,
    /// The profile's file is refused, so that an older one is in force.
    Profile,
    /// The console's new certificate cannot be used, so that the old one is shown.
    Certificate,
    /// No backup could be made.
    Backup,
    /// The system lets too few files and connections be open.
    Files,
}

impl Fault {
    /// Whether everybody who signs in must know, not only those who run the collector.
    #[must_use]
    pub const fn is_for_everybody(self) -> bool {
        matches!(self, Self::Disk)
    }
}

/// What is wrong now.
#[derive(Debug, Default)]
pub struct Faults(Mutex<BTreeMap<Fault, String>>);

impl Faults {
    /// Something is wrong: in words for the console.
    pub fn begin(&self, fault: Fault, words: impl Into<String>) {
        self.lock().insert(fault, words.into());
    }

    /// It is right again.
    pub fn end(&self, fault: Fault) {
        self.lock().remove(&fault);
    }

    /// What somebody must know who runs the collector, or does not.
    #[must_use]
    pub fn words(&self, runs_it: bool) -> Vec<String> {
        let faults = self.lock();
        let shown = faults
            .iter()
            .filter(|(fault, _)| runs_it || fault.is_for_everybody());
        shown.map(|(_, words)| words.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Fault, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
