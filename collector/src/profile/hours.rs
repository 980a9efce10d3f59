//! Cover hours, terms and dates of a profile, checked.

use super::fault::{Places, ProfileError};
use super::raw::{RawCover, RawDays};
use crate::concerns::cover::{Cover, Days, Hours};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use toml::Spanned;
use toml::value::Datetime;

const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

type Checked<T> = Result<T, ProfileError>;

pub(super) fn cover(
    places: &Places<'_>,
    raw: Option<&Spanned<RawCover>>,
    time_zone: TimeZone,
) -> Checked<Cover> {
    let Some(raw) = raw else {
        // Not stated, so no real device is approved; a demonstration has the hours of a working week.
        let (from, to) = (Time::constant(8, 0, 0, 0), Time::constant(17, 0, 0, 0));
        let hours = DAYS[..5]
            .iter()
            .map(|(_, weekday)| Hours {
                weekday: *weekday,
                from,
                to,
            })
            .collect();
        return Ok(Cover {
            time_zone,
            hours,
            terms: Vec::new(),
            days_off: Vec::new(),
        });
    };
    let raw = raw.get_ref();
    let mut hours = Vec::new();
    for entry in raw.hours.get_ref() {
        let (from, to) = (time(places, &entry.from)?, time(places, &entry.to)?);
        if from >= to {
            return Err(places.fault(entry.to.span(), "cover ends before it begins", "to = 16:30:00"));
        }
        for day in entry.days.get_ref() {
            let known = DAYS.iter().find(|(name, _)| *name == day.get_ref());
            let (_, weekday) = known.ok_or_else(|| {
                let known = DAYS.map(|(name, _)| name).join(", ");
                places.fault(day.span(), "not a day of the week", format!("one of {known}"))
            })?;
            hours.push(Hours {
                weekday: *weekday,
                from,
                to,
            });
        }
    }
    if hours.is_empty() {
        let instead = "hours = [{ days = [\"monday\"], from = 08:30:00, to = 16:30:00 }]";
        return Err(places.fault(raw.hours.span(), "no hours of cover are stated", instead));
    }
    Ok(Cover {
        time_zone,
        hours,
        terms: days(places, &raw.terms)?,
        days_off: days(places, &raw.days_off)?,
    })
}

fn days(places: &Places<'_>, raw: &[RawDays]) -> Checked<Vec<Days>> {
    let range = |days: &RawDays| {
        let (from, to) = (date(places, &days.from)?, date(places, &days.to)?);
        if from > to {
            return Err(places.fault(
                days.to.span(),
                "the last day is before the first",
                "to = 2027-07-21",
            ));
        }
        Ok(Days { from, to })
    };
    raw.iter().map(range).collect()
}

pub(super) fn date(places: &Places<'_>, raw: &Spanned<Datetime>) -> Checked<Date> {
    let fault = || {
        places.fault(
            raw.span(),
            "not a date",
            "a date such as 2026-09-01, without quotes",
        )
    };
    let (Some(date), None) = (raw.get_ref().date, raw.get_ref().time) else {
        return Err(fault());
    };
    let number = |value: u8| i8::try_from(value).map_err(|_| fault());
    let year = i16::try_from(date.year).map_err(|_| fault())?;
    Date::new(year, number(date.month)?, number(date.day)?).map_err(|_| fault())
}

fn time(places: &Places<'_>, raw: &Spanned<Datetime>) -> Checked<Time> {
    let fault = || {
        places.fault(
            raw.span(),
            "not a time of day",
            "a time such as 08:30:00, without quotes",
        )
    };
    let (None, Some(time)) = (raw.get_ref().date, raw.get_ref().time) else {
        return Err(fault());
    };
    let number = |value: u8| i8::try_from(value).map_err(|_| fault());
    Time::new(number(time.hour)?, number(time.minute)?, 0, 0).map_err(|_| fault())
}
