//! What is looked for, and the engine that finds it. Pure: no I/O, no clock, no async.
//!
//! A [`KeywordList`] is read from TOML (`FORMAT.md` says how one is written), lists are built into an [`Engine`], and the
//! engine finds terms in a [`Text`]. A text is matched in views ([`View`]), each with a map back to what was really written.

mod buckets;
#[cfg(feature = "tool")]
pub mod csv;
mod dictionary;
pub mod diff;
mod engine;
pub mod evaluation;
mod fault;
mod found;
mod hash;
mod list;
mod lookalike;
mod plain;
mod raw;
pub mod shipped;
pub mod useless;
mod view;
mod vocabulary;

pub use dictionary::Dictionary;
pub use engine::{BuildError, Engine, EngineBuilder, LoadError, MATCHES, Text};
pub use fault::ListError;
pub use found::{Considered, Explanation, Findings, Found, NotApplied, Scope, WhyNot};
pub use list::changes;
pub use list::{Exception, KeywordList, PHRASE, REASON, Term};
pub use view::View;
pub use vocabulary::{Area, Audience, Provenance, Severity, Source, Topic, UnknownCode};
