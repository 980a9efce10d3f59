//! Whether a chain is whole.

use super::{Deed, Head, Recorded, Row, digest, hash};

/// How far a clock may be off. A step of retention from later than that was made by a clock that is ahead, or invented.
const CLOCK_TOLERANCE_MS: i64 = 10 * 60 * 1000;

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Entries are missing.
    #[error(
        "entry {0} is missing; compare with a backup and with the numbers sent by mail, and tell the headteacher and the chair of governors"
    )]
    Missing(i64),
    /// An entry was changed.
    #[error(
        "entry {0} was changed; compare with a backup and with the numbers sent by mail, and tell the headteacher and the chair of governors"
    )]
    Changed(i64),
    /// Something was erased that no step of retention accounts for.
    #[error(
        "what entry {0} stood for was erased, and no recorded step of retention accounts for that; compare with a backup, and tell the headteacher and the chair of governors"
    )]
    Erased(i64),
}

/// Goes through a chain, entry by entry.
pub struct Verifier<'a> {
    school_id: &'a str,
    steps: Vec<Recorded>,
    head: Option<Head>,
}

impl<'a> Verifier<'a> {
    /// For a school's chain that holds these steps of retention; whether they are sound shows when their turn comes.
    #[must_use]
    pub fn new(school_id: &'a str, steps: Vec<Recorded>, now: i64) -> Self {
        let mut steps = steps;
        steps.retain(|step| step.at <= now.saturating_add(CLOCK_TOLERANCE_MS));
        Self {
            school_id,
            steps,
            head: None,
        }
    }

    /// Checks the next entry.
    ///
    /// # Errors
    /// [`Broken`], at the first entry that does not hold.
    pub fn next(&mut self, row: &Row) -> Result<(), Broken> {
        let sequence = self.expect(row.sequence)?;
        if !row.detail_holds() || row.hash_behind(&self.before(), self.school_id) != row.hash {
            return Err(Broken::Changed(sequence));
        }
        if row.is_erased()
            && (Deed::AuditErased.is(&row.action)
                || Deed::OwnKey.is(&row.action)
                || !self.accounts_for(sequence, row.at))
        {
            return Err(Broken::Erased(sequence));
        }
        self.advance(sequence, row.hash.clone());
        Ok(())
    }

    /// Checks the next entry, of which only its digest is known.
    ///
    /// # Errors
    /// [`Broken::Changed`].
    pub fn next_digest(&mut self, digest: &[u8], given: &[u8]) -> Result<(), Broken> {
        let sequence = self.expected();
        if hash(&[&self.before(), digest]) != given {
            return Err(Broken::Changed(sequence));
        }
        self.advance(sequence, given.to_vec());
        Ok(())
    }

    /// Checks the next entry, which retention erased, and of which only its time is known.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn next_erased(&mut self, at: i64, rest: &[u8], given: &[u8]) -> Result<(), Broken> {
        let sequence = self.expected();
        if !self.accounts_for(sequence, at) {
            return Err(Broken::Erased(sequence));
        }
        self.next_digest(&digest(sequence, at, rest), given)
    }

    /// The last entry that holds.
    #[must_use]
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    fn accounts_for(&self, sequence: i64, at: i64) -> bool {
        self.steps.iter().any(|step| step.covers(sequence, at))
    }

    fn expected(&self) -> i64 {
        self.head.as_ref().map_or(1, |head| head.sequence + 1)
    }

    fn expect(&self, sequence: i64) -> Result<i64, Broken> {
        let expected = self.expected();
        if sequence == expected {
            Ok(sequence)
        } else {
            Err(Broken::Missing(expected))
        }
    }

    fn before(&self) -> Vec<u8> {
        self.head
            .as_ref()
            .map_or_else(|| vec![0; 32], |head| head.hash.clone())
    }

    fn advance(&mut self, sequence: i64, hash: Vec<u8>) {
        self.head = Some(Head { sequence, hash });
    }
}
