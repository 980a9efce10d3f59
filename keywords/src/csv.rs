//! Lists as CSV, for people who work in spreadsheets: one term a line, with the columns of [`COLUMNS`] in any order.
//!
//! A file of that kind holds all that a list says of its terms, exceptions and searches for help. It does not hold the
//! lines at the top of the list (its [`Header`]), comments, how terms are put together in groups, nor braces: a phrase with
//! alternatives is written out. Several phrases in one cell are separated by `|`.

mod reading;
mod writing;

pub use self::reading::import;
pub use self::writing::export;

use crate::{KeywordList, ListError};

/// The columns. `kind` is `term`, `exception` or `help`, and `term` where it is empty; of the last two, only `text` and
/// `reason` are read.
pub const COLUMNS: [&str; 17] = [
    "kind",
    "id",
    "text",
    "topic",
    "ks1",
    "ks2",
    "secondary",
    "staff",
    "administration",
    "reason",
    "sources",
    "provenances",
    "exceptions",
    "near",
    "not-near",
    "author",
    "date",
];

/// Between phrases of one cell.
const SEPARATOR: char = '|';

/// The lines at the top of a list, which a spreadsheet of terms does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The list's identity.
    pub id: String,
    /// Its version.
    pub version: u32,
    /// What a person calls it.
    pub title: String,
    /// The language of its terms.
    pub language: String,
    /// Who answers for it.
    pub author: String,
    /// When it was agreed, as year-month-day.
    pub date: String,
    /// What a reviewer must still look at.
    pub review: Option<String>,
    /// Whether its exceptions cover terms of every list.
    pub exceptions_for_all: bool,
    /// Whether its words are shown to nobody.
    pub confidential: bool,
}

impl From<&KeywordList> for Header {
    fn from(list: &KeywordList) -> Self {
        Self {
            id: list.id.clone(),
            version: list.version,
            title: list.title.clone(),
            language: list.language.clone(),
            author: list.author.clone(),
            date: list.date.clone(),
            review: list.review.clone(),
            exceptions_for_all: list.exceptions_for_all,
            confidential: list.confidential,
        }
    }
}

fn fault_at(file: &str, line: usize, fault: impl Into<String>, instead: impl Into<String>) -> ListError {
    ListError {
        file: file.to_owned(),
        line,
        fault: fault.into(),
        instead: instead.into(),
    }
}
