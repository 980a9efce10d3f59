//! Counts what each device uses of what is limited, by the school's own day. In memory, so that counting costs no write;
//! written down within a minute, and at once when a device is held back. A restart loses at most that minute, and the
//! length of the pauses.

use super::limited::{Limited, SEVERE_ACCOUNTS, SEVERE_OF_AN_ACCOUNT, pause_ms};
use jiff::civil::Date;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

const LAG_MS: i64 = 60_000;

/// An account, as far as a device tells: authority and stable id.
pub type AccountKey = (String, String);

/// What a device used of one thing on a day.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Use {
    /// The device.
    pub device_id: String,
    /// The school's own day.
    pub day: String,
    /// What.
    pub what: Limited,
    /// How much.
    pub used: i64,
    /// When it was last held back for it.
    pub held_back_at: Option<i64>,
}

/// An account that a device told of on a day.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Told {
    /// The device.
    pub device_id: String,
    /// The school's own day.
    pub day: String,
    /// The account's authority.
    pub authority: String,
    /// Its stable id.
    pub stable_id: String,
    /// How many flags of the highest severity were let in of it beyond a limit.
    pub let_in: i64,
}

/// What was written down of a day, or has to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// What devices used.
    pub uses: Vec<Use>,
    /// The accounts that they told of.
    pub accounts: Vec<Told>,
}

/// Told to a device that is beyond a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldBack {
    /// Of what.
    pub what: Limited,
    /// How long to wait.
    pub pause_ms: u32,
}

/// The counts of all devices.
#[derive(Debug, Default)]
pub struct Meter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    day: Option<Date>,
    devices: HashMap<String, Day>,
    allowed: HashSet<String>,
}

/// A device's day.
#[derive(Debug, Default)]
struct Day {
    used: [i64; Limited::ALL.len()],
    held_back_at: [Option<i64>; Limited::ALL.len()],
    /// When one was last let in beyond the limit.
    let_in_at: [i64; Limited::ALL.len()],
    times_held_back: u32,
    accounts: HashSet<AccountKey>,
    severe: HashMap<AccountKey, usize>,
    /// Accounts of which something has to be written down.
    unwritten: HashSet<AccountKey>,
    dirty: bool,
    urgent: bool,
    written_at: i64,
}

impl Meter {
    /// With what was written down of a day, and the devices that a person allowed more on it.
    #[must_use]
    pub fn of(day: Option<Date>, written: Written, allowed: HashSet<String>) -> Self {
        let mut state = State {
            day,
            allowed,
            ..State::default()
        };
        for written in written.uses {
            let place = written.what.place();
            let device = state.devices.entry(written.device_id).or_default();
            device.used[place] = written.used;
            device.held_back_at[place] = written.held_back_at;
        }
        for told in written.accounts {
            let device = state.devices.entry(told.device_id).or_default();
            let account = (told.authority, told.stable_id);
            if let Ok(let_in @ 1..) = usize::try_from(told.let_in) {
                device.severe.insert(account.clone(), let_in);
            }
            device.accounts.insert(account);
        }
        Self(Mutex::new(state))
    }

    /// Counts one of something, if the device may have it now.
    ///
    /// # Errors
    /// When it is beyond its limit.
    pub fn take(&self, day: Option<Date>, device_id: &str, what: Limited, now: i64) -> Result<(), HeldBack> {
        let mut state = self.on(day);
        let most = what.a_day(state.allowed.contains(device_id));
        let device = state.device(device_id);
        let place = what.place();
        if device.used[place] >= most {
            device.hold_back(what, now);
            let since = now - device.let_in_at[place];
            // A clock that was set back keeps nobody out for longer.
            if what.one_in_ms().is_none_or(|pause| (0..pause).contains(&since)) {
                return Err(HeldBack {
                    what,
                    pause_ms: device.next_pause(),
                });
            }
            device.let_in_at[place] = now;
        }
        device.count(what, 1);
        Ok(())
    }

    /// Whether a device may still use so much of something beside what it used so far. Counts nothing.
    #[must_use]
    pub fn has_room(&self, day: Option<Date>, device_id: &str, what: Limited, more: i64) -> bool {
        let state = self.on(day);
        let most = what.a_day(state.allowed.contains(device_id));
        let used = state
            .devices
            .get(device_id)
            .map_or(0, |device| device.used[what.place()]);
        used.saturating_add(more) <= most
    }

    /// Whether a device has told of an account before on this day.
    #[must_use]
    pub fn knows(&self, day: Option<Date>, device_id: &str, account: &AccountKey) -> bool {
        let state = self.on(day);
        let device = state.devices.get(device_id);
        device.is_some_and(|device| device.accounts.contains(account))
    }

    /// Lets a flag of the highest severity in, although its device is beyond a limit: a few of each account, so that
    /// neither another account nor its own first is kept out.
    #[must_use]
    pub fn lets_severe_in(&self, day: Option<Date>, device_id: &str, account: &AccountKey) -> bool {
        let mut state = self.on(day);
        let device = state.device(device_id);
        let severe = &mut device.severe;
        if severe.len() >= SEVERE_ACCOUNTS && !severe.contains_key(account) {
            return false;
        }
        let let_in = severe.entry(account.clone()).or_default();
        let lets = *let_in < SEVERE_OF_AN_ACCOUNT;
        *let_in += usize::from(lets);
        if lets {
            device.unwritten.insert(account.clone());
            device.dirty = true;
        }
        lets
    }

    /// A device was held back for something that [`Meter::has_room`] refused; gives how long it waits.
    #[must_use]
    pub fn hold_back(&self, day: Option<Date>, device_id: &str, what: Limited, now: i64) -> HeldBack {
        let mut state = self.on(day);
        let device = state.device(device_id);
        device.hold_back(what, now);
        let pause_ms = device.pause();
        HeldBack { what, pause_ms }
    }

    /// A message of a device was held back in part: its next pause is longer.
    pub fn lengthen(&self, day: Option<Date>, device_id: &str) {
        let _this_one = self.on(day).device(device_id).next_pause();
    }

    /// Counts what was stored of a device.
    pub fn add(&self, day: Option<Date>, device_id: &str, what: Limited, used: i64) {
        self.on(day).device(device_id).count(what, used);
    }

    /// A device told of an account.
    pub fn add_account(&self, day: Option<Date>, device_id: &str, account: AccountKey) {
        let mut state = self.on(day);
        let device = state.device(device_id);
        // What is let in beyond the limit is bounded, too.
        if device.accounts.insert(account.clone()) {
            device.unwritten.insert(account);
            device.count(Limited::Accounts, 1);
        }
    }

    /// The devices that a person allows more, on this day.
    pub fn allow(&self, day: Option<Date>, allowed: HashSet<String>) {
        let mut state = self.on(day);
        let newly: Vec<_> = allowed.difference(&state.allowed).cloned().collect();
        for device_id in newly {
            state.device(&device_id).times_held_back = 0;
        }
        state.allowed = allowed;
    }

    /// What has to be written down now.
    #[must_use]
    pub fn take_unwritten(&self, day: Option<Date>, now: i64) -> Written {
        let mut state = self.on(day);
        let mut written = Written::default();
        let Some(day) = state.day.map(|day| day.to_string()) else {
            return written;
        };
        for (device_id, device) in &mut state.devices {
            let late = !(0..LAG_MS).contains(&(now - device.written_at));
            if !(device.urgent || device.dirty && late) {
                continue;
            }
            (device.dirty, device.urgent, device.written_at) = (false, false, now);
            written.uses.extend(device.uses(device_id, &day));
            let accounts = std::mem::take(&mut device.unwritten);
            let told = accounts.into_iter().map(|account| Told {
                device_id: device_id.clone(),
                day: day.clone(),
                let_in: device.let_in(&account),
                authority: account.0,
                stable_id: account.1,
            });
            written.accounts.extend(told);
        }
        written
    }

    /// It could not be written: it is tried again.
    pub fn put_back(&self, unwritten: &Written) {
        let mut state = self.lock();
        for written in &unwritten.uses {
            if let Some(device) = state.devices.get_mut(&written.device_id) {
                device.urgent = true;
            }
        }
        for told in &unwritten.accounts {
            if let Some(device) = state.devices.get_mut(&told.device_id) {
                device.urgent = true;
                device
                    .unwritten
                    .insert((told.authority.clone(), told.stable_id.clone()));
            }
        }
    }

    /// The state of a day; a new day begins with nothing used.
    fn on(&self, day: Option<Date>) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        if state.day != day {
            *state = State {
                day,
                ..State::default()
            };
        }
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn device(&mut self, device_id: &str) -> &mut Day {
        self.devices.entry(device_id.to_owned()).or_default()
    }
}

impl Day {
    fn count(&mut self, what: Limited, used: i64) {
        self.used[what.place()] = self.used[what.place()].saturating_add(used);
        self.dirty = true;
    }

    fn uses(&self, device_id: &str, day: &str) -> Vec<Use> {
        let place = |what: &Limited| what.place();
        let used = Limited::ALL
            .into_iter()
            .filter(|what| self.used[place(what)] > 0 || self.held_back_at[place(what)].is_some());
        used.map(|what| Use {
            device_id: device_id.to_owned(),
            day: day.to_owned(),
            what,
            used: self.used[what.place()],
            held_back_at: self.held_back_at[what.place()],
        })
        .collect()
    }

    fn let_in(&self, account: &AccountKey) -> i64 {
        let let_in = self.severe.get(account).copied().unwrap_or(0);
        i64::try_from(let_in).unwrap_or(i64::MAX)
    }

    fn hold_back(&mut self, what: Limited, now: i64) {
        let at = &mut self.held_back_at[what.place()];
        // Written down at once the first time, and then as counts are.
        self.urgent |= at.is_none();
        self.dirty = true;
        *at = Some(now);
    }

    fn pause(&self) -> u32 {
        pause_ms(self.times_held_back)
    }

    fn next_pause(&mut self) -> u32 {
        let pause = self.pause();
        self.times_held_back = self.times_held_back.saturating_add(1);
        pause
    }
}

#[cfg(test)]
mod tests;
