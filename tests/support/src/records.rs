//! What devices deliver.

use crate::clock::now_ms;
use pastoral_keywords::{Audience, Provenance, Severity, Source, Topic};
use pastoral_proto::device::{Answer, answer};
use pastoral_proto::{Account, EpochStart, Flag, FlagId, Match, Record};

/// A flag of a search for this text, of an account that nobody knows.
#[must_use]
pub fn flag(account: &str, text: &str, severity: u8) -> Record {
    Record::Flag(flag_about(account, text, Topic::SelfHarm, severity))
}

/// The same about another topic, to be changed further. All of the text matched.
#[must_use]
pub fn flag_about(account: &str, text: &str, topic: Topic, severity: u8) -> Flag {
    let severity = Severity::try_from(severity).unwrap();
    Flag {
        account: Account {
            authority: "local".into(),
            stable_id: account.into(),
            name: account.into(),
        },
        audience: Audience::Ks2,
        source: Source::Search,
        provenance: Provenance::Typed,
        text: text.into(),
        program: "chromium".into(),
        site: "Example".into(),
        observed_at_ms: now_ms(),
        matches: vec![Match {
            list_id: "pastoral-en-suicide".into(),
            list_version: 1,
            term_id: "kill-myself".into(),
            term: text.into(),
            topic,
            severity,
            span: 0..text.len(),
            view: "plain".into(),
            reason: "Says or asks about it".into(),
            severity_note: None,
            considered: Vec::new(),
            confidential: false,
        }],
        severity,
    }
}

/// The first record of an epoch.
#[must_use]
pub fn start(previous: Option<FlagId>) -> Record {
    Record::EpochStart(EpochStart {
        previous,
        started_at_ms: now_ms(),
    })
}

/// Whether the device lets go of it.
#[must_use]
pub fn is_committed(answer: &Answer) -> bool {
    matches!(answer.outcome, Some(answer::Outcome::Committed(_)))
}
