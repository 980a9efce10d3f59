//! `device`: who waits, who is connected, who may join.

use super::{school, when};
use crate::clock;
use crate::config::Config;
use crate::devices::approval::{self, Decision};
use crate::devices::roll::{self, Called};
use crate::devices::verdict::Verdict;
use crate::store::commands::{self, Command, CommandState};
use crate::store::devices;
use anyhow::Context as _;
use clap::Subcommand;
use std::process::ExitCode;
use std::time::Duration;

/// Exit code of `device ask` where the device did not do it.
const NO_ANSWER: u8 = 3;
const LOOK: Duration = Duration::from_millis(200);

/// Devices: who waits, who is connected, who may join.
#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// Shows every device, those that wait for approval first
    List {
        /// Answers as JSON
        #[arg(long)]
        json: bool,
    },
    /// Lets a device join; compare the code with the one on the device first
    Approve {
        /// The device's id, or its code
        device: String,
    },
    /// Turns away a device that asked to join
    Reject {
        /// The device's id, or its code
        device: String,
    },
    /// Lets a device that was held back do ten times as much, for the rest of the day
    Allow {
        /// The device's id, or its code
        device: String,
    },
    /// Takes a device out of use: it may not connect, and counts nowhere, until it is brought back
    Retire {
        /// The device's id, or its code
        device: String,
    },
    /// Brings a retired device back into use
    BringBack {
        /// The device's id, or its code
        device: String,
    },
    /// Asks a connected device for something that it does once, and waits for its answer
    #[command(after_help = "Examples:
  pastoral-collector device ask KTP4-9WQX
  pastoral-collector device ask KTP4-9WQX --json

Exit codes: 0 it answered; 1 it could not be asked; 3 it could not do it, or has not answered in time.")]
    Ask {
        /// The device's id, or its code
        device: String,
        /// What
        #[arg(default_value = commands::Command::SayHowItIs.code(), value_parser = commands::Command::ALL.map(commands::Command::code))]
        command: String,
        /// Answers as JSON
        #[arg(long)]
        json: bool,
    },
    /// Shuts a device out: its certificates count for nothing from now on
    Revoke {
        /// The device's id, or its code
        device: String,
    },
}

impl Device {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Ask {
                device,
                command,
                json,
            } => return ask(config, &device, &command, json).await,
            Self::List { json } => list(config, json).await,
            Self::Approve { device } => decide(config, &device, Decision::Approve, "may join").await,
            Self::Reject { device } => decide(config, &device, Decision::Reject, "is turned away").await,
            Self::Allow { device } => {
                decide(
                    config,
                    &device,
                    Decision::Allow,
                    "may send more for the rest of today",
                )
                .await
            }
            Self::Retire { device } => decide(config, &device, Decision::Retire, "is retired").await,
            Self::BringBack { device } => {
                decide(
                    config,
                    &device,
                    Decision::BringBack,
                    "is in use again, and may connect",
                )
                .await
            }
            Self::Revoke { device } => decide(config, &device, Decision::Revoke, "is shut out").await,
        }?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A device as `--json` shows it.
#[derive(serde::Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    device: &'a devices::Device,
    verdict: Verdict,
}

impl<'a> From<&'a Called> for Listed<'a> {
    fn from(called: &'a Called) -> Self {
        Self {
            device: &called.device,
            verdict: called.verdict,
        }
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let mut db = opened.store.read().await?;
    let cover = &opened.profile.cover;
    let roll = roll::call(&mut db, &opened.school.school_id, cover, clock::now_ms()).await?;
    if json {
        let listed: Vec<_> = roll.0.iter().map(Listed::from).collect();
        println!("{}", serde_json::to_string(&listed)?);
        return Ok(());
    }
    if roll.0.is_empty() {
        println!("No device has asked to join yet. Make a token with `pastoral-collector token create`.");
    }
    for Called { device, verdict, .. } in &roll.0 {
        let seen = match device.last_seen_at {
            _ if device.connected => "connected".to_owned(),
            Some(at) => format!("last heard {}", when(at)),
            None => "never connected".to_owned(),
        };
        let cloned = if device.cloned_at.is_some() {
            ", USED BY TWO DEVICES"
        } else {
            ""
        };
        println!(
            "{}  {}  {:<9} {:<14} {:<12} {} ({seen}{cloned})",
            device.device_id,
            device.confirm_code,
            device.state.code(),
            verdict.words(),
            device.group,
            device.host_name
        );
    }
    if !roll.0.is_empty() {
        println!("{}", roll.headline());
    }
    Ok(())
}

/// The device that is meant by its id or code.
async fn meant(opened: &school::Opened, device: &str) -> anyhow::Result<devices::Device> {
    let known = devices::list(&mut *opened.store.read().await?, &opened.school.school_id).await?;
    let mut meant: Vec<_> = known
        .into_iter()
        .filter(|known| known.device_id == device || known.confirm_code.eq_ignore_ascii_case(device))
        .collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => anyhow::bail!("`{device}` is not exactly one device; `device list` shows ids and codes"),
    }
}

/// What a device answered, as `--json` shows it.
#[derive(serde::Serialize)]
struct Answered<'a> {
    device_id: &'a str,
    command: Command,
    state: CommandState,
    answer: &'a str,
}

async fn ask(config: &Config, device: &str, command: &str, json: bool) -> anyhow::Result<ExitCode> {
    let opened = school::open(config).await?;
    let school_id = &opened.school.school_id;
    let meant = meant(&opened, device).await?;
    let command =
        commands::Command::from_code(command).context("`device ask --help` says what can be asked")?;
    let mut tx = opened.store.write().await?;
    let command_id = commands::ask(
        &mut tx,
        school_id,
        &meant.device_id,
        command,
        "command line",
        clock::now_ms(),
    )
    .await?;
    tx.commit().await?;
    if !json {
        eprintln!(
            "Waiting for {} ({} s at most) …",
            meant.host_name,
            command.time_limit_ms() / 1000
        );
    }
    let asked = answered(&opened, &command_id).await?;
    let state = if asked.is_open() {
        CommandState::Unanswered
    } else {
        asked.state
    };
    if json {
        let answered = Answered {
            device_id: &meant.device_id,
            command,
            state,
            answer: &asked.answer,
        };
        println!("{}", serde_json::to_string(&answered)?);
    } else if asked.answer.is_empty() {
        println!(
            "{}: {}. Is it switched on and connected (`device list`), and does `serve` run?",
            meant.host_name,
            state.words()
        );
    } else {
        println!("{}: {}", meant.host_name, asked.answer);
    }
    Ok(if state == CommandState::Done {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NO_ANSWER)
    })
}

/// What was asked, once it is answered or its time is over.
async fn answered(opened: &school::Opened, command_id: &[u8]) -> anyhow::Result<commands::Asked> {
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let asked = commands::get(&opened.store, &opened.school.school_id, command_id).await?;
        let asked = asked.context("what was asked is gone: was a backup restored meanwhile?")?;
        if !asked.is_open() || asked.ends_at <= clock::now_ms() {
            return Ok(asked);
        }
    }
}

async fn decide(config: &Config, device: &str, decision: Decision, done: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = &opened.school.school_id;
    let meant = meant(&opened, device).await?;
    let now = clock::now_ms();
    let by = "command line";
    approval::decide(
        &opened.store,
        school_id,
        &opened.profile,
        &meant.device_id,
        decision,
        by,
        now,
    )
    .await?;
    println!("{} ({}) {done}.", meant.host_name, meant.confirm_code);
    Ok(())
}
