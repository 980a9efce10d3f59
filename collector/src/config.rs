//! What the technician sets: a TOML file, then `PASTORAL_…` in the environment, then flags on the command line;
//! later wins. The file is read into [`RawConfig`] and checked into [`Config`]; nothing else reads it.

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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    data_dir: Option<PathBuf>,
    profile: Option<PathBuf>,
    #[serde(default)]
    devices: RawDevices,
    #[serde(default)]
    console: RawConsole,
    mail: Option<RawMail>,
    backup: Option<RawBackup>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBackup {
    dir: Option<PathBuf>,
    keep: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevices {
    listen: Option<String>,
    names: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConsole {
    listen: Option<String>,
    url: Option<String>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    proxy: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMail {
    host: Option<String>,
    port: Option<u16>,
    from: Option<String>,
    tls: Option<MailTls>,
    user: Option<String>,
    password_file: Option<PathBuf>,
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
    let mut raw = match &named {
        Some(file) => read_file(file)?,
        None if Path::new(DEFAULT_FILE).exists() => read_file(Path::new(DEFAULT_FILE))?,
        None => RawConfig::default(),
    };
    let file = named.unwrap_or_else(|| DEFAULT_FILE.into());
    apply_environment(&mut raw, environment)?;
    if let Some(data_dir) = &overrides.data_dir {
        raw.data_dir = Some(data_dir.clone());
    }
    check(raw, &file)
}

fn read_file(file: &Path) -> Result<RawConfig, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
        place: file.display().to_string(),
        fault: error.to_string(),
        instead: "name a readable file with --config".into(),
    })?;
    parse(&text, file)
}

fn parse(text: &str, file: &Path) -> Result<RawConfig, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text[..span.start.min(text.len())].matches('\n').count() + 1
        });
        let fault = error.message().lines().next().unwrap_or_default();
        let instead = if fault.starts_with("unknown field") {
            "remove the line, or write one of the names given"
        } else {
            "correct this line; `pastoral-collector --help` shows a whole file"
        };
        ConfigError {
            place: format!("{}:{line}", file.display()),
            fault: fault.to_owned(),
            instead: instead.into(),
        }
    })
}

fn apply_environment(
    raw: &mut RawConfig,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    let set = |name: &str, slot: &mut Option<String>| {
        if let Some(value) = environment(name) {
            *slot = Some(value);
        }
    };
    let set_path = |name: &str, slot: &mut Option<PathBuf>| {
        if let Some(value) = environment(name) {
            *slot = Some(value.into());
        }
    };
    set_path("PASTORAL_DATA_DIR", &mut raw.data_dir);
    set_path("PASTORAL_PROFILE", &mut raw.profile);
    set("PASTORAL_DEVICES_LISTEN", &mut raw.devices.listen);
    if let Some(names) = environment("PASTORAL_DEVICES_NAMES") {
        raw.devices.names = Some(names.split(',').map(|name| name.trim().to_owned()).collect());
    }
    set("PASTORAL_CONSOLE_LISTEN", &mut raw.console.listen);
    set("PASTORAL_CONSOLE_URL", &mut raw.console.url);
    set_path(
        "PASTORAL_CONSOLE_TLS_CERTIFICATE",
        &mut raw.console.tls_certificate,
    );
    set_path("PASTORAL_CONSOLE_TLS_KEY", &mut raw.console.tls_key);
    if let Some(proxies) = environment("PASTORAL_CONSOLE_PROXY") {
        raw.console.proxy = Some(proxies.split(',').map(|proxy| proxy.trim().to_owned()).collect());
    }
    if let Some(dir) = environment("PASTORAL_BACKUP_DIR") {
        raw.backup.get_or_insert_default().dir = Some(dir.into());
    }
    if let Some(host) = environment("PASTORAL_MAIL_HOST") {
        raw.mail.get_or_insert_default().host = Some(host);
    }
    let Some(mail) = &mut raw.mail else { return Ok(()) };
    set("PASTORAL_MAIL_FROM", &mut mail.from);
    set("PASTORAL_MAIL_USER", &mut mail.user);
    set_path("PASTORAL_MAIL_PASSWORD_FILE", &mut mail.password_file);
    if let Some(port) = environment("PASTORAL_MAIL_PORT") {
        let wrong = || {
            fault(
                "PASTORAL_MAIL_PORT",
                "is not a port",
                "write a number from 1 to 65535, such as 587",
            )
        };
        mail.port = Some(port.parse().map_err(|_| wrong())?);
    }
    if let Some(tls) = environment("PASTORAL_MAIL_TLS") {
        mail.tls = Some(match tls.as_str() {
            "none" => MailTls::None,
            "starttls" => MailTls::Starttls,
            "tls" => MailTls::Tls,
            _ => {
                return Err(fault(
                    "PASTORAL_MAIL_TLS",
                    "is not known",
                    "write none, starttls or tls",
                ));
            }
        });
    }
    Ok(())
}

fn check(raw: RawConfig, file: &Path) -> Result<Config, ConfigError> {
    let at = |key: &str| format!("{}: {key}", file.display());
    let devices = Devices {
        listen: address(
            &at("devices.listen"),
            raw.devices.listen.as_deref().unwrap_or("0.0.0.0:7443"),
        )?,
        names: raw
            .devices
            .names
            .unwrap_or_else(|| vec!["localhost".into(), "127.0.0.1".into()]),
    };
    if devices.names.is_empty()
        || devices
            .names
            .iter()
            .any(|name| name.is_empty() || name.contains(['/', ' ']))
    {
        return Err(fault(
            at("devices.names"),
            "must name at least one host",
            "write the names devices use, such as names = [\"collector.school.example\"]",
        ));
    }
    let listen = address(
        &at("console.listen"),
        raw.console.listen.as_deref().unwrap_or("127.0.0.1:8443"),
    )?;
    let tls = pair(
        &at("console.tls_certificate"),
        raw.console.tls_certificate,
        raw.console.tls_key,
    )?;
    if tls.is_none() && !listen.ip().is_loopback() {
        return Err(fault(
            at("console.listen"),
            "would show the console to the network without TLS",
            "set console.tls_certificate and console.tls_key, or listen on 127.0.0.1",
        ));
    }
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = raw
        .console
        .url
        .unwrap_or_else(|| format!("{scheme}://localhost:{}", listen.port()));
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(fault(
            at("console.url"),
            "is not a web address",
            "write it as people type it, such as https://pastoral.school.example",
        ));
    }
    let proxies = raw.console.proxy.unwrap_or_default();
    let proxies = proxies
        .iter()
        .map(|proxy| proxy_address(&at("console.proxy"), proxy));
    Ok(Config {
        data_dir: raw.data_dir.unwrap_or_else(|| DEFAULT_DATA_DIR.into()),
        profile: raw.profile,
        devices,
        console: Console {
            listen,
            url: url.trim_end_matches('/').to_owned(),
            tls,
            proxies: proxies.collect::<Result<_, _>>()?,
        },
        mail: raw.mail.map(|mail| check_mail(mail, &at)).transpose()?,
        backup: raw.backup.map(|backup| check_backup(backup, &at)).transpose()?,
    })
}

fn check_backup(raw: RawBackup, at: &impl Fn(&str) -> String) -> Result<Backup, ConfigError> {
    let instead = "write a folder on another disk, such as dir = \"/srv/pastoral-backups\"";
    let dir = raw
        .dir
        .ok_or_else(|| fault(at("backup.dir"), "is missing", instead))?;
    let keep = raw.keep.unwrap_or(BACKUPS_KEPT);
    if keep == 0 {
        return Err(fault(
            at("backup.keep"),
            "would keep no backup",
            "write how many are kept, such as keep = 14",
        ));
    }
    Ok(Backup { dir, keep })
}

fn check_mail(raw: RawMail, at: &impl Fn(&str) -> String) -> Result<Mail, ConfigError> {
    let host = raw.host.filter(|host| !host.is_empty()).ok_or_else(|| {
        fault(
            at("mail.host"),
            "is missing",
            "write the mail server's name, such as host = \"smtp.school.example\"",
        )
    })?;
    let from = raw.from.filter(|from| from.contains('@')).ok_or_else(|| {
        fault(
            at("mail.from"),
            "is not an address",
            "write the sender, such as from = \"pastoral@school.example\"",
        )
    })?;
    let tls = raw.tls.unwrap_or(MailTls::Starttls);
    let loopback = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if tls == MailTls::None && !loopback {
        return Err(fault(
            at("mail.tls"),
            "would send notices over the network unprotected",
            "write tls = \"starttls\" or tls = \"tls\"",
        ));
    }
    let login = match (raw.user, raw.password_file) {
        (Some(user), Some(file)) => Some((user, file)),
        (None, None) => None,
        _ => {
            return Err(fault(
                at("mail.user"),
                "needs mail.password_file, and the other way round",
                "set both or neither",
            ));
        }
    };
    let port = raw.port.unwrap_or(match tls {
        MailTls::None => 25,
        MailTls::Starttls => 587,
        MailTls::Tls => 465,
    });
    Ok(Mail {
        host,
        port,
        from,
        tls,
        login,
    })
}

fn address(place: &str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| {
        fault(
            place,
            &format!("`{text}` is not an address and port"),
            "write it like \"0.0.0.0:7443\"",
        )
    })
}

fn proxy_address(place: &str, text: &str) -> Result<IpAddr, ConfigError> {
    text.parse().map_err(|_| {
        fault(
            place,
            &format!("`{text}` is not an address"),
            "write the address from which the reverse proxy connects, such as proxy = [\"127.0.0.1\"]",
        )
    })
}

fn pair<T>(place: &str, one: Option<T>, other: Option<T>) -> Result<Option<(T, T)>, ConfigError> {
    match (one, other) {
        (Some(one), Some(other)) => Ok(Some((one, other))),
        (None, None) => Ok(None),
        _ => Err(fault(
            place,
            "needs console.tls_key, and the other way round",
            "set both or neither",
        )),
    }
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
