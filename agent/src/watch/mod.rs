//! What is seen: one file per source.

pub mod search;

use pastoral_keywords::{Provenance, Source};
use pastoral_proto::Account;

/// Something a device saw. Lives in memory only: never written, never logged, unless it matches.
pub struct Observation {
    /// Whose session, from the kernel.
    pub account: Account,
    /// What was observed.
    pub source: Source,
    /// Who wrote the text.
    pub provenance: Provenance,
    /// What was seen or typed.
    pub text: String,
    /// The program whose window it was; may be empty.
    pub program: String,
    /// The search engine or site of a search; may be empty.
    pub site: String,
    /// Device time, in milliseconds since 1970.
    pub observed_at_ms: i64,
}
