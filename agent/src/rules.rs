//! The rules in force: lists built into an engine, and the settings of the policy they came with.

use anyhow::Context as _;
use arc_swap::ArcSwap;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use pastoral_keywords::{Audience, Dictionary, Engine, EngineBuilder, KeywordList};
use std::sync::Arc;

/// The lists that come with Pastoral, deflated, with a NUL between them: a few percent of what they take when built.
static SHIPPED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/shipped.deflate"));
/// More than the lists take when inflated.
const INFLATED: usize = 1 << 23;

/// The rules in force, replaced as a whole.
pub type SharedRules = Arc<ArcSwap<Rules>>;

/// What applies on this device.
#[derive(Debug)]
pub struct Rules {
    /// Finds the terms of the lists.
    pub engine: Engine,
    /// The lists that the engine is built from, and their versions.
    pub lists: Vec<(String, u32)>,
    /// Where they come from; none: they came with Pastoral, because no policy has arrived yet.
    pub policy: Option<PolicyNumber>,
    /// The audience of an account until the collector has answered.
    pub unknown_audience: Audience,
    /// How often the device says how it is.
    pub health_interval_s: u32,
    /// How often helpers prove that they see titles; 0: never.
    pub canary_interval_s: u32,
    /// Accounts below this uid are the system's own and are not watched.
    pub lowest_user_id: u32,
}

/// A policy's place in the order of policies of its group, or of those for this device alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyNumber {
    /// The group it is for; empty: this device alone.
    pub group: String,
    /// Raised by restoring a backup.
    pub generation: u64,
    /// Raised by every change.
    pub counter: u64,
}

impl PolicyNumber {
    /// Whether this one must not come into force after the other. Those of different groups are in no order.
    #[must_use]
    pub fn is_not_above(&self, other: &Self) -> bool {
        self.group == other.group && (self.generation, self.counter) <= (other.generation, other.counter)
    }
}

impl Rules {
    /// What protects a fresh device at once: the shipped lists, for the strictest audience.
    pub fn shipped() -> anyhow::Result<Self> {
        let (engine, lists) =
            shipped_lists().context("the keyword lists of this program cannot be used; install it again")?;
        Ok(Self {
            engine,
            lists,
            policy: None,
            unknown_audience: Audience::STRICTEST,
            health_interval_s: 300,
            canary_interval_s: 300,
            lowest_user_id: 1000,
        })
    }
}

/// The engine of the shipped lists, with their versions. One list is read after the other: as they are written, all of
/// them take several times the memory of the engine.
fn shipped_lists() -> anyhow::Result<(Engine, Vec<(String, u32)>)> {
    let inflated = decompress_to_vec_with_limit(SHIPPED, INFLATED)
        .map_err(|error| anyhow::anyhow!("they cannot be unpacked ({error})"))?;
    let (mut builder, mut versions) = (EngineBuilder::default(), Vec::new());
    for toml in std::str::from_utf8(&inflated)?.split('\0') {
        let list = KeywordList::parse(toml, "shipped")?;
        builder.add(&list)?;
        versions.push((list.id, list.version));
    }
    Ok((builder.finish(Dictionary::default())?, versions))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_device_has_every_english_list_with_every_word_of_it() {
        let rules = Rules::shipped().unwrap();
        let mut english = pastoral_keywords::shipped::lists().unwrap();
        english.retain(|list| list.language == "en");
        let names: Vec<_> = english
            .iter()
            .map(|list| (list.id.clone(), list.version))
            .collect();
        assert_eq!(rules.lists, names);
        let built = Engine::build(&english).unwrap();
        assert!(rules.engine.to_bytes() == built.to_bytes());
    }
}
