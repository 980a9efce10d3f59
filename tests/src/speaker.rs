//! A helper without a desktop: a process of the pupil's, in the service's group, that says which titles it sees.

use crate::laptop::Laptop;
use anyhow::{Context as _, Result};
use pastoral_support::process::{Folder, Process, program};
use pastoral_support::users::User;
use std::fs;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};

/// The helper. Dropped, it ends.
pub struct Speaker {
    process: Process,
    input: ChildStdin,
}

impl Speaker {
    /// Starts it for a pupil, and waits until the service has let it in.
    pub fn start(laptop: &Laptop, pupil: &User, folder: &Folder) -> Result<Self> {
        Self::run(laptop, pupil.command(Self::binary(folder)?), folder)
    }

    /// Starts it for a user whom the machine knows by number alone.
    pub fn of_uid(laptop: &Laptop, uid: u32, folder: &Folder) -> Result<Self> {
        let mut command = Command::new(Self::binary(folder)?);
        command.uid(uid).env_clear().current_dir("/");
        Self::run(laptop, command, folder)
    }

    fn binary(folder: &Folder) -> Result<PathBuf> {
        let binary = folder.path().join("speaker");
        if !binary.exists() {
            fs::copy(program("speaker")?, &binary)?;
        }
        Ok(binary)
    }

    fn run(laptop: &Laptop, mut command: Command, folder: &Folder) -> Result<Self> {
        command
            .gid(laptop.user().gid)
            .arg(laptop.session_socket())
            .stdin(Stdio::piped());
        let mut process = Process::start("the speaker", &mut command, &folder.path().join("speaker.log"))?;
        let input = process.take_input().context("the speaker takes no titles")?;
        process.line()?;
        Ok(Self { process, input })
    }

    /// Says that a window has this title.
    pub fn title(&mut self, title: &str) -> Result<()> {
        self.titles(format!("{title}\n").as_bytes())
    }

    /// Says that a search was made.
    pub fn search(&mut self, query: &str) -> Result<()> {
        self.title(&format!("{query} - Google Search - Chromium"))
    }

    /// Says these titles, one to a line.
    pub fn titles(&mut self, lines: &[u8]) -> Result<()> {
        Ok(self.input.write_all(lines)?)
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
