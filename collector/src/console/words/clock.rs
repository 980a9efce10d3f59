//! Times as people at the school say them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Says times as people at the school say them.
#[derive(Clone)]
pub(in crate::console) struct Clock {
    zone: TimeZone,
    now_ms: i64,
}

impl Clock {
    /// The school's clock, at a moment.
    pub(in crate::console) fn new(zone: TimeZone, now_ms: i64) -> Self {
        Self { zone, now_ms }
    }

    /// For example `today at 2:03pm` or `Tuesday 3 November at 2:03pm`.
    pub(in crate::console) fn when(&self, at_ms: &i64) -> String {
        let (Some(at), Some(now)) = (self.local(*at_ms), self.local(self.now_ms)) else {
            return String::new();
        };
        let time = self.time(at_ms);
        let (day, today) = (at.date(), now.date());
        if day == today {
            return format!("today at {time}");
        }
        if today.yesterday().is_ok_and(|yesterday| yesterday == day) {
            return format!("yesterday at {time}");
        }
        if today.tomorrow().is_ok_and(|tomorrow| tomorrow == day) {
            return format!("tomorrow at {time}");
        }
        let form = if day.year() == today.year() {
            "%A %-d %B"
        } else {
            "%-d %B %Y"
        };
        format!("{} at {time}", at.strftime(form))
    }

    /// For example `3 November 2026 at 2:03:45pm`: for the record.
    pub(in crate::console) fn exactly(&self, at_ms: &i64) -> String {
        self.local(*at_ms).map_or_else(String::new, |at| {
            format!(
                "{}{}",
                at.strftime("%-d %B %Y at %-I:%M:%S"),
                at.strftime("%p").to_string().to_lowercase()
            )
        })
    }

    /// For example `3 November 2026`.
    pub(in crate::console) fn day(&self, at_ms: &i64) -> String {
        self.local(*at_ms)
            .map_or_else(String::new, |at| at.strftime("%-d %B %Y").to_string())
    }

    /// For example `2026-11`.
    pub(in crate::console) fn month(&self, at_ms: &i64) -> String {
        self.local(*at_ms)
            .map_or_else(String::new, |at| at.strftime("%Y-%m").to_string())
    }

    /// For example `2026-11-03T14:03`, as the browser's field for a day and time has it.
    pub(in crate::console) fn field(&self, at_ms: &i64) -> String {
        self.local(*at_ms)
            .map_or_else(String::new, |at| at.strftime("%Y-%m-%dT%H:%M").to_string())
    }

    /// When something is due: `4:16pm`, `4:16pm tomorrow` or `4:16pm on Tuesday 3 November`.
    pub(in crate::console) fn by(&self, at_ms: &i64) -> String {
        let (time, when) = (self.time(at_ms), self.when(at_ms));
        match when.split_once(" at ") {
            Some(("today", _)) => time,
            Some((day @ ("tomorrow" | "yesterday"), _)) => format!("{time} {day}"),
            Some((day, _)) => format!("{time} on {day}"),
            None => when,
        }
    }

    /// How long ago, roughly, for example `4 minutes ago`.
    pub(in crate::console) fn ago(&self, at_ms: &i64) -> String {
        let minutes = (self.now_ms - at_ms) / 60_000;
        let many = |count: i64, what: &str| match count {
            1 => format!("1 {what} ago"),
            _ => format!("{count} {what}s ago"),
        };
        match minutes {
            ..=0 => "just now".to_owned(),
            1..=59 => many(minutes, "minute"),
            60..=2879 => many(minutes / 60, "hour"),
            _ => many(minutes / 1440, "day"),
        }
    }

    fn time(&self, at_ms: &i64) -> String {
        self.local(*at_ms).map_or_else(String::new, |at| {
            format!(
                "{}{}",
                at.strftime("%-I:%M"),
                at.strftime("%p").to_string().to_lowercase()
            )
        })
    }

    fn local(&self, at_ms: i64) -> Option<jiff::Zoned> {
        Some(
            Timestamp::from_millisecond(at_ms)
                .ok()?
                .to_zoned(self.zone.clone()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let zone = TimeZone::UTC;
        let now = "2026-11-22T15:00:00Z"
            .parse::<Timestamp>()
            .unwrap()
            .as_millisecond();
        let clock = Clock::new(zone, now);
        let at = |text: &str| clock.when(&text.parse::<Timestamp>().unwrap().as_millisecond());
        assert_eq!(at("2026-11-22T14:03:09Z"), "today at 2:03pm");
        assert_eq!(at("2026-11-21T09:30:00Z"), "yesterday at 9:30am");
        assert_eq!(at("2026-11-23T08:00:00Z"), "tomorrow at 8:00am");
        assert_eq!(at("2026-11-03T00:05:00Z"), "Tuesday 3 November at 12:05am");
        assert_eq!(at("2025-11-03T12:05:00Z"), "3 November 2025 at 12:05pm");
        let by = |text: &str| clock.by(&text.parse::<Timestamp>().unwrap().as_millisecond());
        assert_eq!(by("2026-11-22T16:16:00Z"), "4:16pm");
        assert_eq!(by("2026-11-23T08:00:00Z"), "8:00am tomorrow");
        assert_eq!(by("2026-12-01T08:00:00Z"), "8:00am on Tuesday 1 December");
        assert_eq!(clock.ago(&(now - 60_000)), "1 minute ago");
        assert_eq!(clock.ago(&(now - 7_200_000)), "2 hours ago");
    }
}
