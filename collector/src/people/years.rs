//! Year groups of England, Wales, Scotland and Northern Ireland, and the rules that go with them (P3).
//!
//! | nation | as written | as kept | audience |
//! |---|---|---|---|
//! | England, Wales | nursery, reception, 1, 2 | `N`, `R`, `1`, `2` | ks1 |
//! | | 3 to 6 | `3` to `6` | ks2 |
//! | | 7 to 14 | `7` to `14` | secondary |
//! | Scotland | nursery, P1 to P3 | `N`, `P1` to `P3` | ks1 |
//! | | P4 to P7 | `P4` to `P7` | ks2 |
//! | | S1 to S6 | `S1` to `S6` | secondary |
//! | Northern Ireland | nursery, P1 to P4, there also "Year 1" to "Year 4" | `N`, `P1` to `P4` | ks1 |
//! | | P5 to P7, there also "Year 5" to "Year 7" | `P5` to `P7` | ks2 |
//! | | Years 8 to 14 | `8` to `14` | secondary |
//!
//! Whatever is not one of these has the strictest rules.

use crate::profile::Nation;
use pastoral_keywords::Audience;

/// The rules for a year group as it is kept.
#[must_use]
pub fn audience(year_group: &str, nation: Nation) -> Audience {
    let stage = |letter: char| {
        let rest = year_group.strip_prefix(letter)?;
        rest.parse::<u8>().ok()
    };
    match (year_group.parse::<u8>().ok(), stage('P'), stage('S')) {
        (Some(3..=6), ..) => Audience::Ks2,
        (Some(7..=14), ..) | (.., Some(1..=6)) => Audience::Secondary,
        // A year younger in Northern Ireland than in Scotland.
        (_, Some(4), _) if nation == Nation::Scotland => Audience::Ks2,
        (_, Some(5..=7), _) => Audience::Ks2,
        _ => Audience::STRICTEST,
    }
}

/// How old a year group is, for telling whether a file is from another school year: reception is 0. None for a nursery's
/// and unknown ones.
#[must_use]
pub fn height(year_group: &str) -> Option<u8> {
    if year_group == "R" {
        return Some(0);
    }
    let number = |rest: &str| rest.parse::<u8>().ok();
    number(year_group)
        .or_else(|| year_group.strip_prefix('P').and_then(number))
        .or_else(|| Some(7 + year_group.strip_prefix('S').and_then(number)?))
}

/// What a field says of a year group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Year {
    /// As it is kept; empty when the field says that there is none.
    Of(String),
    /// Something else.
    Unknown,
}

/// A year group as people and systems write it. A list is one when all its parts are.
pub(super) fn year(field: &str, nation: Nation) -> Year {
    let mut years = field.split([',', ';']).filter_map(super::values::said_but_zero);
    let Some(first) = years.next() else {
        return Year::Of(String::new());
    };
    let first = one(first, nation);
    if years.all(|other| one(other, nation) == first) {
        first
    } else {
        Year::Unknown
    }
}

/// In front of the number or letter.
const BEFORE: [&str; 8] = [
    "nationalcurriculum",
    "curriculum",
    "nc",
    "yeargroup",
    "year",
    "yr",
    "grade",
    "stage",
];

fn one(written: &str, nation: Nation) -> Year {
    // Excel makes 5.0 of a 5.
    let written = written.strip_suffix(".0").unwrap_or(written);
    // `Year 1/2` is a class of two years, and not Year 12.
    let numbers = written.split(|letter: char| !letter.is_ascii_digit());
    if numbers.filter(|number| !number.is_empty()).count() > 1 {
        return Year::Unknown;
    }
    let mut rest: String = written
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    for before in BEFORE {
        if let Some(after) = rest.strip_prefix(before).filter(|after| !after.is_empty()) {
            rest = after.to_owned();
        }
    }
    if let Some(kept) = named(&rest) {
        return Year::Of(kept.into());
    }
    let number = |letter: char| rest.strip_prefix(letter)?.parse::<u8>().ok();
    let plain = rest.parse::<u8>().ok().or_else(|| number('y'));
    let primary = number('p').or_else(|| rest.strip_prefix("primary")?.parse().ok());
    let secondary = number('s').or_else(|| rest.strip_prefix("secondary")?.parse().ok());
    match (plain, primary, secondary) {
        (Some(0), ..) => Year::Of("R".into()),
        (Some(year @ 1..=7), ..) if nation == Nation::NorthernIreland => Year::Of(format!("P{year}")),
        (Some(year @ 1..=14), ..) => Year::Of(year.to_string()),
        (_, Some(year @ 1..=7), _) => Year::Of(format!("P{year}")),
        (.., Some(year @ 1..=6)) => Year::Of(format!("S{year}")),
        _ => Year::Unknown,
    }
}

/// Year groups with names. OneRoster's and School Data Sync's codes are those of CEDS.
fn named(squashed: &str) -> Option<&'static str> {
    Some(match squashed {
        "r" | "yr" | "rec" | "reception" | "receptionyear" | "receptionclass" | "kg" | "kindergarten"
        | "eyfs" | "fs" | "fs2" | "f2" | "foundation" | "foundationstage" | "foundation2"
        | "foundationstage2" | "eyfs2" => "R",
        "n" | "n1" | "n2" | "n3" | "nur" | "nursery" | "nurseryam" | "nurserypm" | "nursery1"
        | "nursery2" | "nurseryclass" | "fs1" | "f1" | "foundation1" | "foundationstage1" | "eyfs1"
        | "preschool" | "prenursery" | "playgroup" | "elc" | "pk" | "tk" | "pr" | "ps" | "it" | "ps1"
        | "ps2" | "ps3" | "ps4" | "e1" | "e2" => "N",
        "l6" | "lowersixth" | "lower6" | "l6th" | "sixthformlower" => "12",
        "u6" | "uppersixth" | "upper6" | "u6th" | "sixthformupper" => "13",
        // Not in a year: the strictest rules.
        "ug" | "other" | "ungraded" | "x" | "special" | "adulteducation" => "",
        _ => return None,
    })
}

/// The year group of an age in whole years, the younger of the two it may be.
pub(super) fn year_of_age(field: &str) -> Option<String> {
    let age: u8 = field.trim().split(['.', ' ', 'y']).next()?.parse().ok()?;
    match age {
        2..=4 => Some("N".into()),
        5 => Some("R".into()),
        6..=19 => Some((age - 5).min(14).to_string()),
        _ => None,
    }
}
