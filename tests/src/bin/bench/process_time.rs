//! What a process takes, as the kernel counts it.

use anyhow::{Context as _, Result};
use std::fs;

/// The clock ticks in which the kernel counts.
const TICKS_A_SECOND: f64 = 100.0;

/// A process's share of memory (PSS), in KiB.
pub(crate) fn pss(process: u32) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .context("no PSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// The processor time a process has taken, in seconds.
pub(crate) fn seconds(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, after_name) = stat.rsplit_once(')').context("no name")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let field = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok((field(11) + field(12)) / TICKS_A_SECOND)
}
