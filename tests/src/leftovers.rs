//! What was written, anywhere that one of our programs could have written it.

use anyhow::{Context as _, Result};
use pastoral_support::process::Folder;
use pastoral_support::users::User;
use std::process::{Command, Stdio};

/// The files that hold a word: in a test's folder, but for the folders named `except`, and of these users in the folders
/// that everybody may write to. None: an empty text.
pub fn files_with(word: &str, folder: &Folder, except: &[&str], users: &[&User]) -> Result<String> {
    let mut look = Command::new("grep");
    look.args(["-rlaF", word])
        .args(except.iter().map(|name| format!("--exclude-dir={name}")));
    let mut found = said(look.arg(folder.path()))?;
    for user in users {
        let mut look = Command::new("find");
        look.args(["/tmp", "/var/tmp", "/dev/shm", "-xdev"]);
        look.args(["-user", &user.name, "-type", "f"]);
        look.args(["-exec", "grep", "-laF", word, "{}", "+"]);
        found.push_str(&said(&mut look)?);
    }
    Ok(found)
}

/// What it writes, though it ends with 1 where it finds nothing.
fn said(look: &mut Command) -> Result<String> {
    let output = look.stderr(Stdio::null()).output().context("grep and find")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
