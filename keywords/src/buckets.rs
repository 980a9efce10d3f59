//! A table from hashes to numbers, flat enough to be written to a file and read back without being built again.
//!
//! Entries are sorted into buckets by the first bits of their hash. Within a bucket each is known by sixteen other bits,
//! its mark. Two hashes may share bucket and mark; whoever needs to be sure compares what the numbers stand for.

/// Entries of a bucket, on average, at most: of a table that is small for its use, and of one that is looked into for
/// every word of every text.
const BUCKET: usize = 16;
const QUICK_BUCKET: usize = 2;

/// Entries of one bucket that a file may have; more would only make every look into it slow.
const FULLEST: usize = 1 << 14;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// How many bits of the hash choose the bucket.
    bits: u32,
    /// Where each bucket begins, and where the last one ends.
    starts: Vec<u32>,
    marks: Vec<u16>,
    /// As many as marks, or none where only being there counts.
    values: Vec<u32>,
}

impl Default for Buckets {
    fn default() -> Self {
        Self::set([])
    }
}

impl Buckets {
    /// A table from hashes to numbers.
    pub(crate) fn map(entries: Vec<(u64, u32)>) -> Self {
        Self::map_in(BUCKET, entries)
    }

    /// The same, a little larger, in which looking is quick.
    pub(crate) fn quick_map(entries: Vec<(u64, u32)>) -> Self {
        Self::map_in(QUICK_BUCKET, entries)
    }

    fn map_in(bucket: usize, mut entries: Vec<(u64, u32)>) -> Self {
        let mut table = Self::sorted(&mut entries, bucket);
        table.values = entries.iter().map(|(_, value)| *value).collect();
        table
    }

    /// A table that only knows which hashes are there.
    pub(crate) fn set(hashes: impl IntoIterator<Item = u64>) -> Self {
        let mut entries: Vec<(u64, u32)> = hashes.into_iter().map(|hash| (hash, 0)).collect();
        Self::sorted(&mut entries, BUCKET)
    }

    fn sorted(entries: &mut Vec<(u64, u32)>, in_one: usize) -> Self {
        let wanted = (entries.len() / in_one).max(1).next_power_of_two();
        let bits = wanted.trailing_zeros();
        entries.sort_unstable_by_key(|(hash, value)| (bucket(*hash, bits), mark(*hash), *value));
        entries.dedup_by_key(|(hash, value)| (bucket(*hash, bits), mark(*hash), *value));
        let mut starts = Vec::with_capacity(wanted + 1);
        let mut at = 0usize;
        for number in 0..wanted {
            starts.push(u32::try_from(at).unwrap_or(u32::MAX));
            at += entries[at..].partition_point(|(hash, _)| bucket(*hash, bits) == number);
        }
        starts.push(u32::try_from(at).unwrap_or(u32::MAX));
        let marks = entries.iter().map(|(hash, _)| mark(*hash)).collect();
        Self {
            bits,
            starts,
            marks,
            values: Vec::new(),
        }
    }

    /// From its parts, as they were read; none if they do not fit together.
    pub(crate) fn from_parts(bits: u32, starts: Vec<u32>, marks: Vec<u16>, values: Vec<u32>) -> Option<Self> {
        let sound = bits <= 28
            && starts.len() == (1usize << bits) + 1
            && starts.first() == Some(&0)
            && starts.last().is_some_and(|last| *last as usize == marks.len())
            && starts.is_sorted()
            && starts
                .windows(2)
                .all(|pair| (pair[1] - pair[0]) as usize <= FULLEST)
            && (values.is_empty() || values.len() == marks.len());
        sound.then_some(Self {
            bits,
            starts,
            marks,
            values,
        })
    }

    pub(crate) fn parts(&self) -> (u32, &[u32], &[u16], &[u32]) {
        (self.bits, &self.starts, &self.marks, &self.values)
    }

    /// Whether the hash is there.
    #[inline]
    pub(crate) fn contains(&self, hash: u64) -> bool {
        let wanted = mark(hash);
        self.range(hash).any(|at| self.marks[at] == wanted)
    }

    /// The numbers that may be the hash's.
    #[inline]
    pub(crate) fn get(&self, hash: u64) -> impl Iterator<Item = u32> {
        let wanted = mark(hash);
        let values = self.range(hash).filter(move |at| self.marks[*at] == wanted);
        values.filter_map(|at| self.values.get(at).copied())
    }

    #[inline]
    fn range(&self, hash: u64) -> std::ops::Range<usize> {
        let at = bucket(hash, self.bits);
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(start), Some(end)) => *start as usize..*end as usize,
            _ => 0..0,
        }
    }
}

#[inline]
const fn bucket(hash: u64, bits: u32) -> usize {
    ((hash >> 1) >> (63 - bits)) as usize
}

#[inline]
const fn mark(hash: u64) -> u16 {
    hash as u16
}
