//! What a change to the lists would do: to the reader's own flags of the last weeks, and to harmless texts.

use crate::access::Session;
use crate::clock;
use crate::concerns::reference::Reference;
use crate::console::Console;
use crate::console::answer::Failure;
use crate::console::who::SignedIn;
use crate::lists::{Rules, engine_of};
use crate::seal::content;
use crate::store::replay::{RecentFlag, recent_flags};
use pastoral_keywords::changes::{NotPossible, Operation};
use pastoral_keywords::{Audience, Engine, Provenance, Source, Text, shipped};
use pastoral_proto::device;
use prost::Message as _;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far back flags are tried again.
const DAYS: i64 = 28;
/// The most flags that are tried again.
const FLAGS: i64 = 2_000;
/// Harmless texts that are shown.
const SHOWN: usize = 20;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) struct Effect {
    /// Whether the reader's own flags took part.
    pub(super) tried_flags: bool,
    /// How many did.
    pub(super) flags: usize,
    /// Whether there were more than are tried.
    pub(super) more_flags: bool,
    /// Concerns with flags that would not be raised any more: address, reference, how many, and whether it was confirmed.
    pub(super) lost: Vec<Lost>,
    /// How many harmless texts were tried.
    pub(super) samples: usize,
    /// Those that would newly be flagged, with their severity.
    pub(super) noisy: Vec<(String, u8)>,
    pub(super) noisy_more: usize,
    /// Whether they are only counted: which they are would say what the words of a specialist list are.
    pub(super) counted_only: bool,
}

/// A concern with flags that would not be raised any more.
pub(super) struct Lost {
    pub(super) concern_id: String,
    pub(super) reference: Reference,
    pub(super) flags: usize,
    pub(super) confirmed: bool,
}

/// What the rules would be with one operation more.
pub(super) fn with(rules: &Rules, operation: &Operation) -> Result<Engine, NotPossible> {
    let mut changed = rules.changed.clone();
    changed.apply(operation)?;
    engine_of(&changed.lists).map_err(|error| NotPossible::Unsound {
        fault: error.to_string(),
        instead: "fewer words".into(),
    })
}

/// Tries a change. `who` opens their own flags with the keys of their session; nobody else's take part.
pub(super) async fn effect(
    console: &Console,
    who: &SignedIn,
    rules: &Arc<Rules>,
    operation: &Operation,
) -> Result<Result<Effect, NotPossible>, Failure> {
    let app = &console.app;
    let since = clock::now_ms() - DAYS * DAY_MS;
    let mut recent = Vec::new();
    if who.is_reader() {
        recent = recent_flags(
            &app.store,
            &app.school_id,
            &app.profile.load_full(),
            who.id(),
            since,
            FLAGS + 1,
        )
        .await?;
    }
    let more_flags = i64::try_from(recent.len()).is_ok_and(|found| found > FLAGS);
    recent.truncate(usize::try_from(FLAGS).unwrap_or(usize::MAX));
    let (session, rules, operation) = (Arc::clone(&who.session), Arc::clone(rules), operation.clone());
    let tried_flags = who.is_reader();
    // Building and matching take their time; pages of others must not wait for them.
    let tried = tokio::task::spawn_blocking(move || {
        let after = with(&rules, &operation)?;
        let (samples, noisy) = noise(&rules.engine, &after);
        let counted_only = operation.specialist_list().is_some();
        let shown = if counted_only { 0 } else { SHOWN };
        Ok(Effect {
            tried_flags,
            flags: recent.len(),
            more_flags,
            lost: lost(&session, &recent, (&rules.engine, &after)),
            samples,
            noisy_more: noisy.len().saturating_sub(shown),
            noisy: noisy.into_iter().take(shown).collect(),
            counted_only,
        })
    });
    tried.await.map_err(|_| Failure::Busy)
}

/// The concerns of which flags would be raised no more, those that were confirmed first.
fn lost(session: &Session, recent: &[RecentFlag], (before, after): (&Engine, &Engine)) -> Vec<Lost> {
    let mut lost: BTreeMap<Reference, Lost> = BTreeMap::new();
    for flag in recent {
        let opened = content::open(&|group| session.key(group), &flag.key, &flag.sealed).ok();
        let content = opened.and_then(|bytes| device::Flag::decode(bytes.as_slice()).ok());
        let Some(text) = content.as_ref().map(|content| text_of(flag, &content.text)) else {
            continue;
        };
        if !before.find(&text).is_empty() && after.find(&text).is_empty() {
            let concern = lost.entry(flag.reference).or_insert_with(|| Lost {
                concern_id: flag.concern_id.clone(),
                reference: flag.reference,
                flags: 0,
                confirmed: false,
            });
            concern.flags += 1;
            concern.confirmed |= flag.confirmed;
        }
    }
    let mut lost: Vec<Lost> = lost.into_values().collect();
    lost.sort_by_key(|lost| (!lost.confirmed, lost.reference));
    lost
}

fn text_of<'t>(flag: &RecentFlag, text: &'t str) -> Text<'t> {
    Text {
        text,
        source: flag.source,
        provenance: flag.provenance,
        audience: flag.audience,
    }
}

/// How many harmless texts there are, and those that are flagged after but not before.
fn noise(before: &Engine, after: &Engine) -> (usize, Vec<(String, u8)>) {
    let mut noisy = Vec::new();
    let mut samples = 0;
    for text in shipped::harmless() {
        samples += 1;
        let worst = |engine: &Engine| {
            let severities = Audience::ALL.iter().filter_map(|audience| {
                let text = Text {
                    text,
                    source: Source::Search,
                    provenance: Provenance::Typed,
                    audience: *audience,
                };
                engine.find(&text).first().map(|found| found.severity.get())
            });
            severities.max()
        };
        if let Some(severity) = worst(after).filter(|_| worst(before).is_none()) {
            noisy.push((text.to_owned(), severity));
        }
    }
    (samples, noisy)
}
