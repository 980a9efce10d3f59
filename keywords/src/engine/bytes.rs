//! An engine as bytes: built once, by the collector, and loaded by every device.
//!
//! All numbers are little-endian. A *row* is a number of items (`u32`) and the items. In this order:
//!
//! | what | is |
//! |---|---|
//! | mark | the eight bytes `PASTORKW`, and the format's version (`u32`) |
//! | words | their text (row of bytes), where each ends (row of `u32`), how many are single (`u32`), four tables |
//! | ordinary words | two tables: all of them, and the commonest |
//! | tree | four rows of `u32`, the root first and children after their parents: where each node's ways begin, and where the last one's end; how many phrases end at each node; the word of each way; the node it leads to |
//! | strings | their text (row of bytes), where each ends (row of `u32`) |
//! | lists | a row of id, version and whether it is confidential (a byte) |
//! | terms | a row of list, id, reason, near, not near (`u32` each), topic, five severities (0 for none), sources, provenances (a byte each) |
//! | owners | a row of what phrases are for: kind (a byte), whose it is, reason (`u32` each) |
//! | phrases | a row of their owners (`u32`); a row of those that are written otherwise than their words, with how (`u32` each) |
//!
//! A table is its number of bits (`u32`), a row of `u32`, a row of `u16` and a row of `u32`, as in `buckets.rs`.
//!
//! Whatever the bytes are, loading them neither panics nor takes more memory than a small multiple of their length, and
//! what was loaded cannot make finding panic or go on for ever: every number is checked against what it points into, the
//! tree's children come after their parents, and neither the tree is deeper nor a bucket fuller than any list needs.

mod reading;

use self::reading::{Reader, check};
use super::Engine;
use super::tables::{Kind, Tables};
use crate::Severity;
use crate::buckets::Buckets;
use crate::dictionary::Dictionary;

const MARK: &[u8; 8] = b"PASTORKW";
/// Raised whenever the format, or how words are hashed or read, changes.
const VERSION: u32 = 3;

/// Why bytes are no engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// They are something else.
    #[error("this is no keyword engine; build one from the lists")]
    OtherFile,
    /// They were built by another version of Pastoral.
    #[error("the keyword engine has format {found}, this program reads {VERSION}; build it again")]
    OtherVersion {
        /// The version they say.
        found: u32,
    },
    /// They are cut short or damaged.
    #[error("the keyword engine is damaged ({0}); build it again")]
    Damaged(&'static str),
}

impl Engine {
    /// The engine as bytes, for [`Engine::load`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer(Vec::new());
        out.0.extend_from_slice(MARK);
        out.number(VERSION);
        out.bytes(self.words.text.as_bytes());
        out.numbers(&self.words.ends);
        out.number(self.words.single);
        for table in [
            &self.words.exact,
            &self.words.read,
            &self.words.dropped,
            &self.words.shaped,
        ] {
            out.table(table);
        }
        out.table(&self.dictionary.words);
        out.table(&self.dictionary.commonest);
        let trie = &self.trie;
        for row in [&trie.begins, &trie.ends, &trie.words, &trie.targets] {
            out.numbers(row);
        }
        out.tables(&self.tables);
        out.0
    }

    /// An engine that was built before.
    pub fn load(bytes: &[u8]) -> Result<Self, LoadError> {
        let rest = bytes.strip_prefix(MARK).ok_or(LoadError::OtherFile)?;
        let mut input = Reader(rest);
        let found = input.number()?;
        if found != VERSION {
            return Err(LoadError::OtherVersion { found });
        }
        let words = input.words()?;
        let dictionary = Dictionary {
            words: input.table()?,
            commonest: input.table()?,
        };
        let trie = input.trie(words.ends.len())?;
        let tables = input.tables()?;
        check(input.0.is_empty(), "more than an engine")?;
        check(
            trie.phrase_count() == tables.owned_by.len(),
            "the phrases of its tree",
        )?;
        Ok(Self::of(words, dictionary, trie, tables))
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Every row of an engine that could be built is shorter than a `u32`.
    fn count(&mut self, count: usize) {
        self.number(u32::try_from(count).unwrap_or(u32::MAX));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn numbers(&mut self, numbers: &[u32]) {
        self.count(numbers.len());
        self.0
            .extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn table(&mut self, table: &Buckets) {
        let (bits, starts, marks, values) = table.parts();
        self.number(bits);
        self.numbers(starts);
        self.count(marks.len());
        self.0.extend(marks.iter().flat_map(|mark| mark.to_le_bytes()));
        self.numbers(values);
    }

    fn tables(&mut self, tables: &Tables) {
        self.bytes(tables.strings.text.as_bytes());
        self.numbers(&tables.strings.ends);
        self.count(tables.lists.len());
        for list in &tables.lists {
            self.number(list.id);
            self.number(list.version);
            self.0.push(u8::from(list.confidential));
        }
        self.count(tables.terms.len());
        for term in &tables.terms {
            for number in [term.list, term.id, term.reason, term.near, term.not_near] {
                self.number(number);
            }
            self.0.push(term.topic as u8);
            self.0
                .extend(term.severities.map(|severity| severity.map_or(0, Severity::get)));
            self.0.extend([term.sources, term.provenances]);
        }
        self.count(tables.owners.len());
        for owner in &tables.owners {
            let (kind, of) = match owner.kind {
                Kind::Term(of) => (0, of),
                Kind::ExceptionOfTerm(of) => (1, of),
                Kind::ExceptionOfList(of) => (2, of),
                Kind::ExceptionForAll(of) => (3, of),
                Kind::Help(of) => (4, of),
                Kind::Near(of) => (5, of),
            };
            self.0.push(kind);
            self.number(of);
            self.number(owner.reason);
        }
        self.numbers(&tables.owned_by);
        self.count(tables.written.len());
        for (phrase, written) in &tables.written {
            self.number(*phrase);
            self.number(*written);
        }
    }
}
