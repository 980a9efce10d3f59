//! The school's collector: the real program, as a user of its own, on free ports of this machine.

use crate::mail::{Invited, Mail};
use crate::poll;
use crate::process::{Folder, Process, output_of, program};
use crate::school::{self, Person};
use crate::users::User;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

/// The collector. Dropped, it ends.
pub struct Collector {
    user: User,
    binary: PathBuf,
    config: PathBuf,
    data_dir: PathBuf,
    log: PathBuf,
    devices: u16,
    console: u16,
    environment: Vec<(String, String)>,
    process: Option<Process>,
    /// How `init` lets the first people in.
    pub links: Links,
    /// The recovery sheets that `init` gave: the headteacher's and the chair's.
    pub sheets: [String; 2],
}

/// How the first people are let in.
#[derive(Debug, Clone)]
pub struct Links {
    /// The headteacher.
    pub headteacher: Invited,
    /// The technician.
    pub technician: Invited,
    /// The chair of governors.
    pub chair: Invited,
}

impl Collector {
    /// Makes a school in `folder`, with its people, and starts serving. `user_names` are the accounts people have on
    /// devices.
    pub fn start(folder: &Folder, mail: &Mail, user_names: &[(Person, &str)]) -> Result<Self> {
        let user = User::system("collector", folder)?;
        let data_dir = folder.of("collector", &user, 0o700)?;
        Self::start_in(folder, user, data_dir, mail, user_names)
    }

    /// As [`Collector::start`], with its data in a folder of one's own.
    pub fn start_in(
        folder: &Folder,
        user: User,
        data_dir: PathBuf,
        mail: &Mail,
        user_names: &[(Person, &str)],
    ) -> Result<Self> {
        let binary = folder.path().join("pastoral-collector");
        fs::copy(program("pastoral-collector")?, &binary)?;
        let (devices, console) = (free_port()?, free_port()?);
        let profile = school::write_profile(folder.path())?;
        let config = folder.path().join("collector.toml");
        fs::write(
            &config,
            format!(
                "data_dir = {data_dir:?}\nprofile = {profile:?}\n\
                 [devices]\nlisten = \"127.0.0.1:{devices}\"\nnames = [\"localhost\", \"127.0.0.1\"]\n\
                 [console]\nlisten = \"127.0.0.1:{console}\"\nurl = \"http://localhost:{console}\"\n\
                 [mail]\nfrom = \"pastoral@purleyoaks.test\"\n{}",
                mail.settings()
            ),
        )?;
        let nobody = || Invited::known("", "");
        let links = Links {
            headteacher: nobody(),
            technician: nobody(),
            chair: nobody(),
        };
        let log = folder.path().join("collector.log");
        let mut collector = Self {
            user,
            binary,
            config,
            data_dir,
            log,
            devices,
            console,
            environment: mail.environment(),
            process: None,
            links,
            sheets: Default::default(),
        };
        collector.init(&profile, mail)?;
        collector.import(&school::write_people(folder.path(), user_names)?)?;
        collector.serve()?;
        Ok(collector)
    }

    /// Where people find the console.
    #[must_use]
    pub fn console(&self) -> String {
        format!("http://localhost:{}", self.console)
    }

    /// Where devices connect.
    #[must_use]
    pub fn devices(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.devices).into()
    }

    /// Its data.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The user it runs as.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Its process.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the collector does not run")
    }

    /// All it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Starts serving (again), at the same ports, and waits until it does.
    pub fn serve(&mut self) -> Result<()> {
        let mut command = self.command(&["serve"]);
        self.process = Some(Process::start("the collector", &mut command, &self.log)?);
        self.wait_until_it_serves()
    }

    /// From its next start, it has this in its environment too.
    pub fn add_environment(&mut self, environment: Vec<(String, String)>) {
        self.environment.extend(environment);
    }

    /// Starts serving under `strace`, run by root, with these options.
    pub fn serve_traced(&mut self, options: &[&str]) -> Result<()> {
        let mut command = Command::new("strace");
        command
            .args(["-f", "-u", &self.user.name])
            .args(options)
            .arg(&self.binary)
            .arg("--config")
            .arg(&self.config)
            .arg("serve");
        self.process = Some(Process::start("the collector", &mut command, &self.log)?);
        self.wait_until_it_serves()
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

    /// A token for devices of a group, which need no approval by a person.
    pub fn token(&self, group: &str) -> Result<String> {
        let options = [
            "token",
            "create",
            "--group",
            group,
            "--uses",
            "1000",
            "--days",
            "7",
            "--approve-automatically",
        ];
        Ok(self.run(&options)?.trim().to_owned())
    }

    /// A token for one device of a group, which a person must approve.
    pub fn token_with_approval(&self, group: &str) -> Result<String> {
        Ok(self
            .run(&["token", "create", "--group", group])?
            .trim()
            .to_owned())
    }

    /// Runs one of its commands and gives what it wrote.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        output_of(&mut self.command(arguments))
    }

    /// One of its commands, to be run as its user.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.user.command(&self.binary);
        command
            .envs(self.environment.iter().cloned())
            .arg("--config")
            .arg(&self.config)
            .args(arguments);
        command
    }

    fn init(&mut self, profile: &Path, mail: &Mail) -> Result<()> {
        let profile = profile.to_string_lossy().into_owned();
        let (head, technician) = (school::HEADTEACHER.named(), school::TECHNICIAN.named());
        let chair = school::CHAIR.named();
        let people = [
            "--headteacher",
            &head,
            "--technician",
            &technician,
            "--chair",
            &chair,
        ];
        let answer = self.run(&[&["init", "--profile", &profile][..], &people, &["--json"]].concat())?;
        let answer: Value = serde_json::from_str(&answer).context("what `init --json` wrote")?;
        let invited = |who: &str, person: Person| -> Result<Invited> {
            let code = answer["codes"][who].as_str();
            let code = code.with_context(|| format!("`init` gave no code for the {who}: {answer}"))?;
            Ok(mail.invited(person.email, code))
        };
        self.sheets = ["headteacher", "chair"].map(|who| {
            let sheet = answer["recovery_sheets"][who].as_str();
            sheet.unwrap_or_default().to_owned()
        });
        self.links = Links {
            headteacher: invited("headteacher", school::HEADTEACHER)?,
            technician: invited("technician", school::TECHNICIAN)?,
            chair: invited("chair", school::CHAIR)?,
        };
        Ok(())
    }

    fn import(&self, people: &Path) -> Result<()> {
        self.run(&["people", "import", "--yes", &people.to_string_lossy()])
            .map(drop)
    }

    fn wait_until_it_serves(&mut self) -> Result<()> {
        let console = SocketAddr::from((Ipv4Addr::LOCALHOST, self.console));
        let devices = self.devices();
        let log = self.log.clone();
        let process = self.process()?;
        let up = || TcpStream::connect(console).is_ok() && TcpStream::connect(devices).is_ok();
        poll::until_so("the collector to serve", || !process.runs() || up())?;
        if !process.runs() {
            anyhow::bail!(
                "the collector does not serve; its log ends:\n{}",
                fs::read_to_string(log)?
            );
        }
        Ok(())
    }
}

/// A port that nobody listens on, from below those that connections take for themselves.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs that run at the same time have numbers close to each other, and must not try the same ports.
    let begin = u16::try_from(u64::from(std::process::id()) * 97 % 10_000).unwrap_or_default();
    let candidates = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed)).take(10_000);
    candidates
        .map(|number| 20_000 + (begin + number) % 10_000)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .context("no port is free")
}
