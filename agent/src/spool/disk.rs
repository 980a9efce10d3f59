//! The spool on the disk: sled, sealed records, and an fsync of our own. The format is described in [`super`].

use super::format::{HEAD, Head, NUMBERS, Numbers, RECORD_END, cost, read_key};
use super::room::{DEVICE, Plan, Room};
use super::seal::Sealer;
use super::{Appended, Dropped, Kept, Key, New, Spool, SpoolError, Usage, Wanted};
use crate::platform::{sync_file, sync_folder};
use pastoral_keywords::Severity;
use pastoral_proto::{Epoch, EpochStart, FlagId, Record, decode_record};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const CACHE_BYTES: u64 = 512 * 1024;
/// No record is kept longer than this (400 days).
const KEPT_MS: i64 = 400 * 24 * 3600 * 1000;
/// Too old records are looked for this often.
const EXPIRY_EVERY_MS: i64 = 6 * 3600 * 1000;

/// The spool in a folder, with its key in a file beside.
pub struct DiskSpool {
    db: sled::Db,
    folder: PathBuf,
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
    /// See [`SpoolError`].
    pub fn open(folder: &Path, key_file: &Path, bound_bytes: u64) -> Result<Self, SpoolError> {
        let new = !folder.exists();
        let sealer = Sealer::open(key_file)?;
        // No thread of sled's own that flushes: the keeper does, and knows when.
        let config = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(None);
        let db = config.open().map_err(from_sled)?;
        let numbers = db.get(NUMBERS).map_err(from_sled)?;
        let numbers = numbers.map(|bytes| Numbers::read(&bytes)).transpose()?;
        let room = Room::new(bound_bytes);
        let mut spool = Self {
            db,
            folder: folder.to_owned(),
            sealer,
            room,
            numbers: numbers.unwrap_or_default(),
            unsettled: false,
            expired_at_ms: 0,
            lost: Vec::new(),
        };
        spool.measure()?;
        if new {
            spool.make_durable()?;
            sync_folder(folder)?;
            folder.parent().map(sync_folder).transpose()?;
        }
        Ok(spool)
    }

    /// Makes an empty spool that stands at these numbers, and closes it.
    ///
    /// # Errors
    /// When it cannot be made durable.
    pub(super) fn create(folder: &Path, key_file: &Path, numbers: Numbers) -> Result<(), SpoolError> {
        let mut spool = Self::open(folder, key_file, 0)?;
        spool.db.insert(NUMBERS, numbers.write()).map_err(from_sled)?;
        spool.make_durable()
    }

    /// Begins an epoch: its first record names the epoch before and its last sequence, by what stands here or by what
    /// is known from elsewhere, whichever is further.
    ///
    /// # Errors
    /// When it cannot be made durable.
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
    ///
    /// # Errors
    /// When the spool must be opened anew.
    pub fn roll_back(&mut self, given_out: u64) -> Result<(), SpoolError> {
        if self.numbers.given_out <= given_out {
            return Ok(());
        }
        let run = self.numbers.run.to_be_bytes();
        let mut keys = Vec::new();
        for key in self.db.range(..RECORD_END.to_vec()).keys() {
            let key = read_key(&key.map_err(from_sled)?)?;
            if key.0[1..9] == run && key.sequence() >= given_out {
                keys.push(key);
            }
        }
        self.remove(&keys)?;
        self.numbers.given_out = given_out;
        Ok(())
    }

    fn measure(&mut self) -> Result<(), SpoolError> {
        for item in self.db.range(..RECORD_END.to_vec()) {
            let (key, value) = item.map_err(from_sled)?;
            let (key, head) = (read_key(&key)?, Head::read(&value)?);
            self.room.add(head.tag, key.severity(), cost(&value));
        }
        Ok(())
    }

    fn make_durable(&mut self) -> Result<(), SpoolError> {
        self.db.flush().map_err(from_sled)?;
        sync_file(&self.folder.join("db")).map_err(from_io)?;
        self.sync_blobs()?;
        self.unsettled = false;
        Ok(())
    }

    /// sled puts what is too large for its log into files of its own, and does not sync them either.
    fn sync_blobs(&self) -> Result<(), SpoolError> {
        let blobs = self.folder.join("blobs");
        let mut any = false;
        for file in fs::read_dir(&blobs)? {
            match sync_file(&file?.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(from_io(error)),
                _ => any = true,
            }
        }
        if any {
            sync_folder(&blobs).map_err(from_io)
        } else {
            Ok(())
        }
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
            for item in self.db.scan_prefix([5 - severity.get()]) {
                if freed >= bytes {
                    break;
                }
                let (key, value) = item.map_err(from_sled)?;
                let (key, head) = (read_key(&key)?, Head::read(&value)?);
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
        for item in self.db.range(..RECORD_END.to_vec()) {
            let (key, value) = item.map_err(from_sled)?;
            let (key, head) = (read_key(&key)?, Head::read(&value)?);
            if head.kept_at_ms < now_ms - KEPT_MS {
                gone.push(self.dropped(key, &head, &value, "spool-too-old"));
                keys.push(key);
            }
        }
        self.remove(&keys)?;
        Ok(gone)
    }
}

impl Spool for DiskSpool {
    fn append(&mut self, records: &[New], now_ms: i64) -> Result<Appended, SpoolError> {
        let mut appended = Appended::default();
        let mut batch = sled::Batch::default();
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
            batch.insert(&key.0, [&head_bytes[..], &sealed].concat());
            self.room.add(tag, new.severity, bytes);
            appended.ids.push(Some(FlagId {
                epoch: numbers.epoch,
                sequence: numbers.given_out,
            }));
            numbers.given_out += 1;
        }
        batch.insert(&NUMBERS, numbers.write());
        self.db.apply_batch(batch).map_err(from_sled)?;
        // INVARIANT 2: on disk before it counts as kept.
        self.make_durable()?;
        self.numbers = numbers;
        Ok(appended)
    }

    fn read(&mut self, wanted: &Wanted) -> Result<Vec<Kept>, SpoolError> {
        let mut kept = Vec::new();
        let mut bytes = 0;
        let mut unreadable = Vec::new();
        let end = vec![6 - wanted.at_least.get()];
        for item in self.db.range(..end) {
            let (key, value) = item.map_err(from_sled)?;
            let key = read_key(&key)?;
            if wanted.except.contains(&key) {
                continue;
            }
            let head = Head::read(&value)?;
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

    fn remove(&mut self, keys: &[Key]) -> Result<(), SpoolError> {
        if keys.is_empty() {
            return Ok(());
        }
        for key in keys {
            if let Some(value) = self.db.remove(key.0).map_err(from_sled)? {
                let head = Head::read(&value)?;
                self.room.take(head.tag, key.severity(), cost(&value));
            }
        }
        self.unsettled = true;
        Ok(())
    }

    fn settle(&mut self, now_ms: i64) -> Result<Vec<Dropped>, SpoolError> {
        let mut gone = std::mem::take(&mut self.lost);
        if (now_ms - self.expired_at_ms).abs() >= EXPIRY_EVERY_MS {
            gone.extend(self.expire(now_ms)?);
            self.expired_at_ms = now_ms;
        }
        if self.unsettled {
            self.make_durable()?;
        }
        if self.room.usage().records == 0 {
            // Only now that the removals are durable: no record may come back that the new key does not open.
            self.sealer.change()?;
        }
        Ok(gone)
    }

    fn usage(&self) -> Usage {
        self.room.usage()
    }
}

fn from_sled(error: sled::Error) -> SpoolError {
    match error {
        sled::Error::Io(error) => from_io(error),
        other => SpoolError::Damaged(other.to_string()),
    }
}

pub(super) fn from_io(error: io::Error) -> SpoolError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolError::Full,
        io::ErrorKind::WouldBlock => SpoolError::InUse,
        // sled wraps the lock's error in its own words.
        io::ErrorKind::Other if error.to_string().contains("could not acquire lock") => SpoolError::InUse,
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SpoolError::Damaged(error.to_string()),
        _ => SpoolError::Io(error),
    }
}
