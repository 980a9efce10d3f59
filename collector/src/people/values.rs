//! Single fields: what stands for nothing, names, addresses, dates.

use super::usernames::normal;
use jiff::civil::Date;

const FIELD_MOST: usize = 200;

/// What people write where there is nothing to write.
const PLACEHOLDERS: [&str; 19] = [
    "-",
    "--",
    "---",
    ".",
    "?",
    "0",
    "n/a",
    "n.a.",
    "#n/a",
    "none",
    "nil",
    "null",
    "(null)",
    "unknown",
    "not known",
    "tbc",
    "tba",
    "xxx",
    "not provided",
];

/// A field with something in it; whatever stands for nothing is nothing.
pub(super) fn said(field: &str) -> Option<&str> {
    let field = field.trim();
    let nothing = field.is_empty()
        || PLACEHOLDERS
            .iter()
            .any(|placeholder| placeholder.eq_ignore_ascii_case(field));
    (!nothing).then_some(field)
}

/// Whether a field can be kept: neither longer than anybody's name nor with what no screen shows.
pub(super) fn fits(field: &str) -> bool {
    field.chars().count() <= FIELD_MOST && !field.chars().any(char::is_control)
}

/// `Ash, Ada` or `Ada Ash`; none when it cannot be told which is which.
pub(super) fn parted(name: &str) -> Option<(String, String)> {
    let (given, family) = match name.split_once(',') {
        Some((family, given)) => (given, family),
        None => name
            .trim()
            .rsplit_once(' ')
            .filter(|(given, _)| !given.contains(' '))?,
    };
    let (given, family) = (given.trim(), family.trim());
    (!given.is_empty() && !family.is_empty()).then(|| (given.into(), family.into()))
}

/// What an address field holds.
pub(super) enum Address {
    Nothing,
    Of(String),
    Faulty,
}

/// The first of the addresses in a field, in lower case. Those that nobody reads are none.
pub(super) fn address(field: &str) -> Address {
    let Some(first) = field.split([';', ',', ' ']).find_map(said) else {
        return Address::Nothing;
    };
    let first = first.strip_prefix("mailto:").unwrap_or(first);
    if first.parse::<lettre::Address>().is_err() {
        return Address::Faulty;
    }
    let first = normal(first);
    let local: String = first
        .split('@')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect();
    if matches!(
        local.as_str(),
        "noreply" | "donotreply" | "noemail" | "none" | "unknown"
    ) {
        Address::Nothing
    } else {
        Address::Of(first)
    }
}

/// Which of day and month a column of dates writes first where both are numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Order {
    /// As in Britain.
    #[default]
    DayFirst,
    /// As in America.
    MonthFirst,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
/// Excel counts days from here, where a date is kept as a number.
const EXCEL_BEGINS: Date = jiff::civil::date(1899, 12, 30);
/// As Excel counts: from 1954 to 2119.
const EXCEL_DAYS: std::ops::RangeInclusive<i32> = 20_000..=80_000;

/// `2026-09-01`, `20260901`, `01/09/2026`, `1.9.26`, `1-Sep-2026`, `Sep 1, 2026`, `46266`, each also with a time after it.
pub(super) fn date(field: &str, order: Order) -> Option<Date> {
    let parts = parts(field);
    let [one, two, three, ..] = parts[..] else {
        let alone: i32 = number(parts.first()?)?;
        return match parts[0].len() {
            5 if EXCEL_DAYS.contains(&alone) => EXCEL_BEGINS.checked_add(jiff::Span::new().days(alone)).ok(),
            8.. if alone > 9_999_999 => civil(alone / 10_000, alone / 100 % 100, alone % 100),
            _ => None,
        };
    };
    if let Some(month) = month(one) {
        return civil(century(number(three)?), month, number(two)?);
    }
    let (first, last) = (number(one)?, number(three)?);
    if let Some(month) = month(two) {
        return match first {
            32.. => civil(first, month, last),
            _ => civil(century(last), month, first),
        };
    }
    let second = number(two)?;
    match (first, order) {
        (32.., _) => civil(first, second, last),
        (_, Order::DayFirst) => civil(century(last), second, first),
        (_, Order::MonthFirst) => civil(century(last), first, second),
    }
}

/// The order in which a date must be written, where it can be only one.
pub(super) fn order(field: &str) -> Option<Order> {
    let of = |order| date(field, order);
    match (of(Order::DayFirst), of(Order::MonthFirst)) {
        (Some(_), None) => Some(Order::DayFirst),
        (None, Some(_)) => Some(Order::MonthFirst),
        _ => None,
    }
}

fn parts(field: &str) -> Vec<&str> {
    let parts = field.split(|letter: char| !letter.is_alphanumeric());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The digits in front: `31st`, `31T00`.
fn number(part: &str) -> Option<i32> {
    let end = part.find(|letter: char| !letter.is_ascii_digit());
    part[..end.unwrap_or(part.len())].parse().ok()
}

fn month(part: &str) -> Option<i32> {
    let part = part.to_ascii_lowercase();
    let place = MONTHS.iter().position(|month| part.starts_with(month))?;
    i32::try_from(place + 1).ok()
}

/// A year of two digits.
const fn century(year: i32) -> i32 {
    match year {
        0..70 => 2000 + year,
        70..100 => 1900 + year,
        _ => year,
    }
}

fn civil(year: i32, month: i32, day: i32) -> Option<Date> {
    Date::new(
        year.try_into().ok()?,
        month.try_into().ok()?,
        day.try_into().ok()?,
    )
    .ok()
}

/// As [`said`], where nought is a value: reception is year 0.
pub(super) fn said_but_zero(field: &str) -> Option<&str> {
    let field = field.trim();
    if field == "0" { Some(field) } else { said(field) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn dates_are_read_as_people_and_excel_write_them() {
        let august = Some(day(2026, 8, 31));
        for (written, read) in [
            ("2026-08-31", august),
            ("2026-08-31T00:00:00Z", august),
            ("20260831", august),
            ("31/08/2026", august),
            ("31/08/2026 00:00", august),
            ("31.8.26", august),
            ("31-Aug-2026", august),
            ("31-AUG-26", august),
            ("31st August 2026", august),
            ("Aug 31, 2026", august),
            ("2026-Aug-31", august),
            ("46265", august),
            ("01-OCT-2026", Some(day(2026, 10, 1))),
            ("07/08/2026", Some(day(2026, 8, 7))),
            ("31/08/99", Some(day(1999, 8, 31))),
            ("9999-12-31", Some(day(9999, 12, 31))),
            ("08/31/2026", None),
            ("00/00/0000", None),
            ("soon", None),
            ("2026", None),
            ("5", None),
            ("99999999999", None),
            ("31 Octember", None),
        ] {
            assert_eq!(date(written, Order::DayFirst), read, "{written}");
        }
        assert_eq!(date("08/31/2026 12:00:00 AM", Order::MonthFirst), august);
        assert_eq!(order("08/31/2026"), Some(Order::MonthFirst));
        assert_eq!(order("31/08/2026"), Some(Order::DayFirst));
        assert_eq!(
            (order("07/08/2026"), order("2026-08-31"), order("soon")),
            (None, None, None)
        );
    }
}
