//! What the technician sets: a TOML file, then `PASTORAL_…` in the environment, then flags on the command line;
//! later wins. The file is read into [`raw::RawConfig`] and checked into [`Config`]; nothing else reads it.

mod check;
mod raw;

use raw::RawConfig;
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where the file is looked for when none is named.
pub const DEFAULT_FILE: &str = "/etc/pastoral/collector.toml";
/// How many backups are kept when nothing else is said.
pub const BACKUPS_KEPT: usize = 14;
/// Where data lies when nothing else is said.
pub const DEFAULT_DATA_DIR: &str = "/var/lib/pastoral-collector";

/// Why a configuration is refused. Says where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}; {instead}")]
pub struct ConfigError {
    place: String,
    fault: String,
    instead: String,
}

/// What was set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the database, keys and certificates lie.
    pub data_dir: PathBuf,
    /// The school's profile, when it is kept as a file.
    pub profile: Option<PathBuf>,
    /// Where devices connect.
    pub devices: Devices,
    /// Where people connect.
    pub console: Console,
    /// How mail is sent; without it notices wait in the outbox.
    pub mail: Option<Mail>,
    /// Daily backups; without it the technician makes them.
    pub backup: Option<Backup>,
}

/// Daily backups (P40).
#[derive(Debug, Clone)]
pub struct Backup {
    /// The folder that holds them.
    pub dir: PathBuf,
    /// How many are kept.
    pub keep: usize,
}

/// Where devices connect.
#[derive(Debug, Clone)]
pub struct Devices {
    /// The address listened on.
    pub listen: SocketAddr,
    /// The names and addresses by which devices know the collector; they stand in its certificate.
    pub names: Vec<String>,
}

/// Where people connect.
#[derive(Debug, Clone)]
pub struct Console {
    /// The address listened on.
    pub listen: SocketAddr,
    /// The address people type, without a slash at the end.
    pub url: String,
    /// Certificate and key files; without them the console speaks plain http, on loopback only.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Reverse proxies, whose word for a client's address is taken.
    pub proxies: Vec<IpAddr>,
}

impl Console {
    /// Whether a reverse proxy must stand in front that is not named, so that all clients look like one.
    #[must_use]
    pub fn has_unnamed_proxy(&self) -> bool {
        self.tls.is_none() && self.url.starts_with("https://") && self.proxies.is_empty()
    }
}

/// How mail is sent.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The sender's address.
    pub from: String,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Who signs in, and the file that holds the password.
    pub login: Option<(String, PathBuf)>,
}

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// Not at all: for a mail server on this machine only.
    None,
    /// After STARTTLS.
    Starttls,
    /// From the start.
    Tls,
}

/// What the command line says over file and environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
}

/// Reads file, environment and flags, and checks them together.
///
/// # Errors
/// The first fault, with where it is and what to write instead.
pub fn load(
    overrides: &Overrides,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let named = overrides
        .config
        .clone()
        .or_else(|| environment("PASTORAL_CONFIG").map(Into::into));
    let mut read = match &named {
        Some(file) => raw::read_file(file)?,
        None if Path::new(DEFAULT_FILE).exists() => raw::read_file(Path::new(DEFAULT_FILE))?,
        None => RawConfig::default(),
    };
    let file = named.unwrap_or_else(|| DEFAULT_FILE.into());
    raw::apply_environment(&mut read, environment)?;
    if let Some(data_dir) = &overrides.data_dir {
        read.data_dir = Some(data_dir.clone());
    }
    check::check(read, &file)
}

fn fault(place: impl Into<String>, fault: &str, instead: &str) -> ConfigError {
    ConfigError {
        place: place.into(),
        fault: fault.into(),
        instead: instead.into(),
    }
}

#[cfg(test)]
mod tests;
