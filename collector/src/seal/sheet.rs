//! The printed sheets (P46): the reader keys on paper, in two parts, so that nobody who holds one opens everything.
//!
//! A key's line is its group and 52 letters; the line `check` below it tells a mistyped letter from a sheet of another
//! school. One copy with all four keys and without checks, as earlier versions printed it, reads as well.

use super::{GroupPrivateKey, GroupPublicKey, fingerprint};
use crate::chain::number::plain;
use crate::codes::codes;
use crate::concerns::model::{Duty, ReaderGroup};
use data_encoding::BASE32_NOPAD;
use ring::digest::{Context, SHA256};
use std::collections::HashMap;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Letters of a key.
const LETTERS: usize = 52;
const CHECK: usize = 4;

codes! {
    /// One of the two sheets.
    pub enum Sheet {
        /// The keys for concerns about pupils and staff.
        Headteacher = "headteacher", "the headteacher’s sheet";
        /// The key for concerns about the headteacher, and that of the school safe.
        Chair = "chair", "the chair’s sheet";
    }
}

impl Sheet {
    /// Who acts in the store and the audit log, when a sheet is one of the two that an act on access takes.
    #[must_use]
    pub const fn actor(self) -> &'static str {
        match self {
            Self::Headteacher => "headteacher sheet",
            Self::Chair => "chair sheet",
        }
    }

    /// The sheet that acted.
    #[must_use]
    pub fn of_actor(actor: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sheet| sheet.actor() == actor)
    }

    /// Who keeps it.
    #[must_use]
    pub const fn keeper(self) -> Duty {
        match self {
            Self::Headteacher => Duty::Headteacher,
            Self::Chair => Duty::Chair,
        }
    }

    /// What is on it.
    #[must_use]
    pub const fn groups(self) -> &'static [ReaderGroup] {
        match self {
            Self::Headteacher => &[ReaderGroup::Pupil, ReaderGroup::Staff],
            Self::Chair => &[ReaderGroup::Head, ReaderGroup::Safe],
        }
    }

    /// The sheet that a group's key is on.
    #[must_use]
    pub const fn with(group: ReaderGroup) -> Self {
        match group {
            ReaderGroup::Pupil | ReaderGroup::Staff => Self::Headteacher,
            ReaderGroup::Head | ReaderGroup::Safe => Self::Chair,
        }
    }

    /// The sheet with the keys of a duty that reads.
    #[must_use]
    pub fn of(duty: Duty) -> Option<Self> {
        duty.reader_groups().first().map(|group| Self::with(*group))
    }
}

/// The text to print.
#[must_use]
pub fn text(
    sheet: Sheet,
    school_name: &str,
    keys: &[(ReaderGroup, GroupPrivateKey)],
    publics: &HashMap<ReaderGroup, GroupPublicKey>,
) -> Zeroizing<String> {
    let (whose, opens, other) = match sheet {
        Sheet::Headteacher => (
            "headteacher",
            "about pupils and about staff",
            "chair of governors",
        ),
        Sheet::Chair => (
            "chair of governors",
            "about the headteacher, and what is in the school safe",
            "headteacher",
        ),
    };
    let mut text = Zeroizing::new(format!(
        "Pastoral recovery sheet of {school_name}, for the {whose}\n\
         Print this page, lock it away where the {other} cannot get it, and delete the file.\n\
         Whoever holds it can open concerns {opens}.\n\
         Keys {keys}: the same on both sheets and in every mail about the audit record.\n\n",
        keys = fingerprint(publics),
    ));
    for (group, key) in keys.iter().filter(|(group, _)| sheet.groups().contains(group)) {
        let letters = Zeroizing::new(BASE32_NOPAD.encode(&*key.to_bytes()));
        let mut spaced = Zeroizing::new(String::with_capacity(80));
        for (at, letter) in letters.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                spaced.push('-');
            }
            spaced.push(letter);
        }
        let _never_fails = writeln!(
            text,
            "{} {}\ncheck {}",
            group.code(),
            *spaced,
            *check(*group, &letters)
        );
    }
    text
}

/// Why a sheet does not open anything. Says nothing of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// No line of a key is in it.
    #[error("this is no recovery sheet; give its lines, such as `pupil ABCD-…`")]
    None,
    /// A letter is wrong or missing.
    #[error("the key `{}` is mistyped; copy the whole line again, and the line `check` below it", .0.code())]
    Mistyped(ReaderGroup),
    /// It is a whole key, and not this school's.
    #[error(
        "the key `{}` is a whole key, but not this school’s: the sheet is of another school, or from before the school was set up anew", .0.code()
    )]
    NotOurs(ReaderGroup),
}

/// A key's line as it was typed.
struct Typed {
    group: ReaderGroup,
    letters: Zeroizing<String>,
    check: Option<Zeroizing<String>>,
}

/// Reads a sheet, or both, as it was typed in, and checks each key against the school's.
///
/// # Errors
/// [`SheetError`].
pub fn read(
    text: &str,
    publics: &HashMap<ReaderGroup, GroupPublicKey>,
) -> Result<Vec<(ReaderGroup, GroupPrivateKey)>, SheetError> {
    let mut keys = Vec::new();
    for typed in lines(text) {
        keys.push((typed.group, typed.key(publics)?));
    }
    if keys.is_empty() {
        return Err(SheetError::None);
    }
    Ok(keys)
}

fn lines(text: &str) -> Vec<Typed> {
    let mut found: Vec<Typed> = Vec::new();
    for line in text.lines().map(str::trim) {
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest_plain = Zeroizing::new(plain(rest));
        if let Some(group) = ReaderGroup::from_code(&first.to_lowercase()) {
            found.push(Typed {
                group,
                letters: rest_plain,
                check: None,
            });
        } else if let Some(last) = found.last_mut() {
            if first.eq_ignore_ascii_case("check") {
                last.check = Some(rest_plain);
            } else if last.letters.len() < LETTERS && last.check.is_none() {
                // A line that was broken in two.
                last.letters.push_str(&Zeroizing::new(plain(line)));
            }
        }
    }
    found
}

impl Typed {
    fn key(&self, publics: &HashMap<ReaderGroup, GroupPublicKey>) -> Result<GroupPrivateKey, SheetError> {
        let mistyped = SheetError::Mistyped(self.group);
        let sound = self
            .check
            .as_ref()
            .map(|typed| *check(self.group, &self.letters) == **typed);
        let bytes = BASE32_NOPAD
            .decode(self.letters.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| mistyped)?;
        let private = GroupPrivateKey::from_bytes(&bytes).map_err(|_| mistyped)?;
        let ours = publics.get(&self.group) == Some(&private.public());
        match sound {
            _ if ours => Ok(private),
            Some(true) => Err(SheetError::NotOurs(self.group)),
            _ => Err(mistyped),
        }
    }
}

fn check(group: ReaderGroup, letters: &str) -> Zeroizing<String> {
    let mut context = Context::new(&SHA256);
    context.update(b"pastoral sheet v1\0");
    context.update(group.code().as_bytes());
    context.update(b"\0");
    context.update(letters.as_bytes());
    let mut text = Zeroizing::new(BASE32_NOPAD.encode(context.finish().as_ref()));
    text.truncate(CHECK);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school() -> (
        Vec<(ReaderGroup, GroupPrivateKey)>,
        HashMap<ReaderGroup, GroupPublicKey>,
    ) {
        let (mut privates, mut publics) = (Vec::new(), HashMap::new());
        for group in ReaderGroup::ALL {
            let (private, public) = GroupPrivateKey::generate();
            privates.push((group, private));
            publics.insert(group, public);
        }
        (privates, publics)
    }

    fn groups(text: &str, publics: &HashMap<ReaderGroup, GroupPublicKey>) -> Vec<ReaderGroup> {
        let read = read(text, publics).unwrap();
        read.into_iter().map(|(group, _)| group).collect()
    }

    #[test]
    fn each_sheet_holds_its_own_two_keys_and_together_they_hold_all() {
        let (privates, publics) = school();
        let [head, chair] = Sheet::ALL.map(|sheet| text(sheet, "Oak", &privates, &publics));
        assert_eq!(groups(&head, &publics), [ReaderGroup::Pupil, ReaderGroup::Staff]);
        assert_eq!(groups(&chair, &publics), [ReaderGroup::Head, ReaderGroup::Safe]);
        assert_eq!(groups(&format!("{}{}", *head, *chair), &publics).len(), 4);
        for duty in Duty::ALL
            .into_iter()
            .filter(|duty| !duty.reader_groups().is_empty())
        {
            let sheet = Sheet::of(duty).unwrap();
            assert!(
                duty.reader_groups()
                    .iter()
                    .all(|group| sheet.groups().contains(group))
            );
        }
    }

    #[test]
    fn a_sheet_reads_back_however_it_was_typed() {
        let (privates, publics) = school();
        let printed = text(Sheet::Chair, "Oak", &privates, &publics);
        let broken_lines = printed.replace('-', "\n");
        let old_copy: String = printed
            .lines()
            .filter(|line| !line.starts_with("check"))
            .map(|line| format!("{line}\r\n"))
            .collect();
        for typed in [
            printed.to_lowercase(),
            broken_lines,
            printed.replace('-', " "),
            old_copy,
        ] {
            assert_eq!(groups(&typed, &publics).len(), 2, "{typed}");
        }
    }

    #[test]
    fn a_mistyped_letter_is_told_from_another_school_s_sheet() {
        let (privates, publics) = school();
        let printed = text(Sheet::Chair, "Oak", &privates, &publics);
        let line = printed.lines().find(|line| line.starts_with("safe ")).unwrap();
        for at in [5, 20, line.len() - 1] {
            let mut wrong = line.as_bytes().to_vec();
            wrong[at] = if wrong[at] == b'A' { b'Q' } else { b'A' };
            let wrong = printed.replace(line, std::str::from_utf8(&wrong).unwrap());
            assert_eq!(
                read(&wrong, &publics).err(),
                Some(SheetError::Mistyped(ReaderGroup::Safe)),
                "letter {at}"
            );
        }
        let shorter = printed.replace(line, &line[..line.len() - 5]);
        assert_eq!(
            read(&shorter, &publics).err(),
            Some(SheetError::Mistyped(ReaderGroup::Safe))
        );
        let (_, others) = school();
        assert_eq!(
            read(&printed, &others).err(),
            Some(SheetError::NotOurs(ReaderGroup::Head))
        );
        assert_eq!(read("nothing", &publics).err(), Some(SheetError::None));
    }
}
