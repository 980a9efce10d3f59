//! The program behind a window.
//!
//! INVARIANT 7: whose process a window is, the X server is asked, which knows it from the kernel. What a window says of
//! itself (`_NET_WM_PID`) any program may write, and by it a browser's searches could be made to look like another
//! program's titles; that is used only with a server that is too old to be asked.

use pastoral_proto::limits;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use x11rb::connection::RequestConnection as _;
use x11rb::errors::{ConnectionError, ReplyError};
use x11rb::protocol::res::{self, ClientIdMask, ClientIdSpec, ConnectionExt as _};
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

/// Whether the server can be asked whose windows are: by X-Resource 1.2, which all servers since 2012 have.
pub(super) fn server_knows_processes(connection: &RustConnection) -> Result<bool, ReplyError> {
    if connection
        .extension_information(res::X11_EXTENSION_NAME)?
        .is_none()
    {
        return Ok(false);
    }
    let version = connection.res_query_version(1, 2)?.reply()?;
    Ok((version.server_major, version.server_minor) >= (1, 2))
}

/// The process that opened the window; none if it is gone, or on another machine.
pub(super) fn process_of(
    connection: &RustConnection,
    window: Window,
) -> Result<Option<u32>, ConnectionError> {
    let asked = ClientIdSpec {
        client: window,
        mask: ClientIdMask::LOCAL_CLIENT_PID,
    };
    match connection.res_query_client_ids(&[asked])?.reply() {
        Ok(reply) => Ok(reply.ids.iter().find_map(|id| id.value.first().copied())),
        Err(ReplyError::ConnectionError(error)) => Err(error),
        Err(ReplyError::X11Error(_)) => Ok(None),
    }
}

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
    // A byte that is no text becomes three: a quarter stays within a name, whatever is in it.
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
