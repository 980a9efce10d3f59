//! What the console's pages load, built from npm packages into `collector/assets/dist`, where the collector embeds it.

use crate::run;
use anyhow::{Context as _, Result, bail};
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

/// Builds them, unless nothing they are made from has changed since.
pub(crate) fn assets() -> Result<()> {
    let folder = run::top()?.join("collector/assets");
    let stamp = run::top()?.join("target/xtask-assets");
    let wanted = digest(&folder)?;
    let built = fs::read_to_string(&stamp).unwrap_or_default();
    if built == wanted && folder.join("dist").is_dir() {
        return Ok(());
    }
    if !run::present("npm") {
        bail!("the console's assets are built with Node: run `cargo xtask setup` first");
    }
    run::step("building the console's assets");
    npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    npm(&["run", "build", "--silent"])?;
    if !folder.join("dist").is_dir() {
        bail!("`npm run build` in collector/assets made no dist folder: see its package.json");
    }
    fs::create_dir_all(run::top()?.join("target"))?;
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))
}

fn npm(arguments: &[&str]) -> Result<()> {
    let mut command = run::command("npm")?;
    command.args(["--prefix", "collector/assets"]).args(arguments);
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
