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

use super::Engine;
use super::tables::{Kind, ListEntry, Owner, Strings, Tables, TermEntry};
use super::trie::Trie;
use super::words::Words;
use crate::buckets::Buckets;
use crate::dictionary::Dictionary;
use crate::{Audience, Severity, Topic};

const MARK: &[u8; 8] = b"PASTORKW";
/// Raised whenever the format, or how words are hashed or read, changes.
const VERSION: u32 = 3;
/// Bytes of a list, a term and an owner.
const LIST: usize = 9;
const TERM: usize = 28;
const OWNER: usize = 9;

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
    ///
    /// # Errors
    /// When the bytes are not a whole, sound engine of this version.
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

fn check(sound: bool, what: &'static str) -> Result<(), LoadError> {
    if sound {
        Ok(())
    } else {
        Err(LoadError::Damaged(what))
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

/// What has not been read yet.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], LoadError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(LoadError::Damaged("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        self.take(N)?
            .try_into()
            .map_err(|_| LoadError::Damaged("it is cut short"))
    }

    fn number(&mut self) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// The bytes of a row whose items have a size.
    fn row(&mut self, size: usize) -> Result<&'b [u8], LoadError> {
        let count = self.number()? as usize;
        self.take(
            count
                .checked_mul(size)
                .ok_or(LoadError::Damaged("a row is too long"))?,
        )
    }

    fn numbers(&mut self) -> Result<Vec<u32>, LoadError> {
        let (numbers, _) = self.row(4)?.as_chunks::<4>();
        Ok(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    fn text(&mut self) -> Result<(String, Vec<u32>), LoadError> {
        let text = std::str::from_utf8(self.row(1)?).map_err(|_| LoadError::Damaged("its text"))?;
        let ends = self.numbers()?;
        let whole = ends.last().map_or(0, |end| *end as usize) == text.len();
        let between = ends.iter().all(|end| text.is_char_boundary(*end as usize));
        check(whole && between && ends.is_sorted(), "its text")?;
        Ok((text.to_owned(), ends))
    }

    fn table(&mut self) -> Result<Buckets, LoadError> {
        let (bits, starts) = (self.number()?, self.numbers()?);
        let (marks, _) = self.row(2)?.as_chunks::<2>();
        let marks = marks.iter().map(|mark| u16::from_le_bytes(*mark)).collect();
        Buckets::from_parts(bits, starts, marks, self.numbers()?).ok_or(LoadError::Damaged("a table"))
    }

    fn words(&mut self) -> Result<Words, LoadError> {
        let (text, ends) = self.text()?;
        let single = self.number()?;
        let count = ends.len();
        check(single as usize <= count, "its words")?;
        let mut table = || {
            let table = self.table()?;
            let known = table.parts().3.iter().all(|word| (*word as usize) < count);
            check(known, "a table of words")?;
            Ok(table)
        };
        let (exact, read, dropped, shaped) = (table()?, table()?, table()?, table()?);
        Ok(Words {
            text,
            single,
            ends,
            exact,
            read,
            dropped,
            shaped,
        })
    }

    fn trie(&mut self, words: usize) -> Result<Trie, LoadError> {
        let (begins, ends) = (self.numbers()?, self.numbers()?);
        let (leading, targets) = (self.numbers()?, self.numbers()?);
        Trie::from_rows(begins, ends, leading, targets, words).ok_or(LoadError::Damaged("its tree"))
    }

    fn tables(&mut self) -> Result<Tables, LoadError> {
        let (text, ends) = self.text()?;
        let is_string = |number: u32| (number as usize) < ends.len();
        let (lists, _) = self.row(LIST)?.as_chunks::<LIST>();
        let lists: Vec<ListEntry> = lists
            .iter()
            .map(|list| {
                let [id, version] = numbers_of(list);
                let confidential = list[LIST - 1] != 0;
                ListEntry {
                    id,
                    version,
                    confidential,
                }
            })
            .collect();
        check(lists.iter().all(|list| is_string(list.id)), "a list")?;
        let (terms, _) = self.row(TERM)?.as_chunks::<TERM>();
        let terms = terms.iter().map(term).collect::<Result<Vec<_>, _>>()?;
        let sound = |term: &TermEntry| {
            is_string(term.id) && is_string(term.reason) && (term.list as usize) < lists.len()
        };
        check(terms.iter().all(sound), "a term")?;
        let (owners, _) = self.row(OWNER)?.as_chunks::<OWNER>();
        let owners = owners.iter().map(owner).collect::<Result<Vec<_>, _>>()?;
        let sound = |owner: &Owner| {
            let whose = match owner.kind {
                Kind::Term(of) | Kind::ExceptionOfTerm(of) => (of as usize) < terms.len(),
                Kind::ExceptionOfList(of) | Kind::ExceptionForAll(of) | Kind::Help(of) => {
                    (of as usize) < lists.len()
                }
                Kind::Near(_) => true,
            };
            whose && is_string(owner.reason)
        };
        check(owners.iter().all(sound), "what a phrase is for")?;
        let owned_by = self.numbers()?;
        let owned = owned_by.iter().all(|owner| (*owner as usize) < owners.len());
        check(owned, "a phrase")?;
        let (pairs, _) = self.row(8)?.as_chunks::<8>();
        let written: Vec<(u32, u32)> = pairs
            .iter()
            .map(|pair| {
                let [phrase, written] = numbers_of(pair);
                (phrase, written)
            })
            .collect();
        let sound = written.is_sorted() && written.iter().all(|(_, written)| is_string(*written));
        check(sound, "how a phrase is written")?;
        let strings = Strings { text, ends };
        Ok(Tables {
            strings,
            lists,
            terms,
            owners,
            owned_by,
            written,
        })
    }
}

/// The numbers that some bytes begin with.
fn numbers_of<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let (numbers, _) = bytes.as_chunks::<4>();
    std::array::from_fn(|at| numbers.get(at).map_or(0, |number| u32::from_le_bytes(*number)))
}

fn term(bytes: &[u8; TERM]) -> Result<TermEntry, LoadError> {
    let [list, id, reason, near, not_near] = numbers_of(bytes);
    let [
        ..,
        topic,
        ks1,
        ks2,
        secondary,
        staff,
        administration,
        sources,
        provenances,
    ] = *bytes;
    let topic = *Topic::ALL
        .get(usize::from(topic))
        .ok_or(LoadError::Damaged("a term's topic"))?;
    let levels: [u8; Audience::ALL.len()] = [ks1, ks2, secondary, staff, administration];
    let known = levels.iter().all(|level| *level <= Severity::MAX.get());
    check(known, "a term's severity")?;
    Ok(TermEntry {
        list,
        id,
        reason,
        topic,
        severities: levels.map(|level| Severity::try_from(level).ok()),
        sources,
        provenances,
        near,
        not_near,
    })
}

fn owner(bytes: &[u8; OWNER]) -> Result<Owner, LoadError> {
    let [kind, rest @ ..] = bytes;
    let [of, reason] = numbers_of(rest);
    let kind = match kind {
        0 => Kind::Term(of),
        1 => Kind::ExceptionOfTerm(of),
        2 => Kind::ExceptionOfList(of),
        3 => Kind::ExceptionForAll(of),
        4 => Kind::Help(of),
        5 => Kind::Near(of),
        _ => return Err(LoadError::Damaged("a phrase's kind")),
    };
    Ok(Owner { kind, reason })
}
