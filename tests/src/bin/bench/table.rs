//! How figures are written.

use hdrhistogram::Histogram;
use std::fs;

/// Says what was measured on.
pub(crate) fn machine() {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map(|(_, name)| name);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = memory
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!(
        "{cores} cores of {}, {} GiB, Linux {}",
        model.unwrap_or("an unnamed processor"),
        kibibytes / 1024 / 1024,
        kernel.trim()
    );
}

/// Times, in microseconds.
pub(crate) struct Times(Histogram<u64>);

impl Times {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, 600_000_000, 3)?))
    }

    pub(crate) fn add(&mut self, microseconds: i64) {
        // Two processes read the clock: what took less than they differ took no time.
        self.0
            .saturating_record(u64::try_from(microseconds).unwrap_or(0).max(1));
    }

    /// One line: how many, and how long.
    pub(crate) fn print(&self, what: &str) {
        let at = |share: f64| milliseconds(self.0.value_at_quantile(share));
        println!(
            "{what:<52} {:>7} × p50 {:>9}  p99 {:>9}  most {:>9}",
            self.0.len(),
            at(0.5),
            at(0.99),
            milliseconds(self.0.max())
        );
    }
}

/// One line with one figure.
pub(crate) fn figure(what: &str, value: &str) {
    println!("{what:<52} {value:>20}");
}

fn milliseconds(microseconds: u64) -> String {
    format!("{}.{:02} ms", microseconds / 1000, microseconds % 1000 / 10)
}
