//! Configuration as a technician writes it, with its faults.

use super::*;
use check::check;
use raw::{apply_environment, parse};

fn loaded(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut raw = parse(toml, Path::new("c.toml"))?;
    apply_environment(&mut raw, |name| {
        environment
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })?;
    check(raw, Path::new("c.toml"))
}

#[test]
fn an_empty_file_listens_where_the_documentation_says() {
    let config = loaded("", &[]).unwrap();
    assert_eq!(config.devices.listen.to_string(), "0.0.0.0:7443");
    assert_eq!(config.console.url, "http://localhost:8443");
}

#[test]
fn an_unknown_name_is_refused_with_its_line_and_the_known_ones() {
    let error = loaded("data_dir = \"/x\"\n\n[devices]\nlisen = \"a\"\n", &[])
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("c.toml:4: unknown field `lisen`"), "{error}");
    assert!(error.contains("`listen`"), "{error}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let config = loaded(
        "data_dir = \"/from-file\"",
        &[("PASTORAL_DATA_DIR", "/from-environment")],
    )
    .unwrap();
    assert_eq!(config.data_dir, Path::new("/from-environment"));
}

#[test]
fn a_flag_wins_over_the_environment() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let overrides = Overrides {
        config: Some(file.path().into()),
        data_dir: Some("/from-flag".into()),
    };
    let config = load(&overrides, |name| {
        (name == "PASTORAL_DATA_DIR").then(|| "/x".into())
    })
    .unwrap();
    assert_eq!(config.data_dir, Path::new("/from-flag"));
}

#[test]
fn the_console_is_never_shown_to_the_network_without_tls() {
    let error = loaded("[console]\nlisten = \"0.0.0.0:80\"\n", &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains("tls_certificate"), "{error}");
}

#[test]
fn a_proxy_is_named_by_its_address_and_one_that_must_be_there_is_missed() {
    let console = |more: &str| {
        loaded(
            &format!("[console]\nurl = \"https://pastoral.oak.example\"\n{more}"),
            &[],
        )
    };
    assert!(console("").unwrap().console.has_unnamed_proxy());
    let named = console("proxy = [\"127.0.0.1\", \"::1\"]").unwrap().console;
    assert!(!named.has_unnamed_proxy() && named.proxies.len() == 2);
    let error = console("proxy = [\"nginx\"]").unwrap_err().to_string();
    assert!(error.contains("`nginx` is not an address"), "{error}");
    let environment = [("PASTORAL_CONSOLE_PROXY", "127.0.0.1, 10.0.0.2")];
    assert_eq!(loaded("", &environment).unwrap().console.proxies.len(), 2);
}

#[test]
fn mail_leaves_the_machine_only_protected() {
    let mail = |host: &str, tls: &str| {
        loaded(
            &format!("[mail]\nhost = \"{host}\"\nfrom = \"a@b.example\"\ntls = \"{tls}\"\n"),
            &[],
        )
    };
    assert!(mail("127.0.0.1", "none").is_ok());
    assert!(mail("smtp.example", "tls").is_ok());
    assert!(
        mail("smtp.example", "none")
            .unwrap_err()
            .to_string()
            .contains("starttls")
    );
}
