//! The real collector in a folder of its own, on free ports.

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const ACCOUNTABLE: &str = r#"[accountability]
data_protection_officer = "Dee Pohl <dpo@school.example>"
assessment_date = 2026-09-01
lawful_basis = "public task"
on_call = ["head@school.example", "deputy@school.example"]
"#;

/// A school's collector.
pub(crate) struct Collector {
    pub(crate) data_dir: PathBuf,
    pub(crate) devices: String,
    pub(crate) console: String,
    /// As `init` printed it, with the codes of the first links.
    pub(crate) recovery_copy: String,
    config: PathBuf,
    running: Option<Child>,
    _folder: TempDir,
}

impl Collector {
    /// A new school that may approve devices, running.
    pub(crate) fn start() -> Self {
        Self::in_folder(|folder| folder.join("data"), true)
    }

    /// A new school that has not said who answers for the monitoring.
    pub(crate) fn unaccountable() -> Self {
        Self::in_folder(|folder| folder.join("data"), false)
    }

    /// A new school with its data elsewhere.
    pub(crate) fn in_folder(data_dir: impl Fn(&Path) -> PathBuf, accountable: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = data_dir(folder.path());
        let config = folder.path().join("collector.toml");
        let profile = folder.path().join("profile.toml");
        let text = format!(
            "data_dir = {data_dir:?}\nprofile = {profile:?}\n[devices]\nlisten = \"127.0.0.1:0\"\n[console]\nlisten = \"127.0.0.1:0\"\n"
        );
        std::fs::write(&config, text).unwrap();
        let shipped = pastoral_collector::profile::Profile::shipped("purley-oaks").unwrap();
        let text = if accountable {
            shipped.replace("[accountability]\n", ACCOUNTABLE)
        } else {
            shipped.into()
        };
        std::fs::write(&profile, text).unwrap();
        let mut collector = Self {
            data_dir,
            devices: String::new(),
            console: String::new(),
            recovery_copy: String::new(),
            config,
            running: None,
            _folder: folder,
        };
        collector.recovery_copy = collector.run(&[
            "init",
            "--profile",
            profile.to_str().unwrap(),
            "--headteacher",
            "Ada Bellweather <head@school.example>",
            "--technician",
            "Tom Reedmace <it@school.example>",
            "--chair",
            "Joan Colefax <chair@school.example>",
        ]);
        collector.serve();
        collector
    }

    /// Runs `serve` until it listens.
    pub(crate) fn serve(&mut self) {
        let command = self.command();
        self.serve_by(command);
    }

    /// The same on a system that lets it have only so many files open, so that there are as many fewer places.
    pub(crate) fn serve_with_files(&mut self, files: u32) {
        let command = self.command_with_files(files);
        self.serve_by(command);
    }

    fn serve_by(&mut self, mut command: Command) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.config.with_extension("log"))
            .unwrap();
        let mut child = command
            .arg("serve")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let addresses: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", self.log()));
        self.devices = addresses["devices"].as_str().unwrap().to_owned();
        self.console = addresses["console"].as_str().unwrap().to_owned();
        self.running = Some(child);
    }

    /// Puts another configuration in the place of its own.
    pub(crate) fn write_config(&self, text: &str) {
        std::fs::write(&self.config, text).unwrap();
    }

    /// Adds to the end of its configuration, where the console's part stands.
    pub(crate) fn add_config(&self, text: &str) {
        let before = std::fs::read_to_string(&self.config).unwrap();
        self.write_config(&format!("{before}{text}"));
    }

    /// Changes the school's own profile file.
    pub(crate) fn change_profile(&self, from: &str, to: &str) {
        let file = self.config.with_file_name("profile.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        let beside = file.with_extension("new");
        std::fs::write(&beside, text.replace(from, to)).unwrap();
        std::fs::rename(beside, file).unwrap();
    }

    /// Waits until it has logged something.
    pub(crate) async fn until_logged(&self, words: &str) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(words) {
            assert!(
                Instant::now() < deadline,
                "`{words}` is not in the log:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_extension("log")).unwrap_or_default()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pastoral-collector"));
        command.arg("--config").arg(&self.config).env_clear();
        command
    }

    /// The link that was mailed to an address, and the code that the command line said for it.
    pub(crate) async fn link_and_code(&self, email: &str, said: &str, before_code: &str) -> (String, String) {
        let body: String =
            sqlx::query_scalar("SELECT body FROM outbox WHERE notice = 'link' AND address = ?")
                .bind(email)
                .fetch_one(&self.database().await)
                .await
                .unwrap();
        let link = body.split("/join/").nth(1).unwrap().split_whitespace().next();
        let code = said.split(before_code).nth(1).unwrap().split_whitespace().next();
        (format!("/join/{}", link.unwrap()), code.unwrap().to_owned())
    }

    /// Runs a command that succeeds, and gives what it says.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let (code, said) = self.try_run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    /// Runs a command, and gives its exit code and what it says.
    pub(crate) fn try_run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self
            .command()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    /// Begins a command that waits for something; end it with [`ended`].
    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null());
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Runs a command that may have so many files open.
    pub(crate) fn run_with_files(&self, files: u32, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.command_with_files(files).args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    fn command_with_files(&self, files: u32) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")])
            .arg(env!("CARGO_BIN_EXE_pastoral-collector"))
            .arg("--config")
            .arg(&self.config);
        command
    }

    /// Runs a command with something on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        let mut child = self
            .command()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    /// A token for one pupils' device, which a person approves.
    pub(crate) fn token(&self) -> String {
        self.run(&["token", "create", "--group", "pupils"])
            .trim()
            .to_owned()
    }

    /// A token for many devices that need no person.
    pub(crate) fn open_token(&self) -> String {
        let arguments = [
            "token",
            "create",
            "--group",
            "pupils",
            "--uses",
            "100",
            "--approve-automatically",
        ];
        self.run(&arguments).trim().to_owned()
    }

    /// The database, for looking and for making what cannot be made from outside.
    pub(crate) async fn database(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(self.data_dir.join("collector.db"))
            .busy_timeout(Duration::from_secs(20));
        SqlitePool::connect_with(options).await.unwrap()
    }

    /// One number from the database.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.database().await)
            .await
            .unwrap()
    }

    /// Waits until a number in the database is what it should be.
    pub(crate) async fn until(&self, query: &'static str, expected: i64) {
        let database = self.database().await;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found: i64 = sqlx::query_scalar(query).fetch_one(&database).await.unwrap();
            if found == expected {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{query} gives {found}, not {expected}\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _it_may_have_ended = child.kill();
            let _it_may_have_ended = child.wait();
        }
    }
}

/// The exit code of a command that was begun, and what it said. Whoever it waits for is heard meanwhile.
pub(crate) async fn ended(command: Child) -> (Option<i32>, String) {
    let waiting = tokio::task::spawn_blocking(move || command.wait_with_output());
    let output = waiting.await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}
