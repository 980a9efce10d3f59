//! The spool on the disk: sealed records in a log. The format is described in [`super`].

use super::format::{HEAD, Head, Numbers, cost};
use super::log::{Found, Log};
use super::room::{DEVICE, Plan, Room};
use super::seal::Sealer;
use super::{Appended, Dropped, Kept, Key, New, SpoolError, Usage, Wanted};
use crate::files::Filesystem;
use pastoral_keywords::Severity;
use pastoral_proto::{Epoch, EpochStart, FlagId, Record, decode_record};
use std::path::Path;
use std::sync::Arc;

/// No record is kept longer than this (400 days).
const KEPT_MS: i64 = 400 * 24 * 3600 * 1000;
/// Too old records are looked for this often.
const EXPIRY_EVERY_MS: i64 = 6 * 3600 * 1000;

/// The spool in a folder, with its key in a file beside.
pub struct DiskSpool {
    log: Log,
    sealer: Sealer,
    room: Room,
    numbers: Numbers,
    unsettled: bool,
    expired_at_ms: i64,
    /// What was found unreadable and is not told yet.
    lost: Vec<Dropped>,
}

impl DiskSpool {
    /// Opens the spool, or makes one where there is none. Reads all of it once, so that damage shows now.
    ///
    /// # Errors
    /// See [`SpoolError`]; so for everything else here. After any error the spool must be opened anew.
    pub fn open(
        files: &Arc<dyn Filesystem>,
        folder: &Path,
        key_file: &Path,
        bound_bytes: u64,
    ) -> Result<Self, SpoolError> {
        let sealer = Sealer::open(Arc::clone(files), key_file)?;
        let log = Log::open(Arc::clone(files), folder)?;
        let mut room = Room::new(bound_bytes);
        for found in log.records() {
            let Found { key, head, value } = found?;
            room.add(head.tag, key.severity(), cost(&value));
        }
        Ok(Self {
            numbers: log.numbers()?.unwrap_or_default(),
            log,
            sealer,
            room,
            unsettled: false,
            expired_at_ms: 0,
            lost: Vec::new(),
        })
    }

    /// Makes an empty spool that stands at these numbers, durably, and closes it.
    pub(super) fn create(
        files: &Arc<dyn Filesystem>,
        folder: &Path,
        key_file: &Path,
        numbers: Numbers,
    ) -> Result<(), SpoolError> {
        let spool = Self::open(files, folder, key_file, 0)?;
        spool.log.write(Vec::new(), &numbers)?;
        spool.log.make_durable()
    }

    /// Begins an epoch: its first record names the epoch before and its last sequence, by what stands here or by what
    /// is known from elsewhere, whichever is further.
    pub fn begin(&mut self, epoch: Epoch, known: Option<Numbers>, now_ms: i64) -> Result<(), SpoolError> {
        let last = known.map_or(self.numbers, |known| {
            if known.is_beyond(&self.numbers) {
                known
            } else {
                self.numbers
            }
        });
        self.numbers = Numbers {
            run: last.run + 1,
            epoch,
            given_out: 0,
        };
        let start = EpochStart {
            previous: last.last(),
            started_at_ms: now_ms,
        };
        self.append(&[New::record(None, &Record::EpochStart(start))], now_ms)
            .map(|_| ())
    }

    /// Where the numbers durably stand.
    #[must_use]
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// Undoes what an append that was never answered left behind: every sequence number from `given_out` on.
    pub fn roll_back(&mut self, given_out: u64) -> Result<(), SpoolError> {
        if self.numbers.given_out <= given_out {
            return Ok(());
        }
        let mut keys = Vec::new();
        for found in self.log.records() {
            let key = found?.key;
            if key.run() == self.numbers.run && key.sequence() >= given_out {
                keys.push(key);
            }
        }
        self.remove(&keys)?;
        self.numbers.given_out = given_out;
        Ok(())
    }

    /// Keeps records; they are durable when this returns.
    pub fn append(&mut self, records: &[New], now_ms: i64) -> Result<Appended, SpoolError> {
        let mut appended = Appended::default();
        let mut batch = Vec::new();
        let mut numbers = self.numbers;
        for new in records {
            let tag = self.sealer.tag(new.account.as_ref());
            let key = Key::new(new.severity, numbers.run, numbers.given_out);
            let bytes = (key.0.len() + HEAD + new.bytes.len() + 16) as u64;
            if !self.make_room(tag, new, bytes, &mut appended.dropped)? {
                appended.dropped.push(Dropped {
                    account: new.account.clone(),
                    severity: Some(new.severity),
                    count: 1,
                    cause: "spool-full",
                });
                appended.ids.push(None);
                continue;
            }
            let head = Head {
                tag,
                kept_at_ms: now_ms,
                epoch: numbers.epoch,
                nonce: self.sealer.nonce()?,
            };
            let head_bytes = head.write();
            let sealed = self
                .sealer
                .seal(head.nonce, &[&key.0, &head_bytes], new.bytes.clone())?;
            batch.push((key, [&head_bytes[..], &sealed].concat()));
            self.room.add(tag, new.severity, bytes);
            appended.ids.push(Some(FlagId {
                epoch: numbers.epoch,
                sequence: numbers.given_out,
            }));
            numbers.given_out += 1;
        }
        self.log.write(batch, &numbers)?;
        // INVARIANT 2: on disk before it counts as kept.
        self.log.make_durable()?;
        self.unsettled = false;
        self.numbers = numbers;
        Ok(appended)
    }

    /// The next records to deliver, severity 5 first.
    pub fn read(&mut self, wanted: &Wanted) -> Result<Vec<Kept>, SpoolError> {
        let mut kept = Vec::new();
        let mut bytes = 0;
        let mut unreadable = Vec::new();
        for found in self.log.until(6 - wanted.at_least.get()) {
            let Found { key, head, value } = found?;
            if wanted.except.contains(&key) {
                continue;
            }
            bytes += value.len();
            if kept.len() >= wanted.most || (bytes > wanted.most_bytes && !kept.is_empty()) {
                break;
            }
            match self.unseal(key, &head, &value) {
                Some(bytes) => {
                    let id = FlagId {
                        epoch: head.epoch,
                        sequence: key.sequence(),
                    };
                    kept.push(Kept { key, id, bytes });
                }
                None => unreadable.push(key),
            }
        }
        self.lost.extend(unreadable.iter().map(|key| Dropped {
            account: None,
            severity: Some(key.severity()),
            count: 1,
            cause: "spool-unreadable",
        }));
        self.remove(&unreadable)?;
        Ok(kept)
    }

    /// Forgets records that are delivered; durable after the next append or [`DiskSpool::settle`].
    pub fn remove(&mut self, keys: &[Key]) -> Result<(), SpoolError> {
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            if let Some(value) = self.log.remove(*key)? {
                let head = Head::read(&value)?;
                self.room.take(head.tag, key.severity(), cost(&value));
            }
        }
        self.unsettled = true;
        Ok(())
    }

    /// Makes removals durable, drops what is too old and, if nothing is left, changes the key.
    pub fn settle(&mut self, now_ms: i64) -> Result<Vec<Dropped>, SpoolError> {
        let mut gone = std::mem::take(&mut self.lost);
        if (now_ms - self.expired_at_ms).abs() >= EXPIRY_EVERY_MS {
            gone.extend(self.expire(now_ms)?);
            self.expired_at_ms = now_ms;
        }
        if self.unsettled {
            self.log.make_durable()?;
            self.unsettled = false;
        }
        if self.room.usage().records == 0 {
            // Only now that the removals are durable: no record may come back that the new key does not open.
            self.sealer.change()?;
        }
        Ok(gone)
    }

    /// How much it holds.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.room.usage()
    }

    /// Makes room for a record; says whether there is any.
    fn make_room(
        &mut self,
        tag: u64,
        new: &New,
        bytes: u64,
        gone: &mut Vec<Dropped>,
    ) -> Result<bool, SpoolError> {
        match self.room.plan(tag, new.severity, bytes) {
            Plan::Fits => Ok(true),
            Plan::Refuse => Ok(false),
            Plan::Evict {
                tag: owner,
                bytes: needed,
                up_to,
            } => {
                self.evict(owner, needed, up_to, gone)?;
                // An account within its quota may still stand before a full spool.
                Ok(match self.room.plan(tag, new.severity, bytes) {
                    Plan::Fits => true,
                    Plan::Evict {
                        tag: None,
                        bytes: needed,
                        up_to,
                    } if owner.is_some() => {
                        self.evict(None, needed, up_to, gone)?;
                        self.room.plan(tag, new.severity, bytes) == Plan::Fits
                    }
                    _ => false,
                })
            }
        }
    }

    /// Lowest severity first, oldest first.
    fn evict(
        &mut self,
        owner: Option<u64>,
        bytes: u64,
        up_to: Severity,
        gone: &mut Vec<Dropped>,
    ) -> Result<(), SpoolError> {
        let mut freed = 0;
        let mut keys = Vec::new();
        for severity in Severity::ALL.into_iter().filter(|severity| *severity <= up_to) {
            for found in self.log.beginning_with(5 - severity.get()) {
                if freed >= bytes {
                    break;
                }
                let Found { key, head, value } = found?;
                if owner.map_or(head.tag != DEVICE, |owner| owner == head.tag) {
                    freed += cost(&value);
                    gone.push(self.dropped(key, &head, &value, "spool-full"));
                    keys.push(key);
                }
            }
        }
        self.remove(&keys)
    }

    fn dropped(&self, key: Key, head: &Head, value: &[u8], cause: &'static str) -> Dropped {
        let record = self
            .unseal(key, head, value)
            .and_then(|bytes| decode_record(&bytes).ok());
        match record {
            Some(Record::Flag(flag)) => Dropped {
                account: Some(flag.account),
                severity: Some(flag.severity),
                count: 1,
                cause,
            },
            Some(Record::Gap(gap)) => Dropped {
                account: gap.account,
                severity: gap.highest_severity,
                count: gap.count,
                cause,
            },
            Some(Record::Repeats(repeats)) => Dropped {
                account: None,
                severity: Some(key.severity()),
                count: repeats.count.into(),
                cause,
            },
            Some(Record::EpochStart(_)) | None => Dropped {
                account: None,
                severity: Some(key.severity()),
                count: 1,
                cause,
            },
        }
    }

    fn unseal(&self, key: Key, head: &Head, value: &[u8]) -> Option<Vec<u8>> {
        self.sealer
            .open_record(head.nonce, &[&key.0, &value[..HEAD]], &value[HEAD..])
    }

    fn expire(&mut self, now_ms: i64) -> Result<Vec<Dropped>, SpoolError> {
        let mut gone = Vec::new();
        let mut keys = Vec::new();
        for found in self.log.records() {
            let Found { key, head, value } = found?;
            if head.kept_at_ms < now_ms - KEPT_MS {
                gone.push(self.dropped(key, &head, &value, "spool-too-old"));
                keys.push(key);
            }
        }
        self.remove(&keys)?;
        Ok(gone)
    }
}
