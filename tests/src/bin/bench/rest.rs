//! What the agent takes when nothing happens: memory of its own (PSS) and processor time.

use crate::table::figure;
use anyhow::{Context as _, Result};
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::poll;
use pastoral_tests::process::{Folder, Process};
use pastoral_tests::users::User;
use pastoral_tests::window::Window;
use std::fs;
use std::time::{Duration, Instant};

const FLAGS: usize = 100_000;
/// The clock ticks in which the kernel counts.
const TICKS_A_SECOND: f64 = 100.0;

pub(crate) fn measure() -> Result<()> {
    let folder = Folder::new("bench")?;
    let pupil = User::ordinary("pupil", &folder)?;
    let desktop = Desktop::start(&pupil, &folder)?;
    let mut laptop = Laptop::install(&folder)?;
    laptop.start()?;
    let helper = laptop.helper(&desktop, &pupil)?;
    let (service_ticks, helper_ticks) = (ticks(laptop.process()?)?, ticks(&helper)?);
    let minute = Instant::now();
    poll::within(Duration::from_secs(90), "a minute to pass", || {
        (minute.elapsed().as_secs() >= 60).then_some(())
    })?;
    let service_ticks = ticks(laptop.process()?)? - service_ticks;
    let helper_ticks = ticks(&helper)? - helper_ticks;
    figure("service at rest, memory", &mebibytes(pss(laptop.process()?)?));
    figure("helper at rest, memory", &mebibytes(pss(&helper)?));
    figure(
        "both, processor time in a minute at rest",
        &format!("{:.2} s", (service_ticks + helper_ticks) / TICKS_A_SECOND),
    );
    let mut window = Window::open(&desktop, &pupil, &folder)?;
    for number in 0..FLAGS {
        window.search(&format!("i want to die {number}"))?;
    }
    let records = |laptop: &Laptop| laptop.status().ok()?["detail"]["spool_records"].as_u64();
    let mut last = None;
    poll::within(Duration::from_secs(300), "the flags to be kept", || {
        let now = records(&laptop);
        let steady = now.is_some() && now == last;
        last = now;
        steady.then_some(())
    })?;
    figure(
        "flags then raised, and kept on the device",
        &format!("{FLAGS} / {}", last.unwrap_or_default()),
    );
    figure("service after them, memory", &mebibytes(pss(laptop.process()?)?));
    figure("helper after them, memory", &mebibytes(pss(&helper)?));
    Ok(())
}

/// Its share of memory, in KiB.
fn pss(process: &Process) -> Result<u64> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.id()))?;
    let line = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .context("no PSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

fn ticks(process: &Process) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.id()))?;
    let (_, after_name) = stat.rsplit_once(')').context("no name")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let field = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    Ok(field(11) + field(12))
}

fn mebibytes(kibibytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let value = kibibytes as f64 / 1024.0;
    format!("{value:.1} MiB")
}
