//! Measures what docs/benchmarks.md holds. Run by `cargo xtask bench NAME`, from a release build; nothing here passes or
//! fails by a time.

mod device;
mod rest;
mod size;
mod table;

use anyhow::Result;
use clap::{Parser, ValueEnum};

/// Measure one thing.
#[derive(Parser)]
struct Arguments {
    /// What to measure
    name: Name,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// From a title's change to the flag being on disk
    Device,
    /// What the agent takes when nothing happens
    Rest,
    /// How large the programs are
    Size,
}

fn main() -> Result<()> {
    table::machine();
    match Arguments::parse().name {
        Name::Device => device::measure(),
        Name::Rest => rest::measure(),
        Name::Size => size::measure(),
    }
}
