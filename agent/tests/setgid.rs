//! The helper as it is installed, setgid to the service's group: what the user whose session it is can do to it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests, and what they use")]

mod common;

use common::{Compositor, Desk, Running, Service, can, copy_program, helper_at, installed, settings};
use pastoral_agent::helpers::HelperSettings;
use pastoral_agent::platform;
use pastoral_support::poll::comes_true;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A pupil, and the service's group; neither has to have a name here.
const PUPIL: u32 = 4101;
const GROUP: u32 = 4199;

/// Installs the helper into a folder; setgid or, for comparison, not.
fn install(folder: &Path, name: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    copy_program(Path::new(env!("CARGO_BIN_EXE_pastoral-session")), &path);
    std::os::unix::fs::chown(&path, None, Some(GROUP)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn as_pupil(command: &mut Command) -> &mut Command {
    command.uid(PUPIL).gid(PUPIL)
}

fn settings_of_the_service() -> HelperSettings {
    HelperSettings {
        group: GROUP,
        ..settings()
    }
}

/// Whether a setgid program works here at all.
fn setgid_works() -> bool {
    if !can("root", platform::is_root()) {
        return false;
    }
    let flags = nix::sys::statvfs::statvfs(&std::env::temp_dir()).unwrap().flags();
    can(
        "a temporary folder without nosuid",
        !flags.contains(nix::sys::statvfs::FsFlags::ST_NOSUID),
    )
}

async fn watches(service: &Service) {
    service
        .until("the helper is let in", |board| !board.helpers().is_empty())
        .await;
}

#[tokio::test]
async fn the_installed_helper_is_let_in_and_counts_for_its_user() {
    if !setgid_works() {
        return;
    }
    let Some(desk) = Desk::start() else { return };
    let service = Service::start_open(settings_of_the_service(), 0o660);
    let program = install(service.folder.path(), "pastoral-session", 0o2755);
    let mut helper = helper_at(&program);
    as_pupil(&mut helper)
        .env("DISPLAY", &desk.display)
        .arg("--socket")
        .arg(&service.socket);
    let _helper = Running::start(&mut helper);
    service
        .until("its canary is seen", |board| {
            board.helpers().iter().any(|helper| helper.canary_seen)
        })
        .await;
    assert_eq!(service.board.helpers()[0].stable_id, PUPIL.to_string());
}

#[tokio::test]
async fn a_helper_that_ends_with_its_session_is_no_fault() {
    if !setgid_works() {
        return;
    }
    let compositor = Compositor::start();
    let mut service = Service::start_open(settings_of_the_service(), 0o660);
    let program = install(service.folder.path(), "pastoral-session", 0o2755);
    // Somebody of whom nothing else runs here.
    let mut helper = helper_at(&program);
    helper.uid(PUPIL + 1).gid(PUPIL + 1);
    let helper = Running::start(compositor.host(&mut helper).arg("--socket").arg(&service.socket));
    watches(&service).await;
    drop(helper);
    service
        .until("nothing is left of it", |board| board.helpers().is_empty())
        .await;
    assert!(service.events.try_recv().is_err());
}

#[tokio::test]
async fn a_program_of_the_user_cannot_open_the_socket_and_would_be_refused_if_it_could() {
    if !setgid_works() {
        return;
    }
    let compositor = Compositor::start();
    let service = Service::start_open(settings_of_the_service(), 0o660);
    let program = install(service.folder.path(), "plain", 0o755);
    let mut helper = helper_at(&program);
    as_pupil(&mut helper)
        .arg("--socket")
        .arg(&service.socket)
        .stderr(Stdio::piped());
    let mut outside = Running::start(compositor.host(&mut helper));
    let line = outside.says().await;
    assert!(line.contains("has to be installed setgid"), "{line}");
    assert_eq!(service.board.counters().refused_strangers, 0);
    drop(outside);

    let open = Service::start_open(settings_of_the_service(), 0o666);
    let program = install(open.folder.path(), "plain", 0o755);
    let mut helper = helper_at(&program);
    let _outside = Running::start(
        as_pupil(compositor.host(&mut helper))
            .arg("--socket")
            .arg(&open.socket),
    );
    open.until("it is refused", |board| board.counters().refused_strangers > 0)
        .await;
    assert_eq!(open.board.helpers(), []);
}

#[tokio::test]
async fn the_user_cannot_trace_the_helper_or_read_its_memory() {
    if !setgid_works() || !can("strace", installed("strace")) {
        return;
    }
    let compositor = Compositor::start();
    let service = Service::start_open(settings_of_the_service(), 0o660);
    let program = install(service.folder.path(), "pastoral-session", 0o2755);
    let mut helper = helper_at(&program);
    let helper = Running::start(
        as_pupil(compositor.host(&mut helper))
            .arg("--socket")
            .arg(&service.socket),
    );
    watches(&service).await;
    let pid = helper.pid().to_string();
    let mut strace = Command::new("strace");
    let traced = as_pupil(strace.args(["-p", &pid])).output().unwrap();
    assert!(!traced.status.success());
    let said = String::from_utf8_lossy(&traced.stderr).into_owned();
    assert!(said.contains("Operation not permitted"), "{said}");
    for file in ["mem", "maps", "environ", "fd"] {
        let mut read = Command::new("ls");
        if file != "fd" {
            read = Command::new("head");
            read.args(["-c", "1"]);
        }
        let output = as_pupil(read.arg(format!("/proc/{pid}/{file}")))
            .output()
            .unwrap();
        assert!(!output.status.success(), "{file} can be read");
    }
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().filter(|word| *word == "0").count(),
        2,
        "{core}"
    );
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(status.contains("NoNewPrivs:\t1"));

    // Nor can it be started traced and keep its group: the kernel drops the group, and the service refuses it.
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-o", "/dev/null"])
        .arg(&program)
        .arg("--socket")
        .arg(&service.socket);
    let mut strace = Running::start(as_pupil(compositor.host(&mut strace)).stderr(Stdio::piped()));
    let line = strace.says().await;
    assert!(line.contains("has to be installed setgid"), "{line}");
    assert_eq!(service.board.helpers().len(), 1);
}

#[tokio::test]
async fn the_user_cannot_preload_a_library_into_the_helper() {
    if !setgid_works() || !can("cc", installed("cc")) {
        return;
    }
    let compositor = Compositor::start();
    let service = Service::start_open(settings_of_the_service(), 0o660);
    let folder = service.folder.path();
    let traces = folder.join("traces");
    fs::create_dir(&traces).unwrap();
    fs::set_permissions(&traces, fs::Permissions::from_mode(0o777)).unwrap();
    let source = folder.join("preloaded.c");
    let library = folder.join("preloaded.so");
    fs::write(
        &source,
        "#include <fcntl.h>\n#include <stdlib.h>\n\
         __attribute__((constructor)) static void here(void) { open(getenv(\"TRACE\"), O_CREAT | O_WRONLY, 0600); }\n",
    )
    .unwrap();
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .status()
        .unwrap();
    assert!(built.success());
    let start = |program: &Path, trace: &Path| {
        let mut helper = helper_at(program);
        as_pupil(compositor.host(&mut helper))
            .arg("--socket")
            .arg(&service.socket);
        helper
            .env("LD_PRELOAD", &library)
            .env("TRACE", trace)
            .stderr(Stdio::null());
        Running::start(&mut helper)
    };
    let control = traces.join("plain");
    let _plain = start(&install(folder, "plain", 0o755), &control);
    comes_true("the library is in a plain copy", async || control.exists()).await;

    let inside = traces.join("installed");
    let _installed = start(&install(folder, "pastoral-session", 0o2755), &inside);
    watches(&service).await;
    assert!(!inside.exists());
}

#[tokio::test]
async fn the_helper_opens_no_file_with_its_group_that_the_user_names() {
    if !setgid_works() || !can("strace", installed("strace")) {
        return;
    }
    let Some(desk) = Desk::start() else { return };
    let service = Service::start_open(settings_of_the_service(), 0o660);
    let program = install(service.folder.path(), "pastoral-session", 0o2755);
    let secret = service.folder.path().join("secret");
    fs::write(&secret, "of the service").unwrap();
    std::os::unix::fs::chown(&secret, None, Some(GROUP)).unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let trace = service.folder.path().join("trace");
    // Root traces, so that the group stays.
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-u", "nobody", "-e", "trace=openat,open", "-o"])
        .arg(&trace)
        .arg(&program);
    strace
        .arg("--socket")
        .arg(&service.socket)
        .env("DISPLAY", &desk.display)
        .env("XAUTHORITY", &secret);
    let _strace = Running::start(strace.stderr(Stdio::null()));
    watches(&service).await;
    let opened = fs::read_to_string(&trace).unwrap();
    let attempts: Vec<&str> = opened.lines().filter(|line| line.contains("/secret")).collect();
    assert!(!attempts.is_empty(), "it looked at XAUTHORITY");
    assert!(
        attempts.iter().all(|line| line.contains("EACCES")),
        "{attempts:?}"
    );
}
