//! `cargo xtask …`: prepares the machine, builds, shows, tests and measures Pastoral.

mod assets;
mod deny;
mod run;
mod setup;
mod tests;
mod whose;

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
  cargo xtask lint              format and clippy
  cargo xtask deny              licences, sources and known faults of the libraries
  cargo xtask agent             the programs of laptops, in target/device
  cargo xtask bench delivery    one set of figures, from a release build
  cargo xtask eval              how well the keyword engine and the shipped lists do, on the development data
  cargo xtask eval --missed     the same, with every case that was missed or wrongly flagged")]
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
    /// Build the programs of laptops: small, and without the paths of this machine in them
    Agent,
    /// Measure: device, delivery, rest, collector, size or keywords
    Bench {
        /// Which figures
        #[arg(value_parser = ["device", "delivery", "rest", "collector", "size", "keywords"])]
        name: String,
    },
    /// Evaluate the keyword engine and the shipped lists, and other filters beside them; fails if a wanted figure is missed
    Eval {
        /// Say also which cases were missed or wrongly flagged
        #[arg(long)]
        missed: bool,
    },
    /// Format check, and clippy with warnings denied
    Lint,
    /// Licences and sources of the libraries, and known faults in them (installs cargo-deny where it is missing)
    Deny,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::setup(),
        Task::Assets => assets::assets(),
        Task::Demo { check } => demo(check),
        Task::Test { filter } => tests::test(filter.as_deref()),
        Task::Agent => agent(),
        Task::Bench { name } if name == "keywords" => bench_keywords(),
        Task::Bench { name } => bench(&name),
        Task::Eval { missed } => eval(missed),
        Task::Lint => lint(),
        Task::Deny => deny::deny(),
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

fn agent() -> Result<()> {
    assets::assets()?;
    run::step("building the programs of laptops");
    let arguments = [
        "build",
        "--quiet",
        "--profile",
        "device",
        "--bins",
        "--package",
        "pastoral-agent",
    ];
    let mut cargo = run::cargo_command(&arguments)?;
    // A program says where in its sources it failed: by the libraries' names, not by the folders of who built it.
    let remapped = run::sources().map(|folder| format!("--remap-path-prefix={}=", folder.display()));
    cargo.env(
        "CARGO_ENCODED_RUSTFLAGS",
        remapped.collect::<Vec<_>>().join("\u{1f}"),
    );
    run::check(&mut cargo, "cargo build")
}

fn bench(name: &str) -> Result<()> {
    setup::setup()?;
    assets::assets()?;
    run::step("building for release");
    // One by one, as packages are made: built together, each would carry what the others ask of shared libraries.
    for package in ["pastoral-collector", "pastoral-tests"] {
        run::cargo(&["build", "--quiet", "--release", "--bins", "--package", package])?;
    }
    agent()?;
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

/// These figures need nothing of the machine, and no other program.
fn bench_keywords() -> Result<()> {
    run::step("building for release");
    run::cargo(&[
        "build",
        "--quiet",
        "--release",
        "--bin",
        "bench",
        "--package",
        "pastoral-tests",
    ])?;
    become_program("target/release/bench", &["keywords"])
}

fn eval(missed: bool) -> Result<()> {
    run::step("building for release, the other filters too");
    run::cargo(&["build", "--quiet", "--release", "--package", "pastoral-eval"])?;
    run::cargo(&[
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--manifest-path",
        "tests/peers/Cargo.toml",
        "--target-dir",
        "target/peers",
    ])?;
    let peers = ["--peers", "target/peers/release/pastoral-peers"];
    let missed = missed.then_some("--missed");
    let arguments: Vec<&str> = peers.into_iter().chain(missed).collect();
    become_program("target/release/pastoral-eval", &arguments)
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
