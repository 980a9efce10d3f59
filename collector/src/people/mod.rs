//! People from the school's own system, as files.
//!
//! Every row is checked by itself: one that cannot be taken is left out and listed with its line, column and what to write
//! instead, and the others are taken. A file is refused as a whole where it cannot be told what it says of whom: no column
//! tells people apart, a quote swallows rows, most rows are faulty. What taking them would change, and whether somebody has
//! to confirm that first, is `plan`'s to say.

mod columns;
mod decoding;
pub mod differences;
mod faults;
mod fields;
mod leaving;
pub mod plan;
mod records;
mod roles;
mod rows;
pub mod said;
mod stops;
pub mod usernames;
mod values;
mod wrong;
pub mod years;

use crate::concerns::kind::SubjectRole;
use crate::profile::{Nation, Profile};
use columns::{Column, Header};
use faults::Whole;
use jiff::Timestamp;
use jiff::civil::Date;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use values::Order;

pub use decoding::Encoding;
pub use faults::{Fault, Listed, Refused};

/// The files of one school are not larger, taken together.
pub const FILE_MOST: usize = 32 * 1024 * 1024;
const FILES_MOST: usize = 8;
const ROWS_MOST: usize = 100_000;

/// A file as it was given.
#[derive(Debug, Clone, Copy)]
pub struct File<'f> {
    /// How it is named: by it a fault is found, and `Student.csv` tells who is in it.
    pub name: &'f str,
    /// What is in it.
    pub bytes: &'f [u8],
}

/// What reading depends on besides the files.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Who left before it has left.
    pub today: Date,
    /// Whose year groups they are.
    pub nation: Nation,
}

/// One person in the files, checked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Row {
    /// The id in the school's own system.
    pub source_id: String,
    /// What they are to the school.
    pub role: SubjectRole,
    /// Works in the office.
    pub administration: bool,
    /// As `years` keeps them, or empty.
    pub year_group: String,
    /// A pupil's registration group; may be empty. Tells two of one name and year apart.
    pub class_name: String,
    /// The user name on the school's devices; may be empty.
    pub username: String,
    /// Given name; may be empty where the family name is not.
    pub given_name: String,
    /// Family name; may be empty where the given name is not.
    pub family_name: String,
    /// E-mail address in lower case; may be empty.
    pub email: String,
}

/// How a file was read; said to whoever gave it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Source {
    /// How it was named.
    pub file: String,
    /// Its letters.
    pub encoding: Encoding,
    /// What parts its columns.
    pub delimiter: char,
    /// Its dates are written with the month first.
    #[serde(default)]
    pub months_first: bool,
}

/// What files say.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reading {
    /// The people in them.
    pub rows: Vec<Row>,
    /// Rows that were left out, in the order of the files.
    pub left_out: Vec<Fault>,
    /// How many rows are of people who have left.
    pub leavers: usize,
    /// Ids of these.
    pub left: BTreeSet<String>,
    /// Lines of people who share a user name with somebody else: an account of that name is nobody's.
    pub shared_usernames: Vec<String>,
    /// Lines of people with another user name in another row: only the first is kept.
    #[serde(default)]
    pub other_usernames: Vec<String>,
    /// Year groups are those of Scotland or Northern Ireland, and the profile says neither.
    pub other_nation: bool,
    /// How the files were read.
    pub sources: Vec<Source>,
}

/// A file's text and columns.
struct Table<'f> {
    file: &'f str,
    text: Cow<'f, str>,
    header: Header,
    source: Source,
}

impl Reader {
    /// As things are at a school at a time.
    #[must_use]
    pub fn on(now: i64, profile: &Profile) -> Self {
        let today = Timestamp::from_millisecond(now).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            today: today.to_zoned(profile.cover.time_zone.clone()).date(),
            nation: profile.nation,
        }
    }

    /// Reads and checks files: one with everybody, one for pupils and one for staff, or people and their roles apart.
    /// Rows that say that somebody has left are left out: who is not in the files has left.
    ///
    /// # Errors
    /// Why nothing of them can be taken, with lines and what to write instead.
    pub fn read(&self, files: &[File<'_>]) -> Result<Reading, Refused> {
        let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
        let name = files.first().map_or("the file", |file| file.name);
        if bytes > FILE_MOST || files.len() > FILES_MOST || files.is_empty() {
            let fault = "these are no files, more than 8, or more than 32 MiB";
            return Err(refused(Whole::new(1, fault, "the people of one school").of(name)));
        }
        let mut tables = Vec::new();
        for file in files {
            tables.push(table(file).map_err(|whole| refused(whole.of(file.name)))?);
        }
        // Roles are known before the people whose they are.
        tables.sort_by_key(|table| !table.header.has(Column::RoleOf));
        let mut taking = rows::Taking::new(self, &tables);
        for table in &tables {
            taking
                .table(table)
                .map_err(|whole| refused(whole.of(table.file)))?;
        }
        let mut reading = taking.finish();
        let stage = |row: &Row| row.year_group.starts_with(['P', 'S']);
        let whole_numbers = matches!(self.nation, Nation::England | Nation::Wales);
        reading.other_nation = whole_numbers && reading.rows.iter().any(stage);
        reading.sources = tables.into_iter().map(|table| table.source).collect();
        enough(reading, name)
    }
}

fn table<'f>(file: &File<'f>) -> Result<Table<'f>, Whole> {
    let (text, encoding) = decoding::decode(file.bytes)?;
    let header = Header::find(&text)?;
    let source = Source {
        file: file.name.into(),
        encoding,
        delimiter: header.delimiter.into(),
        months_first: header.order == Order::MonthFirst,
    };
    Ok(Table {
        file: file.name,
        text,
        header,
        source,
    })
}

fn refused(fault: Fault) -> Refused {
    Refused {
        why: "this cannot be read as a list of people",
        faults: vec![fault],
    }
}

/// Where much is wrong, it is the file that is wrong, and what is left of it would be too.
fn enough(reading: Reading, name: &str) -> Result<Reading, Refused> {
    let (taken, faulty) = (reading.rows.len(), reading.left_out.len());
    if taken == 0 && faulty == 0 {
        let fault = "nobody is in it, which would make everybody a leaver";
        return Err(refused(
            Whole::new(2, fault, "at least one active person").of(name),
        ));
    }
    if faulty > taken || (faulty > 20 && faulty * 10 > taken + faulty) {
        return Err(Refused {
            why: "too many rows cannot be taken",
            faults: reading.left_out,
        });
    }
    Ok(reading)
}

/// How the files were read, and what of them was left out. Names nobody.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for source in &self.sources {
            let delimiter = match source.delimiter {
                '\t' => "tabs",
                ';' => "semicolons",
                ',' => "commas",
                _ => "bars",
            };
            writeln!(
                f,
                "{}: read as {}, with {delimiter} between columns.",
                source.file,
                source.encoding.words()
            )?;
            if source.months_first {
                writeln!(
                    f,
                    "{}: dates are read with the month first, because some of them can be nothing else.",
                    source.file
                )?;
            }
        }
        if self.leavers > 0 {
            writeln!(f, "Left out as leavers: {}.", said::counted(self.leavers, "row"))?;
        }
        if self.other_nation {
            writeln!(
                f,
                "there are year groups of Scotland or Northern Ireland: state in the profile nation = \"scotland\" or \
                 nation = \"northern-ireland\"; until then P4 has the rules of key stage 1."
            )?;
        }
        for lines in &self.shared_usernames {
            writeln!(
                f,
                "lines {lines}: these people share a user name, so that accounts of that name are nobody's."
            )?;
        }
        for lines in &self.other_usernames {
            writeln!(
                f,
                "lines {lines}: this person has two user names; the first is used, and accounts of the other are nobody's."
            )?;
        }
        if !self.left_out.is_empty() {
            writeln!(
                f,
                "Left out because they cannot be taken: {}.",
                said::counted(self.left_out.len(), "row")
            )?;
        }
        write!(f, "{}", Listed(&self.left_out))
    }
}
