//! The helper's program in a real X session: what it hears, and what becomes of it when something goes wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests, and what they use")]

mod common;

use common::windows::Program;
use common::{Compositor, Desk, Running, Service, can, helper, installed, settings};
use nix::sys::signal::Signal;
use pastoral_agent::helpers::{HelperFault, HelperView};
use pastoral_support::poll::comes_true;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use x11rb::protocol::xproto::{AtomEnum, PropMode};
use x11rb::wrapper::ConnectionExt as _;

fn watch(desk: &Desk, socket: &Path) -> Running {
    Running::start(helper().env("DISPLAY", &desk.display).arg("--socket").arg(socket))
}

fn own_name() -> String {
    let name = std::fs::read_to_string("/proc/self/comm").unwrap();
    name.trim().to_owned()
}

/// Waits until this helper hears titles: its canary was seen, and there is a window manager.
async fn is_watching(service: &Service) {
    let watching = |helper: &HelperView| {
        helper.titles_by == "x11" && helper.not_watched.is_empty() && helper.canary_seen
    };
    service
        .until("the helper watches", |board| board.helpers().iter().any(watching))
        .await;
}

#[tokio::test]
async fn titles_are_heard_as_they_change_and_as_windows_take_turns() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let program = Program::on(&desk);

    let essay = program.open(|window| program.name(window, "Essay"));
    let seen = service.observe("Essay").await;
    assert_eq!(seen.program, own_name());

    program.name(essay, "Essay, changed — with ünïcode");
    service.observe("Essay, changed — with ünïcode").await;

    let old = program.open(|window| program.name_in_the_old_way(window, b"caf\xe9 menu"));
    service.observe("café menu").await;

    program.activate(essay);
    service.observe("Essay, changed — with ünïcode").await;
    program.activate(old);
    service.observe("café menu").await;
    program.close(old);
    service.observe("Essay, changed — with ünïcode").await;
    program.close(essay);

    // Not a window's first: the same program, after its windows were gone.
    program.open(|window| program.name(window, "Another essay"));
    service.observe("Another essay").await;
}

#[tokio::test]
async fn a_window_that_names_another_process_or_class_is_still_its_own_programs() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let program = Program::on(&desk);
    let other = Running::start(Command::new("sleep").arg("600"));
    program.open(|window| {
        program.name(window, "rivers of wales - Google Search - Chromium");
        program.belongs_to(window, other.0.id());
        let class = AtomEnum::WM_CLASS.into();
        program.set(window, class, AtomEnum::STRING.into(), b"menu\0Menu\0");
    });
    assert_eq!(service.observation().await.program, own_name());
}

#[tokio::test]
async fn the_title_of_a_window_that_is_not_active_is_not_looked_at() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let program = Program::on(&desk);
    let behind = program.open(|window| program.name(window, "Behind"));
    service.observe("Behind").await;
    let front = program.open(|window| program.name(window, "In front"));
    service.observe("In front").await;
    program.name(behind, "Behind, changed");
    program.name(front, "In front, changed");
    assert_eq!(service.observation().await.text, "In front, changed");
}

#[tokio::test]
async fn a_window_with_the_number_of_one_that_is_gone_is_heard() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let mut numbers = std::collections::HashSet::new();
    let mut again = false;
    for n in 0..8 {
        // A program that ends gives its numbers to the next one.
        let program = Program::on(&desk);
        let window = program.open(|window| program.name(window, "opened"));
        again |= !numbers.insert(window);
        let named = format!("named {n}");
        program.name(window, &named);
        service.observe(&named).await;
    }
    assert!(again, "the X server gives numbers again");
}

#[tokio::test]
async fn a_long_title_is_cut_and_a_flood_of_changes_ends_with_the_last() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let program = Program::on(&desk);
    let window = program.open(|window| program.name(window, &"é".repeat(20_000)));
    assert_eq!(service.observation().await.text, "é".repeat(2048));
    let (name, utf8) = (program.atom("_NET_WM_NAME"), program.atom("UTF8_STRING"));
    for n in 0..20_000 {
        let title = format!("change {n}");
        program
            .connection
            .change_property8(PropMode::REPLACE, window, name, utf8, title.as_bytes())
            .unwrap();
    }
    program.name(window, "the last");
    service.observe("the last").await;
    assert_eq!(service.board.counters().titles_not_utf8, 0);
}

#[tokio::test]
async fn a_terminals_title_is_heard_with_its_program() {
    let tools = ["xterm", "xdotool"].iter().all(|tool| installed(tool));
    if !can("xterm and xdotool", tools) {
        return;
    }
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let mut xterm = Command::new("xterm");
    xterm
        .args(["-T", "rivers of wales", "-e", "cat"])
        .env("DISPLAY", &desk.display);
    let _xterm = Running::start(
        xterm
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    assert_eq!(service.observe("rivers of wales").await.program, "xterm");
    let mut rename = Command::new("xdotool");
    rename
        .args(["getactivewindow", "set_window", "--name", "hills of wales"])
        .env("DISPLAY", &desk.display);
    assert!(rename.status().unwrap().success());
    service.observe("hills of wales").await;
}

#[tokio::test]
async fn without_a_window_manager_the_helper_says_what_it_cannot_watch_until_there_is_one() {
    let Some(mut desk) = Desk::start_bare() else {
        return;
    };
    let service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    service
        .until("it says so", |board| {
            board.helpers().iter().any(|helper| {
                helper
                    .not_watched
                    .iter()
                    .any(|why| why.contains("window manager"))
            })
        })
        .await;
    if !can("openbox", installed("openbox")) {
        return;
    }
    desk.manage();
    is_watching(&service).await;
}

#[tokio::test]
async fn on_wayland_the_helper_says_that_it_hears_no_titles_and_ends_with_the_desktop() {
    let service = Service::start(settings());
    let compositor = Compositor::start();
    let mut helper = helper();
    let mut helper = Running::start(compositor.host(&mut helper).arg("--socket").arg(&service.socket));
    let says_so = |helper: &HelperView| {
        helper.alive && helper.titles_by.is_empty() && helper.not_watched[0].contains("Wayland")
    };
    service
        .until("it says so", |board| board.helpers().iter().any(says_so))
        .await;
    drop(compositor);
    comes_true("the helper has ended", async || {
        helper.0.try_wait().unwrap().is_some()
    })
    .await;
}

#[tokio::test]
async fn on_wayland_with_an_x_server_the_helper_says_that_it_hears_half_of_the_windows() {
    let Some(desk) = Desk::start() else { return };
    let service = Service::start(settings());
    let compositor = Compositor::start();
    let mut helper = helper();
    compositor
        .host(&mut helper)
        .env("DISPLAY", &desk.display)
        .arg("--socket")
        .arg(&service.socket);
    let _helper = Running::start(&mut helper);
    let says_so = |helper: &HelperView| {
        helper.titles_by == "x11" && helper.not_watched.iter().any(|why| why.contains("Wayland"))
    };
    service
        .until("it says so", |board| board.helpers().iter().any(says_so))
        .await;
}

#[tokio::test]
async fn outside_a_desktop_the_helper_says_where_it_belongs() {
    let output = helper().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("start pastoral-session from within one")
    );
}

#[tokio::test]
async fn when_the_desktop_ends_the_helper_ends_and_says_why() {
    let Some(desk) = Desk::start() else { return };
    let service = Service::start(settings());
    let mut helper = helper();
    helper
        .env("DISPLAY", &desk.display)
        .arg("--socket")
        .arg(&service.socket)
        .stderr(Stdio::piped());
    let mut helper = Running::start(&mut helper);
    is_watching(&service).await;
    drop(desk);
    comes_true("the helper has ended", async || {
        helper.0.try_wait().unwrap().is_some()
    })
    .await;
    assert!(!helper.0.wait().unwrap().success());
    let mut said = String::new();
    helper.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("the desktop is gone"), "{said}");
}

#[tokio::test]
async fn a_display_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let output = helper()
        .env("DISPLAY", ":9999")
        .arg("--socket")
        .arg(folder.path().join("s"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("cannot reach the desktop at `:9999`"), "{said}");
}

#[tokio::test]
async fn titles_seen_while_the_service_is_away_are_handed_over_when_it_is_back() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let program = Program::on(&desk);
    let window = program.open(|window| program.name(window, "before"));
    service.observe("before").await;
    let socket = service.socket.clone();
    let folder = service.stop().await;
    program.name(window, "while it was away");
    let mut service = Service::start_again(folder, socket, settings());
    service.observe("while it was away").await;
}

#[tokio::test]
async fn a_killed_helper_is_told_and_its_desktop_is_shown_without_one() {
    let Some(desk) = Desk::start() else { return };
    let mut service = Service::start(settings());
    let helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    helper.signal(Signal::SIGKILL);
    let event = service.event().await;
    assert_eq!(
        (event.fault, event.fault.cause()),
        (HelperFault::Gone, "helper-gone")
    );
    assert_eq!(event.account.stable_id, nix::unistd::getuid().to_string());
    let shown = service.board.helpers();
    assert!(!shown[0].alive && !shown[0].not_watched.is_empty());

    // Another one takes its place, and what was told goes on until then.
    let _again = watch(&desk, &service.socket);
    assert_eq!(service.event().await.fault, HelperFault::Gone);
    is_watching(&service).await;
    assert_eq!(service.board.helpers().len(), 1);
}

#[tokio::test]
async fn a_desktop_in_which_no_helper_ever_ran_is_told() {
    let Some(desk) = Desk::start() else { return };
    let mut settings = settings();
    settings.patience.desktops = Duration::from_millis(100);
    let mut service = Service::start(settings);
    let own = nix::unistd::getuid().to_string();
    let event = loop {
        // On the machine of whoever runs this, others may have desktops.
        let event = service.event().await;
        if event.account.stable_id == own {
            break event;
        }
    };
    assert_eq!(
        (event.fault, event.fault.cause()),
        (HelperFault::Missing, "helper-missing")
    );
    let _helper = watch(&desk, &service.socket);
    service
        .until("it is there", |board| {
            board.helpers().iter().any(|helper| helper.alive)
        })
        .await;
    let missing = |helper: &HelperView| helper.stable_id == own && !helper.alive;
    assert!(!service.board.helpers().iter().any(missing));
}

#[tokio::test]
async fn a_frozen_helper_is_told_and_told_again_when_it_goes_on() {
    let Some(desk) = Desk::start() else { return };
    let mut settings = settings();
    settings.patience.silence = Duration::from_secs(7);
    let mut service = Service::start(settings);
    let helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    helper.signal(Signal::SIGSTOP);
    let event = service.event().await;
    assert_eq!(
        (event.fault, event.fault.cause()),
        (HelperFault::Frozen, "helper-frozen")
    );
    assert!(!service.board.helpers()[0].alive);
    helper.signal(Signal::SIGCONT);
    assert_eq!(service.event().await.fault, HelperFault::Frozen);
    service
        .until("it is alive", |board| board.helpers()[0].alive)
        .await;
}

#[tokio::test]
async fn a_frozen_desktop_is_noticed() {
    let Some(desk) = Desk::start() else { return };
    let service = Service::start(settings());
    let _helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    desk.server.signal(Signal::SIGSTOP);
    service
        .until("it does not answer", |board| !board.helpers()[0].desktop_answers)
        .await;
    assert!(!service.board.health()[0].alive);
    desk.server.signal(Signal::SIGCONT);
    service
        .until("it answers", |board| board.helpers()[0].desktop_answers)
        .await;
}

/// An hour's worth of nothing is not to be waited for; a few heartbeats show what is done at rest.
#[tokio::test]
async fn an_idle_helper_asks_the_desktop_nothing_but_its_heartbeat() {
    if !can(
        "strace and root",
        installed("strace") && pastoral_agent::platform::is_root(),
    ) {
        return;
    }
    let Some(desk) = Desk::start() else { return };
    let service = Service::start(settings());
    let helper = watch(&desk, &service.socket);
    is_watching(&service).await;
    let trace = service.folder.path().join("trace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-e", "trace=write,writev,sendto,sendmsg", "-o"])
        .arg(&trace);
    strace
        .arg("-p")
        .arg(helper.pid().to_string())
        .stderr(Stdio::null());
    let strace = Running::start(&mut strace);
    let sent = || std::fs::read_to_string(&trace).unwrap_or_default();
    // Each heartbeat is one message to the service and one request to the desktop.
    comes_true("three heartbeats", async || sent().lines().count() >= 6).await;
    drop(strace);
    let sent = sent();
    let to_desktop = sent
        .lines()
        .filter(|line| line.contains("sendmsg") || line.contains("writev"))
        .count();
    let to_service = sent.lines().count() - to_desktop;
    assert!(to_desktop <= to_service + 1, "{sent}");
}
