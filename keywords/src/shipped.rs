//! The lists that come with Pastoral: every file of `lists/`, in the order of their names.

use crate::{KeywordList, ListError};

include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

/// Harmless texts of school life, invented: what a change to the lists must not flag.
pub fn harmless() -> impl Iterator<Item = &'static str> {
    include_str!("../lists/harmless.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

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
