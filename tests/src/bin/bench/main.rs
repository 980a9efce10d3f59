//! Measures what docs/benchmarks.md holds. Run by `cargo xtask bench NAME`, from a release build; nothing here passes or
//! fails by a time.

mod collector;
mod delivery;
mod device;
mod keywords;
mod process_time;
mod rest;
mod size;
mod table;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Measure one thing.
#[derive(Parser)]
struct Arguments {
    /// What to measure
    name: Name,
    /// For `keywords`, in a process of its own: load this built engine and say what it takes
    #[arg(long, hide = true)]
    load: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// From a title's change to the flag being on disk
    Device,
    /// From a flag's sending to its answer, to an open page, to the mail server
    Delivery,
    /// How many flags the collector takes, and what an idle device costs it
    Collector,
    /// What the agent takes when nothing happens
    Rest,
    /// How large the programs are
    Size,
    /// What matching costs, and a built engine's loading
    Keywords,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(file) = arguments.load {
        return keywords::load(&file);
    }
    pastoral_support::cleanup::panic_undoes();
    table::machine();
    match arguments.name {
        Name::Device => device::measure(),
        Name::Delivery => delivery::measure(),
        Name::Collector => collector::measure(),
        Name::Rest => rest::measure(),
        Name::Size => size::measure(),
        Name::Keywords => keywords::measure(),
    }
}
