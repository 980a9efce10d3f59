//! What is wrong with a file or a row of it, in words that name no person (INVARIANT 9): file, line, column, remedy.

use std::fmt;

const FAULTS_SHOWN: usize = 20;

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fault {
    /// How its file was named.
    pub file: String,
    /// The line on which the row begins, from 1, as an editor counts.
    pub line: u64,
    /// The column, as the file calls it; empty when it is the whole row.
    pub column: String,
    /// What is wrong. Quotes no name.
    pub fault: String,
    /// What to write instead.
    pub instead: String,
    /// Whose row it is, when that could be read: they are left as they are.
    pub source_id: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.column.is_empty() {
            write!(f, "column {}: ", self.column)?;
        }
        write!(f, "{}; write instead: {}", self.fault, self.instead)
    }
}

/// Why a whole file cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) line: u64,
    pub(super) fault: String,
    pub(super) instead: String,
}

impl Whole {
    pub(super) fn new(line: u64, fault: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            line,
            fault: fault.into(),
            instead: instead.into(),
        }
    }

    pub(super) fn of(self, file: &str) -> Fault {
        Fault {
            file: file.into(),
            line: self.line,
            column: String::new(),
            fault: self.fault,
            instead: self.instead,
            source_id: None,
        }
    }
}

/// Why files are refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why the rest is not taken without what is faulty.
    pub why: &'static str,
    /// What is wrong, in the order of the files.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nothing was changed, because {}:", self.why)?;
        write!(f, "{}", Listed(&self.faults))
    }
}

/// Faults, one a line; not more than a person reads.
#[derive(Debug)]
pub struct Listed<'f>(pub &'f [Fault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in self.0.iter().take(FAULTS_SHOWN) {
            writeln!(f, "{fault}")?;
        }
        match self.0.len().saturating_sub(FAULTS_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }
}
