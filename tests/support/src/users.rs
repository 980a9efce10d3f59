//! Users of this machine, made for one test and removed after it.

use crate::cleanup::{Made, Undo, made};
use crate::poll;
use crate::process::Folder;
use anyhow::{Context as _, Result, bail};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// A user with a group of the same name.
#[derive(Debug)]
pub struct User {
    /// What it is called.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its group's.
    pub gid: u32,
    home: PathBuf,
    _undo: Undo,
    _group: Undo,
}

impl User {
    /// An ordinary user, as a pupil is, with a home in `folder`.
    pub fn ordinary(kind: &str, folder: &Folder) -> Result<Self> {
        let user = Self::make(kind, folder, &[])?;
        folder.of(&user.name, &user, 0o700)?;
        Ok(user)
    }

    /// A user that a service runs as.
    pub fn system(kind: &str, folder: &Folder) -> Result<Self> {
        Self::make(kind, folder, &["--system"])
    }

    /// Starts a program as this user and no other: its own groups, its own home, nothing of our environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .uid(self.uid)
            .gid(self.gid)
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.home)
            .env("USER", &self.name)
            .current_dir("/");
        command
    }

    /// Its home.
    #[must_use]
    pub fn home(&self) -> &PathBuf {
        &self.home
    }

    fn make(kind: &str, folder: &Folder, options: &[&str]) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        if !nix::unistd::geteuid().is_root() {
            bail!("making a temporary user needs root: run this as root");
        }
        let name = format!(
            "{kind}{}x{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let home = folder.path().join(&name);
        let made_user = poll::until("the machine's list of users to be free", || {
            let mut useradd = Command::new("useradd");
            useradd.args(options).args([
                "--user-group",
                "--no-create-home",
                "--shell",
                "/bin/sh",
                "--home-dir",
            ]);
            let output = useradd.arg(&home).arg(&name).stdin(Stdio::null()).output();
            match output {
                // Somebody else is changing it.
                Ok(output) if output.status.code() == Some(1) => None,
                Ok(output) if output.status.success() => Some(Ok(())),
                Ok(output) => Some(Err(String::from_utf8_lossy(&output.stderr).into_owned())),
                Err(error) => Some(Err(error.to_string())),
            }
        })?;
        if let Err(reason) = made_user {
            bail!("useradd makes no user {name}: {reason}");
        }
        let group = made(Made::Group(name.clone()));
        let user = nix::unistd::User::from_name(&name)?
            .with_context(|| format!("no user {name} although it was made"))?;
        let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
        let undo = made(Made::User {
            name: name.clone(),
            uid,
        });
        Ok(Self {
            name,
            uid,
            gid,
            home,
            _undo: undo,
            _group: group,
        })
    }
}
