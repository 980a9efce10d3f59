//! `pastoral-session`: watches one desktop session, as its user, for the service.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
Watches this desktop session for the Pastoral service. Started by the desktop, not by hand.

Usage: pastoral-session [--socket PATH]

      --socket PATH  where the service listens [default: /run/pastoral/session.sock]
  -h, --help         print this help
  -V, --version      print the version";

fn main() -> ExitCode {
    match arguments(std::env::args_os().skip(1)) {
        Ok(Some(socket)) => watch(&socket),
        Ok(None) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("pastoral-session: {fault}; see pastoral-session --help");
            ExitCode::from(2)
        }
    }
}

fn watch(socket: &std::path::Path) -> ExitCode {
    match pastoral_agent::session::run(socket) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pastoral-session: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The socket; none if all was said already.
fn arguments(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<PathBuf>, String> {
    let mut socket = PathBuf::from(pastoral_agent::session::SOCKET);
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--socket") => socket = arguments.next().ok_or("--socket needs a path")?.into(),
            Some("-h" | "--help") => {
                println!("{HELP}");
                return Ok(None);
            }
            Some("-V" | "--version") => {
                println!("pastoral-session {}", env!("CARGO_PKG_VERSION"));
                return Ok(None);
            }
            _ => return Err(format!("`{}` is not an option", argument.to_string_lossy())),
        }
    }
    Ok(Some(socket))
}
