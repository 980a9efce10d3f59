//! The file and the environment as they are written.

use super::{ConfigError, MailTls, fault};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) data_dir: Option<PathBuf>,
    pub(super) profile: Option<PathBuf>,
    #[serde(default)]
    pub(super) devices: RawDevices,
    #[serde(default)]
    pub(super) console: RawConsole,
    pub(super) mail: Option<RawMail>,
    pub(super) backup: Option<RawBackup>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBackup {
    pub(super) dir: Option<PathBuf>,
    pub(super) keep: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDevices {
    pub(super) listen: Option<String>,
    pub(super) names: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConsole {
    pub(super) listen: Option<String>,
    pub(super) url: Option<String>,
    pub(super) tls_certificate: Option<PathBuf>,
    pub(super) tls_key: Option<PathBuf>,
    pub(super) proxy: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMail {
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) from: Option<String>,
    pub(super) tls: Option<MailTls>,
    pub(super) user: Option<String>,
    pub(super) password_file: Option<PathBuf>,
}

pub(super) fn read_file(file: &Path) -> Result<RawConfig, ConfigError> {
    let text = std::fs::read_to_string(file).map_err(|error| ConfigError {
        place: file.display().to_string(),
        fault: error.to_string(),
        instead: "name a readable file with --config".into(),
    })?;
    parse(&text, file)
}

pub(super) fn parse(text: &str, file: &Path) -> Result<RawConfig, ConfigError> {
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

pub(super) fn apply_environment(
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
