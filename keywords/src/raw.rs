//! A keyword list as it stands in its file, before it is checked.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use crate::{Audience, Severity, Source, Topic};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawList {
    pub(crate) id: Spanned<String>,
    pub(crate) version: Spanned<u32>,
    pub(crate) title: Spanned<String>,
    pub(crate) language: Spanned<String>,
    pub(crate) author: Spanned<String>,
    pub(crate) date: Spanned<toml::value::Datetime>,
    #[serde(default)]
    pub(crate) term: Vec<Spanned<RawTerm>>,
    #[serde(default)]
    pub(crate) exception: Vec<Spanned<RawException>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTerm {
    pub(crate) id: Option<Spanned<String>>,
    pub(crate) text: Spanned<Phrases>,
    pub(crate) topic: Topic,
    pub(crate) severity: Spanned<RawSeverity>,
    pub(crate) reason: Spanned<String>,
    pub(crate) sources: Option<Spanned<Vec<Source>>>,
    pub(crate) exceptions: Option<Spanned<Phrases>>,
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

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<RawSeverity, A::Error> {
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
