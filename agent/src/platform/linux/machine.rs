//! What this machine is called, what it runs, and who sits at it.

use nix::sys::statvfs::statvfs;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Programs that run as the user for as long as their desktop is there, by the names processes have (15 bytes).
const DESKTOPS: &[&str] = &[
    "budgie-wm",
    "cinnamon-sessio",
    "fluxbox",
    "gnome-session-b",
    "gnome-shell",
    "i3",
    "icewm",
    "kwin_wayland",
    "kwin_x11",
    "labwc",
    "lxqt-session",
    "lxsession",
    "mate-session",
    "openbox",
    "plasmashell",
    "startplasma-way",
    "startplasma-x11",
    "sway",
    "xfce4-session",
    "xfwm4",
];

/// The machine's name.
#[must_use]
pub fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// The system's name and version, as its maker writes them.
#[must_use]
pub fn os_name() -> String {
    let release =
        fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release"));
    release
        .ok()
        .and_then(|release| pretty_name(&release))
        .unwrap_or_else(|| "Linux".into())
}

/// Bytes that we may still write where `path` is.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = statvfs(path)?;
    #[allow(clippy::useless_conversion, reason = "32 bits wide on some machines")]
    Ok(u64::from(stat.blocks_available()) * u64::from(stat.fragment_size()))
}

/// Whether any process of this user is left: whether the session a helper was in goes on without it.
#[must_use]
pub fn user_has_processes(uid: u32) -> bool {
    processes().any(|(owner, _)| owner == uid)
}

/// The users who have a desktop open, by the programs that make one.
#[must_use]
pub fn desktop_users() -> BTreeSet<u32> {
    processes()
        .filter(|(_, name)| DESKTOPS.contains(&name.as_str()))
        .map(|(owner, _)| owner)
        .collect()
}

/// Everything running, zombies aside: whose, and what.
fn processes() -> impl Iterator<Item = (u32, String)> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry.file_name().to_str()?.parse::<u32>().ok()?;
            let owner = entry.metadata().ok()?.uid();
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let (name, state) = name_and_state(&stat)?;
            (state != 'Z').then(|| (owner, name.to_owned()))
        })
}

/// From `/proc/PID/stat`, `12 (name) S …`; the name itself may hold anything, brackets too.
fn name_and_state(stat: &str) -> Option<(&str, char)> {
    let (_, rest) = stat.split_once('(')?;
    let (name, rest) = rest.rsplit_once(')')?;
    Some((name, rest.trim_start().chars().next()?))
}

fn pretty_name(release: &str) -> Option<String> {
    let value = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known() {
        assert!(!host_name().is_empty());
        assert!(!os_name().is_empty());
        assert!(free_bytes(Path::new("/")).unwrap() > 0);
    }

    #[test]
    fn a_process_name_with_brackets_is_read_whole() {
        assert_eq!(name_and_state("7 (a) (b) S 1 7"), Some(("a) (b", 'S')));
        assert_eq!(name_and_state("nonsense"), None);
    }

    #[test]
    fn a_user_with_a_process_is_seen_and_one_without_is_not() {
        assert!(user_has_processes(nix::unistd::getuid().as_raw()));
        assert!(!user_has_processes(3_999_999_999));
    }

    #[test]
    fn a_system_names_itself() {
        assert_eq!(
            pretty_name("ID=debian\nPRETTY_NAME=\"Debian 12\"\n").as_deref(),
            Some("Debian 12")
        );
        assert_eq!(pretty_name("ID=debian\n"), None);
    }
}
