//! Whether a device is protected: one typed answer for the console, `check` and `device list`. Pure.
//!
//! INVARIANT 11: silence is not protection. A device counts as heard when it says how it is, by the collector's clock:
//! an open stream proves nothing, and neither does a device's own clock.
//!
//! | threshold | the case it wins | the case it loses |
//! |---|---|---|
//! | a school day whose hours of cover are over | agents ended in the morning show that evening of the next day, not two weeks later | a pupil's day off makes a laptop *not heard* |
//! | a day without school counts where half of the group was heard | boarders' laptops at weekends | a group of which fewer are on |
//! | a school day on which the collector was there for [`THERE_MINUTES`] | a collector that was off for days does not call every laptop silent | what was silent on those days shows a school day later |
//! | [`HANGING_MS`] with an open stream | an agent that hangs, a stream that somebody holds open | ten minutes |
//! | [`LONGEST_MS`], whatever the calendar | a laptop silent all summer is not green all summer | all are *not heard* late in a long holiday |

use crate::codes::codes;
use crate::concerns::cover::Cover;
use crate::store::devices::{Device, DeviceState};
use crate::store::heard::Heard;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// Devices say how they are once a minute; one that is connected and does not, hangs.
pub const HANGING_MS: i64 = 10 * 60_000;
/// After so long nobody knows, school or not.
pub const LONGEST_MS: i64 = 14 * 24 * 60 * 60_000;
/// Minutes of a day's cover in which every laptop that is on finds the collector.
pub const THERE_MINUTES: i64 = 10;
/// A time so far ahead comes from a collector's clock that was wrong.
const AHEAD_MS: i64 = 5 * 60_000;

codes! {
    /// Whether a device is protected.
    pub enum Verdict {
        /// It waits for a person's decision.
        Waiting = "waiting", "Asks to join";
        /// It was silent when it should have been heard: nobody knows how it is.
        NotHeard = "not-heard", "Not heard";
        /// It was heard, and something is wrong with it.
        NotProtected = "not-protected", "Not protected";
        /// It was heard, and all is well.
        Protected = "protected", "Protected";
        /// A person retired it, and can bring it back.
        Retired = "retired", "Retired";
        /// A person turned it away.
        Rejected = "rejected", "Rejected";
        /// A person cut it off for good.
        CutOff = "cut-off", "Cut off";
    }
}

impl Verdict {
    /// Of a device with such silence and troubles.
    #[must_use]
    pub fn of(device: &Device, silent: bool, troubled: bool) -> Self {
        match device.state {
            DeviceState::Pending => Self::Waiting,
            DeviceState::Rejected => Self::Rejected,
            DeviceState::Approved if silent => Self::NotHeard,
            DeviceState::Approved if troubled => Self::NotProtected,
            DeviceState::Approved => Self::Protected,
            DeviceState::Revoked if device.retired_at.is_some() => Self::Retired,
            DeviceState::Revoked => Self::CutOff,
        }
    }
}

/// Why nobody knows how a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It has never said.
    Never,
    /// It is connected and says nothing.
    Hanging,
    /// So many days on which it should have been heard are over.
    Missed(u32),
    /// Two weeks have passed.
    Long,
    /// It was last heard at a time that has not come: the collector's clock was wrong then or is now.
    Ahead,
}

impl Silence {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        let what = match self {
            Self::Never => "It has not said how it is yet.",
            Self::Hanging => "It is connected but has stopped saying how it is.",
            Self::Missed(1) => "It was not heard on a day on which its group should be heard.",
            Self::Missed(days) => {
                return format!(
                    "It was not heard on {days} days on which its group should be heard. Nobody knows whether it is protected."
                );
            }
            Self::Long => "Not heard for two weeks.",
            Self::Ahead => {
                "It was last heard at a time that has not come yet: look at the collector’s clock."
            }
        };
        format!("{what} Nobody knows whether it is protected.")
    }
}

/// When devices are expected to be heard.
#[derive(Debug)]
pub struct Calendar<'a> {
    cover: &'a Cover,
    now: i64,
    /// The days on which at least half of a group was heard.
    busy: BTreeMap<String, BTreeSet<Date>>,
    /// Whether the collector was there long enough, by the days since it began to write that down.
    there: BTreeMap<Date, bool>,
}

impl<'a> Calendar<'a> {
    /// From how many of each group's approved devices were heard on which days, and when the collector was there.
    #[must_use]
    pub fn new(cover: &'a Cover, now: i64, devices: &[Device], heard: &Heard) -> Self {
        let approved = |group: &str| {
            let of_group = devices
                .iter()
                .filter(|device| device.is_approved() && device.group == group);
            i64::try_from(of_group.count()).unwrap_or(i64::MAX)
        };
        let mut busy: BTreeMap<String, BTreeSet<Date>> = BTreeMap::new();
        for heard in &heard.groups {
            // One alone is nobody's custom.
            if heard.devices >= 2
                && heard.devices.saturating_mul(2) >= approved(&heard.group_name)
                && let Ok(day) = heard.day.parse()
            {
                busy.entry(heard.group_name.clone()).or_default().insert(day);
            }
        }
        let there = heard
            .collector
            .iter()
            .filter_map(|there| Some((there.day.parse().ok()?, there.minutes >= THERE_MINUTES)));
        Self {
            there: there.collect(),
            cover,
            now,
            busy,
        }
    }

    /// Why nobody knows how a device is that last said so at a time; none when that is recent enough.
    ///
    /// A school day counts whether or not anybody was heard on it, as long as the collector was there: a whole group that
    /// falls silent must not look well.
    #[must_use]
    pub fn silence(&self, group: &str, connected: bool, said_at: Option<i64>) -> Option<Silence> {
        let Some(said_at) = said_at else {
            return Some(Silence::Never);
        };
        let since = self.now.saturating_sub(said_at);
        if since < -AHEAD_MS {
            return Some(Silence::Ahead);
        }
        if since > LONGEST_MS {
            return Some(Silence::Long);
        }
        if connected && since > HANGING_MS {
            return Some(Silence::Hanging);
        }
        let missed = self.missed(group, said_at);
        (missed > 0).then_some(Silence::Missed(missed))
    }

    fn missed(&self, group: &str, said_at: i64) -> u32 {
        let (Some(heard), Some(today)) = (self.cover.day(said_at), self.cover.day(self.now)) else {
            return 0;
        };
        let busy = self.busy.get(group);
        let days = std::iter::successors(heard.tomorrow().ok(), |day| day.tomorrow().ok());
        let expected = |day: &Date| {
            (self.cover.is_school_day(*day) && self.was_there(*day))
                || (!self.cover.is_holiday(*day) && busy.is_some_and(|busy| busy.contains(day)))
        };
        let missed = days
            .take_while(|day| *day <= today)
            .filter(|day| expected(day) && self.cover.is_over(*day, self.now));
        u32::try_from(missed.count()).unwrap_or(u32::MAX)
    }

    /// Whether the collector could hear anybody on a day. Before it began to write that down it is taken for granted.
    fn was_there(&self, day: Date) -> bool {
        let began = self.there.keys().next();
        began.is_none_or(|began| day < *began) || self.there.get(&day).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests;
