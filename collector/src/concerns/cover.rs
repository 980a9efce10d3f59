//! When somebody at the school looks after concerns: term-time hours in the school's own time zone.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

const LOOK_AHEAD_DAYS: i32 = 400;

/// A range of days, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

impl Days {
    fn contains(&self, day: Date) -> bool {
        self.from <= day && day <= self.to
    }
}

/// Hours of cover on one day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The day.
    pub weekday: Weekday,
    /// Cover begins.
    pub from: Time,
    /// Cover ends.
    pub to: Time,
}

/// When somebody looks after concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The school's time zone.
    pub time_zone: TimeZone,
    /// Hours of the week.
    pub hours: Vec<Hours>,
    /// When school is on; empty: all year.
    pub terms: Vec<Days>,
    /// Days off within the terms.
    pub days_off: Vec<Days>,
}

impl Cover {
    /// Whether there is cover at a time, in milliseconds since 1970.
    #[must_use]
    pub fn is_open(&self, at_ms: i64) -> bool {
        let Some(local) = self.local(at_ms) else {
            return false;
        };
        self.hours_of(local.date())
            .any(|hours| hours.from <= local.time() && local.time() < hours.to)
    }

    /// The time itself when there is cover then, otherwise when cover begins next. None when there is none in over a
    /// year: whoever asks should then not wait for it.
    #[must_use]
    pub fn next_open(&self, at_ms: i64) -> Option<i64> {
        if self.is_open(at_ms) {
            return Some(at_ms);
        }
        let local = self.local(at_ms)?;
        let mut day = local.date();
        for _ in 0..LOOK_AHEAD_DAYS {
            let starts = self.hours_of(day).map(|hours| day.to_datetime(hours.from));
            if let Some(start) = starts.filter(|start| *start > local).min() {
                return Some(
                    start
                        .to_zoned(self.time_zone.clone())
                        .ok()?
                        .timestamp()
                        .as_millisecond(),
                );
            }
            day = day.checked_add(Span::new().days(1)).ok()?;
        }
        None
    }

    /// The day it is at the school at a time.
    #[must_use]
    pub fn day(&self, at_ms: i64) -> Option<Date> {
        self.local(at_ms).map(|local| local.date())
    }

    /// Whether school is on: within a term, not a day off, and a day of the week with hours of cover.
    #[must_use]
    pub fn is_school_day(&self, day: Date) -> bool {
        self.hours_of(day).next().is_some()
    }

    /// Whether a day is out of term or a day off. Weekends within terms are no holidays.
    #[must_use]
    pub fn is_holiday(&self, day: Date) -> bool {
        !self.is_in_term(day)
    }

    /// Whether a day's hours of cover, or the whole day where it has none, are over.
    #[must_use]
    pub fn is_over(&self, day: Date, at_ms: i64) -> bool {
        self.local(at_ms).is_some_and(|local| {
            let end = self.hours_of(day).map(|hours| hours.to).max();
            local.date() > day || (local.date() == day && end.is_some_and(|end| end <= local.time()))
        })
    }

    /// Whether a school day's hours of cover have begun.
    #[must_use]
    pub fn has_begun(&self, at_ms: i64) -> bool {
        self.local(at_ms).is_some_and(|local| {
            self.hours_of(local.date())
                .any(|hours| hours.from <= local.time())
        })
    }

    fn local(&self, at_ms: i64) -> Option<DateTime> {
        Some(
            self.time_zone
                .to_datetime(Timestamp::from_millisecond(at_ms).ok()?),
        )
    }

    fn hours_of(&self, day: Date) -> impl Iterator<Item = &Hours> {
        let on = self.is_in_term(day);
        self.hours
            .iter()
            .filter(move |hours| on && hours.weekday == day.weekday())
    }

    fn is_in_term(&self, day: Date) -> bool {
        (self.terms.is_empty() || self.terms.iter().any(|term| term.contains(day)))
            && !self.days_off.iter().any(|off| off.contains(day))
    }
}
