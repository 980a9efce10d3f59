//! `audit`: comparing the audit record with the numbers that were mailed, on a computer that its technician does not run.

use super::{init::write_private, school, when};
use crate::backup::DATABASE;
use crate::chain::file::{Header, Line, VERSION};
use crate::chain::{Broken, Deed, Recorded, Row, Verifier, number};
use crate::clock;
use crate::config::Config;
use crate::seal;
use crate::store::{audit, elsewhere, keys, school as schools};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Exit code for a record that is not whole, or lacks a number.
const FOUND: u8 = 3;
/// The longest line of an export that is read.
const LINE: u64 = 64 * 1024;
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The audit record: taking it to another computer, and comparing it there with the numbers that were mailed.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Writes what is needed to verify the record to a new file, without content and names
    #[command(
        after_help = "Give it to the chair of governors or to somebody they trust: how many entries there are shows in it."
    )]
    Export {
        /// The file, which must not exist yet
        file: PathBuf,
    },
    /// Verifies a backup or an export on any computer: needs neither configuration nor school
    Verify(Verify),
}

/// Verifies a backup or an export on any computer: needs neither configuration nor school.
#[derive(Debug, Args)]
#[command(
    after_help = "Exits with 0 when the record is whole and holds every number, 3 when it does not, 1 when the file cannot be read.\nExample: pastoral-collector audit verify pastoral-20261123-020000 --head \"ABCD EFGH IJKL MNOP QRST UVWX YZ23 4567\""
)]
pub(super) struct Verify {
    /// A backup's folder, the database file in it, or what `audit export` wrote
    file: PathBuf,
    /// A number from a mail about the audit record; may be given several times
    #[arg(long = "head", value_name = "NUMBER")]
    heads: Vec<String>,
    /// Answers as JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) async fn export(file: &Path, config: &Config) -> anyhow::Result<()> {
        let opened = school::open(config).await?;
        let (store, school_id) = (&opened.store, &opened.school.school_id);
        let header = Header {
            pastoral_audit: VERSION,
            school_id: school_id.clone(),
            keys: seal::fingerprint(&keys::publics(&mut *store.read().await?, school_id).await?),
        };
        let mut text = serde_json::to_string(&header)?;
        let mut after = 0;
        loop {
            let rows = audit::rows_after(&mut *store.read().await?, school_id, after).await?;
            let Some(last) = rows.last() else { break };
            after = last.sequence;
            for row in rows {
                text.push('\n');
                text.push_str(&serde_json::to_string(&Line::of(row, school_id))?);
            }
        }
        text.push('\n');
        write_private(file, text.as_bytes())
    }
}

/// What is compared: numbers as they were typed, and the beginnings of the hashes that they stand for.
struct Numbers(Vec<(String, Vec<u8>, Option<String>)>);

impl Numbers {
    fn read(typed: &[String]) -> anyhow::Result<Self> {
        let read = |text: &String| {
            let bytes = number::read_head(text).with_context(|| {
                format!("`{text}` is no number of a mail about the audit record; it has eight groups of four letters and digits")
            })?;
            Ok((text.clone(), bytes, None))
        };
        typed.iter().map(read).collect::<anyhow::Result<_>>().map(Self)
    }

    fn look(&mut self, hash: &[u8], at: Option<i64>) {
        for (_, beginning, found) in &mut self.0 {
            if hash.starts_with(beginning) {
                *found = Some(at.map_or_else(|| "found".into(), when));
            }
        }
    }
}

/// What was found. Says nothing of content, and no person's name.
#[derive(Serialize)]
struct Answer {
    good: bool,
    findings: Vec<Finding>,
    keys: String,
}

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    says: String,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let mut numbers = Numbers::read(&self.heads)?;
        let file = if self.file.is_dir() {
            self.file.join(DATABASE)
        } else {
            self.file.clone()
        };
        let mut start = Vec::new();
        File::open(&file)
            .and_then(|opened| opened.take(SQLITE.len() as u64).read_to_end(&mut start))
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let seen = if start == SQLITE {
            of_database(&file, &mut numbers).await?
        } else {
            of_export(&file, &mut numbers)?
        };
        let answer = seen.answer(&numbers);
        if self.json {
            println!("{}", serde_json::to_string(&answer)?);
        } else {
            for finding in &answer.findings {
                let mark = if finding.good { "ok  " } else { "LOOK" };
                println!("{mark}  {:<8} {}", finding.what, finding.says);
            }
        }
        Ok(if answer.good {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FOUND)
        })
    }
}

/// What a file holds.
struct Found {
    broken: Option<Broken>,
    keys: String,
    /// When the last head was sent, and the fingerprint that went with it.
    last_sent: Option<(i64, Option<String>)>,
    /// Whether what entries stand for was there to be compared.
    with_details: bool,
}

async fn of_database(file: &Path, numbers: &mut Numbers) -> anyhow::Result<Found> {
    let mut waiting = file.as_os_str().to_owned();
    waiting.push("-wal");
    anyhow::ensure!(
        std::fs::metadata(&waiting).map_or(0, |found| found.len()) == 0,
        "{} is in use by a collector; take a backup, or what `audit export` writes",
        file.display()
    );
    let not_ours = || format!("{} is no backup that this program can read", file.display());
    let mut database = elsewhere::open(file).await.with_context(not_ours)?;
    let school = schools::get(&mut database).await.with_context(not_ours)?;
    let school_id = school.context("there is no school in this file")?.school_id;
    let keys = seal::fingerprint(&keys::publics(&mut database, &school_id).await?);
    let steps = audit::steps(&mut database, &school_id).await?;
    let mut pass = Pass::new(&school_id, steps, numbers);
    let mut after = 0;
    loop {
        let rows = audit::rows_after(&mut database, &school_id, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        if !rows
            .iter()
            .all(|row| pass.take(&Line::Open(Box::new(row.clone()))))
        {
            break;
        }
    }
    Ok(pass.found(keys, true))
}

fn of_export(file: &Path, numbers: &mut Numbers) -> anyhow::Result<Found> {
    let not_ours = || {
        format!(
            "{} is neither a backup nor what `audit export` writes",
            file.display()
        )
    };
    let mut lines = Lines::open(file)?;
    let header: Option<Header> = lines.read().transpose().with_context(not_ours)?;
    let header = header
        .filter(|header| header.pastoral_audit == VERSION)
        .with_context(not_ours)?;
    let mut steps = Vec::new();
    for line in lines {
        let line: Line = line.with_context(not_ours)?;
        steps.extend(line.row().and_then(Row::step));
    }
    let mut pass = Pass::new(&header.school_id, steps, numbers);
    let mut lines = Lines::open(file)?;
    let _header: Option<anyhow::Result<Header>> = lines.read();
    for line in lines {
        if !pass.take(&line?) {
            break;
        }
    }
    Ok(pass.found(header.keys, false))
}

/// One way through a chain.
struct Pass<'a> {
    verifier: Verifier<'a>,
    numbers: &'a mut Numbers,
    broken: Option<Broken>,
    last_sent: Option<(i64, Option<String>)>,
}

impl<'a> Pass<'a> {
    fn new(school_id: &'a str, steps: Vec<Recorded>, numbers: &'a mut Numbers) -> Self {
        Self {
            verifier: Verifier::new(school_id, steps, clock::now_ms()),
            numbers,
            broken: None,
            last_sent: None,
        }
    }

    /// Whether the chain is whole so far.
    fn take(&mut self, line: &Line) -> bool {
        if let Err(broken) = line.check(&mut self.verifier) {
            self.broken = Some(broken);
            return false;
        }
        let sent = line.row().filter(|row| Deed::AuditHeadSent.is(&row.action));
        if let Some(row) = sent {
            let detail = row.detail.as_deref().unwrap_or_default();
            let detail: serde_json::Value = serde_json::from_str(detail).unwrap_or_default();
            let keys = detail.get("keys").and_then(|keys| keys.as_str());
            self.last_sent = Some((row.at, keys.map(str::to_owned)));
        }
        if let Some(head) = self.verifier.head() {
            self.numbers.look(&head.hash, sent.map(|row| row.at));
        }
        true
    }

    fn found(self, keys: String, with_details: bool) -> Found {
        Found {
            broken: self.broken,
            keys,
            last_sent: self.last_sent,
            with_details,
        }
    }
}

impl Found {
    fn answer(self, numbers: &Numbers) -> Answer {
        let finding = |what, good, says| Finding { what, good, says };
        let mut findings = vec![match &self.broken {
            Some(broken) => finding("record", false, broken.to_string()),
            None if self.with_details => finding("record", true, "no entry was changed or removed from within it".into()),
            None => finding(
                "record",
                true,
                "no entry was changed or removed from within it; what entries stand for is compared in a backup only"
                    .into(),
            ),
        }];
        for (typed, _, found) in &numbers.0 {
            findings.push(match found {
                Some(at) => finding("number", true, format!("{typed} is in it ({at})")),
                None => finding(
                    "number",
                    false,
                    format!("{typed} is not in it: look whether it was copied right, then tell the headteacher and the chair of governors"),
                ),
            });
        }
        let last_keys = self.last_sent.as_ref().and_then(|(_, keys)| keys.clone());
        let same = last_keys.is_none_or(|last| last == self.keys);
        findings.push(finding(
            "keys",
            same,
            if same {
                format!("{}: compare with the printed sheets and the mails", self.keys)
            } else {
                format!(
                    "{}: not the keys that the last mail named; what is new is sealed for a stranger",
                    self.keys
                )
            },
        ));
        let since = self.last_sent.map_or_else(
            || "none was sent yet, so that is all of it".into(),
            |(at, _)| when(at),
        );
        let tail = match numbers.0.is_empty() {
            true => {
                "no number was compared, so all of it could have been written anew; give --head".to_owned()
            }
            false => format!(
                "what came after the last number that was mailed ({since}) could have been written anew"
            ),
        };
        findings.push(finding("tail", true, tail));
        Answer {
            good: findings.iter().all(|finding| finding.good),
            findings,
            keys: self.keys,
        }
    }
}

/// The lines of an export.
struct Lines {
    reader: BufReader<File>,
    at: u64,
}

impl Lines {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let reader = BufReader::new(File::open(file)?);
        Ok(Self { reader, at: 0 })
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self) -> Option<anyhow::Result<T>> {
        let mut line = Vec::new();
        self.at += 1;
        match self.reader.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(
                serde_json::from_slice(&line)
                    .with_context(|| format!("line {} is none of an export", self.at)),
            ),
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl Iterator for Lines {
    type Item = anyhow::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read()
    }
}
