//! Running other programs from the top of the tree.

use anyhow::{Context as _, Result, bail};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The top of the tree, wherever `cargo xtask` was called from.
pub(crate) fn top() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = here
        .ancestors()
        .nth(2)
        .context("packaging/xtask is not where it should be in the tree")?;
    Ok(top.to_owned())
}

/// Says what is done now.
pub(crate) fn step(what: &str) {
    eprintln!("xtask: {what}");
}

/// A program, by its path in the tree or its name, run from the top of the tree.
pub(crate) fn command(program: &str) -> Result<Command> {
    let top = top()?;
    let program = if program.contains('/') {
        top.join(program).into_os_string()
    } else {
        program.into()
    };
    let mut command = Command::new(program);
    command.current_dir(top);
    Ok(command)
}

/// The cargo that runs us.
pub(crate) fn cargo_command(arguments: &[&str]) -> Result<Command> {
    let mut command = command("cargo")?;
    if let Some(cargo) = env::var_os("CARGO") {
        command = Command::new(cargo);
        command.current_dir(top()?);
    }
    command.args(arguments);
    Ok(command)
}

/// Where cargo keeps what it fetched and installed.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    let named = env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

/// The folders in which cargo keeps the libraries that it fetched.
pub(crate) fn sources() -> impl Iterator<Item = PathBuf> {
    let folders = cargo_home().and_then(|home| home.join("registry/src").read_dir().ok());
    folders
        .into_iter()
        .flatten()
        .flatten()
        .map(|folder| folder.path())
}

/// Runs cargo and fails when it does.
pub(crate) fn cargo(arguments: &[&str]) -> Result<()> {
    check(
        &mut cargo_command(arguments)?,
        &format!("cargo {}", arguments.first().copied().unwrap_or_default()),
    )
}

/// Runs a program and fails when it does.
pub(crate) fn check(command: &mut Command, name: &str) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("{name} does not start"))?;
    if !status.success() {
        bail!("{name} failed ({status}); what it says is above");
    }
    Ok(())
}

/// What a program writes to its standard output; nothing when it is missing or fails.
pub(crate) fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a program is on the path.
pub(crate) fn present(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps some programs where only root's path looks.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")]);
    folders
        .map(|folder| folder.join(program))
        .any(|program| program.is_file())
}
