//! The roll call: every device of the school with its verdict and what is wrong with it, in plain words.

use super::health::Health;
use super::verdict::{Calendar, Silence, Verdict};
use crate::concerns::cover::Cover;
use crate::metering::{Limited, Use};
use crate::store::Read;
use crate::store::devices::{self, Device};
use crate::store::{heard, uses};
use std::collections::{BTreeMap, HashMap};

/// A clock that is further off is spoken of.
pub const CLOCK_WRONG_MS: i64 = 5 * 60_000;
/// How far back a verdict looks, in days.
const LOOKS_BACK: i64 = 15;

/// A device, and how it is.
#[derive(Debug, Clone)]
pub struct Called {
    /// The device.
    pub device: Device,
    /// Its name, told apart from others of the same name.
    pub name: String,
    /// Whether it is protected.
    pub verdict: Verdict,
    /// Why nobody knows, where that is so.
    pub silence: Option<Silence>,
    /// What it was held back for, and when last, until a person has decided.
    pub held_back: Vec<(Limited, i64)>,
    /// What is wrong with it, for people to read.
    pub troubles: Vec<String>,
}

/// Every device of a school.
#[derive(Debug, Clone)]
pub struct Roll(pub Vec<Called>);

/// Calls the roll.
pub async fn call(db: &mut Read, school_id: &str, cover: &Cover, now: i64) -> Result<Roll, sqlx::Error> {
    let devices = devices::list(db, school_id).await?;
    let since = cover
        .day(now)
        .and_then(|day| day.checked_sub(jiff::Span::new().days(LOOKS_BACK)).ok());
    let heard = match since {
        Some(since) => heard::since(db, school_id, since).await?,
        None => heard::Heard::default(),
    };
    let held_back = uses::held_back(db, school_id).await?;
    Ok(judge(devices, &heard, &held_back, cover, now))
}

/// Gives each device its verdict. Pure.
#[must_use]
pub fn judge(devices: Vec<Device>, heard: &heard::Heard, held_back: &[Use], cover: &Cover, now: i64) -> Roll {
    let calendar = Calendar::new(cover, now, &devices, heard);
    let mut names = told_apart(&devices);
    let called = devices.into_iter().map(|device| {
        let health = Health::stored(device.health.as_deref());
        let silence = calendar.silence(&device.group, device.connected, health.at);
        let troubles = troubles(&device, &health);
        let held_back: Vec<_> = held_back
            .iter()
            .filter(|held| held.device_id == device.device_id && device.is_approved())
            .filter_map(|held| Some((held.what, held.held_back_at?)))
            .collect();
        let troubled = !troubles.is_empty() || !held_back.is_empty();
        Called {
            name: names.remove(&device.device_id).unwrap_or_default(),
            verdict: Verdict::of(&device, silence.is_some(), troubled),
            silence: silence.filter(|_| device.is_approved()),
            troubles: if device.is_approved() {
                troubles
            } else {
                Vec::new()
            },
            held_back,
            device,
        }
    });
    Roll(called.collect())
}

impl Roll {
    /// The devices of a verdict.
    pub fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Called> {
        self.0.iter().filter(move |called| called.verdict == verdict)
    }

    /// How many there are of each verdict.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, usize> {
        let mut counts = BTreeMap::new();
        for called in &self.0 {
            *counts.entry(called.verdict).or_default() += 1;
        }
        counts
    }

    /// The groups of which nobody is heard, with how many devices each has: mostly the network, not the devices.
    #[must_use]
    pub fn silent_groups(&self) -> Vec<(&str, usize)> {
        let mut groups: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for called in self.0.iter().filter(|called| called.device.is_approved()) {
            let (all, silent) = groups.entry(called.device.group.as_str()).or_default();
            *all += 1;
            *silent += usize::from(called.verdict == Verdict::NotHeard);
        }
        groups
            .into_iter()
            .filter(|(_, (all, silent))| *all > 1 && all == silent)
            .map(|(group, (all, _))| (group, all))
            .collect()
    }

    /// How many are protected, not protected, not heard, waiting and retired, in one or two sentences.
    #[must_use]
    pub fn headline(&self) -> String {
        let counts = self.counts();
        let count = |verdict| counts.get(&verdict).copied().unwrap_or(0);
        let all = count(Verdict::Protected) + count(Verdict::NotProtected) + count(Verdict::NotHeard);
        let mut says = if all == 0 {
            "No device is approved yet.".to_owned()
        } else {
            format!(
                "{all} {} in use: {} protected, {} not protected, {} not heard.",
                if all == 1 { "device" } else { "devices" },
                count(Verdict::Protected),
                count(Verdict::NotProtected),
                count(Verdict::NotHeard),
            )
        };
        for (verdict, what) in [
            (Verdict::Waiting, "waiting to join"),
            (Verdict::Retired, "retired"),
        ] {
            if count(verdict) > 0 {
                says.push_str(&format!(" {} {what}.", count(verdict)));
            }
        }
        says
    }
}

/// The name of each device by its id: where several have one host name, with the beginning of the id, which stands on
/// the page of devices and in `device list`.
#[must_use]
pub fn told_apart(devices: &[Device]) -> HashMap<String, String> {
    let mut count: HashMap<&str, usize> = HashMap::new();
    for device in devices {
        *count.entry(&device.host_name).or_default() += 1;
    }
    let name = |device: &Device| {
        if count.get(device.host_name.as_str()).is_some_and(|many| *many > 1) {
            format!("{} ({})", device.host_name, short(&device.device_id))
        } else {
            device.host_name.clone()
        }
    };
    devices
        .iter()
        .map(|device| (device.device_id.clone(), name(device)))
        .collect()
}

/// The beginning of a device's id.
#[must_use]
pub fn short(device_id: &str) -> &str {
    device_id.get(..8).unwrap_or(device_id)
}

fn troubles(device: &Device, health: &Health) -> Vec<String> {
    let mut says = Vec::new();
    if device.cloned_at.is_some() {
        says.push(
            "Two devices use this identity. Remove it from one of them and enrol that one again.".to_owned(),
        );
    }
    if let Some(offset) = device
        .clock_offset_ms
        .filter(|offset| offset.saturating_abs() > CLOCK_WRONG_MS)
    {
        let minutes = offset.saturating_abs() / 60_000;
        let way = if offset > 0 { "slow" } else { "fast" };
        says.push(format!(
            "Its clock is {minutes} minutes {way}. Times are corrected; set the clock."
        ));
    }
    if let Some(refusal) = &device.policy_refusal {
        says.push(format!(
            "It refused the last policy and keeps the one before: {refusal}"
        ));
    }
    says.extend(health.troubles());
    says
}
