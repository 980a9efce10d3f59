//! Texts of the development data that are rightly flagged. The data is not ours to copy, so a text is named by the start of
//! its SHA-256.

use data_encoding::HEXLOWER;
use ring::digest::{SHA256, digest};
use std::collections::BTreeSet;

/// Digits of a name.
const NAME: usize = 16;

/// What a person looked at and found rightly flagged; a line each, of the text's name and why.
const FILE: &str = include_str!("../set-aside.txt");

pub(crate) struct SetAside(BTreeSet<&'static str>);

impl SetAside {
    pub(crate) fn read() -> Self {
        let lines = FILE.lines().filter(|line| !line.starts_with('#'));
        Self(lines.filter_map(|line| line.get(..NAME)).collect())
    }

    pub(crate) fn holds(&self, text: &str) -> bool {
        self.0.contains(name(text).as_str())
    }
}

/// What a text is called in the file.
pub(crate) fn name(text: &str) -> String {
    let digest = digest(&SHA256, text.trim().as_bytes());
    HEXLOWER.encode(digest.as_ref()).chars().take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_text_and_says_why() {
        for line in FILE
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (name, why) = line.split_once(' ').unwrap_or_default();
            assert!(
                name.len() == NAME && name.bytes().all(|byte| byte.is_ascii_hexdigit()) && !why.is_empty(),
                "{line}"
            );
        }
    }
}
