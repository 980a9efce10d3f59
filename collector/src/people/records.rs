//! The records of a table in text. Beside what any reader of CSV does, it says on which line a record begins whatever ends
//! the lines (`\r\n`, `\n`, `\r`), and where a quote is not closed: that swallows the rows that follow, and who stands in
//! them would be taken for a leaver in silence.

use std::borrow::Cow;

/// No system writes as many columns; more are counted, not kept.
pub(super) const FIELDS_MOST: usize = 1000;

/// One record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'t> {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// The line on which it ends.
    pub(super) last_line: u64,
    pub(super) fields: Vec<Cow<'t, str>>,
    /// How many fields it has, which may be more than are kept.
    pub(super) count: usize,
    /// A quote in it is not closed, or letters follow one that is: it cannot be told where the record ends.
    pub(super) torn: bool,
}

impl Record<'_> {
    pub(super) fn is_blank(&self) -> bool {
        self.fields.iter().all(|field| field.trim().is_empty())
    }
}

/// Goes through a table's records. Empty lines are no records.
pub(super) struct Records<'t> {
    text: &'t str,
    at: usize,
    line: u64,
    delimiter: u8,
}

impl<'t> Records<'t> {
    pub(super) fn new(text: &'t str, delimiter: u8) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            delimiter,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps over the end of a line, which is one byte or two.
    fn end_line(&mut self) {
        if self.text.as_bytes()[self.at..].starts_with(b"\r\n") {
            self.at += 1;
        }
        self.at += 1;
        self.line += 1;
    }

    fn is_end(&self, byte: u8) -> bool {
        byte == self.delimiter || byte == b'\n' || byte == b'\r'
    }

    /// A field, up to its delimiter or the end of the line; and whether its quotes are torn.
    fn field(&mut self) -> (Cow<'t, str>, bool) {
        let start = self.at;
        while self.peek() == Some(b' ') && self.delimiter != b' ' {
            self.at += 1;
        }
        if self.peek() == Some(b'"') {
            return self.quoted();
        }
        self.at = start;
        (Cow::Borrowed(self.rest()), false)
    }

    fn rest(&mut self) -> &'t str {
        let start = self.at;
        while self.peek().is_some_and(|byte| !self.is_end(byte)) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn quoted(&mut self) -> (Cow<'t, str>, bool) {
        self.at += 1;
        let mut field = Cow::Borrowed("");
        loop {
            let start = self.at;
            while self
                .peek()
                .is_some_and(|byte| !matches!(byte, b'"' | b'\n' | b'\r'))
            {
                self.at += 1;
            }
            append(&mut field, &self.text[start..self.at]);
            match self.peek() {
                None => return (field, true),
                Some(b'"') => {
                    self.at += 1;
                    if self.peek() != Some(b'"') {
                        let torn = !self.rest().trim_matches(' ').is_empty();
                        return (field, torn);
                    }
                    self.at += 1;
                    append(&mut field, "\"");
                }
                Some(_) => {
                    self.end_line();
                    append(&mut field, "\n");
                }
            }
        }
    }
}

fn append<'t>(field: &mut Cow<'t, str>, more: &'t str) {
    if field.is_empty() {
        *field = Cow::Borrowed(more);
    } else if !more.is_empty() {
        field.to_mut().push_str(more);
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Record<'t>;

    fn next(&mut self) -> Option<Record<'t>> {
        while matches!(self.peek(), Some(b'\n' | b'\r')) {
            self.end_line();
        }
        self.peek()?;
        let mut record = Record {
            line: self.line,
            last_line: self.line,
            fields: Vec::new(),
            count: 0,
            torn: false,
        };
        loop {
            let (field, torn) = self.field();
            record.torn |= torn;
            record.count += 1;
            if record.fields.len() < FIELDS_MOST {
                record.fields.push(field);
            }
            record.last_line = self.line;
            match self.peek() {
                Some(byte) if byte == self.delimiter => self.at += 1,
                None => return Some(record),
                Some(_) => {
                    self.end_line();
                    return Some(record);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<(u64, Vec<String>, bool)> {
        Records::new(text, b',')
            .map(|record| {
                let fields = record.fields.iter().map(|field| field.to_string()).collect();
                (record.line, fields, record.torn)
            })
            .collect()
    }

    /// Whatever ends the lines, and whatever stands between the records.
    #[test]
    fn a_record_says_the_line_that_an_editor_shows() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["a,b", "", "c,\"d", "", "e\"", "  f ,\"g\"\"h\""].join(end);
            let expected = [
                (1, vec!["a".into(), "b".into()], false),
                (3, vec!["c".into(), "d\n\ne".into()], false),
                (6, vec!["  f ".into(), "g\"h".into()], false),
            ];
            assert_eq!(all(&text), expected, "{end:?}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_is_noticed_wherever_the_next_one_stands() {
        for text in [
            "a,\"b\nc,d\ne,f",
            "a,\"b\nc,\"d\ne,f",
            "a,\"b\nc,\"d, e\"\nf,g",
            "a,\"b\" c,d",
        ] {
            assert!(all(text)[0].2, "{text}");
        }
        assert!(!all("5' 2\" tall,\"fine\" ,x\n").iter().any(|record| record.2));
    }

    proptest! {
        #[test]
        fn what_the_csv_library_writes_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[ -~\n]{0,8}", 2..5), 1..6)
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<_> = all(&text).into_iter().map(|(_, fields, torn)| (fields, torn)).collect();
            let expected: Vec<_> = rows.into_iter().map(|row| (row, false)).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
