//! The command line.
//!
//! Exit codes: 0 done, 1 failed, 2 wrongly called, 3 `check` found something that a person has to look at, or `people import`
//! waits for somebody to confirm it.

mod audit;
mod backup;
mod check;
mod device;
mod init;
mod list;
mod named;
mod people;
mod recover;
mod school;
mod serve;
mod token;
mod upkeep;
mod user;
mod watch;

use crate::config::{self, Overrides};
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Who did it, in the audit log, where nobody signs in.
const BY: &str = "command line";

const EXAMPLE: &str = r#"A configuration, with every setting (/etc/pastoral/collector.toml):
  data_dir = "/var/lib/pastoral-collector"
  profile = "/etc/pastoral/profile.toml"
  [devices]
  listen = "0.0.0.0:7443"
  names = ["collector.school.example"]
  [console]
  listen = "0.0.0.0:443"
  url = "https://pastoral.school.example"
  tls_certificate = "/etc/pastoral/console.crt"
  tls_key = "/etc/pastoral/console.key"
  proxy = ["10.0.0.5"]     # only where a reverse proxy stands in front: its address
  [mail]
  host = "smtp.school.example"
  port = 587
  from = "pastoral@school.example"
  tls = "starttls"
  user = "pastoral"
  password_file = "/etc/pastoral/mail-password"
  [backup]
  dir = "/srv/pastoral-backups"
  keep = 14

Each may also be set in the environment, such as PASTORAL_DATA_DIR or PASTORAL_MAIL_HOST; flags win over the environment, the environment over the file.

First steps:
  pastoral-collector init --profile purley-oaks --headteacher "Ada Bell <head@school.example>" \
    --technician "Tom Reed <it@school.example>" --chair "Joan Cole <chair@school.example>" --recovery-file recovery.txt
  pastoral-collector serve
  pastoral-collector token create --group pupils --uses 30"#;

/// Pastoral's collector: receives what devices flag, and shows it to those who look after children.
#[derive(Debug, Parser)]
#[command(name = "pastoral-collector", version, after_long_help = EXAMPLE)]
struct Arguments {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where database, keys and certificates lie
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Makes a school: its keys, its certificate authority, and one-time links for its first people
    Init(init::Init),
    /// Runs the collector
    Serve,
    /// Tokens, with which devices ask to join
    #[command(subcommand)]
    Token(token::Token),
    /// Devices: who waits, who is connected, who may join
    #[command(subcommand)]
    Device(device::Device),
    /// People who can sign in; readers are granted on the console
    #[command(subcommand)]
    User(user::User),
    /// The school's people
    #[command(subcommand)]
    People(people::People),
    /// Specialist lists, such as the IWF's or CTIRU's, that the school holds under a licence
    #[command(subcommand)]
    List(list::List),
    /// Makes a backup now: a folder with the store and the certificate authority
    Backup(backup::Backup),
    /// Brings back a backup, in place of the store that is there
    Restore(backup::Restore),
    /// The audit record: taking it to another computer, and comparing it there with the numbers that were mailed
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Says whether configuration, records and deliveries are as they should be
    Check(check::Check),
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(arguments)));
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("pastoral-collector: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Needs neither configuration nor school.
    if let Verb::Audit(audit::Audit::Verify(verify)) = arguments.verb {
        return verify.run().await;
    }
    let overrides = Overrides {
        config: arguments.config,
        data_dir: arguments.data_dir,
    };
    let config = config::load(&overrides, |name| {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    })?;
    match arguments.verb {
        Verb::Init(init) => init.run(&config).await?,
        Verb::Serve => serve::run(config).await?,
        Verb::Token(token) => token.run(&config).await?,
        Verb::Device(device) => return device.run(&config).await,
        Verb::User(user) => user.run(&config).await?,
        Verb::People(people) => return people.run(&config).await,
        Verb::List(list) => list.run(&config).await?,
        Verb::Backup(backup) => backup.run(&config).await?,
        Verb::Restore(restore) => restore.run(&config).await?,
        Verb::Audit(audit::Audit::Export { file }) => audit::Audit::export(&file, &config).await?,
        Verb::Audit(audit::Audit::Verify(verify)) => return verify.run().await,
        Verb::Check(check) => return check.run(&config).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// A time for people: date and time of day, UTC.
fn when(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| "unknown".into(),
        |time| time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}
