//! The tool for those who write keyword lists. Each command has its file.

mod building;
mod check;
mod differing;
mod evaluate;
mod input;
mod matching;
mod report;
mod spreadsheet;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Try, check, build and measure keyword lists.
#[derive(Parser)]
#[command(version, disable_help_subcommand = true)]
#[command(after_help = "Examples:
  echo 'how to get away from home' | pastoral-keywords match
                                    what the shipped lists raise of each line, as JSON
  pastoral-keywords check words.toml
                                    what is wrong with a list, and which of its terms do no good
  pastoral-keywords export words.toml -o words.csv
                                    the list for a spreadsheet; `import` brings it back

Each command has examples of its own: pastoral-keywords COMMAND --help.
Every command ends with 0 if all is fine, 1 if it has something to say against what it looked at, and 2 if it was used
wrongly or cannot read or write a file.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Match(matching::Match),
    Check(check::Check),
    Build(building::Build),
    Diff(differing::Diff),
    Import(spreadsheet::Import),
    Export(spreadsheet::Export),
    Evaluate(evaluate::Evaluate),
}

fn main() -> ExitCode {
    report::answer(match Cli::parse().command {
        Command::Match(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Build(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Evaluate(command) => command.run(),
    })
}
