//! What is looked for, and the engine that finds it. Pure: no I/O, no clock, no async.

mod vocabulary;

pub use vocabulary::{Area, Audience, Provenance, Severity, Source, Topic, UnknownCode};
