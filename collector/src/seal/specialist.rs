//! Specialist lists at rest: sealed with a key that lies in a file beside the authority's keys, so that neither the database
//! nor a copy of it shows any of their words.

use super::{SealError, aead};
use crate::ca::files;
use anyhow::Context as _;
use ring::aead::LessSafeKey;
use ring::rand::{SecureRandom, SystemRandom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The key's file, in the folder of the certificate authority.
pub const KEY_FILE: &str = "specialist-lists.key";

/// The key of a school's specialist lists, made with the first of them.
#[derive(Debug, Clone)]
pub struct ListKey {
    folder: Arc<Path>,
}

impl ListKey {
    /// The key in this folder, whether it is there yet or not.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Seals a list's text. Makes the key where there is none.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub fn seal(&self, list: &ListName<'_>, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let key = if self.folder.join(KEY_FILE).exists() {
            self.read()?
        } else {
            self.make()?
        };
        Ok(aead::seal(&key, &list.bytes(), text)?)
    }

    /// Opens a list's text.
    ///
    /// # Errors
    /// When the key is missing, or is not the one that sealed this list.
    pub fn open(&self, list: &ListName<'_>, sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        Ok(aead::open(&self.read()?, &list.bytes(), sealed)?)
    }

    fn read(&self) -> anyhow::Result<LessSafeKey> {
        let bytes = Zeroizing::new(files::read(&self.folder, KEY_FILE)?);
        aead::key_from(&bytes).with_context(|| format!("{KEY_FILE} is no key; bring it back from a backup"))
    }

    fn make(&self) -> anyhow::Result<LessSafeKey> {
        let mut bytes = Zeroizing::new([0; 32]);
        SystemRandom::new()
            .fill(&mut bytes[..])
            .map_err(|_| SealError::CannotSeal)?;
        files::private_dir(&self.folder)?;
        files::write(&self.folder, KEY_FILE, &bytes[..])?;
        Ok(aead::key_from(&bytes[..])?)
    }
}

/// Which list of which school: what is sealed for one opens as no other.
pub struct ListName<'a> {
    /// The school.
    pub school_id: &'a str,
    /// The list.
    pub list_id: &'a str,
    /// Its version.
    pub version: u32,
}

impl ListName<'_> {
    fn bytes(&self) -> Vec<u8> {
        format!(
            "specialist list {} version {} of {}",
            self.list_id, self.version, self.school_id
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specialist_list_opens_with_its_school_s_key_alone_and_as_no_other_list() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let key = ListKey::new(ours.path().join("ca"));
        let name = |list_id, version| ListName {
            school_id: "school",
            list_id,
            version,
        };
        let sealed = key.seal(&name("list", 1), b"zebrafinch").unwrap();
        assert!(!sealed.windows(10).any(|part| part == b"zebrafinch"));
        assert_eq!(
            key.open(&name("list", 1), &sealed).unwrap().as_slice(),
            b"zebrafinch"
        );
        assert!(key.open(&name("list", 2), &sealed).is_err());
        assert!(key.open(&name("other", 1), &sealed).is_err());
        let other = ListKey::new(theirs.path().join("ca"));
        assert!(other.open(&name("list", 1), &sealed).is_err());
        other.seal(&name("list", 1), b"another").unwrap();
        assert!(other.open(&name("list", 1), &sealed).is_err());
    }
}
