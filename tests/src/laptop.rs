//! A school laptop: the agent's service as its own user, and the session helper, setgid to the service's group.

use crate::desktop::Desktop;
use anyhow::{Context as _, Result, bail};
use nix::unistd::chown;
use pastoral_support::collector::Collector;
use pastoral_support::poll;
use pastoral_support::process::{Folder, Process, output_of, program};
use pastoral_support::users::User;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The laptop's agent. Dropped, it ends.
pub struct Laptop {
    user: User,
    binary: PathBuf,
    helper: PathBuf,
    state_dir: PathBuf,
    run_dir: PathBuf,
    log: PathBuf,
    folder: PathBuf,
    log_level: &'static str,
    process: Option<Process>,
}

impl Laptop {
    /// Installs the agent in `folder`, as a package would, without starting it.
    pub fn install(folder: &Folder) -> Result<Self> {
        let user = User::system("pastoral", folder)?;
        let state_dir = folder.of("state", &user, 0o700)?;
        Self::install_with(folder, user, state_dir)
    }

    /// As [`Laptop::install`], with its state in a folder of one's own.
    pub fn install_with(folder: &Folder, user: User, state_dir: PathBuf) -> Result<Self> {
        let run_dir = folder.of("run", &user, 0o755)?;
        let binary = folder.path().join("pastoral-agent");
        fs::copy(program("pastoral-agent")?, &binary)?;
        let helper = folder.path().join("pastoral-session");
        fs::copy(program("pastoral-session")?, &helper)?;
        give_group(&helper, &user)?;
        let log = folder.path().join("agent.log");
        Ok(Self {
            user,
            binary,
            helper,
            state_dir,
            run_dir,
            log,
            folder: folder.path().into(),
            log_level: "info",
            process: None,
        })
    }

    /// From its next start, the service's log tells when each flag is on disk and when it is answered.
    pub fn log_flags(&mut self) {
        self.log_level = "pastoral_agent=debug";
    }

    /// When each flag was on disk, by that log: its sequence, and microseconds since 1970.
    #[must_use]
    pub fn flags_on_disk(&self) -> Vec<(u64, i64)> {
        self.logged("a flag is on disk")
    }

    /// When each record was answered, by that log: its sequence, and microseconds since 1970.
    #[must_use]
    pub fn records_answered(&self) -> Vec<(u64, i64)> {
        self.logged("a record is answered")
    }

    fn logged(&self, what: &str) -> Vec<(u64, i64)> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.contains(what));
        lines
            .filter_map(|line| Some((number_in(line)?, parse_us(line.split_whitespace().next()?)?)))
            .collect()
    }

    /// The service's user.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Where it keeps its state.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Where helpers connect.
    #[must_use]
    pub fn session_socket(&self) -> PathBuf {
        self.run_dir.join("session.sock")
    }

    /// Where its sockets are.
    #[must_use]
    pub fn run_dir(&self) -> &Path {
        &self.run_dir
    }

    /// Starts the service (again), and waits until it answers.
    pub fn start(&mut self) -> Result<()> {
        let mut command = self.user.command(&self.binary);
        command.args(self.options()).arg("run");
        self.start_service(command)
    }

    /// Starts the service under `strace`, run by root, with these options.
    pub fn start_traced(&mut self, options: &[&str]) -> Result<()> {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-u", &self.user.name])
            .args(options)
            .arg(&self.binary)
            .args(self.options())
            .arg("run");
        self.start_service(command)
    }

    /// Starts the service with these things in its environment, and waits until it answers.
    pub fn start_with(&mut self, environment: &[(String, String)]) -> Result<()> {
        let mut command = self.user.command(&self.binary);
        command
            .args(self.options())
            .arg("run")
            .envs(environment.iter().cloned());
        self.start_service(command)
    }

    /// Its process.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the service does not run")
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.process()?.kill()?;
        self.process = None;
        Ok(())
    }

    /// Ends it as the system does when it shuts down.
    pub fn stop(&mut self) -> Result<()> {
        self.process()?.stop()?;
        self.process = None;
        Ok(())
    }

    /// Joins the school: asks with a token, and waits for the answer.
    pub fn enrol(&self, collector: &Collector, token: &str) -> Result<String> {
        self.enrol_at(collector.devices.port(), token)
    }

    /// As [`Laptop::enrol`], by another port.
    pub fn enrol_at(&self, port: u16, token: &str) -> Result<String> {
        self.enrol_by(port, token, &["--wait"])
    }

    /// Asks to join, and leaves the rest to the service.
    pub fn ask_to_join(&self, collector: &Collector, token: &str) -> Result<String> {
        self.enrol_by(collector.devices.port(), token, &[])
    }

    fn enrol_by(&self, port: u16, token: &str, options: &[&str]) -> Result<String> {
        let file = self.folder.join("token");
        fs::write(&file, token)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
        let (address, path) = (
            format!("https://localhost:{port}"),
            file.to_string_lossy().into_owned(),
        );
        let answer = self.run(
            &[
                &["enrol", "--collector", &address, "--token-file", &path][..],
                options,
            ]
            .concat(),
        );
        fs::remove_file(&file)?;
        answer
    }

    /// Starts the helper in a pupil's session.
    pub fn helper(&self, desktop: &Desktop, pupil: &User) -> Result<Process> {
        let mut command = desktop.command(pupil, &self.helper);
        command.arg("--socket").arg(self.session_socket());
        self.start_helper(command, pupil)
    }

    /// Starts the helper under `strace`, run by root, with these options.
    pub fn helper_traced(&self, desktop: &Desktop, pupil: &User, options: &[&str]) -> Result<Process> {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-u", &pupil.name, "-E"])
            .arg(format!("DISPLAY={}", desktop.display()))
            .args(options)
            .arg(&self.helper)
            .arg("--socket")
            .arg(self.session_socket());
        self.start_helper(command, pupil)
    }

    fn start_helper(&self, mut command: Command, pupil: &User) -> Result<Process> {
        let name = pupil.name.clone();
        let helper = Process::start(
            "the helper",
            &mut command,
            &self.folder.join(format!("helper-{name}.log")),
        )?;
        poll::until("the helper to be heard", || {
            let status = self.status().ok()?;
            let helpers = status["detail"]["helpers"].as_array()?;
            helpers
                .iter()
                .any(|helper| {
                    helper["account"]
                        .as_str()
                        .is_some_and(|account| account.contains(&name))
                })
                .then_some(())
        })
        .with_context(|| format!("the helper's log: {}", helper.log()))?;
        Ok(helper)
    }

    /// What `status` says to root.
    pub fn status(&self) -> Result<Value> {
        let output = self.command(&["status", "--json"]).output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Waits until `status` says it so.
    pub fn until_status(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Result<Value> {
        let answer = poll::until(what, || self.status().ok().filter(|status| is_so(status)));
        answer.with_context(|| format!("status: {:?}; log: {}", self.status(), self.log_end()))
    }

    /// Waits until nothing is left to deliver.
    pub fn until_delivered(&self) -> Result<()> {
        let delivered = |status: &Value| status["detail"]["spool_records"] == 0;
        self.until_status("everything to be delivered", delivered)
            .map(drop)
    }

    /// Runs one of its commands as root.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        output_of(&mut self.command(arguments))
    }

    /// One of its commands, as root.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(self.options()).args(arguments);
        command
    }

    /// All it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The path of the installed helper.
    #[must_use]
    pub fn helper_path(&self) -> &Path {
        &self.helper
    }

    fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn options(&self) -> Vec<String> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            "--state-dir".into(),
            path(&self.state_dir),
            "--run-dir".into(),
            path(&self.run_dir),
            "--group".into(),
            self.user.name.clone(),
        ]
    }

    fn start_service(&mut self, mut command: Command) -> Result<()> {
        command.env("PASTORAL_LOG", self.log_level);
        let mut process = Process::start("the service", &mut command, &self.log)?;
        poll::until_so("the service to answer", || {
            !process.runs() || self.status().is_ok_and(|status| status["detail"].is_object())
        })?;
        if !process.runs() {
            bail!("the service does not run; its log ends:\n{}", self.log_end());
        }
        self.process = Some(process);
        Ok(())
    }
}

/// Installs a program so that whoever starts it acts in the service's group.
pub fn give_group(program: &Path, service: &User) -> Result<()> {
    chown(program, Some(0.into()), Some(service.gid.into()))?;
    // After the change of owner, which takes the right away again.
    fs::set_permissions(program, fs::Permissions::from_mode(0o2755))?;
    Ok(())
}

/// The number after `sequence=` in a line of the log.
fn number_in(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once("sequence=")?;
    rest.split(|character: char| !character.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

/// Microseconds since 1970 of a time as logs write it, such as `2026-11-22T03:45:02.123456Z`.
fn parse_us(time: &str) -> Option<i64> {
    let time: jiff::Timestamp = time.parse().ok()?;
    Some(time.as_microsecond())
}
