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

/// `2026-09-01`, `20260901`, `01/09/2026` (British), `1.9.2026`, each also with a time after it.
pub(super) fn date(field: &str) -> Option<Date> {
    let day = field.trim().split(['T', ' ']).next().unwrap_or_default();
    let numbers: Vec<i16> = day
        .split(['-', '/', '.'])
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let year = |year: i16| if year < 100 { 2000 + year } else { year };
    let (y, m, d) = match numbers.as_slice() {
        [y, m, d] if *y > 31 => (*y, *m, *d),
        [d, m, y] => (year(*y), *m, *d),
        _ if day.len() == 8 && day.bytes().all(|byte| byte.is_ascii_digit()) => (
            day[..4].parse().ok()?,
            day[4..6].parse().ok()?,
            day[6..].parse().ok()?,
        ),
        _ => return None,
    };
    Date::new(y, i8::try_from(m).ok()?, i8::try_from(d).ok()?).ok()
}

/// As [`said`], where nought is a value: reception is year 0.
pub(super) fn said_but_zero(field: &str) -> Option<&str> {
    let field = field.trim();
    if field == "0" { Some(field) } else { said(field) }
}
