//! What was written becomes what holds, or is refused.

use super::raw::{RawBackup, RawConfig, RawMail};
use super::{
    BACKUPS_KEPT, Backup, Config, ConfigError, Console, DEFAULT_DATA_DIR, Devices, Mail, MailTls, fault,
};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

pub(super) fn check(raw: RawConfig, file: &Path) -> Result<Config, ConfigError> {
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
