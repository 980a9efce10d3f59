//! What crosses a boundary, once it has been checked.

use pastoral_keywords::{Audience, Provenance, Severity, Source, Topic};
use std::fmt;

/// One run of a device's service: 128 random bits, drawn at every start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub [u8; 16]);

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A record's identity on its device. With the device, from its certificate, it is the same everywhere and for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlagId {
    /// The run of the service.
    pub epoch: Epoch,
    /// From 0, without holes, in that run.
    pub sequence: u64,
}

/// Whose session it was, from the kernel: never a bare user name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Account {
    /// Who vouches for it: `local` for the device's own accounts, otherwise the directory's name.
    pub authority: String,
    /// uid or SID.
    pub stable_id: String,
    /// The name people know it by.
    pub name: String,
}

/// What is kept on a device until the collector has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The first record of every epoch.
    EpochStart(EpochStart),
    /// An observation that matched.
    Flag(Flag),
    /// The same again within ten minutes.
    Repeats(Repeats),
    /// Something was not kept or not watched.
    Gap(Gap),
}

/// The first record of an epoch: names the one before, so that what is missing shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochStart {
    /// The previous epoch and the last sequence it gave out; none at the very first start.
    pub previous: Option<FlagId>,
    /// Device time, in milliseconds since 1970.
    pub started_at_ms: i64,
}

/// An observation that matched: the only thing about what a person looked at that leaves a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Whose session.
    pub account: Account,
    /// The rules that applied.
    pub audience: Audience,
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
    /// What matched, the winner first; never empty.
    pub matches: Vec<Match>,
    /// The winner's severity, after provenance.
    pub severity: Severity,
}

/// One match in a flag's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The list.
    pub list_id: String,
    /// Its version.
    pub list_version: u32,
    /// The term's identity in the list.
    pub term_id: String,
    /// The term as written in the list.
    pub term: String,
    /// The term's topic.
    pub topic: Topic,
    /// For this audience and provenance.
    pub severity: Severity,
    /// Byte offsets in the text, on character boundaries.
    pub span: std::ops::Range<usize>,
    /// The view that matched.
    pub view: String,
    /// Why the term is in the list.
    pub reason: String,
    /// Why the severity is not the term's own, where it is not.
    pub severity_note: Option<String>,
    /// The exceptions that stand in the text and do not cover the match.
    pub considered: Vec<String>,
    /// Whether the list is held in confidence: neither its words nor which of the text matched are shown.
    pub confidential: bool,
}

/// The same account, term and text again within ten minutes of a flag; or, of a flood, further flags like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeats {
    /// The flag.
    pub of: FlagId,
    /// How often again.
    pub count: u32,
    /// The last time, device time, in milliseconds since 1970.
    pub last_at_ms: i64,
    /// Not the same text: others of the same account, topic, severity and provenance, which came too fast to be kept.
    pub further: bool,
    /// Of further ones, the first time; the last where a device does not say.
    pub first_at_ms: i64,
}

/// Something was not kept or not watched; says nothing of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whose; none when it is the whole device.
    pub account: Option<Account>,
    /// Why, as a code such as `spool-full` or `helper-gone`.
    pub cause: String,
    /// How many flags, titles or heartbeats are concerned.
    pub count: u64,
    /// The highest severity among them; none when it is not known.
    pub highest_severity: Option<Severity>,
    /// Device time, in milliseconds since 1970.
    pub from_ms: i64,
    /// Device time, in milliseconds since 1970.
    pub to_ms: i64,
}

impl Record {
    /// How urgent delivery is: severity 5 overtakes a backlog. What is not a flag goes as a note.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Flag(flag) => flag.severity,
            Self::EpochStart(_) | Self::Repeats(_) | Self::Gap(_) => Severity::MIN,
        }
    }
}
