//! What the technician may set: the file `agent.toml`, then the environment, then flags; each overrides the one before.

use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};

/// Where the configuration is looked for unless something else is said.
pub const DEFAULT_FILE: &str = "/etc/pastoral/agent.toml";

/// The file's form. Unknown keys are refused, so that a misspelt one does not pass in silence.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    state_dir: Option<PathBuf>,
    run_dir: Option<PathBuf>,
    group: Option<String>,
    proxy: Option<String>,
    spool_mib: Option<u64>,
}

/// The same settings from the environment and the command line.
#[derive(Debug, Default, Clone, clap::Args)]
pub struct Overrides {
    /// The configuration file [default: /etc/pastoral/agent.toml]
    #[arg(long, global = true, env = "PASTORAL_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the device's identity, its policy and what is not delivered yet are kept [default: /var/lib/pastoral]
    #[arg(long, global = true, env = "PASTORAL_STATE_DIR", value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
    /// Where the sockets are [default: /run/pastoral]
    #[arg(long, global = true, env = "PASTORAL_RUN_DIR", value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
    /// The group that may open the helpers' socket [default: pastoral]
    #[arg(long, global = true, env = "PASTORAL_GROUP")]
    pub group: Option<String>,
    /// An HTTP proxy on the way to the collector, as http://host:port
    #[arg(long, global = true, env = "PASTORAL_PROXY", value_name = "ADDRESS")]
    pub proxy: Option<String>,
    /// How much may wait on this device for the collector, in MiB, 1 to 4096 [default: 64]
    #[arg(long, global = true, env = "PASTORAL_SPOOL_MIB", value_name = "MIB")]
    pub spool_mib: Option<u64>,
}

/// The checked settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the device's identity, policy and spool are.
    pub state_dir: PathBuf,
    /// Where the sockets are.
    pub run_dir: PathBuf,
    /// The group that may open the helpers' socket.
    pub group: String,
    /// A proxy on the way to the collector.
    pub proxy: Option<Address>,
    /// Bytes of records that may wait.
    pub spool_bytes: u64,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Without the brackets of an IPv6 address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Address {
    /// Reads `scheme://host:port`.
    pub fn parse(scheme: &str, text: &str) -> anyhow::Result<Self> {
        let wanted = || format!("`{text}` is not an address; write it as {scheme}://host:port");
        let rest = text
            .trim()
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix("://"));
        let rest = rest.with_context(wanted)?.trim_end_matches('/');
        let (host, port) = rest.rsplit_once(':').with_context(wanted)?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port > 0).with_context(wanted)?;
        if host.is_empty() || host.contains(['/', '@', '[', ']', ' ']) {
            bail!(wanted());
        }
        Ok(Self {
            host: host.into(),
            port,
        })
    }

    /// `host:port`, with brackets where the host is an IPv6 address.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl Config {
    /// Reads the file, if there is one, and lays the overrides over it.
    pub fn load(overrides: &Overrides) -> anyhow::Result<Self> {
        let file = overrides.config.as_deref().unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && overrides.config.is_none() => {
                String::new()
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read the configuration {}", file.display()));
            }
        };
        Self::parse(&text, overrides).with_context(|| format!("in {}", file.display()))
    }

    fn parse(text: &str, overrides: &Overrides) -> anyhow::Result<Self> {
        let raw: RawConfig = toml::from_str(text)?;
        let proxy = overrides.proxy.clone().or(raw.proxy);
        let spool_mib = overrides.spool_mib.or(raw.spool_mib).unwrap_or(64);
        if !(1..=4096).contains(&spool_mib) {
            bail!("spool_mib is {spool_mib}; write 1 to 4096");
        }
        let folder = |over: &Option<PathBuf>, raw: Option<PathBuf>, default: &str| {
            over.clone().or(raw).unwrap_or_else(|| default.into())
        };
        Ok(Self {
            state_dir: folder(&overrides.state_dir, raw.state_dir, "/var/lib/pastoral"),
            run_dir: folder(&overrides.run_dir, raw.run_dir, "/run/pastoral"),
            group: overrides
                .group
                .clone()
                .or(raw.group)
                .unwrap_or_else(|| "pastoral".into()),
            proxy: proxy
                .map(|proxy| Address::parse("http", &proxy))
                .transpose()
                .context("proxy")?,
            spool_bytes: spool_mib * 1024 * 1024,
        })
    }

    /// The state file or folder of this name.
    #[must_use]
    pub fn state(&self, name: &str) -> PathBuf {
        self.state_dir.join(name)
    }

    /// Where helpers connect.
    #[must_use]
    pub fn session_socket(&self) -> PathBuf {
        self.run_dir.join("session.sock")
    }

    /// Where `status` and `explain` ask.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.run_dir.join("control.sock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_override_the_file_and_the_file_overrides_the_defaults() {
        let file = "group = \"school\"\nrun_dir = \"/a\"\nproxy = \"http://proxy.example:3128\"\n";
        let flags = Overrides {
            run_dir: Some("/b".into()),
            ..Overrides::default()
        };
        let config = Config::parse(file, &flags).unwrap();
        assert_eq!(
            (config.group.as_str(), config.run_dir.as_path()),
            ("school", Path::new("/b"))
        );
        assert_eq!(config.state_dir, Path::new("/var/lib/pastoral"));
        assert_eq!(
            config.proxy,
            Some(Address {
                host: "proxy.example".into(),
                port: 3128
            })
        );
    }

    #[test]
    fn a_misspelt_key_is_refused_with_its_line() {
        let error = Config::parse("group = \"a\"\nspool_mb = 3\n", &Overrides::default()).unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.contains("spool_mb") && error.contains("line 2") && error.contains("spool_mib"),
            "{error}"
        );
    }

    #[test]
    fn an_address_is_taken_whole_or_refused_with_its_form() {
        let address = Address::parse("https", "https://[::1]:8443").unwrap();
        assert_eq!(
            (address.host.as_str(), address.authority().as_str()),
            ("::1", "[::1]:8443")
        );
        for wrong in [
            "collector:8443",
            "https://collector",
            "https://a:0",
            "http://a:1",
            "https://u@a:1",
        ] {
            let error = Address::parse("https", wrong).unwrap_err().to_string();
            assert!(error.contains("https://host:port"), "{error}");
        }
    }
}
