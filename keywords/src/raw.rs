//! A keyword list as it stands in its file, before it is checked.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use toml::value::Datetime;

use crate::{Audience, Provenance, Severity, Source, Topic};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawList {
    pub(crate) id: Spanned<String>,
    pub(crate) version: Spanned<u32>,
    pub(crate) title: Spanned<String>,
    pub(crate) language: Spanned<String>,
    pub(crate) author: Spanned<String>,
    pub(crate) date: Spanned<Datetime>,
    pub(crate) review: Option<Spanned<String>>,
    pub(crate) exceptions_for: Option<Spanned<String>>,
    #[serde(default)]
    pub(crate) confidential: bool,
    #[serde(default)]
    pub(crate) term: Vec<Spanned<RawTerm>>,
    #[serde(default)]
    pub(crate) group: Vec<Spanned<RawGroup>>,
    #[serde(default)]
    pub(crate) exception: Vec<Spanned<RawException>>,
    #[serde(default)]
    pub(crate) help: Vec<Spanned<RawException>>,
}

/// What is said of a term besides its words, out of a table that says more.
macro_rules! shared {
    ($table:ident, $given:expr) => {
        RawShared {
            topic: $given($table.topic),
            severity: $given($table.severity),
            reason: $given($table.reason),
            sources: $table.sources,
            provenances: $table.provenances,
            exceptions: $table.exceptions,
            near: $table.near,
            not_near: $table.not_near,
            author: $table.author,
            date: $table.date,
        }
    };
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawTerm {
    pub(crate) id: Option<Spanned<String>>,
    pub(crate) text: Spanned<Phrases>,
    topic: Topic,
    severity: Spanned<RawSeverity>,
    reason: Spanned<String>,
    sources: Option<Spanned<Vec<Source>>>,
    provenances: Option<Spanned<Vec<Provenance>>>,
    exceptions: Option<Spanned<Phrases>>,
    near: Option<Spanned<Phrases>>,
    not_near: Option<Spanned<Phrases>>,
    author: Option<Spanned<String>>,
    date: Option<Spanned<Datetime>>,
}

impl RawTerm {
    /// A term on its own is a group of one: what a group's terms share, and the term.
    pub(crate) fn into_parts(self) -> (RawShared, RawOwn) {
        let shared = shared!(self, Some);
        let own = RawOwn {
            id: self.id,
            text: self.text,
            shared: RawShared::default(),
        };
        (shared, own)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RawGroup {
    topic: Topic,
    severity: Spanned<RawSeverity>,
    reason: Spanned<String>,
    sources: Option<Spanned<Vec<Source>>>,
    provenances: Option<Spanned<Vec<Provenance>>>,
    exceptions: Option<Spanned<Phrases>>,
    near: Option<Spanned<Phrases>>,
    not_near: Option<Spanned<Phrases>>,
    author: Option<Spanned<String>>,
    date: Option<Spanned<Datetime>>,
    terms: Spanned<Vec<Spanned<RawEntry>>>,
}

impl RawGroup {
    pub(crate) fn into_parts(self) -> (RawShared, Spanned<Vec<Spanned<RawEntry>>>) {
        let shared = shared!(self, Some);
        (shared, self.terms)
    }
}

/// What is said of a term besides its words: all of it for a term or a group, some of it for a term inside a group.
#[derive(Default)]
pub(crate) struct RawShared {
    pub(crate) topic: Option<Topic>,
    pub(crate) severity: Option<Spanned<RawSeverity>>,
    pub(crate) reason: Option<Spanned<String>>,
    pub(crate) sources: Option<Spanned<Vec<Source>>>,
    pub(crate) provenances: Option<Spanned<Vec<Provenance>>>,
    pub(crate) exceptions: Option<Spanned<Phrases>>,
    pub(crate) near: Option<Spanned<Phrases>>,
    pub(crate) not_near: Option<Spanned<Phrases>>,
    pub(crate) author: Option<Spanned<String>>,
    pub(crate) date: Option<Spanned<Datetime>>,
}

/// One of a group's terms.
pub(crate) enum RawEntry {
    Words(Phrases),
    Own(Box<RawOwn>),
}

/// A group's term with keys of its own, that replace the group's.
pub(crate) struct RawOwn {
    pub(crate) id: Option<Spanned<String>>,
    pub(crate) text: Spanned<Phrases>,
    pub(crate) shared: RawShared,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawOwnKeys {
    id: Option<Spanned<String>>,
    text: Spanned<Phrases>,
    topic: Option<Topic>,
    severity: Option<Spanned<RawSeverity>>,
    reason: Option<Spanned<String>>,
    sources: Option<Spanned<Vec<Source>>>,
    provenances: Option<Spanned<Vec<Provenance>>>,
    exceptions: Option<Spanned<Phrases>>,
    near: Option<Spanned<Phrases>>,
    not_near: Option<Spanned<Phrases>>,
    author: Option<Spanned<String>>,
    date: Option<Spanned<Datetime>>,
}

impl From<RawOwnKeys> for RawOwn {
    fn from(keys: RawOwnKeys) -> Self {
        Self {
            id: keys.id,
            text: keys.text,
            shared: shared!(keys, std::convert::identity),
        }
    }
}

impl<'de> Deserialize<'de> for RawEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntryVisitor;

        impl<'de> Visitor<'de> for EntryVisitor {
            type Value = RawEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a phrase in quotes, several as [\"…\", \"…\"], or { text = \"…\", severity = 5 }",
                )
            }

            fn visit_str<E: de::Error>(self, phrase: &str) -> Result<RawEntry, E> {
                Ok(RawEntry::Words(Phrases::One(phrase.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<RawEntry, A::Error> {
                Phrases::deserialize(SeqAccessDeserializer::new(sequence)).map(RawEntry::Words)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawEntry, A::Error> {
                let keys = RawOwnKeys::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RawEntry::Own(Box::new(keys.into())))
            }
        }
        deserializer.deserialize_any(EntryVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawException {
    pub(crate) text: Spanned<Phrases>,
    pub(crate) reason: Spanned<String>,
}

/// One phrase, or several; with the place of each where it has one of its own.
pub(crate) enum Phrases {
    One(String),
    Several(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for Phrases {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PhrasesVisitor;

        impl<'de> Visitor<'de> for PhrasesVisitor {
            type Value = Phrases;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a phrase in quotes, or several as [\"…\", \"…\"]")
            }

            fn visit_str<E: de::Error>(self, phrase: &str) -> Result<Phrases, E> {
                Ok(Phrases::One(phrase.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Phrases, A::Error> {
                let mut phrases = Vec::new();
                while let Some(phrase) = sequence.next_element()? {
                    phrases.push(phrase);
                }
                Ok(Phrases::Several(phrases))
            }
        }
        deserializer.deserialize_any(PhrasesVisitor)
    }
}

/// A severity for each audience, in the order of [`Audience::ALL`]; none where the term does not apply.
#[derive(Clone, Copy)]
pub(crate) struct RawSeverity(pub(crate) [Option<Severity>; Audience::ALL.len()]);

impl<'de> Deserialize<'de> for RawSeverity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SeverityVisitor;

        fn level<E: de::Error>(number: i64) -> Result<Severity, E> {
            let known = u8::try_from(number)
                .ok()
                .and_then(|number| Severity::try_from(number).ok());
            known.ok_or_else(|| E::custom(format!("`{number}` is not a severity; use one of: 1, 2, 3, 4, 5")))
        }

        impl<'de> Visitor<'de> for SeverityVisitor {
            type Value = RawSeverity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a severity from 1 to 5, or one per audience as { ks2 = 3, secondary = 2 }")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<RawSeverity, E> {
                Ok(RawSeverity([Some(level(number)?); Audience::ALL.len()]))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawSeverity, A::Error> {
                let mut severities = [None; Audience::ALL.len()];
                while let Some(audience) = map.next_key::<Audience>()? {
                    severities[audience as usize] = Some(level(map.next_value()?)?);
                }
                Ok(RawSeverity(severities))
            }
        }
        deserializer.deserialize_any(SeverityVisitor)
    }
}
