//! Why the spool does not answer.

use std::io;

/// Why the spool does not answer.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// What is there is no spool that can be read.
    #[error("the spool is damaged: {0}")]
    Damaged(String),
    /// Another process has it open.
    #[error("another process has the spool open: stop it first")]
    InUse,
    /// The disk does not do what it should.
    #[error("the spool's disk does not answer: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::WouldBlock => Self::InUse,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
            _ => Self::Io(error),
        }
    }
}
