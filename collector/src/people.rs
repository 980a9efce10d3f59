//! People from the school's own system: a CSV in the columns of OneRoster's `users.csv`.
//!
//! Columns are found by their names, so the order of version 1.1, that of 1.2 and further columns are all taken. The
//! whole file is checked before anything is changed: one bad row and nothing is.

use crate::concerns::kind::SubjectRole;
use std::collections::{BTreeMap, BTreeSet};

/// No file of a school is larger.
pub const FILE_MOST: usize = 32 * 1024 * 1024;
const ROWS_MOST: usize = 100_000;
const FIELD_MOST: usize = 200;
const FAULTS_SHOWN: usize = 20;

/// One row of the file, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `sourcedId`.
    pub source_id: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Works in the office.
    pub administration: bool,
    /// `R`, `1` to `13`, or empty.
    pub year_group: String,
    /// The user name on the school's devices; may be empty.
    pub username: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// E-mail address in lower case; may be empty.
    pub email: String,
}

/// What is wrong with one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line in the file, from 1.
    pub line: u64,
    /// What is wrong. Quotes no name.
    pub fault: String,
    /// What to write instead.
    pub instead: String,
}

/// Why a file is refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// How the file was named.
    pub file: String,
    /// What is wrong, in the order of the file.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "nothing was changed, because {} cannot be taken as it is:",
            self.file
        )?;
        for fault in self.faults.iter().take(FAULTS_SHOWN) {
            writeln!(
                f,
                "{}:{}: {}; write instead: {}",
                self.file, fault.line, fault.fault, fault.instead
            )?;
        }
        match self.faults.len().saturating_sub(FAULTS_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "and {more} more"),
        }
    }
}

/// Reads and checks a whole file. Rows that say somebody has left (`status` other than active, `enabledUser` false) are
/// left out: who is not in the file has left.
///
/// # Errors
/// Every fault with its line and what to write instead.
pub fn read(csv: &[u8], file: &str) -> Result<Vec<Row>, Refused> {
    let mut reader = Reader { faults: Vec::new() };
    let rows = reader.rows(csv);
    if reader.faults.is_empty() {
        return Ok(rows);
    }
    Err(Refused {
        file: file.into(),
        faults: reader.faults,
    })
}

struct Reader {
    faults: Vec<Fault>,
}

struct Columns(BTreeMap<String, usize>);

impl Columns {
    fn get<'r>(&self, record: &'r csv::StringRecord, name: &str) -> &'r str {
        self.0
            .get(name)
            .and_then(|at| record.get(*at))
            .unwrap_or_default()
            .trim()
    }
}

impl Reader {
    fn fault(&mut self, line: u64, fault: impl Into<String>, instead: impl Into<String>) {
        self.faults.push(Fault {
            line,
            fault: fault.into(),
            instead: instead.into(),
        });
    }

    fn rows(&mut self, csv: &[u8]) -> Vec<Row> {
        if csv.len() > FILE_MOST {
            self.fault(1, "the file is larger than 32 MiB", "the users of one school");
            return Vec::new();
        }
        let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv);
        let Some(columns) = self.columns(&mut reader) else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        let mut seen: [BTreeMap<String, u64>; 2] = Default::default();
        for (number, record) in (2u64..).zip(reader.records()) {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(number, csv::Position::line);
                    self.fault(
                        line,
                        "this is not a line of UTF-8 CSV",
                        "the file exported as \"CSV UTF-8\"",
                    );
                    return rows;
                }
            };
            let line = record.position().map_or(number, csv::Position::line);
            if rows.len() >= ROWS_MOST {
                self.fault(
                    line,
                    "there are more than 100,000 people",
                    "the users of one school",
                );
                return rows;
            }
            if let Some(row) = self.row(line, &columns, &record) {
                self.once(line, &row, &mut seen);
                rows.push(row);
            }
        }
        if rows.is_empty() && self.faults.is_empty() {
            self.fault(
                2,
                "nobody is in it, which would make everybody a leaver",
                "at least one active person",
            );
        }
        rows
    }

    fn columns(&mut self, reader: &mut csv::Reader<&[u8]>) -> Option<Columns> {
        let Ok(header) = reader.headers() else {
            self.fault(
                1,
                "this is not a line of UTF-8 CSV",
                "the file exported as \"CSV UTF-8\"",
            );
            return None;
        };
        let columns = header
            .iter()
            .enumerate()
            .map(|(at, name)| (name.trim().to_lowercase(), at));
        let columns = Columns(columns.collect());
        for needed in [
            "sourcedId",
            "role",
            "username",
            "givenName",
            "familyName",
            "email",
            "grades",
        ] {
            let also = if needed == "role" { "roles" } else { needed };
            if ![needed, also]
                .iter()
                .any(|name| columns.0.contains_key(&name.to_lowercase()))
            {
                let instead =
                    format!("a first line with the columns of OneRoster users.csv, with {needed} among them");
                self.fault(1, format!("the column {needed} is missing"), instead);
            }
        }
        self.faults.is_empty().then_some(columns)
    }

    /// One row; none when the person has left or the row is faulty.
    fn row(&mut self, line: u64, columns: &Columns, record: &csv::StringRecord) -> Option<Row> {
        if record.iter().all(|field| field.trim().is_empty()) {
            return None;
        }
        let text = |name: &str| columns.get(record, &name.to_lowercase());
        let before = self.faults.len();
        let (status, enabled) = (text("status").to_lowercase(), text("enabledUser").to_lowercase());
        if !matches!(status.as_str(), "" | "active" | "tobedeleted" | "inactive") {
            self.fault(line, "status is not one of OneRoster's", "active or tobedeleted");
        }
        if !matches!(enabled.as_str(), "" | "true" | "false" | "1" | "0") {
            self.fault(line, "enabledUser is not true or false", "true or false");
        }
        for name in ["sourcedId", "givenName", "familyName"] {
            if text(name).is_empty() {
                self.fault(line, format!("{name} is empty"), format!("the person's {name}"));
            }
        }
        if record
            .iter()
            .any(|field| field.chars().count() > FIELD_MOST || field.chars().any(char::is_control))
        {
            self.fault(
                line,
                "a field is longer than 200 characters or has control characters",
                "it without them",
            );
        }
        let role = self.role(
            line,
            if text("role").is_empty() {
                text("roles")
            } else {
                text("role")
            },
        );
        let year_group = self.year_group(line, role, text("grades"));
        let email = text("email").to_lowercase();
        if !email.is_empty() && email.parse::<lettre::Address>().is_err() {
            self.fault(
                line,
                "email is not an e-mail address",
                "one such as a.person@school.example, or nothing",
            );
        }
        if self.faults.len() > before
            || matches!(status.as_str(), "tobedeleted" | "inactive")
            || matches!(enabled.as_str(), "false" | "0")
        {
            return None;
        }
        let (role, administration) = role?;
        Some(Row {
            source_id: text("sourcedId").into(),
            role,
            administration,
            year_group: year_group?,
            username: text("username").into(),
            given_name: text("givenName").into(),
            family_name: text("familyName").into(),
            email,
        })
    }

    fn role(&mut self, line: u64, role: &str) -> Option<(SubjectRole, bool)> {
        let role = role.to_lowercase().replace([' ', '-', '_'], "");
        let known = match role.as_str() {
            "student" | "pupil" => (SubjectRole::Pupil, false),
            "teacher" | "aide" | "proctor" | "counselor" | "principal" | "staff" => {
                (SubjectRole::Staff, false)
            }
            "administrator" | "siteadministrator" | "districtadministrator" | "systemadministrator" => {
                (SubjectRole::Staff, true)
            }
            "governor" => (SubjectRole::Governor, false),
            "guardian" | "parent" | "relative" => (SubjectRole::Outside, false),
            _ => {
                let instead = "student, teacher, aide, administrator, governor or guardian";
                self.fault(line, "role is not one that Pastoral knows", instead);
                return None;
            }
        };
        Some(known)
    }

    fn year_group(&mut self, line: u64, role: Option<(SubjectRole, bool)>, grades: &str) -> Option<String> {
        if role.is_some_and(|(role, _)| role != SubjectRole::Pupil) {
            return Some(String::new());
        }
        if grades.is_empty() {
            return Some(String::new());
        }
        let mut years: BTreeSet<Option<String>> = grades.split(',').map(year_group).collect();
        let year = if years.len() == 1 {
            years.pop_first().flatten()
        } else {
            None
        };
        if year.is_none() && role.is_some() {
            let instead = "one of N, R, 1 to 13 (01 to 13, KG and PK are taken too)";
            self.fault(line, "grades is not one year group", instead);
        }
        year
    }

    /// No two people have one sourcedId or one user name.
    fn once(&mut self, line: u64, row: &Row, seen: &mut [BTreeMap<String, u64>; 2]) {
        let keys = [
            ("sourcedId", row.source_id.clone()),
            ("username", row.username.to_lowercase()),
        ];
        for ((column, key), seen) in keys.into_iter().zip(seen) {
            if key.is_empty() {
                continue;
            }
            if let Some(other) = seen.insert(key, line) {
                let instead = format!("a {column} that only this person has");
                self.fault(line, format!("this {column} is on line {other} too"), instead);
            }
        }
    }
}

/// A year group of England's schools as people and systems write it.
fn year_group(grade: &str) -> Option<String> {
    let grade = grade.trim().to_lowercase();
    let grade = grade.strip_prefix("year").unwrap_or(&grade).trim();
    let grade = grade
        .strip_prefix('y')
        .filter(|rest| rest.parse::<u8>().is_ok())
        .unwrap_or(grade);
    match grade {
        "r" | "reception" | "kg" | "0" | "00" => Some("R".into()),
        "n" | "nursery" | "pk" | "pr" | "ps" | "it" => Some("N".into()),
        number => number
            .parse::<u8>()
            .ok()
            .filter(|year| (1..=13).contains(year))
            .map(|year| year.to_string()),
    }
}
