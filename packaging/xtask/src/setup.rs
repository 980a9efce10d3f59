//! The system packages that the demo and the tests need.

use crate::run;
use anyhow::{Result, bail};
use std::process::{Command, Stdio};

/// A Debian package, and the program it brings.
const PACKAGES: &[(&str, &str)] = &[
    ("xvfb", "Xvfb"),
    ("openbox", "openbox"),
    ("xdotool", "xdotool"),
    ("chromium", "chromium"),
    ("chromium-driver", "chromedriver"),
    ("strace", "strace"),
    ("tcpdump", "tcpdump"),
    ("passwd", "useradd"),
    ("faketime", "faketime"),
];

/// The oldest Node that builds the console's assets.
const NODE: u32 = 18;

const NEEDS_ROOT: &str =
    "The demo and the end to end tests need root besides: they make a user for the service and one for
the pupil, run each as itself, give the session helper its group (setgid), and remove them all again.";

/// Installs what is missing, as root; otherwise says the one line to run.
pub(crate) fn setup() -> Result<()> {
    let missing = missing();
    if is_root() {
        if !missing.is_empty() {
            install(&missing)?;
        }
        return Ok(());
    }
    if missing.is_empty() {
        let asked: Vec<String> = std::env::args().skip(1).collect();
        bail!(
            "not root. Every package is there, so run it as root:\n\n  sudo -E env PATH=\"$PATH\" cargo xtask {}\n\n{NEEDS_ROOT}",
            asked.join(" ")
        );
    }
    bail!(
        "not root, and packages are missing. Run this once:\n\n  sudo apt-get install --no-install-recommends {}\n\n{NEEDS_ROOT}",
        missing.join(" ")
    );
}

fn missing() -> Vec<&'static str> {
    let mut missing: Vec<_> = PACKAGES
        .iter()
        .filter(|(_, program)| !run::present(program))
        .map(|(package, _)| *package)
        .collect();
    if run::answer_of("/usr/bin/python3", &["-c", "import aiosmtpd"]).is_none() {
        missing.push("python3-aiosmtpd");
    }
    if node_version() < Some(NODE) {
        missing.push("nodejs");
    }
    if !run::present("npm") {
        missing.push("npm");
    }
    missing
}

fn node_version() -> Option<u32> {
    let version = run::answer_of("node", &["--version"])?;
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

fn install(packages: &[&str]) -> Result<()> {
    if !run::present("apt-get") {
        bail!(
            "this is not Debian: install {} by your system's own means, then run this again",
            packages.join(", ")
        );
    }
    run::step(&format!("installing {}", packages.join(" ")));
    apt_get(&["update", "-qq"], &[])?;
    apt_get(&["install", "-qq", "-y", "--no-install-recommends"], packages)?;
    if node_version() < Some(NODE) {
        bail!(
            "Node {NODE} or newer is needed to build the console's assets, and this system's packages have none: install it from nodejs.org"
        );
    }
    Ok(())
}

fn apt_get(task: &[&str], packages: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(task)
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    run::check(&mut command, "apt-get")
}

/// Whether we are root; asked of `id`, so that this program needs no library for it.
fn is_root() -> bool {
    run::answer_of("id", &["-u"]).as_deref() == Some("0")
}
