//! How well the keyword engine and the shipped lists do, on development data that is not part of this workspace, and on the
//! texts in `unseen/`: the table of docs/benchmarks.md in one run of `cargo xtask eval`. Where a file of the data is missing,
//! its lines are skipped and said to be.

mod benign;
#[path = "../../../collector/src/codes.rs"]
mod codes;
mod concerns;
mod data;
mod evasions;
mod flagging;
mod hatecheck;
mod peers;
mod school_day;
mod set_aside;
mod simulated;
mod table;
mod unseen;

use anyhow::Result;
use clap::Parser;
use data::Data;
use std::path::PathBuf;
use std::process::ExitCode;
use table::Table;

/// Measure the keyword engine and the shipped lists on the development data.
#[derive(Parser)]
struct Arguments {
    /// The folder of the development data
    #[arg(long, env = "PASTORAL_DATA", default_value = "../shared/data")]
    data: PathBuf,
    /// The program with the other filters; without it they are skipped
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Say also which cases were missed, and which benign texts were flagged by more than plain words
    #[arg(long)]
    missed: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let data = Data::new(arguments.data);
    let mut table = Table::default();
    if let Some(words) = data.words(&mut table)? {
        evasions::measure(&data, &words, arguments.missed, &mut table)?;
        benign::beyond_plain(&data, &words, arguments.missed, &mut table)?;
    }
    hatecheck::measure(&data, arguments.missed, &mut table)?;
    if let Some(lists) = benign::lists(&data, &mut table)? {
        simulated::measure(&data, &lists, &mut table)?;
        unseen::measure(&lists, &mut table);
    }
    peers::measure(&data, arguments.peers.as_deref(), &mut table)?;
    print!("{table}");
    Ok(if table.reached() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
