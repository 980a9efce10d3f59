//! The only place with OS calls and `unsafe`. Each system is a folder that provides what is named here, and nothing else of
//! it is used.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;

/// Files that only we can read, and folders whose entries survive a power cut.
pub use system::{
    act_as_owner_of, create_private_file, make_files_private, make_private_folder, sync_folder,
};

/// The machine, and who sits at it.
pub use system::{desktop_users, free_bytes, host_name, os_name, user_has_processes};

/// Sockets, and who is on the other end by the system's word.
pub use system::{Peer, account_of_uid, bind_socket, group_named, own_group, peer_of};

/// This process: what others may do to it, and with whose rights it acts.
pub use system::{
    act_on_files_as_the_user, harden_process, is_root, is_secure_exec, keep_only_environment,
    with_the_users_files,
};

/// Memory.
pub use system::{give_memory_back, keep_memory_together};
