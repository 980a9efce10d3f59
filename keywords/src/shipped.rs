//! The lists that come with Pastoral.

use crate::{KeywordList, ListError};

/// The English list, as its file.
pub const ENGLISH: &str = include_str!("../lists/english.toml");

/// Every shipped list, with the name of its file.
pub const FILES: &[(&str, &str)] = &[("english.toml", ENGLISH)];

/// Every shipped list, read and checked.
///
/// # Errors
/// The first fault of a list; a test makes sure that there is none.
pub fn lists() -> Result<Vec<KeywordList>, ListError> {
    FILES
        .iter()
        .map(|(file, toml)| KeywordList::parse(toml, file))
        .collect()
}
