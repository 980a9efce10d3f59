//! What comes from npm: what the console's pages load, built into `collector/assets/dist`, where the collector embeds
//! it; the ordinary words that the matching engine tells odd ones by, in `keywords/assets/dist`; and what the tests check
//! the pages with.

use crate::run;
use anyhow::{Context as _, Result, bail};
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

/// Builds them, unless nothing they are made from has changed since.
pub(crate) fn assets() -> Result<()> {
    ordinary_words()?;
    unless_up_to_date("collector/assets", "dist", "target/xtask-assets", |folder| {
        run::step("building the console's assets");
        npm(folder, CLEAN_INSTALL)?;
        npm(folder, &["run", "build", "--silent"])
    })
}

/// Builds the list of ordinary words and names that the matching engine is given.
fn ordinary_words() -> Result<()> {
    unless_up_to_date("keywords/assets", "dist", "target/xtask-words", |folder| {
        run::step("gathering ordinary words and names");
        npm(folder, CLEAN_INSTALL)?;
        npm(folder, &["run", "build", "--silent"])
    })
}

/// Fetches what the tests check the console's pages with, unless it is there.
pub(crate) fn axe() -> Result<()> {
    unless_up_to_date("tests/axe", "node_modules", "target/xtask-axe", |folder| {
        run::step("fetching axe-core");
        npm(folder, CLEAN_INSTALL)
    })
}

const CLEAN_INSTALL: &[&str] = &["ci", "--no-audit", "--no-fund", "--loglevel=error"];

/// Makes `made` in `folder` when a source file there has changed since `stamp` was written.
fn unless_up_to_date(
    folder: &str,
    made: &str,
    stamp: &str,
    make: impl FnOnce(&str) -> Result<()>,
) -> Result<()> {
    let (path, stamp) = (run::top()?.join(folder), run::top()?.join(stamp));
    let wanted = digest(&path)?;
    let built = fs::read_to_string(&stamp).unwrap_or_default();
    if built == wanted && path.join(made).is_dir() {
        return Ok(());
    }
    if !run::present("npm") {
        bail!("{folder} needs Node: run `cargo xtask setup` first");
    }
    make(folder)?;
    if !path.join(made).is_dir() {
        bail!("npm made no folder `{made}` in {folder}: see its package.json");
    }
    fs::create_dir_all(run::top()?.join("target"))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))
}

fn npm(folder: &str, arguments: &[&str]) -> Result<()> {
    let mut command = run::command("npm")?;
    command.args(["--prefix", folder]).args(arguments);
    run::check(&mut command, "npm")
}

/// A digest of every source file's path and content.
fn digest(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files).with_context(|| format!("{} cannot be read", folder.display()))?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(file.as_os_str().as_encoded_bytes());
        hasher.write(&fs::read(&file)?);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let made = ["node_modules", "dist"]
            .iter()
            .any(|made| entry.file_name() == *made);
        match entry.file_type()? {
            kind if kind.is_dir() && !made => collect(&entry.path(), files)?,
            kind if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    Ok(())
}
