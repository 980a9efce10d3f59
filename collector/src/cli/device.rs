//! `device`: who waits, who is connected, who may join.

use super::{school, when};
use crate::clock;
use crate::config::Config;
use crate::devices::approval::{self, Decision};
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
            Self::Revoke { device } => decide(config, &device, Decision::Revoke, "is shut out").await,
        }
    }
}

async fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let opened = school::open(config).await?;
    let devices = devices::list(opened.store.read(), &opened.school.school_id).await?;
    if json {
        println!("{}", serde_json::to_string(&devices)?);
        return Ok(());
    }
    if devices.is_empty() {
        println!("No device has asked to join yet. Make a token with `pastoral-collector token create`.");
    }
    for device in devices {
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
            "{}  {}  {:<9} {:<12} {} ({seen}{cloned})",
            device.device_id, device.confirm_code, device.state, device.group, device.host_name
        );
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
