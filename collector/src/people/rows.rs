//! From a table's records to people: each row by itself, then what several say of one person.

use super::columns::{Column, Header, squashed};
use super::faults::{Fault, Whole};
use super::fields::{Is, is_below_the_table, whole};
use super::leaving::has_left;
use super::records::Record;
use super::roles::{self, Said};
use super::usernames::{Username, normal};
use super::values::fits;
use super::wrong::{Wrong, wrong};
use super::{ROWS_MOST, Reader, Reading, Row, Table};
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

/// Takes the rows of files one after another.
pub(super) struct Taking<'r> {
    reader: &'r Reader,
    /// Of those whom roles.csv names: what they are, and their year group as it was written. None without such a file.
    roles: Option<HashMap<String, (Said, String)>>,
    people: Vec<(Row, Place)>,
    by_id: HashMap<String, usize>,
    files: Vec<String>,
    left: BTreeSet<String>,
    reading: Reading,
    records: usize,
}

/// Where a person's first row stands.
struct Place {
    /// The number of its file, in the order of reading.
    file: usize,
    line: u64,
    /// Another row says something else of the same person.
    contradicted: bool,
}

impl<'r> Taking<'r> {
    pub(super) fn new(reader: &'r Reader, tables: &[Table<'_>]) -> Self {
        let has_roles = tables.iter().any(|table| table.header.has(Column::RoleOf));
        Self {
            reader,
            roles: has_roles.then(HashMap::new),
            people: Vec::new(),
            by_id: HashMap::new(),
            files: Vec::new(),
            left: BTreeSet::new(),
            reading: Reading::default(),
            records: 0,
        }
    }

    pub(super) fn table(&mut self, table: &Table<'_>) -> Result<(), Whole> {
        let header = &table.header;
        self.files.push(table.file.into());
        let of_roles = header.has(Column::RoleOf);
        if !of_roles {
            self.usable(header)?;
        }
        for record in header.records(&table.text) {
            if record.is_blank() || is_below_the_table(&record, header) || header.is_again(&record) {
                continue;
            }
            self.records += 1;
            if self.records > ROWS_MOST {
                let fault = "there are more than 100,000 rows";
                return Err(Whole::new(record.line, fault, "the people of one school"));
            }
            if record.torn && record.last_line > record.line {
                let fault = format!(
                    "a quote (\") is opened in the row of this line and not closed in it, so that it swallows rows up to line {}",
                    record.last_line
                );
                return Err(Whole::new(
                    record.line,
                    fault,
                    "the row with the quote closed or taken out",
                ));
            }
            if of_roles {
                self.role_row(&record, table);
            } else {
                self.person_row(&record, table);
            }
        }
        Ok(())
    }

    /// Whether people can be made of these columns.
    fn usable(&self, header: &Header) -> Result<(), Whole> {
        let at = header.line;
        let Some(id) = header.ids().first().copied() else {
            let instead = "a column with an id that each person keeps, such as sourcedId, MIS ID, Admission Number, UPN, Staff Code";
            return Err(Whole::new(at, "no column tells people apart", instead));
        };
        let names = header.has(Column::FullName) || (header.has(Column::Given) && header.has(Column::Family));
        if !names {
            let instead = "the columns Forename and Surname, or givenName and familyName, among them";
            return Err(Whole::new(at, "there is no column of names", instead));
        }
        let standards = squashed(header.name(id)) == "sourcedid";
        if self.roles.is_none() && standards && !header.has(Column::Role) {
            let fault =
                "there is no column role: OneRoster 1.2 and School Data Sync v2 keep roles in roles.csv";
            let instead = "both files, as in: people import users.csv roles.csv";
            return Err(Whole::new(at, fault, instead));
        }
        Ok(())
    }

    fn leave_out(&mut self, file: &str, line: u64, wrong: Wrong, source_id: Option<String>) {
        self.reading.left_out.push(Fault {
            file: file.into(),
            line,
            column: wrong.column,
            fault: wrong.fault,
            instead: wrong.instead,
            source_id,
        });
    }

    fn role_row(&mut self, record: &Record<'_>, table: &Table<'_>) {
        let header = &table.header;
        let first = |column| header.fields(record, column).first().copied().unwrap_or_default();
        let person = first(Column::RoleOf).to_owned();
        let checked = whole(record, header).and_then(|()| {
            if person.is_empty() {
                let instead = "the sourcedId of the person";
                return Err(wrong(
                    header.name(Column::RoleOf),
                    "whose role it is is not said",
                    instead,
                ));
            }
            has_left(self.reader.today, record, header)
        });
        match checked {
            Err(wrong) => {
                let whose = Some(person).filter(|person| !person.is_empty());
                self.leave_out(table.file, record.line, wrong, whose);
            }
            Ok(true) => self.role_of(person, Said::HasLeft, ""),
            Ok(false) => self.role_of(person, roles::role(first(Column::Role)), first(Column::Year)),
        }
    }

    fn role_of(&mut self, person: String, role: Said, year: &str) {
        let Some(roles) = &mut self.roles else { return };
        match roles.entry(person) {
            Entry::Vacant(entry) => {
                entry.insert((role, year.into()));
            }
            Entry::Occupied(mut entry) => {
                let (known, years) = entry.get_mut();
                *known = roles::joined([*known, role]);
                if !year.is_empty() {
                    *years = if years.is_empty() {
                        year.into()
                    } else {
                        format!("{years};{year}")
                    };
                }
            }
        }
    }

    fn person_row(&mut self, record: &Record<'_>, table: &Table<'_>) {
        let header = &table.header;
        let found = header.id(record);
        let id = found.map(|(column, id, _)| match column {
            Column::StaffId => format!("staff:{id}"),
            _ => id.to_owned(),
        });
        let checked =
            whole(record, header).and_then(|()| self.reader.row(record, table, id.as_deref(), &self.roles));
        match checked {
            Ok(Is::Leaver) => {
                self.reading.leavers += 1;
                self.left.extend(id);
            }
            Ok(Is::Person(row)) => {
                let place = Place {
                    file: self.files.len() - 1,
                    line: record.line,
                    contradicted: false,
                };
                self.add(row, place);
            }
            Err(wrong) => {
                // A comma too many shifts what stands after it, and the first column stands before all.
                let readable = record.count == header.count || found.is_some_and(|(.., first)| first);
                self.leave_out(
                    table.file,
                    record.line,
                    wrong,
                    id.filter(|id| readable && fits(id)),
                );
            }
        }
    }

    /// One person may have a row for each contact or class, or for each role. What they say must agree.
    fn add(&mut self, row: Row, place: Place) {
        let Some(known) = self.by_id.get(&row.source_id).copied() else {
            self.by_id.insert(row.source_id.clone(), self.people.len());
            self.people.push((row, place));
            return;
        };
        let (first, first_place) = &mut self.people[known];
        let two_accounts = [&first.username, &row.username]
            .iter()
            .all(|name| !name.is_empty())
            && normal(&first.username) != normal(&row.username);
        let said = |row: &Row| Said::Is(row.role, row.administration);
        let same = (&first.given_name, &first.family_name) == (&row.given_name, &row.family_name);
        let years = [&first.year_group, &row.year_group];
        let one_year = years[0] == years[1] || years.iter().any(|year| year.is_empty());
        match roles::joined([said(first), said(&row)]) {
            Said::Is(role, administration) if same && one_year && !first_place.contradicted => {
                (first.role, first.administration) = (role, administration);
                fill(first, row);
                if two_accounts {
                    let lines = format!("{}, {}", first_place.line, place.line);
                    self.reading.other_usernames.push(lines);
                }
                if !role.is_pupil() {
                    first.year_group.clear();
                    first.class_name.clear();
                }
            }
            joined => {
                let fault = match joined {
                    Said::Both => "one row says a pupil and another an adult of the school",
                    _ => "the rows say different names or years",
                };
                let (file, line) = (self.files[first_place.file].clone(), first_place.line);
                let again = std::mem::replace(&mut first_place.contradicted, true);
                if !again {
                    self.contradicted(&file, line, place.line, fault, &row.source_id);
                }
                let file = self.files[place.file].clone();
                self.contradicted(&file, place.line, line, fault, &row.source_id);
            }
        }
    }

    fn contradicted(&mut self, file: &str, line: u64, other: u64, fault: &str, id: &str) {
        let fault = format!("this person's id is on line {other} too, and {fault}");
        let instead = "one row for each person, with an id that only this person has";
        self.leave_out(file, line, wrong("", fault, instead), Some(id.into()));
    }

    pub(super) fn finish(mut self) -> Reading {
        self.people.retain(|(_, place)| !place.contradicted);
        // Who has one row of somebody who left and another of somebody who did not is there.
        let there = |id: &String| self.by_id.contains_key(id);
        self.reading.left = self.left.into_iter().filter(|id| !there(id)).collect();
        let mut by_name: HashMap<String, Vec<(Username, u64)>> = HashMap::new();
        for (row, place) in &self.people {
            if let Some(username) = Username::parse(&row.username) {
                let same = by_name.entry(username.name.clone()).or_default();
                same.push((username, place.line));
            }
        }
        let mut shared: Vec<_> = by_name
            .into_values()
            .filter(|same| {
                same.iter()
                    .enumerate()
                    .any(|(at, (one, _))| same[..at].iter().any(|(other, _)| one.meets(other)))
            })
            .map(|same| same.iter().map(|(_, line)| *line).collect::<Vec<_>>())
            .collect();
        shared.sort_unstable();
        self.reading.shared_usernames = shared
            .into_iter()
            .map(|lines| lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
            .collect();
        self.reading.rows = self.people.into_iter().map(|(row, _)| row).collect();
        self.reading
            .left_out
            .sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        self.reading
    }
}

/// What one row does not say, another may.
fn fill(first: &mut Row, row: Row) {
    for (kept, other) in [
        (&mut first.year_group, row.year_group),
        (&mut first.class_name, row.class_name),
        (&mut first.username, row.username),
        (&mut first.email, row.email),
    ] {
        if kept.is_empty() {
            *kept = other;
        }
    }
}
