//! `cargo xtask test`.

use crate::whose::{self, Needs};
use crate::{assets, run, setup};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Prepares, builds and runs the tests; ends with one line that says how it went.
pub(crate) fn test(filter: Option<&str>) -> Result<()> {
    let (packages, needs) = match filter {
        Some(filter) => whose::hold(filter)?,
        None => (BTreeSet::new(), Needs::Machine),
    };
    if needs == Needs::Machine {
        setup::setup()?;
        assets::axe()?;
    }
    if needs >= Needs::Assets {
        assets::assets()?;
    }
    // Builds the programs too, which the end to end tests start from the target folder.
    run::step("building and testing");
    let started = Instant::now();
    // End to end tests start programs of other packages, which `--package` would not build.
    let alone = (needs < Needs::Machine).then_some(&packages);
    let counts = run_tests(filter, alone)?;
    run::step(&format!("tested in {} s", started.elapsed().as_secs()));
    println!(
        "tests: {} passed, {} failed, {} skipped",
        counts.passed, counts.failed, counts.skipped
    );
    if counts.passed + counts.failed == 0 {
        bail!("no test has a name with `{}` in it", filter.unwrap_or_default());
    }
    if counts.failed > 0 || !counts.ended_well {
        bail!("not all tests passed");
    }
    Ok(())
}

#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
    ended_well: bool,
}

/// In the whole workspace, or in these packages alone.
fn run_tests(filter: Option<&str>, packages: Option<&BTreeSet<&str>>) -> Result<Counts> {
    let nextest = run::present("cargo-nextest");
    let mut command = run::cargo_command(if nextest {
        &["nextest", "run", "--no-fail-fast"]
    } else {
        &["test", "--quiet", "--no-fail-fast"]
    })?;
    match packages {
        Some(packages) => command.args(packages.iter().flat_map(|package| ["--package", package])),
        None => command.arg("--workspace"),
    };
    command.args(filter);
    if std::io::stdout().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    if nextest {
        count_nextest(&mut command)
    } else {
        count_test(&mut command)
    }
}

/// cargo's own runner: one `test result:` line on standard output for every program.
fn count_test(command: &mut Command) -> Result<Counts> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo test does not start")?;
    let mut counts = Counts::default();
    for line in BufReader::new(child.stdout.take().context("cargo test has no output")?).lines() {
        let line = line?;
        if let Some((_, result)) = line.split_once("test result:") {
            counts.passed += number_before(result, " passed");
            counts.failed += number_before(result, " failed");
            counts.skipped += number_before(result, " ignored");
        }
        println!("{line}");
    }
    counts.ended_well = child.wait()?.success();
    Ok(counts)
}

/// nextest: a `Summary` line on standard error.
fn count_nextest(command: &mut Command) -> Result<Counts> {
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo nextest does not start")?;
    let mut counts = Counts::default();
    for line in BufReader::new(child.stderr.take().context("cargo nextest has no output")?).lines() {
        let line = line?;
        if line.contains("Summary") {
            counts.passed = number_before(&line, " passed");
            counts.failed = number_before(&line, " failed");
            counts.skipped = number_before(&line, " skipped");
        }
        eprintln!("{line}");
    }
    counts.ended_well = child.wait()?.success();
    Ok(counts)
}

/// The number written before a word; terminals' colours around it do not matter.
fn number_before(line: &str, word: &str) -> u64 {
    let plain = without_colours(line);
    let Some((before, _)) = plain.split_once(word) else {
        return 0;
    };
    let digits = before
        .rsplit(|character: char| !character.is_ascii_digit())
        .next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod this {
    use super::*;

    #[test]
    fn the_counts_of_both_runners_are_read_with_and_without_colours() {
        let line = "test result: \u{1b}[32mok\u{1b}[0m. 12 passed; 1 failed; 2 ignored; 0 measured";
        assert_eq!(number_before(line, " passed"), 12);
        assert_eq!(number_before(line, " failed"), 1);
        let line = "Summary [   4.1s] \u{1b}[1m7\u{1b}[0m tests run: \u{1b}[1m6\u{1b}[0m \u{1b}[32mpassed\u{1b}[0m, 1 skipped";
        assert_eq!(number_before(line, " passed"), 6);
        assert_eq!(number_before(line, " failed"), 0);
    }
}
