//! Which of a device's records come in: those within its limits, and of the highest severity a few beyond them.
//!
//! INVARIANT 8: one device's harm is bounded. Nothing is dropped: what is held back is answered "not now" and stays on
//! the device. What was counted for a transaction that did not happen is not counted.

use super::prepared::{Content, Prepared};
use crate::devices::limited::{BYTES_OF_A_ROW, Limited};
use crate::devices::meter::{AccountKey, HeldBack, Meter};
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
        }
    }

    /// Lets a record that was not committed before in, or says for what and for how long its device is held back.
    pub(super) fn admit(&mut self, record: &Prepared, of_new_epoch: bool) -> Result<(), HeldBack> {
        let account = told_account(record).map(key_of);
        let news = account.clone().filter(|account| !self.knows(record, account));
        let costs = self.costs(record, of_new_epoch, news.is_some());
        let beyond = costs.iter().find(|(what, cost)| {
            let spent = self.spent(record, *what);
            !self
                .meter
                .has_room(self.day, &record.device_id, *what, spent.saturating_add(*cost))
        });
        if let Some((what, _)) = beyond {
            let let_in = account.is_some_and(|account| {
                is_of_the_highest_severity(record)
                    && self.meter.lets_severe_in(self.day, &record.device_id, &account)
            });
            let held_back = self.meter.hold_back(self.day, &record.device_id, *what, self.now);
            if !let_in {
                self.held_back.insert(Arc::clone(&record.device_id));
                return Err(held_back);
            }
        }
        for (what, cost) in costs {
            // Accounts are counted by which they are.
            if what != Limited::Accounts {
                *self
                    .spent
                    .entry((Arc::clone(&record.device_id), what))
                    .or_default() += cost;
            }
        }
        if let Some(account) = news {
            self.accounts.insert((Arc::clone(&record.device_id), account));
        }
        Ok(())
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
