//! The checked way between messages and domain types.

use crate::domain::{Account, Epoch, EpochStart, Flag, FlagId, Gap, Match, Record, Repeats};
use crate::{device, limits};
use pastoral_keywords::Severity;
use prost::Message as _;

/// Why a message is not what it should be: which field, and what is wrong with it. Never holds content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct InvalidMessage {
    field: &'static str,
    fault: String,
}

impl InvalidMessage {
    fn new(field: &'static str, fault: impl Into<String>) -> Self {
        Self {
            field,
            fault: fault.into(),
        }
    }
}

/// The bytes of an envelope.
#[must_use]
pub fn encode_record(record: &Record) -> Vec<u8> {
    let record = match record.clone() {
        Record::EpochStart(start) => device::record::Record::EpochStart(device::EpochStart {
            previous_epoch: start.previous.map(|id| id.epoch.0.to_vec()).unwrap_or_default(),
            previous_last_sequence: start.previous.map(|id| id.sequence).unwrap_or_default(),
            started_at_ms: start.started_at_ms,
        }),
        Record::Flag(flag) => device::record::Record::Flag(flag.into()),
        Record::Repeats(repeats) => device::record::Record::Repeats(device::Repeats {
            epoch: repeats.of.epoch.0.to_vec(),
            sequence: repeats.of.sequence,
            count: repeats.count,
            last_at_ms: repeats.last_at_ms,
            further: repeats.further,
            first_at_ms: repeats.first_at_ms,
        }),
        Record::Gap(gap) => device::record::Record::Gap(device::Gap {
            account: gap.account.map(Into::into),
            cause: gap.cause,
            count: gap.count,
            highest_severity: gap.highest_severity.map_or(0, |severity| severity.get().into()),
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
        }),
    };
    device::Record { record: Some(record) }.encode_to_vec()
}

/// Reads an envelope's bytes, checking every field.
///
/// # Errors
/// Names the field that is wrong, and never quotes content.
pub fn decode_record(bytes: &[u8]) -> Result<Record, InvalidMessage> {
    if bytes.len() > limits::RECORD {
        return Err(InvalidMessage::new(
            "record",
            format!("{} bytes is too long", bytes.len()),
        ));
    }
    let message = device::Record::decode(bytes)
        .map_err(|_| InvalidMessage::new("record", "not a record: malformed, or its text is not UTF-8"))?;
    match message
        .record
        .ok_or_else(|| InvalidMessage::new("record", "empty or of an unknown sort"))?
    {
        device::record::Record::EpochStart(start) => Ok(Record::EpochStart(start.try_into()?)),
        device::record::Record::Flag(flag) => Ok(Record::Flag(flag.try_into()?)),
        device::record::Record::Repeats(repeats) => Ok(Record::Repeats(Repeats {
            of: FlagId {
                epoch: Epoch::try_from(&*repeats.epoch)?,
                sequence: repeats.sequence,
            },
            count: repeats.count,
            last_at_ms: repeats.last_at_ms,
            further: repeats.further,
            first_at_ms: match repeats.first_at_ms {
                0 => repeats.last_at_ms,
                first => first.min(repeats.last_at_ms),
            },
        })),
        device::record::Record::Gap(gap) => Ok(Record::Gap(gap.try_into()?)),
    }
}

impl TryFrom<&[u8]> for Epoch {
    type Error = InvalidMessage;

    fn try_from(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        let bytes = bytes
            .try_into()
            .map_err(|_| InvalidMessage::new("epoch", "must be 16 bytes"))?;
        Ok(Self(bytes))
    }
}

impl TryFrom<device::EpochStart> for EpochStart {
    type Error = InvalidMessage;

    fn try_from(start: device::EpochStart) -> Result<Self, InvalidMessage> {
        let previous = if start.previous_epoch.is_empty() {
            None
        } else {
            let epoch = Epoch::try_from(&*start.previous_epoch)?;
            Some(FlagId {
                epoch,
                sequence: start.previous_last_sequence,
            })
        };
        Ok(Self {
            previous,
            started_at_ms: start.started_at_ms,
        })
    }
}

impl From<Account> for device::Account {
    fn from(account: Account) -> Self {
        Self {
            authority: account.authority,
            stable_id: account.stable_id,
            name: account.name,
        }
    }
}

impl TryFrom<device::Account> for Account {
    type Error = InvalidMessage;

    fn try_from(account: device::Account) -> Result<Self, InvalidMessage> {
        Ok(Self {
            authority: required("account.authority", account.authority)?,
            stable_id: required("account.stable_id", account.stable_id)?,
            name: bounded("account.name", account.name, limits::NAME)?,
        })
    }
}

impl From<Flag> for device::Flag {
    fn from(flag: Flag) -> Self {
        Self {
            account: Some(flag.account.into()),
            audience: flag.audience.code().into(),
            source: flag.source.code().into(),
            provenance: flag.provenance.code().into(),
            text: flag.text,
            program: flag.program,
            site: flag.site,
            observed_at_ms: flag.observed_at_ms,
            matches: flag.matches.into_iter().map(Into::into).collect(),
            severity: flag.severity.get().into(),
        }
    }
}

impl TryFrom<device::Flag> for Flag {
    type Error = InvalidMessage;

    fn try_from(flag: device::Flag) -> Result<Self, InvalidMessage> {
        let text = bounded("flag.text", flag.text, limits::TEXT)?;
        if flag.matches.is_empty() || flag.matches.len() > limits::MATCHES {
            return Err(InvalidMessage::new(
                "flag.matches",
                format!("must be 1 to {}", limits::MATCHES),
            ));
        }
        let matches = flag
            .matches
            .into_iter()
            .map(|m| read_match(m, &text))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            account: flag
                .account
                .ok_or_else(|| InvalidMessage::new("flag.account", "missing"))?
                .try_into()?,
            audience: code("flag.audience", &flag.audience)?,
            source: code("flag.source", &flag.source)?,
            provenance: code("flag.provenance", &flag.provenance)?,
            text,
            program: bounded("flag.program", flag.program, limits::NAME)?,
            site: bounded("flag.site", flag.site, limits::NAME)?,
            observed_at_ms: flag.observed_at_ms,
            matches,
            severity: severity("flag.severity", flag.severity)?,
        })
    }
}

impl From<Match> for device::Match {
    fn from(found: Match) -> Self {
        // Spans lie in a text of at most `limits::TEXT` bytes.
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            list_id: found.list_id,
            list_version: found.list_version,
            term_id: found.term_id,
            term: found.term,
            topic: found.topic.code().into(),
            severity: found.severity.get().into(),
            start: offset(found.span.start),
            end: offset(found.span.end),
            view: found.view,
            reason: found.reason,
            severity_note: found.severity_note.unwrap_or_default(),
            considered: found.considered,
            confidential: found.confidential,
        }
    }
}

impl TryFrom<device::Gap> for Gap {
    type Error = InvalidMessage;

    fn try_from(gap: device::Gap) -> Result<Self, InvalidMessage> {
        let highest = gap.highest_severity;
        Ok(Self {
            account: gap.account.map(TryInto::try_into).transpose()?,
            cause: required("gap.cause", gap.cause)?,
            count: gap.count,
            highest_severity: (highest != 0)
                .then(|| severity("gap.highest_severity", highest))
                .transpose()?,
            from_ms: gap.from_ms,
            to_ms: gap.to_ms,
        })
    }
}

fn read_match(found: device::Match, text: &str) -> Result<Match, InvalidMessage> {
    let span = found.start as usize..found.end as usize;
    if span.is_empty() || text.get(span.clone()).is_none() {
        return Err(InvalidMessage::new(
            "match.span",
            "must mark characters of the text",
        ));
    }
    if found.considered.len() > limits::CONSIDERED {
        return Err(InvalidMessage::new(
            "match.considered",
            format!("must be at most {}", limits::CONSIDERED),
        ));
    }
    let considered = found.considered.into_iter();
    let considered = considered.map(|phrase| bounded("match.considered", phrase, limits::NAME));
    let note = bounded("match.severity_note", found.severity_note, limits::NAME)?;
    Ok(Match {
        list_id: required("match.list_id", found.list_id)?,
        list_version: found.list_version,
        term_id: required("match.term_id", found.term_id)?,
        term: bounded("match.term", found.term, limits::NAME)?,
        topic: code("match.topic", &found.topic)?,
        severity: severity("match.severity", found.severity)?,
        span,
        view: bounded("match.view", found.view, limits::NAME)?,
        reason: bounded("match.reason", found.reason, limits::NAME)?,
        severity_note: Some(note).filter(|note| !note.is_empty()),
        considered: considered.collect::<Result<_, _>>()?,
        confidential: found.confidential,
    })
}

fn bounded(field: &'static str, value: String, most: usize) -> Result<String, InvalidMessage> {
    if value.len() > most {
        return Err(InvalidMessage::new(
            field,
            format!("{} bytes is over {most}", value.len()),
        ));
    }
    Ok(value)
}

fn required(field: &'static str, value: String) -> Result<String, InvalidMessage> {
    if value.is_empty() {
        return Err(InvalidMessage::new(field, "missing"));
    }
    bounded(field, value, limits::NAME)
}

fn code<T: std::str::FromStr>(field: &'static str, code: &str) -> Result<T, InvalidMessage> {
    code.parse()
        .map_err(|_| InvalidMessage::new(field, "not a known code"))
}

fn severity(field: &'static str, value: u32) -> Result<Severity, InvalidMessage> {
    let value = u8::try_from(value)
        .ok()
        .and_then(|value| Severity::try_from(value).ok());
    value.ok_or_else(|| InvalidMessage::new(field, "must be 1 to 5"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pastoral_keywords::{Audience, Provenance, Source, Topic};
    use proptest::prelude::*;

    fn flag(text: &str, span: std::ops::Range<usize>) -> Record {
        Record::Flag(Flag {
            account: Account {
                authority: "local".into(),
                stable_id: "1001".into(),
                name: "y5-robin".into(),
            },
            audience: Audience::Ks2,
            source: Source::Search,
            provenance: Provenance::Typed,
            text: text.into(),
            program: "chromium".into(),
            site: "Example".into(),
            observed_at_ms: 1_700_000_000_000,
            matches: vec![Match {
                list_id: "pastoral-en".into(),
                list_version: 1,
                term_id: "t1".into(),
                term: "a term".into(),
                topic: Topic::SelfHarm,
                severity: Severity::MAX,
                span,
                view: "plain".into(),
                reason: "why".into(),
                severity_note: Some("lowered".into()),
                considered: vec!["a term of art".into()],
                confidential: true,
            }],
            severity: Severity::MAX,
        })
    }

    #[test]
    fn a_record_reads_back_as_itself() {
        let record = flag("some a term here", 5..11);
        assert_eq!(decode_record(&encode_record(&record)), Ok(record));
        let gap = Record::Gap(Gap {
            account: None,
            cause: "spool-full".into(),
            count: 3,
            highest_severity: None,
            from_ms: 1,
            to_ms: 2,
        });
        assert_eq!(decode_record(&encode_record(&gap)), Ok(gap));
    }

    #[test]
    fn repeats_read_back_as_themselves_and_those_of_an_older_device_are_the_same_text() {
        let repeats = Record::Repeats(Repeats {
            of: FlagId {
                epoch: Epoch([7; 16]),
                sequence: 3,
            },
            count: 98_012,
            last_at_ms: 20,
            further: true,
            first_at_ms: 10,
        });
        assert_eq!(decode_record(&encode_record(&repeats)), Ok(repeats));
        let old = device::Repeats {
            epoch: vec![7; 16],
            sequence: 3,
            count: 2,
            last_at_ms: 20,
            ..device::Repeats::default()
        };
        let old = device::Record {
            record: Some(device::record::Record::Repeats(old)),
        };
        let Ok(Record::Repeats(read)) = decode_record(&old.encode_to_vec()) else {
            panic!("cannot be read");
        };
        assert!(!read.further && read.first_at_ms == 20);
    }

    #[test]
    fn a_span_outside_the_text_or_inside_a_character_is_refused() {
        assert!(decode_record(&encode_record(&flag("short", 2..9))).is_err());
        assert!(decode_record(&encode_record(&flag("é", 1..2))).is_err());
    }

    #[test]
    fn more_or_longer_exceptions_than_a_flag_may_name_are_refused() {
        for considered in [
            vec!["phrase".to_owned(); limits::CONSIDERED + 1],
            vec!["x".repeat(limits::NAME + 1)],
        ] {
            let mut record = flag("short", 0..2);
            if let Record::Flag(flag) = &mut record {
                flag.matches[0].considered = considered;
            }
            let error = decode_record(&encode_record(&record)).unwrap_err();
            assert!(error.to_string().starts_with("match.considered"), "{error}");
        }
    }

    #[test]
    fn an_oversized_text_is_refused_without_being_quoted() {
        let error = decode_record(&encode_record(&flag(&"x".repeat(limits::TEXT + 1), 0..1))).unwrap_err();
        assert!(
            error.to_string().starts_with("flag.text") && !error.to_string().contains("xx"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode_record(&bytes);
        }

        #[test]
        fn no_damage_to_a_record_makes_it_panic(at in 0usize..100, to in any::<u8>()) {
            let mut bytes = encode_record(&flag("some a term here", 5..11));
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = decode_record(&bytes);
        }
    }
}
