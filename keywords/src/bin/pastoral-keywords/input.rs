//! What commands read and write.

use std::fs;
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use pastoral_keywords::{Dictionary, Engine, KeywordList, shipped};

use crate::report::coloured;

/// Bytes of a line of standard input; a longer one is no text that anybody wrote.
const LINE: u64 = 16 * 1024 * 1024;

/// Which lists serve; the shipped ones if none is named.
#[derive(Args)]
pub(crate) struct Lists {
    /// A keyword list, as a TOML file or by the id of a shipped one; may be given several times
    #[arg(long = "list", value_name = "FILE")]
    lists: Vec<PathBuf>,
    /// Plain words or phrases, one a line, instead of or beside lists
    #[arg(long, value_name = "FILE")]
    terms: Option<PathBuf>,
}

impl Lists {
    pub(crate) fn read(&self) -> Result<Vec<KeywordList>> {
        let mut lists = Vec::new();
        for path in &self.lists {
            lists.push(read_list(path)?);
        }
        if let Some(path) = &self.terms {
            let words = words_of(path)?;
            lists.push(KeywordList::of_words(&words, &path.display().to_string())?);
        }
        if lists.is_empty() {
            lists = shipped::lists()?;
        }
        Ok(lists)
    }
}

/// The engine for lists, as the collector builds it.
pub(crate) fn engine(lists: &[KeywordList]) -> Result<Engine> {
    Ok(Engine::build_with(lists, &Dictionary::shipped())?)
}

/// An engine that was built before.
pub(crate) fn read_built(path: &Path) -> Result<Engine> {
    let name = path.display();
    let bytes = fs::read(path).with_context(|| format!("{name} cannot be read"))?;
    Engine::load(&bytes).with_context(|| format!("{name} cannot be used"))
}

/// The lines of a file of words. One without a letter or digit can match nothing: it is left out, and that is said.
fn words_of(path: &Path) -> Result<String> {
    let text = read_text(path)?;
    let mut words = String::with_capacity(text.len());
    for (at, line) in text.lines().enumerate() {
        if line.chars().any(char::is_alphanumeric) {
            words.push_str(line);
        } else if !line.trim().is_empty() {
            anstream::eprintln!(
                "{}: {}:{}: `{}` has no letter or digit and is left out",
                coloured("warning", AnsiColor::Yellow),
                path.display(),
                at + 1,
                line.trim()
            );
        }
        words.push('\n');
    }
    Ok(words)
}

/// A list, by its file or the id of a shipped one; with all its faults, if it has any.
pub(crate) fn read_list(path: &Path) -> Result<KeywordList> {
    if let Some(list) = shipped_list(path) {
        return Ok(list);
    }
    let name = path.display().to_string();
    let toml = read_text(path)?;
    let faults = KeywordList::faults(&toml, &name);
    if !faults.is_empty() {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        bail!("a list has faults\n{}", faults.join("\n"));
    }
    Ok(KeywordList::parse(&toml, &name)?)
}

/// The shipped list that is called so; a file of that name goes first.
fn shipped_list(path: &Path) -> Option<KeywordList> {
    if path.exists() {
        return None;
    }
    let id = path.to_string_lossy();
    // The shipped lists are sound: a test makes sure.
    let mut lists = shipped::FILES
        .iter()
        .filter_map(|(file, toml)| KeywordList::parse(toml, file).ok());
    lists.find(|list| list.id == id)
}

/// A file's text, which must be UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let name = path.display();
    let bytes = fs::read(path).with_context(|| format!("{name} cannot be read"))?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        anyhow::anyhow!("{name}:{line}: not UTF-8; save the file as UTF-8 and try again")
    })
}

/// Writes a file whole or not at all: beside it first, then in its place.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.new", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is half written is of no use; if it cannot be removed either, the error below says why.
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("{} cannot be written", path.display()))
}

/// The lines of standard input, one at a time, each of at most 16 MiB.
pub(crate) struct InputLines<R> {
    input: R,
    read: usize,
}

impl<R: BufRead> InputLines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, read: 0 }
    }

    /// The next line, without its end; none after the last.
    pub(crate) fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = Vec::new();
        self.read += 1;
        let read = self.read;
        self.input
            .by_ref()
            .take(LINE + 1)
            .read_until(b'\n', &mut line)
            .context("standard input cannot be read")?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.ends_with(b"\n") {
            line.pop();
            if line.ends_with(b"\r") {
                line.pop();
            }
        } else if u64::try_from(line.len())? > LINE {
            bail!("standard input:{read}: the line is over 16 MiB; is it text?");
        }
        let text = String::from_utf8(line).map_err(|_| {
            anyhow::anyhow!("standard input:{read}: not UTF-8; give the text as UTF-8 and try again")
        })?;
        Ok(Some(text))
    }
}
