//! Which of a device's records come in: those within its limits, and of the highest severity a few beyond them.
//!
//! INVARIANT 8: one device's harm is bounded. Nothing is dropped: what is held back is answered "not now" and stays on
//! the device. What was counted for a transaction that did not happen is not counted.

use super::prepared::{Content, Prepared};
use crate::metering::{AccountKey, BYTES_OF_A_ROW, HeldBack, Limited, Meter};
use jiff::civil::Date;
use pastoral_keywords::Severity;
use pastoral_proto::{Account, Record};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The gate of one transaction.
pub(super) struct Gate<'a> {
    meter: &'a Meter,
    day: Option<Date>,
    now: i64,
    /// The store refused these records: they go to quarantine, whatever they are.
    refuse: bool,
    spent: HashMap<(Arc<str>, Limited), i64>,
    accounts: HashSet<(Arc<str>, AccountKey)>,
    held_back: HashSet<Arc<str>>,
    admitted: Option<Admitted>,
}

/// What the record that was admitted last costs its device.
struct Admitted {
    device_id: Arc<str>,
    costs: Vec<(Limited, i64)>,
    new_account: Option<AccountKey>,
    /// It was let in beyond a limit.
    as_severe: bool,
}

impl<'a> Gate<'a> {
    pub(super) fn new(meter: &'a Meter, day: Option<Date>, now: i64, refuse: bool) -> Self {
        Self {
            meter,
            day,
            now,
            refuse,
            spent: HashMap::new(),
            accounts: HashSet::new(),
            held_back: HashSet::new(),
            admitted: None,
        }
    }

    /// Admits a record that was not committed before, or says for what and for how long its device is held back. Followed
    /// by [`Gate::came_in`] or [`Gate::stayed_out`].
    pub(super) fn admit(&mut self, record: &Prepared, of_new_epoch: bool) -> Result<(), HeldBack> {
        let account = told_account(record).map(key_of);
        let new_account = account.filter(|account| !self.knows(record, account));
        let costs = self.costs(record, of_new_epoch, new_account.is_some());
        let beyond = costs
            .iter()
            .find(|(what, cost)| !self.has_room(record, *what, *cost));
        let as_severe = match beyond {
            Some((what, _)) => self.let_severe_in(record, *what).map(|()| true)?,
            None => false,
        };
        self.admitted = Some(Admitted {
            device_id: Arc::clone(&record.device_id),
            costs,
            new_account,
            as_severe,
        });
        Ok(())
    }

    /// Admits that the record which was admitted last opens a concern, or says for how long its device is held back.
    pub(super) fn admit_concern(&mut self, record: &Prepared) -> Result<(), HeldBack> {
        if !self.has_room(record, Limited::Concerns, 1)
            && !self.admitted.as_ref().is_some_and(|admitted| admitted.as_severe)
        {
            self.let_severe_in(record, Limited::Concerns)?;
        }
        if let Some(admitted) = &mut self.admitted {
            admitted.costs.push((Limited::Concerns, 1));
        }
        Ok(())
    }

    /// Holds back what is told of a flag that has not come in, if that may be because its device is beyond the concerns it
    /// may open: the flag comes later, and then that counts on it.
    pub(super) fn admit_repeats(&mut self, record: &Prepared) -> Result<(), HeldBack> {
        if self.has_room(record, Limited::Concerns, 1) {
            return Ok(());
        }
        Err(self.hold_back(record, Limited::Concerns))
    }

    /// The record that was admitted last is written down.
    pub(super) fn came_in(&mut self) {
        let Some(admitted) = self.admitted.take() else {
            return;
        };
        for (what, cost) in admitted.costs {
            // Accounts are counted by which they are.
            if what != Limited::Accounts {
                *self
                    .spent
                    .entry((Arc::clone(&admitted.device_id), what))
                    .or_default() += cost;
            }
        }
        if let Some(account) = admitted.new_account {
            self.accounts.insert((admitted.device_id, account));
        }
    }

    /// The record that was admitted last stays on its device; what had to be written down for it all the same is spent.
    pub(super) fn stayed_out(&mut self) {
        if let Some(admitted) = &mut self.admitted {
            admitted.costs.retain(|(what, _)| *what == Limited::Starts);
        }
        self.came_in();
    }

    fn has_room(&self, record: &Prepared, what: Limited, cost: i64) -> bool {
        let more = self.spent(record, what).saturating_add(cost);
        self.meter.has_room(self.day, &record.device_id, what, more)
    }

    fn let_severe_in(&mut self, record: &Prepared, what: Limited) -> Result<(), HeldBack> {
        let lets_in = is_of_the_highest_severity(record)
            && told_account(record).is_some_and(|account| {
                self.meter
                    .lets_severe_in(self.day, &record.device_id, &key_of(account))
            });
        if lets_in {
            // Counted as held back, so that people see that it is beyond a limit.
            let _it_comes_in = self.meter.hold_back(self.day, &record.device_id, what, self.now);
            return Ok(());
        }
        Err(self.hold_back(record, what))
    }

    fn hold_back(&mut self, record: &Prepared, what: Limited) -> HeldBack {
        self.held_back.insert(Arc::clone(&record.device_id));
        self.meter.hold_back(self.day, &record.device_id, what, self.now)
    }

    /// The transaction did not happen, but devices were held back.
    pub(super) fn lengthen(&self) {
        for device_id in &self.held_back {
            self.meter.lengthen(self.day, device_id);
        }
    }

    /// The transaction is on disk: what was spent is spent.
    pub(super) fn settle(self) {
        self.lengthen();
        for ((device_id, what), spent) in self.spent {
            self.meter.add(self.day, &device_id, what, spent);
        }
        for (device_id, account) in self.accounts {
            self.meter.add_account(self.day, &device_id, account);
        }
    }

    fn knows(&self, record: &Prepared, account: &AccountKey) -> bool {
        self.accounts
            .contains(&(Arc::clone(&record.device_id), account.clone()))
            || self.meter.knows(self.day, &record.device_id, account)
    }

    fn spent(&self, record: &Prepared, what: Limited) -> i64 {
        if what == Limited::Accounts {
            let of_device = self
                .accounts
                .iter()
                .filter(|(device_id, _)| *device_id == record.device_id);
            return i64::try_from(of_device.count()).unwrap_or(i64::MAX);
        }
        let key = (Arc::clone(&record.device_id), what);
        self.spent.get(&key).copied().unwrap_or(0)
    }

    fn costs(&self, record: &Prepared, of_new_epoch: bool, of_new_account: bool) -> Vec<(Limited, i64)> {
        let mut costs = vec![(Limited::Bytes, record.bytes.saturating_add(BYTES_OF_A_ROW))];
        let mut starts = i64::from(of_new_epoch);
        match &record.content {
            _ if self.refuse => costs.push((Limited::Unreadable, 1)),
            Content::Bad(..) => costs.push((Limited::Unreadable, 1)),
            Content::Good(decoded, _) => match &**decoded {
                // Each names an epoch before it, which takes a row as its own does.
                Record::EpochStart(_) => starts = 1,
                Record::Gap(_) => costs.push((Limited::Gaps, 1)),
                Record::Flag(_) | Record::Repeats(_) => {}
            },
        }
        if starts > 0 {
            costs.push((Limited::Starts, starts));
        }
        if of_new_account {
            costs.push((Limited::Accounts, 1));
        }
        costs
    }
}

fn told_account(record: &Prepared) -> Option<&Account> {
    let Content::Good(decoded, _) = &record.content else {
        return None;
    };
    match &**decoded {
        Record::Flag(flag) => Some(&flag.account),
        Record::Gap(gap) => gap.account.as_ref(),
        Record::EpochStart(_) | Record::Repeats(_) => None,
    }
}

fn is_of_the_highest_severity(record: &Prepared) -> bool {
    let Content::Good(decoded, _) = &record.content else {
        return false;
    };
    matches!(&**decoded, Record::Flag(flag) if flag.severity == Severity::MAX)
}

fn key_of(account: &Account) -> AccountKey {
    (account.authority.clone(), account.stable_id.clone())
}
