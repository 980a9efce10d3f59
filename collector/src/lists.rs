//! The keyword lists in force: those the profile names out of the shipped ones, with the changes the school agreed to.

use crate::clock;
use crate::profile::Profile;
use crate::seal::specialist::{ListKey, ListName};
use crate::store::Store;
use crate::store::list_changes::{self, ListChange};
use crate::store::specialist::{self, Imported};
use anyhow::Context as _;
use pastoral_keywords::changes::{Changed, Operation};
use pastoral_keywords::{BuildError, Dictionary, Engine, KeywordList, shipped};
use ring::digest::{SHA256, digest};
use std::sync::{Arc, OnceLock};

/// What texts are matched with, replaced as a whole.
#[derive(Debug)]
pub struct Rules {
    /// How many changes the school has agreed to.
    pub version: u32,
    /// The lists, and what of them is switched off.
    pub changed: Changed,
    /// Finds their terms.
    pub engine: Engine,
    /// The engine as devices load it.
    pub built: Arc<[u8]>,
    /// SHA-256 of `built`, which policies name it by.
    pub sha256: [u8; 32],
}

impl Rules {
    /// The rules of a profile with what the store says was agreed.
    ///
    /// # Errors
    /// When the store cannot be read, or the profile names no shipped list.
    pub async fn load(
        store: &Store,
        school_id: &str,
        profile: &Profile,
        key: &ListKey,
    ) -> anyhow::Result<Self> {
        let (changes, version) = list_changes::agreed(store, school_id).await?;
        let operations: Vec<Operation> = changes.iter().filter_map(ListChange::operation).collect();
        let lists = of_profile(profile)?;
        let (imported, closed) = opened(&specialist::all(store, school_id).await?, school_id, key);
        for list in closed {
            tracing::error!(list, "{CLOSED}");
        }
        let now = jiff::Timestamp::from_millisecond(clock::now_ms())?;
        let today = now.to_zoned(profile.cover.time_zone.clone()).date().to_string();
        // Building takes its time, and nothing else should wait for it.
        tokio::task::spawn_blocking(move || Self::build(lists, imported, &operations, version, &today))
            .await
            .context("the keyword lists could not be built")?
    }

    /// The lists with operations applied in their order, built. Imported lists are in force where an operation says so.
    ///
    /// # Errors
    /// When the lists are too large for an engine.
    pub fn build(
        lists: Vec<KeywordList>,
        imported: Vec<KeywordList>,
        operations: &[Operation],
        version: u32,
        today: &str,
    ) -> anyhow::Result<Self> {
        let changed = Changed::new(lists, imported, operations, version.max(1), today);
        let engine = engine_of(&changed.lists).context("the keyword lists cannot be used")?;
        let built: Arc<[u8]> = engine.to_bytes().into();
        let hash = digest(&SHA256, &built);
        Ok(Self {
            version,
            changed,
            engine,
            sha256: hash.as_ref().try_into().context("a SHA-256 has 32 bytes")?,
            built,
        })
    }

    /// A list in force.
    #[must_use]
    pub fn list(&self, id: &str) -> Option<&KeywordList> {
        self.changed.lists.iter().find(|list| list.id == id)
    }

    /// What a person calls a list; its identity where it is in force no more.
    #[must_use]
    pub fn title<'a>(&'a self, id: &'a str) -> &'a str {
        self.list(id).map_or(id, |list| &list.title)
    }
}

/// What is wrong with a specialist list that cannot be opened, and what to do.
pub const CLOSED: &str = "a specialist list cannot be opened, and nothing is looked for with it; bring its key back from a \
     backup, or remove the list and import it again";

/// The specialist lists that can be opened, and what is to be said of those that cannot: one of them is no reason to be
/// without the others.
#[must_use]
pub fn opened(rows: &[Imported], school_id: &str, key: &ListKey) -> (Vec<KeywordList>, Vec<String>) {
    let open = |row: &Imported| -> anyhow::Result<KeywordList> {
        let name = ListName {
            school_id,
            list_id: &row.list_id,
            version: row.version,
        };
        let text = key.open(&name, &row.sealed)?;
        // What is wrong with its text would quote it.
        let list = std::str::from_utf8(&text).ok();
        list.and_then(|text| confidential(text, &row.list_id).ok())
            .context("what was sealed is no sound list")
    };
    let (mut lists, mut closed) = (Vec::new(), Vec::new());
    for row in rows {
        match open(row) {
            Ok(list) => lists.push(list),
            Err(error) => closed.push(format!("{} version {} ({error:#})", row.list_id, row.version)),
        }
    }
    (lists, closed)
}

/// A specialist list out of its text: held in confidence, whatever its file says.
///
/// # Errors
/// The first fault.
pub fn confidential(text: &str, file: &str) -> anyhow::Result<KeywordList> {
    let mut list = KeywordList::parse(text, file)?;
    list.confidential = true;
    Ok(list)
}

/// An engine for lists, with the ordinary words that come with Pastoral.
///
/// # Errors
/// When the lists are too large for an engine.
pub fn engine_of(lists: &[KeywordList]) -> Result<Engine, BuildError> {
    static ORDINARY: OnceLock<Dictionary> = OnceLock::new();
    Engine::build_with(lists, ORDINARY.get_or_init(Dictionary::shipped))
}

/// The shipped lists that a profile names. A name stands for the list and for all whose names begin with it and a hyphen.
/// What only says what is harmless, or a search for help, is always among them. Where the profile wants to know of pupils
/// who look for help, that is one more.
///
/// # Errors
/// When a name stands for none.
pub fn of_profile(profile: &Profile) -> anyhow::Result<Vec<KeywordList>> {
    let lists = shipped::lists().context("a shipped keyword list is faulty")?;
    for name in &profile.lists {
        anyhow::ensure!(
            lists.iter().any(|list| is_named(name, &list.id)),
            "the profile names the keyword list `{name}`, which does not come with this program; `lists` may hold {}",
            lists
                .iter()
                .map(|list| list.id.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let in_force = |list: &KeywordList| {
        list.terms().is_empty() || profile.lists.iter().any(|name| is_named(name, &list.id))
    };
    let mut lists: Vec<KeywordList> = lists.into_iter().filter(in_force).collect();
    if let Some(severity) = profile.handling.pupils_looking_for_help {
        lists.push(KeywordList::looking_for_help(&lists, severity));
    }
    Ok(lists)
}

fn is_named(name: &str, id: &str) -> bool {
    id.strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pastoral_keywords::changes::TermName;
    use pastoral_keywords::{Audience, Provenance, Severity, Source, Text, Topic};

    fn rules(profile: &str, change: impl Fn(&str) -> String) -> Rules {
        let shipped = Profile::shipped(profile).unwrap();
        let profile = Profile::parse(&change(shipped), "profile.toml").unwrap();
        Rules::build(of_profile(&profile).unwrap(), Vec::new(), &[], 0, "2026-11-23").unwrap()
    }

    fn raised(rules: &Rules, text: &str, audience: Audience) -> Vec<(Topic, Severity)> {
        let found = rules.engine.find(&Text {
            text,
            source: Source::Search,
            provenance: Provenance::Typed,
            audience,
        });
        found.iter().map(|found| (found.topic, found.severity)).collect()
    }

    #[test]
    fn every_shipped_profile_leaves_what_is_taught_and_searches_for_help_alone() {
        for name in [
            "purley-oaks",
            "st-marks",
            "ashover",
            "somerset",
            "skerton-st-lukes",
        ] {
            let rules = rules(name, str::to_owned);
            for text in [
                "childline number",
                "suicide prevention poster",
                "how to kill a mockingbird",
            ] {
                for audience in Audience::ALL {
                    assert_eq!(raised(&rules, text, *audience), [], "{name}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_school_that_wants_to_know_is_told_of_pupils_who_look_for_help_and_never_of_staff() {
        let rules = rules("purley-oaks", |toml| {
            toml.replace("[handling]", "[handling]\npupils_looking_for_help = 2")
        });
        let care = (Topic::LookingForHelp, Severity::try_from(2).unwrap());
        for audience in Audience::ALL {
            let found = raised(&rules, "how to prevent suicide", *audience);
            assert_eq!(found.is_empty(), !audience.is_pupil(), "{audience}");
            assert!(found.iter().all(|found| *found == care), "{audience}: {found:?}");
        }
    }

    /// Built rules stand in no file: a collector that starts again must be able to serve what it named before.
    #[test]
    fn rules_built_twice_from_the_same_lists_and_changes_have_the_same_bytes() {
        let lists = shipped::lists().unwrap();
        let list = lists.iter().find(|list| !list.terms().is_empty()).unwrap();
        let off = Operation::SwitchOff {
            term: TermName {
                list: list.id.clone(),
                id: list.terms()[0].id.clone(),
            },
        };
        let build =
            |today| Rules::build(lists.clone(), Vec::new(), std::slice::from_ref(&off), 1, today).unwrap();
        let (first, again) = (build("2026-11-23"), build("2027-02-01"));
        assert!(first.changed.stale.is_empty(), "{:?}", first.changed.stale);
        assert_eq!(first.sha256, again.sha256);
        assert_eq!(first.built, again.built);
    }
}
