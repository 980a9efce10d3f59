//! The tool for those who write keyword lists. Each command has its file.

mod input;
mod matching;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tries, checks and measures keyword lists.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Match(matching::Match),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Match(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
