//! `pastoral-agent`: the service, and the commands that look at it.

use clap::{Parser, Subcommand};
use pastoral_agent::config::{Config, Overrides};
use pastoral_agent::{cli, service};
use std::path::PathBuf;
use std::process::ExitCode;

/// Watches a school's device for signs that a child is at risk.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
    #[command(subcommand)]
    command: AgentCommand,
}

#[derive(Subcommand)]
enum AgentCommand {
    /// Run the service.
    Run,
    /// Ask the school's collector to let this device join; the service carries it through.
    Enrol {
        /// The collector, as https://host:port
        #[arg(long, value_name = "ADDRESS")]
        collector: String,
        /// The file with the enrolment token, or - for standard input
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
        /// Wait until the device has joined or was refused
        #[arg(long)]
        wait: bool,
    },
    /// Say whether this device is protected; to root also how it is and what to do.
    Status {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Say what a text would raise, and why (root only).
    Explain {
        /// For whom: ks1, ks2, secondary, staff, administration [default: as for an unknown account]
        #[arg(long, default_value = "", hide_default_value = true)]
        audience: String,
        /// Seen where: search, title, file-name [default: search]
        #[arg(long, default_value = "", hide_default_value = true)]
        source: String,
        /// For programs
        #[arg(long)]
        json: bool,
        /// The text; better on standard input, where no other user sees it
        #[arg(default_value = "-", hide_default_value = true)]
        text: String,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = Config::load(&arguments.overrides).and_then(|config| match arguments.command {
        AgentCommand::Run => {
            log();
            service::run(config).map(|()| ExitCode::SUCCESS)
        }
        AgentCommand::Enrol {
            collector,
            token_file,
            wait,
        } => cli::enrol(&config, &collector, &token_file, wait),
        AgentCommand::Status { json } => Ok(cli::status(&config, json)),
        AgentCommand::Explain {
            audience,
            source,
            json,
            text,
        } => cli::explain(&config, &audience, &source, &text, json),
    });
    outcome.unwrap_or_else(|error| {
        eprintln!("pastoral-agent: {error:#}");
        ExitCode::from(2)
    })
}

/// To standard error, where the journal takes it. INVARIANT 9: nothing that is logged anywhere holds content.
fn log() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    // Of one kind or the other: `debug`, or `pastoral_agent=debug,sled=warn`. What cannot be read is as if it were not set.
    let wanted = std::env::var("PASTORAL_LOG").ok();
    let filter = wanted
        .and_then(|wanted| wanted.parse::<Targets>().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let to_journal = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    tracing_subscriber::registry()
        .with(to_journal)
        .with(filter)
        .init();
}
