//! What the systems of schools call their columns. A column is found by its name, wherever it stands; names are compared
//! without case, spaces and punctuation, so that `Legal Surname`, `legal_surname` and `LegalSurname` are one.
//!
//! Learned from: OneRoster 1.1 and 1.2 (users.csv, roles.csv), Microsoft School Data Sync (v1 Student.csv and Teacher.csv,
//! v2 users.csv and roles.csv), reports of SIMS, Arbor, Bromcom, ScholarPack, iSAMS and SEEMiS, exports through Wonde.

use super::faults::Whole;
use super::records::{FIELDS_MOST, Record, Records};
use super::values::{self, Order, said};
use std::collections::BTreeMap;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    /// Whose row of roles.csv it is.
    RoleOf,
    Id,
    /// An id that only pupils have.
    PupilId,
    /// An id that only staff have, apart from pupils' ids.
    StaffId,
    Username,
    Given,
    Family,
    FullName,
    Role,
    JobTitle,
    Email,
    Year,
    /// A pupil's registration group.
    Class,
    Age,
    Status,
    Enabled,
    Left,
    /// Not used, but only pupils have it.
    OfPupils,
    /// Not used, but only staff have it.
    OfStaff,
}

/// Names by column, the preferred first where a file has several.
#[rustfmt::skip]
const NAMES: &[(Column, &[&str])] = &[
    (Column::RoleOf, &["usersourcedid"]),
    (Column::Id, &["sourcedid", "sisid", "misid", "personid", "wondeid", "upi", "externalid", "id"]),
    (Column::PupilId, &["arborstudentid", "studentid", "pupilid", "admissionnumber", "admissionno", "adno", "admno",
        "upn", "uniquepupilnumber", "uniquepupilnumberupn", "scottishcandidatenumber", "scn", "uln"]),
    (Column::StaffId, &["arborstaffid", "staffid", "staffcode", "teacherid", "teachercode", "employeeid",
        "employeenumber", "payrollnumber", "payrollno", "staffnumber"]),
    (Column::Username, &["username", "userprincipalname", "samaccountname", "adusername", "networkusername",
        "networklogin", "networkuserid", "loginname", "login", "logon", "logonname", "userlogin", "account"]),
    (Column::Given, &["givenname", "preferredforename", "preferredfirstname", "chosenforename", "knownas",
        "forename", "firstname", "legalforename", "legalfirstname"]),
    (Column::Family, &["familyname", "preferredsurname", "preferredlastname", "chosensurname", "surname", "lastname",
        "legalsurname", "legallastname"]),
    (Column::FullName, &["name", "fullname", "displayname", "studentname", "pupilname", "staffname"]),
    (Column::Role, &["role", "roles", "userrole", "usertype", "persontype", "membertype"]),
    (Column::JobTitle, &["jobtitle", "jobrole", "position", "post", "staffrole", "stafftype"]),
    (Column::Email, &["email", "emailaddress", "workemail", "workemailaddress", "schoolemail", "schoolemailaddress",
        "primaryemail", "studentemail", "staffemail", "mail", "defaultemail"]),
    (Column::Year, &["grades", "grade", "gradelevel", "yearcode", "yeartaughtin", "yeargroup", "ncyear",
        "nationalcurriculumyear", "nationalcurriculumyeargroup", "curriculumyear", "currentncyear", "yearname",
        "year", "yr", "stage", "schoolyeargroup"]),
    (Column::Class, &["reggroup", "reg", "registrationgroup", "registrationform", "registrationname", "tutorgroup",
        "formgroup"]),
    (Column::Age, &["age", "ageinyears", "agenow"]),
    (Column::Status, &["status", "enrolmentstatus", "enrollmentstatus", "onroll", "employmentstatus",
        "currentstatus"]),
    (Column::Enabled, &["enableduser", "enabled", "accountenabled", "isactive", "active", "current"]),
    (Column::Left, &["leavingdate", "dateofleaving", "leavedate", "dateleft", "dateofleave", "leaverdate", "dol",
        "enddate", "roleenddate", "employmentend", "employmentenddate", "leftdate"]),
    (Column::OfPupils, &["senstatus", "freeschoolmeals", "fsm", "pupilpremium", "sen", "dateofadmission",
        "admissiondate", "graduationyear"]),
    (Column::OfStaff, &["teachernumber", "qualification", "qualifications", "contracttype", "contract",
        "nationalinsurancenumber", "ninumber", "trn", "employmentstart", "employmentstartdate", "payscale"]),
];

pub(super) fn squashed(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

fn column(name: &str) -> Option<(Column, usize)> {
    let name = squashed(name);
    NAMES.iter().find_map(|(column, names)| {
        let rank = names.iter().position(|known| *known == name)?;
        Some((*column, rank))
    })
}

/// A column of the file. They stand in the order of `Column`, the preferred name first.
struct Found {
    column: Column,
    rank: usize,
    at: usize,
    name: String,
}

/// The first line of a table that says what its columns are, and how it parts them.
pub(super) struct Header {
    pub(super) line: u64,
    pub(super) delimiter: u8,
    /// Up to the last column that has a name.
    pub(super) width: usize,
    /// How many fields each row has.
    pub(super) count: usize,
    /// How its dates of leaving are written.
    pub(super) order: Order,
    found: Vec<Found>,
}

const TITLE_LINES: usize = 20;
/// So many rows tell how many fields a row has.
const COUNTED: usize = 200;

impl Header {
    /// Finds it: the line among the first ones, and the delimiter, with which the most names are known. `sep=` decides.
    pub(super) fn find(text: &str) -> Result<Self, Whole> {
        let stated = text.lines().next().and_then(|line| {
            let line = line.trim().trim_matches('"').to_ascii_lowercase();
            line.strip_prefix("sep=").and_then(|rest| rest.bytes().next())
        });
        let delimiters = stated.map_or_else(|| b",;\t|".to_vec(), |one| vec![one]);
        let mut best: Option<Self> = None;
        for delimiter in delimiters {
            for record in Records::new(text, delimiter).take(TITLE_LINES) {
                let header = Self::of(&record, delimiter);
                if best.as_ref().is_none_or(|best| header.known() > best.known()) {
                    best = Some(header);
                }
            }
        }
        let mut header = best.filter(|best| best.known() >= 2).ok_or_else(|| {
            Whole::new(
                1,
                "no line names the columns of people",
                "a first line with names of columns, such as sourcedId, role, username, givenName, familyName, grades",
            )
        })?;
        if header.count > FIELDS_MOST {
            let fault = "it has more than 1,000 columns";
            return Err(Whole::new(header.line, fault, "the columns of people alone"));
        }
        header.principal_names(text);
        header.order = header.order_of_dates(text);
        header.count = header.usual_count(text);
        header.once()?;
        Ok(header)
    }

    /// The records below it.
    pub(super) fn records<'t>(&self, text: &'t str) -> impl Iterator<Item = Record<'t>> {
        let line = self.line;
        Records::new(text, self.delimiter).filter(move |record| record.line > line)
    }

    /// How many fields most rows have, where they all end in more delimiters than the header does, or fewer. One row alone
    /// that does has a comma too many, after which every field stands in the wrong column.
    fn usual_count(&self, text: &str) -> usize {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        let rows = self
            .records(text)
            .filter(|record| !record.is_blank())
            .take(COUNTED);
        let empty = |record: &Record<'_>| {
            record
                .fields
                .iter()
                .skip(self.width)
                .all(|field| field.trim().is_empty())
        };
        let all = rows
            .map(|record| {
                if record.count >= self.width && empty(&record) {
                    *counts.entry(record.count).or_default() += 1;
                }
            })
            .count();
        let usual = counts.into_iter().max_by_key(|(_, rows)| *rows);
        usual
            .filter(|(_, rows)| *rows > 2 && rows * 2 > all)
            .map_or(self.count, |(count, _)| count)
    }

    /// `UPN` is a pupil's number, and to Microsoft a user name.
    fn principal_names(&mut self, text: &str) {
        let Some(upn) = self.found.iter().position(|found| squashed(&found.name) == "upn") else {
            return;
        };
        let at = self.found[upn].at;
        let is_address = |record: Record<'_>| record.fields.get(at).is_some_and(|field| field.contains('@'));
        if self.records(text).take(TITLE_LINES).any(is_address) {
            self.found[upn].column = Column::Username;
            self.found
                .sort_by_key(|found| (found.column, found.rank, found.at));
        }
    }

    /// Month first where one of the dates can be written in no other way, and none can only be the British one.
    fn order_of_dates(&self, text: &str) -> Order {
        if !self.has(Column::Left) {
            return Order::default();
        }
        let (mut day_first, mut month_first) = (false, false);
        for record in self.records(text) {
            for field in self.fields(&record, Column::Left) {
                match values::order(field) {
                    Some(Order::DayFirst) => day_first = true,
                    Some(Order::MonthFirst) => month_first = true,
                    None => {}
                }
            }
        }
        match month_first && !day_first {
            true => Order::MonthFirst,
            false => Order::DayFirst,
        }
    }

    fn of(record: &Record<'_>, delimiter: u8) -> Self {
        let named = record.fields.iter().rposition(|name| !name.trim().is_empty());
        let found = record.fields.iter().enumerate().filter_map(|(at, name)| {
            let (column, rank) = column(name)?;
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(Found {
                column,
                rank,
                at,
                name,
            })
        });
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|found| (found.column, found.rank, found.at));
        Self {
            line: record.line,
            delimiter,
            width: named.map_or(0, |last| last + 1),
            count: record.count,
            order: Order::default(),
            found,
        }
    }

    fn known(&self) -> usize {
        let mut columns: Vec<_> = self.found.iter().map(|found| found.column).collect();
        columns.sort_unstable();
        columns.dedup();
        columns.len()
    }

    /// Reports with a line for each parent have `Surname` twice, and nobody could say which is the pupil's.
    fn once(&self) -> Result<(), Whole> {
        for (place, found) in self.found.iter().enumerate() {
            let twice = |other: &&Found| other.column == found.column && other.rank == found.rank;
            let used = !matches!(found.column, Column::OfPupils | Column::OfStaff);
            if let Some(other) = self.found[..place].iter().find(twice).filter(|_| used) {
                let fault = format!(
                    "the column {} stands there twice (columns {} and {})",
                    found.name,
                    other.at + 1,
                    found.at + 1
                );
                return Err(Whole::new(
                    self.line,
                    fault,
                    "only the one that is the person's own",
                ));
            }
        }
        Ok(())
    }

    /// Whether a record is this header once more, as where files were joined.
    pub(super) fn is_again(&self, record: &Record<'_>) -> bool {
        let same = |found: &Found| {
            let field = record.fields.get(found.at);
            field.is_some_and(|field| squashed(field) == squashed(&found.name))
        };
        self.found.iter().all(same)
    }

    pub(super) fn has(&self, column: Column) -> bool {
        self.found.iter().any(|found| found.column == column)
    }

    /// What the file calls a column; what we would, when it has none.
    pub(super) fn name(&self, column: Column) -> &str {
        let mut named = self.found.iter().filter(|found| found.column == column);
        named.next().map_or("", |found| &found.name)
    }

    /// The fields of a column in a row, the preferred first; those with something in them.
    pub(super) fn fields<'r>(&self, record: &'r Record<'_>, column: Column) -> Vec<&'r str> {
        self.found
            .iter()
            .filter(|found| found.column == column)
            .filter_map(|found| record.fields.get(found.at))
            .map(|field| field.trim())
            .filter(|field| !field.is_empty())
            .collect()
    }

    /// The columns that tell people apart: one for everybody, or one for pupils and one for staff; the same for every row
    /// of the file, so that nobody's id is made of another column than last time.
    pub(super) fn ids(&self) -> Vec<Column> {
        let has = |column: &Column| self.has(*column);
        let of_kinds = || {
            [Column::PupilId, Column::StaffId]
                .into_iter()
                .filter(has)
                .collect()
        };
        if self.has(Column::Id) {
            vec![Column::Id]
        } else {
            of_kinds()
        }
    }

    /// A row's id, from the preferred of its columns; and whether it stands before everything else in the row.
    pub(super) fn id<'r>(&self, record: &'r Record<'_>) -> Option<(Column, &'r str, bool)> {
        self.ids().into_iter().find_map(|column| {
            let at = self.found.iter().find(|found| found.column == column)?.at;
            Some((column, said(record.fields.get(at)?)?, at == 0))
        })
    }
}
