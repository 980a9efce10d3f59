//! `device`: who waits, who is connected, who may join.

use super::{school, when};
use crate::clock;
use crate::config::Config;
use crate::devices::approval::{self, Decision};
use crate::devices::roll::{self, Called};
use crate::store::devices;
use clap::Subcommand;

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
    /// Shuts a device out: its certificates count for nothing from now on
    Revoke {
        /// The device's id, or its code
        device: String,
    },
}

impl Device {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        match self {
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
        }
    }
}

/// A device as `--json` shows it.
#[derive(serde::Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    device: &'a devices::Device,
    verdict: &'static str,
}

impl<'a> From<&'a Called> for Listed<'a> {
    fn from(called: &'a Called) -> Self {
        Self {
            device: &called.device,
            verdict: called.verdict.code(),
        }
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let mut db = opened.store.read().acquire().await?;
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
            device.state,
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

async fn decide(config: &Config, device: &str, decision: Decision, done: &str) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let school_id = &opened.school.school_id;
    let known = devices::list(opened.store.read(), school_id).await?;
    let meant: Vec<_> = known
        .iter()
        .filter(|known| known.device_id == device || known.confirm_code.eq_ignore_ascii_case(device))
        .collect();
    let [meant] = meant[..] else {
        anyhow::bail!("`{device}` is not exactly one device; `device list` shows ids and codes");
    };
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
