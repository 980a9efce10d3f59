//! The recovery copy: the reader keys on paper, for the school safe (P46).

use crate::concerns::model::ReaderGroup;
use crate::seal::{GroupPrivateKey, GroupPublicKey};
use anyhow::Context as _;
use data_encoding::BASE32_NOPAD;
use std::collections::HashMap;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// The text to print.
pub(super) fn text(school_name: &str, keys: &[(ReaderGroup, GroupPrivateKey)]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(format!(
        "Pastoral recovery copy of {school_name}\n\
         Print this page, put it into the school safe, and delete the file.\n\
         Whoever holds it can open every concern of the school.\n\n"
    ));
    for (group, key) in keys {
        let letters = Zeroizing::new(BASE32_NOPAD.encode(&*key.to_bytes()));
        let mut spaced = Zeroizing::new(String::with_capacity(80));
        for (at, letter) in letters.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                spaced.push('-');
            }
            spaced.push(letter);
        }
        let _never_fails = writeln!(text, "{} {}", group.code(), *spaced);
    }
    text
}

/// Reads a copy as it was typed in, and checks each key against the school's.
pub(super) fn read(
    text: &str,
    publics: &HashMap<ReaderGroup, GroupPublicKey>,
) -> anyhow::Result<Vec<(ReaderGroup, GroupPrivateKey)>> {
    let mut keys = Vec::new();
    for line in text.lines() {
        let Some((group, letters)) = line.trim().split_once(' ') else {
            continue;
        };
        let Some(group) = ReaderGroup::from_code(&group.to_lowercase()) else {
            continue;
        };
        let letters: String = letters.chars().filter(char::is_ascii_alphanumeric).collect();
        let wrong = || {
            format!(
                "the key `{}` is mistyped; copy the whole line again",
                group.code()
            )
        };
        let bytes = Zeroizing::new(
            BASE32_NOPAD
                .decode(letters.to_uppercase().as_bytes())
                .with_context(wrong)?,
        );
        let private = GroupPrivateKey::from_bytes(&bytes).with_context(wrong)?;
        let public = publics.get(&group).context("the school has no such key")?;
        let probe = public.seal(b"probe", b"recovery copy")?;
        private.open(&probe, b"recovery copy").with_context(wrong)?;
        keys.push((group, private));
    }
    anyhow::ensure!(
        !keys.is_empty(),
        "this is no recovery copy; give its lines, such as `pupil ABCD-…`, on standard input"
    );
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_reads_back_and_a_mistyped_letter_is_noticed() {
        let (private, public) = GroupPrivateKey::generate();
        let publics = HashMap::from([(ReaderGroup::Pupil, public)]);
        let printed = text("School", &[(ReaderGroup::Pupil, private)]);
        assert_eq!(read(&printed.to_lowercase(), &publics).unwrap().len(), 1);
        let line = printed.lines().last().unwrap();
        let wrong = if line.ends_with("AA") { "BA" } else { "AA" };
        let mistyped = format!("{}{wrong}", &line[..line.len() - 2]);
        assert!(read(&mistyped, &publics).is_err());
        assert!(read("nothing", &publics).is_err());
    }
}
