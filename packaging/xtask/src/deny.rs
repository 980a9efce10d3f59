//! `cargo xtask deny`: licences, doubled or unwanted crates, where crates come from, and known faults in them.

use crate::run;
use anyhow::Result;
use std::process::Stdio;

/// Of cargo-deny, which reads `deny.toml`.
const VERSION: &str = "0.20.2";

/// Checks all of it. Known faults are looked up in a database that is fetched; where it cannot be reached, in the copy
/// that was fetched last, and where there is none, it is said that they were not looked up.
pub(crate) fn deny() -> Result<()> {
    install()?;
    if is_fetched()? {
        return check(&["check"]);
    }
    if has_copy() {
        run::step(
            "the database of known faults cannot be reached: looking in the copy that was fetched last",
        );
        return check(&["--offline", "check"]);
    }
    check(&["check", "bans", "licenses", "sources"])?;
    run::step(
        "NOT CHECKED: known faults in the libraries, since their database cannot be reached and there is no copy. Run \
         `cargo xtask deny` where it can be",
    );
    Ok(())
}

fn install() -> Result<()> {
    let installed = run::answer_of("cargo-deny", &["--version"]);
    if installed.is_some_and(|version| version.ends_with(VERSION)) {
        return Ok(());
    }
    run::step(&format!(
        "installing cargo-deny {VERSION}; this takes some minutes, once"
    ));
    // Unoptimised: it runs for seconds, and would be built for minutes.
    run::cargo(&[
        "install",
        "--quiet",
        "--debug",
        "--locked",
        "cargo-deny",
        "--version",
        VERSION,
    ])
}

fn is_fetched() -> Result<bool> {
    let mut fetch = run::cargo_command(&["deny", "--log-level", "off", "fetch", "db"])?;
    let status = fetch.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    Ok(status.success())
}

fn has_copy() -> bool {
    let copies = run::cargo_home().and_then(|home| home.join("advisory-dbs").read_dir().ok());
    copies.is_some_and(|mut copies| {
        copies.any(|copy| copy.is_ok_and(|copy| copy.path().join("crates").is_dir()))
    })
}

fn check(arguments: &[&str]) -> Result<()> {
    run::cargo(&[&["deny", "--log-level", "error"], arguments].concat())
}
