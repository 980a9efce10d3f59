//! Who is on the other end of a socket, by the kernel's word (INVARIANT 7), and sockets nobody else can open.

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, getsockopt, listen, socket, sockopt,
};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Group, Uid, User, chown, getegid};
use pastoral_proto::Account;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// The process on the other end, as it was when it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its effective group: the service's, where a setgid program of ours connected.
    pub gid: u32,
    /// The process.
    pub pid: i32,
}

/// Asks the kernel who connected.
///
/// # Errors
/// When the kernel does not say; the peer is then to be refused.
pub fn peer_of(stream: &impl AsFd) -> io::Result<Peer> {
    // INVARIANT 7: identity comes from the kernel, never from a message.
    let credentials = getsockopt(stream, sockopt::PeerCredentials)?;
    Ok(Peer {
        uid: credentials.uid(),
        gid: credentials.gid(),
        pid: credentials.pid(),
    })
}

/// The account behind a uid. One that the machine has no name for keeps an empty name.
#[must_use]
pub fn account_of_uid(uid: u32) -> Account {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    Account {
        authority: "local".into(),
        stable_id: uid.to_string(),
        name: user.map(|user| user.name).unwrap_or_default(),
    }
}

/// The group this process acts in.
#[must_use]
pub fn own_group() -> u32 {
    getegid().as_raw()
}

/// A group's number by its name; none if the machine has no such group.
#[must_use]
pub fn group_named(name: &str) -> Option<u32> {
    Group::from_name(name)
        .ok()
        .flatten()
        .map(|group| group.gid.as_raw())
}

/// Listens at `path`, with its permissions (and group, if one is given) in place before anyone can connect.
pub fn bind_socket(path: &Path, mode: u32, group: Option<u32>) -> io::Result<UnixListener> {
    remove_stale_socket(path)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    // On Linux the socket file is created with the mode of the socket itself. Until `listen` nobody can connect.
    fchmod(&fd, Mode::from_bits_truncate(mode & 0o600))?;
    bind(std::os::fd::AsRawFd::as_raw_fd(&fd), &UnixAddr::new(path)?)?;
    if let Some(group) = group {
        chown(path, None, Some(Gid::from_raw(group)))?;
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    listen(&fd, Backlog::new(128)?)?;
    Ok(UnixListener::from(fd))
}

fn remove_stale_socket(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        let message = format!(
            "{} is in the way and is not a socket: move it away",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    }
    if UnixStream::connect(path).is_ok() {
        let message = format!("another process listens at {}: stop it first", path.display());
        return Err(io::Error::new(io::ErrorKind::AddrInUse, message));
    }
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_who_connected() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = peer_of(&ours).unwrap();
        assert_eq!(peer.uid, nix::unistd::getuid().as_raw());
        assert_eq!(peer.gid, own_group());
        assert_eq!(peer.pid, i32::try_from(std::process::id()).unwrap());
    }

    #[test]
    fn an_account_without_a_name_is_still_its_uid() {
        let account = account_of_uid(3_999_999_999);
        assert_eq!(
            (account.authority.as_str(), account.stable_id.as_str()),
            ("local", "3999999999")
        );
        assert_eq!(account.name, "");
        assert_eq!(account_of_uid(0).name, "root");
    }

    #[test]
    fn a_socket_has_its_permissions_and_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.sock");
        let first = bind_socket(&path, 0o660, Some(own_group())).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        assert_eq!(
            bind_socket(&path, 0o660, None).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        drop(first);
        bind_socket(&path, 0o600, None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_in_the_way_of_the_socket_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.sock");
        fs::write(&path, b"kept").unwrap();
        assert!(bind_socket(&path, 0o660, None).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }
}
