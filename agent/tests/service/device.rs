//! The real service as a process, on folders of its own, and a session helper that a test speaks for.

use crate::collector::Collector;
use pastoral_proto::LocalFrames;
use pastoral_proto::local::from_helper::Message;
use pastoral_proto::local::{FromHelper, HelperHello, TextSeen};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything here may take before it counts as not happening; far more than it needs.
pub(crate) const LONG: Duration = Duration::from_secs(60);
const BINARY: &str = env!("CARGO_BIN_EXE_pastoral-agent");

pub(crate) struct Device {
    pub(crate) folder: TempDir,
    pub(crate) proxy: Option<String>,
    running: Option<Child>,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            proxy: None,
            running: None,
        }
    }

    /// A device whose service runs and which has joined.
    pub(crate) async fn joined(collector: &Collector) -> Self {
        let mut device = Self::new();
        device.start();
        device.enrol(collector);
        device
            .until_status("connected", |status| {
                status["detail"]["connection"] == "connected"
            })
            .await;
        device
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .arg("--state-dir")
            .arg(self.state())
            .arg("--run-dir")
            .arg(self.folder.path().join("run"));
        command.args(arguments).env("PASTORAL_CONFIG", "/dev/null");
        if let Some(proxy) = &self.proxy {
            command.arg("--proxy").arg(proxy);
        }
        command
    }

    pub(crate) fn start(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        self.running = Some(self.command(&["run"]).stderr(log).spawn().unwrap());
        let until = Instant::now() + LONG;
        while UnixStream::connect(self.folder.path().join("run/control.sock")).is_err() {
            assert!(
                Instant::now() < until,
                "the service does not start: {}",
                self.log()
            );
            std::thread::yield_now();
        }
    }

    pub(crate) fn kill(&mut self) {
        let mut running = self.running.take().unwrap();
        running.kill().unwrap();
        running.wait().unwrap();
    }

    /// As systemd does.
    pub(crate) fn stop(&mut self) {
        let mut running = self.running.take().unwrap();
        let pid = nix::unistd::Pid::from_raw(running.id().try_into().unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(running.wait().unwrap().success(), "{}", self.log());
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        self.begin(arguments, input).wait_with_output().unwrap()
    }

    /// As `run`, for what the test's own tasks have to answer, and for what might never end.
    pub(crate) async fn run_to_its_end(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = self.begin(arguments, input);
        let until = Instant::now() + LONG;
        while child.try_wait().unwrap().is_none() {
            if Instant::now() >= until {
                child.kill().unwrap();
                panic!("it never ends: {:?}", child.wait_with_output());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        child.wait_with_output().unwrap()
    }

    fn begin(&self, arguments: &[&str], input: &str) -> Child {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child
    }

    pub(crate) fn enrol(&self, collector: &Collector) {
        let arguments = ["enrol", "--collector", &collector.address(), "--token-file", "-"];
        let output = self.run(&arguments, &collector.token());
        assert!(output.status.success(), "{output:?}");
    }

    pub(crate) fn status(&self) -> serde_json::Value {
        let output = self.run(&["status", "--json"], "");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Waits until `status` is as it should be.
    pub(crate) async fn until_status(
        &self,
        what: &str,
        right: impl Fn(&serde_json::Value) -> bool,
    ) -> serde_json::Value {
        let until = Instant::now() + LONG;
        loop {
            let status = self.status();
            if right(&status) {
                return status;
            }
            assert!(Instant::now() < until, "never {what}: {status:#}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A session helper; only where the policy lets this process's own user be watched.
    pub(crate) fn helper(&self) -> Helper {
        let stream = UnixStream::connect(self.folder.path().join("run/session.sock")).unwrap();
        let mut helper = Helper(stream);
        let (version, titles_by) = ("1".into(), "test".into());
        helper.say(Message::Hello(HelperHello {
            version,
            titles_by,
            not_watched: Vec::new(),
        }));
        helper
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.kill();
            let _ = running.wait();
        }
    }
}

pub(crate) struct Helper(UnixStream);

impl Helper {
    pub(crate) fn title(&mut self, title: &str) {
        self.say(Message::Text(TextSeen {
            text: title.as_bytes().to_vec(),
            program: "chromium".into(),
            source: String::new(),
        }));
    }

    fn say(&mut self, message: Message) {
        let bytes = LocalFrames::encode(&FromHelper {
            message: Some(message),
        })
        .unwrap();
        self.0.write_all(&bytes).unwrap();
    }
}

/// Waits until something has happened.
pub(crate) async fn until(what: &str, happened: impl Fn() -> bool) {
    let until = Instant::now() + LONG;
    while !happened() {
        assert!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
