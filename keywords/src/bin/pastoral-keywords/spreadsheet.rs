//! `import` and `export`: lists as CSV.

use std::io::Write as _;
use std::path::PathBuf;

use anstyle::AnsiColor;
use anyhow::Result;
use clap::Args;
use pastoral_keywords::csv::{self, Header};

use crate::input::{read_list, read_text, write_whole};
use crate::report::{Ended, coloured};

/// Write a list as CSV, one term a line, for a spreadsheet
///
/// The CSV holds all that the list says of its terms, exceptions and searches for help. It does not hold the lines at the
/// top of the list, its comments, how terms are put together in groups, or braces: alternatives are written out, with |
/// between the phrases of a cell.
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords export words.toml -o words.csv
  pastoral-keywords export pastoral-en-hate > hate.csv     a shipped list, by its id")]
pub(crate) struct Export {
    /// A list's TOML file, or the id of a shipped list
    list: PathBuf,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(crate) fn run(&self) -> Result<Ended> {
        let list = read_list(&self.list)?;
        let csv = csv::export(&list, &self.list.display().to_string())?;
        put(self.output.as_deref(), &csv)
    }
}

/// Make a list of CSV, one term a line
///
/// The first line names the columns, in any order: kind, id, text, topic, ks1, ks2, secondary, staff, administration,
/// reason, sources, provenances, exceptions, near, not-near, author, date. Only text and reason must be there; kind is
/// term, exception or help, and term where it is empty. A severity column that is empty means that the term does not
/// concern that audience. Several phrases in one cell have | between them. Commas, semicolons or tabs may separate cells.
#[derive(Args)]
#[command(after_help = "Examples:
  pastoral-keywords import words.csv --like words.toml --date 2026-01-31 -o words-new.toml
                        the next version of words.toml, with its title, language and author
  pastoral-keywords import words.csv --id school-words --title 'Words of our school' --language en \\
      --author 'Safeguarding team' --date 2026-01-31 > words.toml

Ends with 0 if the list is sound, 1 if the CSV has faults, which it names by line, 2 if a file cannot be read.")]
pub(crate) struct Import {
    /// The CSV file
    csv: PathBuf,
    /// Take the lines at the top from this list, and raise its version by one
    #[arg(long, value_name = "LIST", conflicts_with_all = ["id", "title", "language", "author"])]
    like: Option<PathBuf>,
    /// The list's id: lower-case letters, digits, hyphens
    #[arg(long, required_unless_present = "like")]
    id: Option<String>,
    /// What a person calls the list
    #[arg(long, required_unless_present = "like")]
    title: Option<String>,
    /// The language of its terms, such as en
    #[arg(long, required_unless_present = "like")]
    language: Option<String>,
    /// Who answers for it
    #[arg(long, required_unless_present = "like")]
    author: Option<String>,
    /// When this version was agreed
    #[arg(long, value_name = "YEAR-MONTH-DAY")]
    date: String,
    /// Its version; 1, or the next after that of --like, if not given
    #[arg(long)]
    version: Option<u32>,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Import {
    pub(crate) fn run(&self) -> Result<Ended> {
        let header = self.header()?;
        match csv::import(&read_text(&self.csv)?, &self.csv.display().to_string(), &header) {
            Ok(toml) => put(self.output.as_deref(), &toml),
            Err(faults) => {
                for fault in &faults {
                    anstream::eprintln!("{}: {fault}", coloured("fault", AnsiColor::Red));
                }
                Ok(Ended::WithFindings)
            }
        }
    }

    fn header(&self) -> Result<Header> {
        let mut header = match &self.like {
            Some(like) => {
                let mut header = Header::from(&read_list(like)?);
                header.version = header.version.saturating_add(1);
                header
            }
            None => Header {
                id: self.id.clone().unwrap_or_default(),
                version: 1,
                title: self.title.clone().unwrap_or_default(),
                language: self.language.clone().unwrap_or_default(),
                author: self.author.clone().unwrap_or_default(),
                date: String::new(),
                review: None,
                exceptions_for_all: false,
                confidential: false,
            },
        };
        header.date.clone_from(&self.date);
        header.version = self.version.unwrap_or(header.version);
        Ok(header)
    }
}

fn put(output: Option<&std::path::Path>, text: &str) -> Result<Ended> {
    match output {
        Some(path) => write_whole(path, text.as_bytes())?,
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()?;
        }
    }
    Ok(Ended::Fine)
}
