//! What the fields of one row say: who it is, what they are to the school, whether they are still there.

use super::columns::{Column, Header, squashed};
use super::leaving::has_left;
use super::records::Record;
use super::roles::{self, Said};
use super::values::{self, Address, fits, said, said_but_zero};
use super::wrong::{Checked, Wrong, wrong};
use super::years::{self, Year};
use super::{Reader, Row, Table};
use crate::concerns::kind::SubjectRole;
use std::collections::HashMap;

/// What a row is.
pub(super) enum Is {
    Person(Row),
    Leaver,
}

impl Reader {
    pub(super) fn row(
        &self,
        record: &Record<'_>,
        table: &Table<'_>,
        id: Option<&str>,
        roles: &Option<HashMap<String, (Said, String)>>,
    ) -> Checked<Is> {
        let header = &table.header;
        let in_roles = match (roles, id) {
            (Some(roles), Some(id)) => roles.get(id),
            _ => None,
        };
        let said_role = Self::role(record, table, in_roles.map(|(role, _)| *role), roles.is_some());
        // Who has left is left out, whatever else is missing.
        if said_role == Said::HasLeft || has_left(self.today, record, header)? {
            return Ok(Is::Leaver);
        }
        let source_id = Self::id(header, id)?;
        let (role, administration) = Self::whose(record, header, said_role)?;
        let (given_name, family_name) = names(record, header)?;
        let year_group = match role {
            SubjectRole::Pupil => self.year(record, header, in_roles.map(|(_, year)| year.as_str()))?,
            _ => String::new(),
        };
        let class_name = match role {
            SubjectRole::Pupil => header.fields(record, Column::Class).into_iter().find_map(said),
            _ => None,
        };
        let username = header
            .fields(record, Column::Username)
            .into_iter()
            .find_map(said)
            .unwrap_or_default();
        if !fits(username) {
            return Err(unfit(header.name(Column::Username)));
        }
        Ok(Is::Person(Row {
            source_id,
            role,
            administration,
            year_group,
            // It only tells people apart: one that does not fit is left out, not the person.
            class_name: class_name.filter(|name| fits(name)).unwrap_or_default().into(),
            username: username.into(),
            given_name,
            family_name,
            email: email(record, header, role)?,
        }))
    }

    fn id(header: &Header, id: Option<&str>) -> Checked<String> {
        let name = header.ids().first().map_or("", |column| header.name(*column));
        let id = id.ok_or_else(|| wrong(name, "it is empty", "this person's id"))?;
        if !fits(id) {
            return Err(unfit(name));
        }
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if id
            .split_once("E+")
            .is_some_and(|(number, power)| digits(number) && digits(power))
        {
            let instead =
                "the whole number: in Excel, the column formatted as text before the file is opened";
            return Err(wrong(name, "Excel has shortened this number", instead));
        }
        Ok(id.into())
    }

    fn role(record: &Record<'_>, table: &Table<'_>, in_roles: Option<Said>, has_roles: bool) -> Said {
        let header = &table.header;
        if has_roles {
            return in_roles.unwrap_or(Said::Unknown);
        }
        if header.has(Column::Role) {
            let written = roles::role(&header.fields(record, Column::Role).join(","));
            return match written {
                // Jobs have more names than anybody can list.
                Said::Unknown
                    if said_by(record, header, &OF_STAFF) && !said_by(record, header, &OF_PUPILS) =>
                {
                    Said::Is(SubjectRole::Staff, false)
                }
                written => written,
            };
        }
        let job = header.fields(record, Column::JobTitle).into_iter().find_map(said);
        if let Some(year) = header.fields(record, Column::Year).first()
            && let adult @ Said::Is(..) = roles::role(year)
        {
            return adult;
        }
        let file = squashed(table.file.rsplit(['/', '\\']).next().unwrap_or_default());
        let named = |words: [&str; 2]| words.iter().any(|word| file.starts_with(word));
        let pupil = named(["student", "pupil"]) || said_by(record, header, &OF_PUPILS);
        let staff = named(["teacher", "staff"]) || said_by(record, header, &OF_STAFF);
        match (pupil, staff) {
            (true, false) => Said::Is(SubjectRole::Pupil, false),
            (false, true) => Said::Is(SubjectRole::Staff, job.is_some_and(roles::in_office)),
            (true, true) => Said::Both,
            (false, false) => Said::Unknown,
        }
    }

    /// What a row says its person is, where nothing else in it says otherwise.
    fn whose(record: &Record<'_>, header: &Header, role: Said) -> Checked<(SubjectRole, bool)> {
        let column = header.name(Column::Role);
        let known = "student, teacher, aide, administrator, governor or guardian";
        match role {
            Said::Is(role, _)
                if role.is_pupil() && said_by(record, header, &[Column::StaffId, Column::JobTitle]) =>
            {
                Err(wrong(
                    column,
                    "it says a pupil, and another column has what only staff have",
                    known,
                ))
            }
            Said::Is(role, _) if !role.is_pupil() && said_by(record, header, &[Column::PupilId]) => {
                Err(wrong(
                    column,
                    "it says an adult, and another column has a pupil's number",
                    known,
                ))
            }
            Said::Is(role, administration) => Ok((role, administration)),
            Said::Both => Err(wrong(
                column,
                "it says a pupil and an adult of the school at once",
                known,
            )),
            Said::Unknown | Said::HasLeft => {
                let fault = if header.has(Column::Role) {
                    "the role is not one that Pastoral knows"
                } else {
                    "nothing says whether this is a pupil or staff"
                };
                Err(wrong(column, fault, known))
            }
        }
    }

    fn year(&self, record: &Record<'_>, header: &Header, in_roles: Option<&str>) -> Checked<String> {
        let column = header.name(Column::Year);
        let written = header
            .fields(record, Column::Year)
            .into_iter()
            .find_map(said_but_zero);
        let written = written.or(in_roles.filter(|year| !year.is_empty()));
        if let Some(written) = written {
            return match years::year(written, self.nation) {
                Year::Of(year) => Ok(year),
                Year::Unknown => Err(wrong(
                    column,
                    "it is not one year group",
                    "one such as Nursery, Reception, Year 5, 05, P3 or S1",
                )),
            };
        }
        let age = header.fields(record, Column::Age).into_iter().find_map(said);
        age.map_or(Ok(String::new()), |age| {
            years::year_of_age(age)
                .ok_or_else(|| wrong(header.name(Column::Age), "it is no pupil's age", "whole years"))
        })
    }
}

const OF_PUPILS: [Column; 4] = [Column::PupilId, Column::Year, Column::Class, Column::OfPupils];
const OF_STAFF: [Column; 3] = [Column::StaffId, Column::JobTitle, Column::OfStaff];

/// Whether a row has something in one of these columns.
fn said_by(record: &Record<'_>, header: &Header, columns: &[Column]) -> bool {
    let mut fields = columns.iter().flat_map(|column| header.fields(record, *column));
    fields.any(|field| said_but_zero(field).is_some())
}

/// A row with as many fields as the others.
pub(super) fn whole(record: &Record<'_>, header: &Header) -> Checked<()> {
    if record.torn {
        let instead = "the row with the quote closed or taken out";
        return Err(wrong(
            "",
            "a quote (\") in it is not closed, or has letters after it",
            instead,
        ));
    }
    if record.count != header.count || record.count > record.fields.len() {
        let fault = format!("it has {} fields, and others {}", record.count, header.count);
        let instead = "the row with quotes (\") around a field that has a comma in it; where Excel leaves out empty fields \
                       at the end, with a column that is always filled moved there";
        return Err(wrong("", fault, instead));
    }
    Ok(())
}

/// "Total", "Printed on …": what reports write below a table, in one or two fields.
pub(super) fn is_below_the_table(record: &Record<'_>, header: &Header) -> bool {
    let filled: Vec<_> = record
        .fields
        .iter()
        .map(|field| field.trim())
        .filter(|field| !field.is_empty())
        .collect();
    let few = filled.len() <= 2 && header.width > 2;
    let word = filled.first().map(|first| squashed(first)).unwrap_or_default();
    let begins = [
        "total",
        "count",
        "number",
        "records",
        "page",
        "printed",
        "report",
        "generated",
        "end",
        "exported",
        "rowsin",
    ];
    few && begins.iter().any(|begin| word.starts_with(begin))
}

fn unfit(column: &str) -> Wrong {
    let fault = "it is longer than 200 characters or has control characters";
    wrong(column, fault, "it without them")
}

/// Given and family name. One of the two is enough: not everybody has both.
fn names(record: &Record<'_>, header: &Header) -> Checked<(String, String)> {
    let first = |column| header.fields(record, column).into_iter().find_map(said);
    let (mut given, mut family) = (
        first(Column::Given).unwrap_or_default().to_owned(),
        first(Column::Family).unwrap_or_default().to_owned(),
    );
    if given.is_empty()
        && family.is_empty()
        && let Some(name) = first(Column::FullName)
    {
        (given, family) = values::parted(name).ok_or_else(|| {
            let instead = "Surname, Forename; or the columns Forename and Surname";
            wrong(
                header.name(Column::FullName),
                "it cannot be told which is the family name",
                instead,
            )
        })?;
    }
    let column = header.name(Column::Family);
    if given.is_empty() && family.is_empty() {
        return Err(wrong(column, "the person has no name", "the person's names"));
    }
    if !fits(&given) || !fits(&family) {
        return Err(unfit(column));
    }
    Ok((given, family))
}

/// An adult's address; they may be told of concerns by it. A pupil's is not used, but to know them by.
fn email(record: &Record<'_>, header: &Header, role: SubjectRole) -> Checked<String> {
    for field in header.fields(record, Column::Email) {
        match values::address(field) {
            Address::Of(address) if fits(&address) => return Ok(address),
            Address::Faulty if !role.is_pupil() => {
                let instead = "one such as a.person@school.example, or nothing";
                return Err(wrong(
                    header.name(Column::Email),
                    "it is not an e-mail address",
                    instead,
                ));
            }
            _ => {}
        }
    }
    Ok(String::new())
}
