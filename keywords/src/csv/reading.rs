//! CSV into a list as TOML.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord};

use super::{COLUMNS, Header, SEPARATOR, fault_at};
use crate::list::derived;
use crate::{Audience, KeywordList, ListError};

/// Makes a list's TOML of CSV and a header. What comes out is a sound list.
///
/// # Errors
/// Every fault, with its line in the CSV.
pub fn import(csv: &str, file: &str, header: &Header) -> Result<String, Vec<ListError>> {
    let csv = csv.strip_prefix('\u{feff}').unwrap_or(csv);
    let first = csv.lines().next().unwrap_or_default();
    // Spreadsheets of some languages write semicolons, or tabs.
    let between = [b';', b'\t']
        .into_iter()
        .find(|between| first.contains(char::from(*between)) && !first.contains(','));
    let mut reader = ReaderBuilder::new()
        .delimiter(between.unwrap_or(b','))
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes());
    let mut records = reader.records();
    let columns = match records.next() {
        Some(Ok(columns)) => columns_of(&columns, file).map_err(|fault| vec![fault])?,
        Some(Err(error)) => return Err(vec![unreadable(file, &error)]),
        None => {
            let instead = "a first line with the columns' names, such as text,topic,ks2,secondary,reason";
            return Err(vec![fault_at(file, 1, "there is nothing in the file", instead)]);
        }
    };
    let mut reading = Reading {
        csv,
        counted: (0, 1),
        file,
        columns,
        toml: top(header),
        lines: Vec::new(),
        faults: Vec::new(),
    };
    for record in records {
        match record {
            Ok(record) => reading.row(&record),
            Err(error) => reading.faults.push(unreadable(file, &error)),
        }
    }
    reading.finish()
}

struct Reading<'a> {
    csv: &'a str,
    /// How far lines are counted: a byte of the CSV, and the line it stands on.
    counted: (usize, usize),
    file: &'a str,
    /// Where each column stands.
    columns: HashMap<&'static str, usize>,
    toml: String,
    /// Lines of the TOML at which a row's table begins, with the row's line in the CSV.
    lines: Vec<(usize, usize)>,
    faults: Vec<ListError>,
}

impl Reading<'_> {
    fn row(&mut self, record: &StringRecord) {
        let line = self.line(record);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        let kind = match self.cell(record, "kind") {
            "" | "term" => "term",
            "exception" => "exception",
            "help" => "help",
            other => {
                let fault = format!("`{other}` is not a kind of row");
                let instead = "term, exception or help";
                return self.faults.push(fault_at(self.file, line, fault, instead));
            }
        };
        self.lines.push((1 + self.toml.matches('\n').count(), line));
        self.toml.push_str(&format!("[[{kind}]]\n"));
        let phrases = self.phrases(record, "text");
        if kind == "term" {
            self.term(record, line, &phrases);
        }
        self.key("text", phrases.unwrap_or_else(|| "[]".into()));
        self.key("reason", quoted(self.cell(record, "reason")));
        self.toml.push('\n');
    }

    fn term(&mut self, record: &StringRecord, line: usize, phrases: &Option<String>) {
        let id = self.cell(record, "id");
        let first = self
            .cell(record, "text")
            .split(SEPARATOR)
            .next()
            .unwrap_or_default();
        // A list's identities of terms in other scripts are those that their words give them.
        if !id.is_empty() && (phrases.is_none() || id != derived(first)) {
            self.key("id", quoted(id));
        }
        self.key("topic", quoted(self.cell(record, "topic")));
        let severities = Audience::ALL.iter().filter_map(|audience| {
            let number = self.cell(record, audience.code());
            (!number.is_empty()).then(|| (audience.code(), number))
        });
        let severities: Vec<(&str, &str)> = severities.collect();
        if let Some((audience, wrong)) = severities
            .iter()
            .find(|(_, number)| number.parse::<u8>().is_err())
        {
            let fault = format!("the severity `{wrong}` for {audience} is not a number");
            let instead = "1 to 5, or nothing where the term does not concern them";
            self.faults.push(fault_at(self.file, line, fault, instead));
        }
        let severities: Vec<String> = severities
            .iter()
            .map(|(audience, number)| format!("{audience} = {}", number.parse::<u8>().unwrap_or(1)))
            .collect();
        self.key("severity", format!("{{ {} }}", severities.join(", ")));
        for column in ["sources", "provenances", "exceptions", "near", "not-near"] {
            if let Some(phrases) = self.phrases(record, column) {
                self.key(column, phrases);
            }
        }
        let author = self.cell(record, "author");
        if !author.is_empty() {
            self.key("author", quoted(author));
        }
        let date = self.cell(record, "date");
        if is_day(date) {
            self.key("date", date.to_owned());
        } else if !date.is_empty() {
            let fault = format!("the date `{date}` is not a day as year-month-day");
            self.faults.push(fault_at(self.file, line, fault, "2026-01-31"));
        }
    }

    /// Where a row begins; the reader counts empty lines before it as the row's own.
    fn line(&mut self, record: &StringRecord) -> usize {
        let begins = record.position().map_or(0, |position| position.byte());
        let begins = usize::try_from(begins).unwrap_or(usize::MAX).min(self.csv.len());
        let ends_of_lines = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let empty = self.csv.bytes().skip(begins).take_while(ends_of_lines).count();
        let (before, line) = self.counted;
        let since = &self.csv.as_bytes()[before.min(begins + empty)..begins + empty];
        let line = line + since.iter().filter(|byte| **byte == b'\n').count();
        self.counted = (begins + empty, line);
        line
    }

    /// What a column says in a row; nothing if there is no such column.
    fn cell<'r>(&self, record: &'r StringRecord, column: &str) -> &'r str {
        let at = self.columns.get(column);
        at.and_then(|at| record.get(*at)).unwrap_or_default().trim()
    }

    /// A cell's phrases as a TOML array; none if it is empty.
    fn phrases(&self, record: &StringRecord, column: &str) -> Option<String> {
        let phrases = self.cell(record, column).split(SEPARATOR).map(str::trim);
        let phrases: Vec<String> = phrases.filter(|phrase| !phrase.is_empty()).map(quoted).collect();
        (!phrases.is_empty()).then(|| format!("[{}]", phrases.join(", ")))
    }

    fn key(&mut self, key: &str, value: String) {
        self.toml.push_str(&format!("{key} = {value}\n"));
    }

    /// The TOML, if it is a sound list; otherwise its faults, where they stand in the CSV.
    fn finish(mut self) -> Result<String, Vec<ListError>> {
        for mut fault in KeywordList::faults(&self.toml, self.file) {
            let row = self.lines.partition_point(|(toml, _)| *toml <= fault.line);
            // What stands before the first row is the header, which the CSV does not hold.
            fault.line = row.checked_sub(1).map_or(1, |row| self.lines[row].1);
            self.faults.push(fault);
        }
        self.faults.sort_by_key(|fault| fault.line);
        if self.faults.is_empty() {
            Ok(self.toml)
        } else {
            Err(self.faults)
        }
    }
}

fn columns_of(names: &StringRecord, file: &str) -> Result<HashMap<&'static str, usize>, ListError> {
    let known = || COLUMNS.join(", ");
    let mut columns = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        let name = name.trim().to_lowercase().replace([' ', '_'], "-");
        if name.is_empty() {
            continue;
        }
        let Some(column) = COLUMNS.iter().find(|column| **column == name) else {
            let fault = format!("`{name}` is not a column");
            return Err(fault_at(file, 1, fault, format!("one of {}", known())));
        };
        if columns.insert(*column, at).is_some() {
            return Err(fault_at(
                file,
                1,
                format!("the column `{name}` is there twice"),
                "it once",
            ));
        }
    }
    match ["text", "reason"]
        .iter()
        .find(|column| !columns.contains_key(*column))
    {
        Some(missing) => {
            let fault = format!("there is no column `{missing}`");
            Err(fault_at(
                file,
                1,
                fault,
                "a first line with the columns' names, such as text,topic,ks2,secondary,reason",
            ))
        }
        None => Ok(columns),
    }
}

fn top(header: &Header) -> String {
    let mut top = format!(
        "id = {}\nversion = {}\ntitle = {}\nlanguage = {}\nauthor = {}\ndate = {}\n",
        quoted(&header.id),
        header.version,
        quoted(&header.title),
        quoted(&header.language),
        quoted(&header.author),
        if is_day(&header.date) {
            header.date.clone()
        } else {
            quoted(&header.date)
        },
    );
    if let Some(review) = &header.review {
        top.push_str(&format!("review = {}\n", quoted(review)));
    }
    if header.exceptions_for_all {
        top.push_str("exceptions-for = \"all\"\n");
    }
    if header.confidential {
        top.push_str("confidential = true\n");
    }
    top.push('\n');
    top
}

/// A TOML string of one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a text is a day as TOML writes it.
fn is_day(text: &str) -> bool {
    text.parse::<toml::value::Datetime>()
        .is_ok_and(|day| day.date.is_some() && day.time.is_none())
}

fn unreadable(file: &str, error: &csv::Error) -> ListError {
    let line = error
        .position()
        .map_or(1, |position| usize::try_from(position.line()).unwrap_or(1));
    fault_at(
        file,
        line,
        format!("the row cannot be read ({error})"),
        "a row as a spreadsheet writes it",
    )
}
