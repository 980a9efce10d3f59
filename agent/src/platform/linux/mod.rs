//! Linux: `/proc`, sockets with peer credentials, and files that survive a power cut.

mod files;
mod machine;
mod memory;
mod owner;
mod peers;
mod process;

pub use files::{create_private_file, sync_folder};
pub use machine::{desktop_users, free_bytes, host_name, os_name, user_has_processes};
pub use memory::{give_memory_back, keep_memory_together};
pub use owner::{act_as_owner_of, make_files_private, make_private_folder};
pub use peers::{Peer, account_of_uid, bind_socket, group_named, own_group, peer_of};
pub use process::{
    act_on_files_as_the_user, harden_process, is_root, is_secure_exec, keep_only_environment,
    with_the_users_files,
};
