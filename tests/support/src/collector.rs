//! A school's collector: the real program, on ports of this machine that nobody else uses. What fails here ends the
//! test, the demo or the benchmark, and says why.

use crate::mail::{Invited, Mail};
use crate::poll;
use crate::process::{self, Folder, Process, begin, free_address, program};
use crate::school::{self, Person};
use crate::users::User;
use anyhow::Result;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The collector. Dropped, it ends.
pub struct Collector {
    /// Where it keeps its data.
    pub data_dir: PathBuf,
    /// Where devices connect.
    pub devices: SocketAddr,
    /// Where browsers connect.
    pub console: SocketAddr,
    /// What `init` said: recovery sheets, and the codes of the first links.
    pub init: String,
    binary: PathBuf,
    config: PathBuf,
    user: Option<User>,
    environment: Vec<(String, String)>,
    running: Option<Process>,
    /// Removed with it, where it is its own.
    _folder: Option<Folder>,
}

impl Collector {
    /// A new school's, that may approve devices, running: the program alone, with no user of its own, people or mail.
    #[must_use]
    pub fn start() -> Self {
        Self::alone(|folder| folder.join("data"), true)
    }

    /// That of a new school that has not said who answers for the monitoring.
    #[must_use]
    pub fn unaccountable() -> Self {
        Self::alone(|folder| folder.join("data"), false)
    }

    /// As [`Collector::start`], with its data elsewhere, and with somebody who answers for the monitoring or nobody.
    pub fn alone(data_dir: impl Fn(&Path) -> PathBuf, accountable: bool) -> Self {
        let folder = Folder::new("collector").unwrap();
        let data_dir = data_dir(folder.path());
        let binary = program("pastoral-collector").unwrap();
        let mut collector = Self::configured(folder.path(), data_dir, binary, "", accountable).unwrap();
        collector._folder = Some(folder);
        collector.init(&[]);
        collector.serve();
        collector
    }

    /// A school's in `folder`, as a user of its own, with people and mail, running. `accounts` are those that people have
    /// on devices.
    pub fn of_school(folder: &Folder, mail: &Mail, accounts: &[(Person, &str)]) -> Result<Self> {
        let user = User::system("collector", folder)?;
        let data_dir = folder.of("collector", &user, 0o700)?;
        Self::of_school_in(folder, user, data_dir, mail, accounts)
    }

    /// As [`Collector::of_school`], with its data in a folder of one's own.
    pub fn of_school_in(
        folder: &Folder,
        user: User,
        data_dir: PathBuf,
        mail: &Mail,
        accounts: &[(Person, &str)],
    ) -> Result<Self> {
        let binary = folder.path().join("pastoral-collector");
        fs::copy(program("pastoral-collector")?, &binary)?;
        let settings = format!(
            "[mail]\nfrom = \"pastoral@{}\"\n{}",
            school::DOMAIN,
            mail.settings()
        );
        let mut collector = Self::configured(folder.path(), data_dir, binary, &settings, true)?;
        collector.user = Some(user);
        collector.environment = mail.environment();
        collector.init(&["--json"]);
        let people = school::write_people(folder.path(), accounts)?;
        collector.run(&["people", "import", "--yes", &people.to_string_lossy()]);
        collector.serve();
        Ok(collector)
    }

    fn configured(
        folder: &Path,
        data_dir: PathBuf,
        binary: PathBuf,
        mail: &str,
        accountable: bool,
    ) -> Result<Self> {
        let (devices, console) = (free_address()?, free_address()?);
        let profile = school::write_profile(folder, accountable)?;
        let config = folder.join("collector.toml");
        let text = format!(
            "data_dir = {data_dir:?}\nprofile = {profile:?}\n{mail}[devices]\nlisten = \"{devices}\"\n\
             [console]\nlisten = \"{console}\"\nurl = \"http://localhost:{}\"\n",
            console.port()
        );
        fs::write(&config, text)?;
        Ok(Self {
            data_dir,
            devices,
            console,
            init: String::new(),
            binary,
            config,
            user: None,
            environment: Vec::new(),
            running: None,
            _folder: None,
        })
    }

    fn init(&mut self, options: &[&str]) {
        let profile = self.config.with_file_name("profile.toml");
        let [head, technician, chair] =
            [school::HEADTEACHER, school::TECHNICIAN, school::CHAIR].map(|person| person.named());
        let arguments = [
            "init",
            "--profile",
            &profile.to_string_lossy(),
            "--headteacher",
            &head,
            "--technician",
            &technician,
            "--chair",
            &chair,
        ];
        self.init = self.run(&[&arguments[..], options].concat());
    }

    /// Where people find the console.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.console.port())
    }

    /// How one of the first people is let in.
    #[must_use]
    pub fn invited(&self, mail: &Mail, person: &Person) -> Invited {
        mail.invited(person.email, &self.code(person))
    }

    /// The code that `init --json` gave for one of the first people.
    #[must_use]
    pub fn code(&self, person: &Person) -> String {
        let code = &self.answer()["codes"][person.duty.unwrap_or_default()];
        code.as_str()
            .unwrap_or_else(|| panic!("no code: {}", self.init))
            .to_owned()
    }

    /// The recovery sheets that `init --json` gave: the headteacher's and the chair's.
    #[must_use]
    pub fn sheets(&self) -> [String; 2] {
        let sheets = self.answer()["recovery_sheets"].clone();
        ["headteacher", "chair"].map(|who| sheets[who].as_str().unwrap_or_default().to_owned())
    }

    fn answer(&self) -> Value {
        // Warnings follow, on standard error.
        serde_json::from_str(self.init.lines().next().unwrap_or_default()).unwrap()
    }

    /// The user it runs as.
    #[must_use]
    pub fn user(&self) -> &User {
        self.user.as_ref().expect("it has a user of its own")
    }

    /// Its process; it has to run.
    pub fn process(&mut self) -> &mut Process {
        self.running.as_mut().expect("the collector runs")
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    fn log_file(&self) -> PathBuf {
        self.config.with_extension("log")
    }

    /// Starts serving (again), at the same ports, and waits until it does.
    pub fn serve(&mut self) {
        self.serve_by(self.command(&["serve"]));
    }

    /// The same on a system that lets it have only so many files open, so that there are as many fewer places.
    pub fn serve_with_files(&mut self, files: u32) {
        self.serve_by(self.command_with_files(files, &["serve"]));
    }

    /// The same under `strace`, run by root, with these options.
    pub fn serve_traced(&mut self, options: &[&str]) {
        let mut command = Command::new("strace");
        command.args(["-f", "-u", &self.user().name]).args(options);
        command
            .arg(&self.binary)
            .arg("--config")
            .arg(&self.config)
            .arg("serve");
        self.serve_by(command);
    }

    fn serve_by(&mut self, mut command: Command) {
        let process = Process::start("the collector", &mut command, &self.log_file()).unwrap();
        // It says where it listens once it does.
        process.line().unwrap();
        self.running = Some(process);
    }

    /// From its next start, it has this in its environment too.
    pub fn add_environment(&mut self, environment: Vec<(String, String)>) {
        self.environment.extend(environment);
    }

    /// Puts another configuration in the place of its own.
    pub fn write_config(&self, text: &str) {
        fs::write(&self.config, text).unwrap();
    }

    /// Adds to the end of its configuration, where the console's part stands.
    pub fn add_config(&self, text: &str) {
        let before = fs::read_to_string(&self.config).unwrap();
        self.write_config(&format!("{before}{text}"));
    }

    /// Changes the school's own profile file.
    pub fn change_profile(&self, from: &str, to: &str) {
        let file = self.config.with_file_name("profile.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from));
        let beside = file.with_extension("new");
        fs::write(&beside, text.replace(from, to)).unwrap();
        fs::rename(beside, file).unwrap();
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.process().kill().unwrap();
        self.running = None;
    }

    /// Ends it as the system does when it shuts down.
    pub fn stop(&mut self) {
        self.process().stop().unwrap();
        self.running = None;
    }

    /// A token for one device of the pupils, which a person has to approve.
    #[must_use]
    pub fn token(&self) -> String {
        self.token_for("pupils", &[])
    }

    /// A token for many devices of the pupils, which need no person.
    #[must_use]
    pub fn open_token(&self) -> String {
        self.open_token_for("pupils")
    }

    /// The same for devices of another group.
    #[must_use]
    pub fn open_token_for(&self, group: &str) -> String {
        self.token_for(
            group,
            &["--uses", "1000", "--days", "7", "--approve-automatically"],
        )
    }

    fn token_for(&self, group: &str, options: &[&str]) -> String {
        let said = self.run(&[&["token", "create", "--group", group][..], options].concat());
        said.trim().to_owned()
    }

    /// Runs a command that succeeds, and gives what it says.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        let (code, said) = self.try_run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        said
    }

    /// Runs a command, and gives its exit code and what it says.
    #[must_use]
    pub fn try_run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        self.run_with(arguments, "")
    }

    /// Runs a command with something on its standard input.
    #[must_use]
    pub fn run_with(&self, arguments: &[&str], input: &str) -> (Option<i32>, String) {
        process::run(&mut self.command(arguments), input).unwrap()
    }

    /// Runs a command that may have so many files open.
    #[must_use]
    pub fn run_with_files(&self, files: u32, arguments: &[&str]) -> (Option<i32>, String) {
        process::run(&mut self.command_with_files(files, arguments), "").unwrap()
    }

    /// Begins a command that waits for something; end it with [`process::ended`].
    #[must_use]
    pub fn begin(&self, arguments: &[&str]) -> Child {
        begin(&mut self.command(arguments), "").unwrap()
    }

    /// One of its commands, to be run as its user.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match &self.user {
            Some(user) => user.command(&self.binary),
            None => Command::new(&self.binary),
        };
        if self.user.is_none() {
            command.env_clear().stdin(Stdio::null());
        }
        command
            .envs(self.environment.iter().cloned())
            .arg("--config")
            .arg(&self.config)
            .args(arguments);
        command
    }

    fn command_with_files(&self, files: u32, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")])
            .arg(&self.binary)
            .arg("--config")
            .arg(&self.config)
            .args(arguments);
        command
    }

    /// The link that was queued for an address, and the code that the command line said for it.
    pub async fn link_and_code(&self, email: &str, said: &str, before_code: &str) -> (String, String) {
        let link: String =
            sqlx::query_scalar("SELECT json_extract(matter, '$.link.path') FROM outbox WHERE address = ?")
                .bind(email)
                .fetch_one(&self.database().await)
                .await
                .unwrap();
        let code = said.split(before_code).nth(1).unwrap().split_whitespace().next();
        (link, code.unwrap().to_owned())
    }

    /// The database, for looking and for making what cannot be made from outside.
    pub async fn database(&self) -> SqlitePool {
        let options = SqliteConnectOptions::new()
            .filename(self.data_dir.join("collector.db"))
            .busy_timeout(Duration::from_secs(20));
        SqlitePool::connect_with(options).await.unwrap()
    }

    /// One number from the database.
    pub async fn count(&self, query: &'static str) -> i64 {
        let database = self.database().await;
        sqlx::query_scalar(query).fetch_one(&database).await.unwrap()
    }

    /// Waits until a number in the database is what it should be.
    pub async fn until(&self, query: &'static str, expected: i64) {
        let database = self.database().await;
        let came = async || {
            let found: i64 = sqlx::query_scalar(query).fetch_one(&database).await.unwrap();
            (found == expected).then_some(())
        };
        let came = poll::until_async(&format!("{expected} of {query}"), came).await;
        came.unwrap_or_else(|error| panic!("{error}\n{}", self.log()));
    }

    /// Waits until it has logged something.
    pub async fn until_logged(&self, words: &str) {
        let logged = async || self.log().contains(words).then_some(());
        let logged = poll::until_async(words, logged).await;
        logged.unwrap_or_else(|error| panic!("{error} in the log:\n{}", self.log()));
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(mut process) = self.running.take() {
            let _it_may_have_ended = process.kill();
        }
    }
}
