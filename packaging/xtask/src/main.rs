//! `cargo xtask …`: prepares the machine, builds, shows, tests and measures Pastoral.

mod assets;
mod run;
mod setup;
mod tests;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

/// Prepare, build, show, test and measure Pastoral.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
#[command(after_help = "Examples:
  cargo xtask demo              one search on a laptop, on the safeguarding lead's screen; stays up until Ctrl-C
  cargo xtask demo --check      the same without a person; exits 0, or names the step that failed
  cargo xtask test              everything, end to end tests included
  cargo xtask test search_      the tests whose name holds `search_`
  cargo xtask bench delivery    one set of figures, from a release build")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install the system packages that the demo and the tests need (as root; otherwise says what to run)
    Setup,
    /// Build what the console's pages load, unless it is up to date
    Assets,
    /// Show the main job: a pupil searches, the safeguarding lead sees it on a page and in her mail
    Demo {
        /// Without a person: look at the concern by a real browser, check the mail, clean up, exit 0 or say what failed
        #[arg(long)]
        check: bool,
    },
    /// Run all tests, or those whose name holds FILTER
    Test {
        /// Part of a test's name
        filter: Option<String>,
    },
    /// Measure: device, delivery, rest, collector or size
    Bench {
        /// Which figures
        #[arg(value_parser = ["device", "delivery", "rest", "collector", "size"])]
        name: String,
    },
    /// Format check, and clippy with warnings denied
    Lint,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::setup(),
        Task::Assets => assets::assets(),
        Task::Demo { check } => demo(check),
        Task::Test { filter } => tests::test(filter.as_deref()),
        Task::Bench { name } => bench(&name),
        Task::Lint => lint(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demo(check: bool) -> Result<()> {
    setup::setup()?;
    assets::assets()?;
    run::step("building the agent, the collector and the demo");
    run::cargo(&["build", "--quiet", "--workspace", "--bins"])?;
    become_program("target/debug/demo", if check { &["--check"] } else { &[] })
}

fn bench(name: &str) -> Result<()> {
    setup::setup()?;
    assets::assets()?;
    run::step("building for release");
    // One by one, as packages are made: built together, each would carry what the others ask of shared libraries.
    for package in ["pastoral-collector", "pastoral-tests"] {
        run::cargo(&["build", "--quiet", "--release", "--bins", "--package", package])?;
    }
    run::cargo(&[
        "build",
        "--quiet",
        "--profile",
        "device",
        "--bins",
        "--package",
        "pastoral-agent",
    ])?;
    // The benchmarks start the programs that stand beside them.
    let target = run::top()?.join("target");
    for program in ["pastoral-agent", "pastoral-session"] {
        let (built, beside) = (
            target.join("device").join(program),
            target.join("release").join(program),
        );
        std::fs::copy(&built, &beside).with_context(|| format!("{} cannot be copied", built.display()))?;
    }
    become_program("target/release/bench", &[name])
}

fn lint() -> Result<()> {
    run::step("format");
    run::cargo(&["fmt", "--all", "--check"])?;
    assets::assets()?;
    run::step("clippy, warnings denied");
    run::cargo(&[
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

/// Goes on as another program, so that Ctrl-C reaches that alone and its answer is ours.
fn become_program(path: &str, arguments: &[&str]) -> Result<()> {
    let error = run::command(path)?.args(arguments).exec();
    Err(error).with_context(|| format!("{path} does not start"))
}
