//! A pupil's window whose titles the test decides.

use crate::desktop::Desktop;
use anyhow::{Context as _, Result};
use pastoral_support::poll;
use pastoral_support::process::{Folder, Process, program};
use pastoral_support::users::User;
use std::fs;
use std::io::Write as _;
use std::process::{ChildStdin, Stdio};

/// The window; to the helper it belongs to a program named `chromium`.
pub struct Window {
    input: ChildStdin,
    process: Process,
}

impl Window {
    /// Opens it.
    pub fn open(desktop: &Desktop, pupil: &User, folder: &Folder) -> Result<Self> {
        let programs = folder.path().join("programs");
        fs::create_dir_all(&programs)?;
        let chromium = programs.join("chromium");
        if !chromium.exists() {
            fs::copy(program("titles")?, &chromium)?;
        }
        let mut command = desktop.command(pupil, chromium);
        command.stdin(Stdio::piped());
        let mut process = Process::start("the window", &mut command, &folder.path().join("window.log"))?;
        let number = process.line()?;
        let input = process.take_input().context("the window takes no titles")?;
        desktop.hands(pupil, &["windowactivate", "--sync", &number])?;
        let titles = desktop.titles()?;
        let active = || titles.current().is_ok_and(|title| title == "Untitled");
        poll::until_so("the window to be the active one", active)?;
        Ok(Self { input, process })
    }

    /// Gives it a title, and says when it began to: in microseconds since 1970.
    pub fn set(&mut self, title: &str) -> Result<i64> {
        writeln!(self.input, "{title}")?;
        self.process.line()?.parse().context("when the title was set")
    }

    /// Gives it the title that a search for this has.
    pub fn search(&mut self, query: &str) -> Result<i64> {
        self.set(&format!("{query} - Google Search - Chromium"))
    }
}
