//! The real service as a process, on folders of its own, and a session helper that a test speaks for.

use crate::collector::Collector;
use pastoral_proto::LocalFrames;
use pastoral_proto::local::from_helper::Message;
use pastoral_proto::local::{FromHelper, HelperHello, TextSeen};
use pastoral_support::poll::{until_async, until_so};
use pastoral_support::process::{Process, begin};
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_pastoral-agent");

pub(crate) struct Device {
    pub(crate) folder: TempDir,
    pub(crate) proxy: Option<String>,
    running: Option<Process>,
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
        let log = self.folder.path().join("log");
        let process = Process::start("the service", &mut self.command(&["run"]), &log);
        self.running = Some(process.unwrap());
        let socket = self.folder.path().join("run/control.sock");
        let started = until_so("the service to start", || UnixStream::connect(&socket).is_ok());
        started.unwrap_or_else(|error| panic!("{error}: {}", self.log()));
    }

    pub(crate) fn kill(&mut self) {
        self.running.take().unwrap().kill().unwrap();
    }

    /// As systemd does.
    pub(crate) fn stop(&mut self) {
        let ended = self.running.take().unwrap().stop().unwrap();
        assert!(ended.success(), "{}", self.log());
    }

    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let child = begin(&mut self.command(arguments), input).unwrap();
        child.wait_with_output().unwrap()
    }

    /// As `run`, for what the test's own tasks have to answer, and for what might never end.
    pub(crate) async fn run_to_its_end(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = begin(&mut self.command(arguments), input).unwrap();
        if let Err(error) = until_async("its end", async || child.try_wait().unwrap()).await {
            child.kill().unwrap();
            panic!("{error}: {:?}", child.wait_with_output());
        }
        child.wait_with_output().unwrap()
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
        let status = until_async(what, async || Some(self.status()).filter(&right)).await;
        status.unwrap_or_else(|error| panic!("{error}: {:#}\n{}", self.status(), self.log()))
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
            let _it_may_have_ended = running.kill();
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
