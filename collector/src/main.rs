//! The collector's program.

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use std::io::IsTerminal as _;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    // What is written here is for the collector's own user alone.
    umask(Mode::from_bits_truncate(0o077));
    // INVARIANT 9: no content in a core dump.
    if let Err(error) = setrlimit(Resource::RLIMIT_CORE, 0, 0) {
        eprintln!("pastoral-collector: core dumps cannot be switched off: {error}");
    }
    let filter = EnvFilter::try_from_env("PASTORAL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
    pastoral_collector::cli::main()
}
