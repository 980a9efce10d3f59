//! Opening the spool: after a crash, after damage, and after an append that was never answered.
//!
//! # Files beside the spool
//! - `spool.opening`: how many openings ended with the process. After several, the spool is set aside.
//! - `spool.numbers`: where the numbers stood when the spool was last at rest, and how many records it held. sled takes
//!   a damaged log for one that was cut short by a crash, and goes on with what it finds; by this file the loss shows.

use super::format::{Numbers, part};
use super::{DiskSpool, KeeperSettings, SpoolError, renewal};
use crate::clock;
use crate::files;
use pastoral_proto::Epoch;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Openings that ended with the process before the spool is set aside.
const OPENINGS: u32 = 5;
const NUMBERS_LENGTH: usize = 33;

pub(super) struct Opening {
    settings: KeeperSettings,
    noted: Option<Numbers>,
}

impl Opening {
    pub(super) fn new(settings: KeeperSettings) -> Self {
        Self {
            settings,
            noted: None,
        }
    }

    /// Opens the spool for new records of this run: of the epoch it has begun, without what an unanswered append left,
    /// or else of a fresh one. Gives also how many records are lost, if any are.
    pub(super) fn open(&mut self, answered: Option<Numbers>) -> Result<(DiskSpool, Option<u64>), SpoolError> {
        let marker = self.path("spool.opening");
        let files = Arc::clone(&self.settings.files);
        let tried = files.read(&marker).ok().flatten();
        let tried = tried
            .and_then(|bytes| String::from_utf8(bytes).ok()?.trim().parse().ok())
            .unwrap_or(0);
        // Said beforehand, should opening end the process. On a full disk there is no room for it, nor need.
        let _ = files.remove_file(&marker);
        if tried >= OPENINGS {
            return Err(SpoolError::Damaged(
                "opening it ended the service several times".into(),
            ));
        }
        let _ = files.write_new(&marker, (tried + 1).to_string().as_bytes());
        let opened = self.open_marked(answered);
        let _ = files.remove_file(&marker);
        opened
    }

    /// Notes where the numbers stand, when there is something to note. Without it, a loss may go unseen.
    pub(super) fn note(&mut self, spool: &DiskSpool) {
        let numbers = spool.numbers();
        if self.noted == Some(numbers) {
            return;
        }
        let bytes = [numbers.write(), spool.usage().records.to_be_bytes().to_vec()].concat();
        match files::replace(&*self.settings.files, &self.path("spool.numbers"), &bytes) {
            Ok(()) => self.noted = Some(numbers),
            Err(error) => tracing::warn!(%error, "cannot note where the spool stands"),
        }
    }

    /// Puts an empty spool in the place of one that is closed and was empty.
    pub(super) fn renew(&self, numbers: Numbers) -> Result<(), SpoolError> {
        let KeeperSettings { files, state_dir, .. } = &self.settings;
        renewal::renew(files, state_dir, &self.path("spool.key"), numbers)
    }

    /// Keeps a damaged spool, with its key, for whoever wants to look; only the latest one.
    pub(super) fn set_aside(&self, now_ms: i64) -> io::Result<()> {
        let KeeperSettings { files, state_dir, .. } = &self.settings;
        for path in files.list(state_dir)? {
            let name = path.file_name().unwrap_or_default();
            if name.to_string_lossy().starts_with("spool.damaged-") {
                files.remove_folder(&path)?;
            }
        }
        let aside = self.path(&format!("spool.damaged-{now_ms}"));
        match files.rename(&self.path("spool"), &aside) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => files.make_folder(&aside)?,
            renamed => renamed?,
        }
        match files.rename(&self.path("spool.key"), &aside.join("spool.key")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        files.sync_folder(&aside)?;
        files.sync_folder(state_dir)
    }

    fn open_marked(&mut self, answered: Option<Numbers>) -> Result<(DiskSpool, Option<u64>), SpoolError> {
        let KeeperSettings {
            files,
            state_dir,
            bound_bytes,
            ..
        } = &self.settings;
        renewal::finish(&**files, state_dir)?;
        let mut spool = DiskSpool::open(files, &self.path("spool"), &self.path("spool.key"), *bound_bytes)?;
        let (known, records) = self.known(answered);
        let found = spool.numbers();
        let lost = known.filter(|known| known.is_beyond(&found)).map(|known| {
            let left = spool.usage().records;
            records.saturating_sub(left).max(if known.run == found.run {
                known.given_out - found.given_out
            } else {
                0
            })
        });
        if lost.is_none()
            && let Some(answered) = answered.filter(|answered| answered.run == found.run)
        {
            spool.roll_back(answered.given_out)?;
            return Ok((spool, None));
        }
        let mut epoch = [0; 16];
        let drawn = SystemRandom::new().fill(&mut epoch);
        drawn.map_err(|_| SpoolError::Io(io::Error::other("the system gives no random numbers")))?;
        spool.begin(Epoch(epoch), known, clock::now_ms())?;
        self.note(&spool);
        Ok((spool, lost))
    }

    /// The furthest numbers that are known from outside the spool, and the records it then held.
    fn known(&self, answered: Option<Numbers>) -> (Option<Numbers>, u64) {
        let bytes = self.settings.files.read(&self.path("spool.numbers"));
        let bytes = bytes.ok().flatten().unwrap_or_default();
        let noted = bytes
            .split_at_checked(NUMBERS_LENGTH)
            .filter(|(_, records)| records.len() == 8);
        let noted = noted.and_then(|(numbers, records)| {
            Some((Numbers::read(numbers).ok()?, u64::from_be_bytes(part(records))))
        });
        match (noted, answered) {
            (Some((noted, records)), Some(answered)) if noted.is_beyond(&answered) => (Some(noted), records),
            (noted, Some(answered)) => (Some(answered), noted.map_or(0, |(_, records)| records)),
            (noted, None) => (
                noted.map(|(numbers, _)| numbers),
                noted.map_or(0, |(_, records)| records),
            ),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.settings.state_dir.join(name)
    }
}
