//! Whether a row is of somebody who has left.

use super::columns::{Column, Header, squashed};
use super::records::Record;
use super::values::{self, said, said_but_zero};
use super::wrong::{Checked, wrong};
use jiff::civil::Date;

/// Whether a row says that somebody has left, by `today`.
pub(super) fn has_left(today: Date, record: &Record<'_>, header: &Header) -> Checked<bool> {
    let by_status = left_by_status(record, header)?;
    let is_disabled = is_disabled(record, header)?;
    Ok(by_status | is_disabled | left_by_day(today, record, header)?)
}

fn left_by_day(today: Date, record: &Record<'_>, header: &Header) -> Checked<bool> {
    let mut left = false;
    for day in header.fields(record, Column::Left).into_iter().filter_map(said) {
        let day = values::date(day, header.order).ok_or_else(|| {
            wrong(
                header.name(Column::Left),
                "it is not a date",
                "a day such as 2026-08-31, or nothing",
            )
        })?;
        left |= day < today;
    }
    Ok(left)
}

fn left_by_status(record: &Record<'_>, header: &Header) -> Checked<bool> {
    let mut left = false;
    for status in header
        .fields(record, Column::Status)
        .into_iter()
        .filter_map(said_but_zero)
    {
        match squashed(status).as_str() {
            "tobedeleted" | "inactive" | "deleted" | "disabled" | "leaver" | "left" | "former" | "alumni"
            | "withdrawn" | "transferred" | "archived" | "offroll" | "unenrolled" | "notonroll" | "no"
            | "n" | "false" | "0" => left = true,
            "active"
            | "current"
            | "enrolled"
            | "onroll"
            | "yes"
            | "y"
            | "true"
            | "1"
            | "c"
            | "s"
            | "m"
            | "g"
            | "single"
            | "singleregistration"
            | "currentsingleregistration"
            | "currentsingleregistrationatthisschool"
            | "guest"
            | "main"
            | "maindualregistration"
            | "subsidiary"
            | "subsidiarydualregistration"
            | "dual"
            | "permanent"
            | "temporary"
            | "parttime"
            | "fulltime"
            | "pending" => {}
            _ => {
                let instead = "active, or tobedeleted for somebody who has left";
                return Err(wrong(
                    header.name(Column::Status),
                    "it is not a status that Pastoral knows",
                    instead,
                ));
            }
        }
    }
    Ok(left)
}

fn is_disabled(record: &Record<'_>, header: &Header) -> Checked<bool> {
    let mut is_disabled = false;
    for enabled in header
        .fields(record, Column::Enabled)
        .into_iter()
        .filter_map(said_but_zero)
    {
        match squashed(enabled).as_str() {
            "false" | "0" | "no" | "n" | "f" | "inactive" | "disabled" => is_disabled = true,
            "true" | "1" | "yes" | "y" | "t" | "active" | "enabled" => {}
            _ => {
                return Err(wrong(
                    header.name(Column::Enabled),
                    "it is not true or false",
                    "true or false",
                ));
            }
        }
    }
    Ok(is_disabled)
}
