//! The spool, as the service uses it: against a model, killed at any moment, damaged, and on a full disk.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod disk;
mod faults;
mod kills;
mod leans;
mod model;
mod steps;

use pastoral_agent::files::{Filesystem, RealFilesystem};
use pastoral_agent::spool::{DiskSpool, Kept, New, Wanted};
use pastoral_keywords::{Audience, Provenance, Severity, Source, Topic};
use pastoral_proto::{Account, Flag, Match, Record, decode_record};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

fn severity(value: u8) -> Severity {
    Severity::try_from(value).unwrap()
}

fn account(number: u8) -> Account {
    Account {
        authority: "local".into(),
        stable_id: (1000 + u32::from(number)).to_string(),
        name: "invented".into(),
    }
}

/// An invented flag that can be told from others by its text.
fn flag(owner: u8, level: u8, text: &str) -> New {
    let record = Record::Flag(Flag {
        account: account(owner),
        audience: Audience::Ks2,
        source: Source::Search,
        provenance: Provenance::Typed,
        text: text.into(),
        program: "browser".into(),
        site: "Example".into(),
        observed_at_ms: 1,
        matches: vec![Match {
            list_id: "invented".into(),
            list_version: 1,
            term_id: "t1".into(),
            term: "term".into(),
            topic: Topic::Bullying,
            severity: severity(level),
            span: 0..1,
            view: "plain".into(),
            reason: "invented".into(),
            severity_note: None,
            considered: Vec::new(),
            confidential: false,
        }],
        severity: severity(level),
    });
    New::record(Some(account(owner)), &record)
}

fn text_of(kept: &Kept) -> Option<String> {
    match decode_record(&kept.bytes).unwrap() {
        Record::Flag(flag) => Some(flag.text),
        _ => None,
    }
}

fn everything() -> Wanted {
    Wanted {
        most: usize::MAX,
        most_bytes: 64 * 1024 * 1024,
        at_least: Severity::MIN,
        except: BTreeSet::new(),
    }
}

fn open(state: &Path, bound: u64) -> DiskSpool {
    let files: Arc<dyn Filesystem> = Arc::new(RealFilesystem);
    DiskSpool::open(&files, &state.join("spool"), &state.join("spool.key"), bound).unwrap()
}
