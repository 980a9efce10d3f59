//! The program behind a window.

use pastoral_proto::limits;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The name of a process, such as `chromium`.
pub(super) fn name_of_process(pid: u32) -> Option<String> {
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let kind = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
    let name = system.process(pid)?.name().to_string_lossy();
    (!name.is_empty()).then(|| name.into_owned())
}

/// The class in a window's `WM_CLASS` (instance, zero, class, zero), such as `Chromium`; else its instance.
pub(super) fn name_of_class(class: &[u8]) -> String {
    let parts: Vec<&[u8]> = class
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .collect();
    let name = parts.get(1).or(parts.first()).copied().unwrap_or_default();
    let name = &name[..name.len().min(limits::NAME / 4)];
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_its_name_and_one_that_is_gone_has_none() {
        assert!(name_of_process(std::process::id()).is_some());
        assert_eq!(name_of_process(u32::MAX / 2), None);
    }

    #[test]
    fn a_window_without_a_process_names_its_class() {
        assert_eq!(name_of_class(b"navigator\0Firefox-esr\0"), "Firefox-esr");
        assert_eq!(name_of_class(b"xterm\0"), "xterm");
        assert_eq!(name_of_class(b""), "");
        assert!(name_of_class(&[0xff; 1000]).len() <= limits::NAME);
    }
}
