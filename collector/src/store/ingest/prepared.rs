//! A record as it was delivered, decoded and hashed.

use pastoral_keywords::Severity;
use pastoral_proto::{Epoch, Record, decode_record, device, limits};
use prost::Message as _;
use ring::digest::{SHA256, digest};
use std::sync::Arc;

/// A record as a device delivers it.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// The device, from its certificate.
    pub device_id: Arc<str>,
    /// Its group.
    pub group: Arc<str>,
    /// Of the envelope: 16 bytes, if it is right.
    pub epoch: Vec<u8>,
    /// Of the envelope.
    pub sequence: u64,
    /// An encoded record, if it is right.
    pub bytes: Vec<u8>,
    /// The collector's clock less the device's, as estimated now.
    pub clock_offset_ms: i64,
}

/// A record, decoded and hashed.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) device_id: Arc<str>,
    pub(super) group: Arc<str>,
    pub(super) epoch: Vec<u8>,
    pub(super) sequence: i64,
    pub(super) clock_offset_ms: i64,
    pub(super) digest: [u8; 32],
    /// Of the record, as it came.
    pub(super) bytes: i64,
    pub(super) content: Content,
}

/// What a record turned out to be.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A record, with what of it is to be sealed.
    Good(Box<Record>, Vec<u8>),
    /// The bytes, as far as they are kept, and why they cannot be read.
    Bad(Vec<u8>, String),
}

impl From<Incoming> for Prepared {
    fn from(incoming: Incoming) -> Self {
        let hash = digest(&SHA256, &incoming.bytes);
        let sequence = i64::try_from(incoming.sequence);
        let bytes = i64::try_from(incoming.bytes.len()).unwrap_or(i64::MAX);
        let decoded = match (Epoch::try_from(&*incoming.epoch), &sequence) {
            (Err(error), _) => Err(error.to_string()),
            (_, Err(_)) => Err("sequence: is too large".to_owned()),
            _ => decode_record(&incoming.bytes).map_err(|error| error.to_string()),
        };
        let content = match decoded {
            Ok(record) => {
                let sealed = match &record {
                    Record::Flag(flag) => device::Flag::from(flag.clone()).encode_to_vec(),
                    Record::EpochStart(_) | Record::Repeats(_) | Record::Gap(_) => Vec::new(),
                };
                Content::Good(Box::new(record), sealed)
            }
            Err(reason) => {
                let mut kept = incoming.bytes;
                kept.truncate(limits::RECORD);
                Content::Bad(kept, reason)
            }
        };
        let mut epoch = incoming.epoch;
        epoch.truncate(64);
        Self {
            device_id: incoming.device_id,
            group: incoming.group,
            epoch,
            sequence: sequence.unwrap_or(i64::MAX),
            clock_offset_ms: incoming.clock_offset_ms,
            bytes,
            digest: hash.as_ref().try_into().unwrap_or_default(),
            content,
        }
    }
}

impl Prepared {
    /// How urgent it is. Taken from the record, not from the envelope.
    pub(super) fn severity(&self) -> Severity {
        match &self.content {
            Content::Good(record, _) => record.severity(),
            Content::Bad(..) => Severity::MIN,
        }
    }
}
