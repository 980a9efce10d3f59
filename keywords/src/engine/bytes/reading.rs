//! Reads the parts of an engine, and checks every number against what it points into.

use super::LoadError;
use crate::buckets::Buckets;
use crate::engine::tables::{Kind, ListEntry, Owner, Strings, Tables, TermEntry};
use crate::engine::trie::Trie;
use crate::engine::words::Words;
use crate::{Audience, Severity, Topic};

/// Bytes of a list, a term and an owner.
const LIST: usize = 9;
const TERM: usize = 28;
const OWNER: usize = 9;

pub(super) fn check(sound: bool, what: &'static str) -> Result<(), LoadError> {
    if sound {
        Ok(())
    } else {
        Err(LoadError::Damaged(what))
    }
}

/// What has not been read yet.
pub(super) struct Reader<'b>(pub(super) &'b [u8]);

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

    pub(super) fn number(&mut self) -> Result<u32, LoadError> {
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

    pub(super) fn table(&mut self) -> Result<Buckets, LoadError> {
        let (bits, starts) = (self.number()?, self.numbers()?);
        let (marks, _) = self.row(2)?.as_chunks::<2>();
        let marks = marks.iter().map(|mark| u16::from_le_bytes(*mark)).collect();
        Buckets::from_parts(bits, starts, marks, self.numbers()?).ok_or(LoadError::Damaged("a table"))
    }

    pub(super) fn words(&mut self) -> Result<Words, LoadError> {
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

    pub(super) fn trie(&mut self, words: usize) -> Result<Trie, LoadError> {
        let (begins, ends) = (self.numbers()?, self.numbers()?);
        let (leading, targets) = (self.numbers()?, self.numbers()?);
        Trie::from_rows(begins, ends, leading, targets, words).ok_or(LoadError::Damaged("its tree"))
    }

    pub(super) fn tables(&mut self) -> Result<Tables, LoadError> {
        let (text, ends) = self.text()?;
        let lists = self.lists(ends.len())?;
        let terms = self.terms(ends.len(), lists.len())?;
        let owners = self.owners(ends.len(), lists.len(), terms.len())?;
        let owned_by = self.numbers()?;
        let owned = owned_by.iter().all(|owner| (*owner as usize) < owners.len());
        check(owned, "a phrase")?;
        let written = self.written(ends.len())?;
        Ok(Tables {
            strings: Strings { text, ends },
            lists,
            terms,
            owners,
            owned_by,
            written,
        })
    }

    fn lists(&mut self, strings: usize) -> Result<Vec<ListEntry>, LoadError> {
        let (lists, _) = self.row(LIST)?.as_chunks::<LIST>();
        let lists = lists.iter().map(|list| {
            let [id, version] = numbers_of(list);
            let confidential = list[LIST - 1] != 0;
            ListEntry {
                id,
                version,
                confidential,
            }
        });
        let lists: Vec<ListEntry> = lists.collect();
        check(lists.iter().all(|list| is_one(list.id, strings)), "a list")?;
        Ok(lists)
    }

    fn terms(&mut self, strings: usize, lists: usize) -> Result<Vec<TermEntry>, LoadError> {
        let (terms, _) = self.row(TERM)?.as_chunks::<TERM>();
        let terms = terms.iter().map(term).collect::<Result<Vec<_>, _>>()?;
        let sound = |term: &TermEntry| {
            is_one(term.id, strings) && is_one(term.reason, strings) && is_one(term.list, lists)
        };
        check(terms.iter().all(sound), "a term")?;
        Ok(terms)
    }

    fn owners(&mut self, strings: usize, lists: usize, terms: usize) -> Result<Vec<Owner>, LoadError> {
        let (owners, _) = self.row(OWNER)?.as_chunks::<OWNER>();
        let owners = owners.iter().map(owner).collect::<Result<Vec<_>, _>>()?;
        let sound = |owner: &Owner| {
            let whose = match owner.kind {
                Kind::Term(of) | Kind::ExceptionOfTerm(of) => is_one(of, terms),
                Kind::ExceptionOfList(of) | Kind::ExceptionForAll(of) | Kind::Help(of) => is_one(of, lists),
                Kind::Near(_) => true,
            };
            whose && is_one(owner.reason, strings)
        };
        check(owners.iter().all(sound), "what a phrase is for")?;
        Ok(owners)
    }

    fn written(&mut self, strings: usize) -> Result<Vec<(u32, u32)>, LoadError> {
        let (pairs, _) = self.row(8)?.as_chunks::<8>();
        let pairs = pairs.iter().map(|pair| {
            let [phrase, written] = numbers_of(pair);
            (phrase, written)
        });
        let written: Vec<(u32, u32)> = pairs.collect();
        let sound = written.is_sorted() && written.iter().all(|(_, written)| is_one(*written, strings));
        check(sound, "how a phrase is written")?;
        Ok(written)
    }
}

/// Whether a number is that of one of so many.
const fn is_one(number: u32, of: usize) -> bool {
    (number as usize) < of
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
