//! A kill cannot show a sync that is missing; a trace of the system calls can: what is passed on or acknowledged was
//! synced before. The reader of traces is itself tried on one in the wrong order (`pastoral_tests::trace`).

#![allow(clippy::unwrap_used, reason = "only used by tests")]

use pastoral_tests::site::{SEVERE, Site};
use pastoral_tests::speaker::Speaker;
use pastoral_tests::trace::{Call, Meaning, parse, syncs_before_sends};
use std::fs;

/// Flags sent one after the other, each once the one before was answered.
const FLAGS: usize = 5;
/// Bytes of a TLS record that holds a flag; what keeps a connection alive is far smaller.
const FLAG_BYTES: i64 = 250;
/// Bytes of a TLS record that holds an answer; window updates and pings stay below.
const ANSWER_BYTES: i64 = 58;

const TRACED: &str =
    "trace=fsync,fdatasync,msync,pwrite64,pwritev,write,writev,sendto,sendmsg,read,recvfrom,recvmsg";

fn is_sync(call: &Call) -> bool {
    matches!(call.name.as_str(), "fsync" | "fdatasync")
}

fn is_write(call: &Call) -> bool {
    matches!(call.name.as_str(), "pwrite64" | "pwritev" | "write" | "writev")
}

fn is_receive(call: &Call) -> bool {
    matches!(call.name.as_str(), "read" | "recvfrom" | "recvmsg")
}

fn is_send(call: &Call) -> bool {
    matches!(call.name.as_str(), "sendto" | "sendmsg" | "write" | "writev")
}

fn on_tcp(call: &Call, port: u16) -> bool {
    let file = call.arguments.split('>').take(2).collect::<String>();
    file.contains("<TCP") && file.contains(&format!(":{port}"))
}

/// Sends flags, each after the one before was answered.
fn send_flags(site: &Site, speaker: &mut Speaker, count: usize) {
    for _ in 0..count {
        let before = site.laptop.flags_on_disk().len();
        speaker.search(&format!("{SEVERE} {before}")).unwrap();
        let on_disk = || site.laptop.flags_on_disk().len() > before;
        pastoral_support::poll::until_so("the flag on disk", on_disk).unwrap();
        site.laptop.until_delivered().unwrap();
    }
}

#[test]
fn the_device_syncs_a_flag_before_it_sends_it() {
    let mut site = Site::start("sync").unwrap();
    let trace = site.folder.path().join("trace");
    site.laptop.stop().unwrap();
    let options = ["-yy", "-s", "256", "-e", TRACED, "-o", &trace.to_string_lossy()];
    site.laptop.start_traced(&options).unwrap();
    site.until_connected().unwrap();
    send_flags(&site, &mut site.speaker().unwrap(), FLAGS);
    let port = site.collector.devices.port();
    // A tracer does not heed being asked to end.
    site.laptop.kill().unwrap();
    let calls = parse(&fs::read_to_string(&trace).unwrap());
    let meaning = Meaning {
        arrives: &|call| is_receive(call) && call.arguments.contains(SEVERE),
        writes: &|call| is_write(call) && call.arguments.contains("/spool/db>"),
        syncs: &|call| is_sync(call) && call.arguments.contains("/spool/db>"),
        sends: &|call| is_send(call) && on_tcp(call, port) && call.result >= Some(FLAG_BYTES),
    };
    assert_eq!(syncs_before_sends(&calls, &meaning), Ok(FLAGS));
    let never = Meaning {
        syncs: &|_| false,
        ..meaning
    };
    assert!(syncs_before_sends(&calls, &never).is_err());
}

#[test]
fn the_collector_syncs_a_flag_before_it_answers_it() {
    let mut site = Site::start("sync").unwrap();
    let trace = site.folder.path().join("trace");
    site.collector.stop();
    let options = ["-yy", "-s", "16", "-e", TRACED, "-o", &trace.to_string_lossy()];
    site.collector.serve_traced(&options);
    site.until_connected().unwrap();
    let mut speaker = site.speaker().unwrap();
    send_flags(&site, &mut speaker, 1);
    // Until here there were handshakes, greetings, and a question whose account this is.
    let skipped = fs::read_to_string(&trace).unwrap().lines().count();
    send_flags(&site, &mut speaker, FLAGS);
    let port = site.collector.devices.port();
    site.collector.kill();
    let mut calls = parse(&fs::read_to_string(&trace).unwrap());
    calls.retain(|call| call.began >= skipped);
    let meaning = Meaning {
        arrives: &|call| is_receive(call) && on_tcp(call, port) && call.result >= Some(FLAG_BYTES),
        writes: &|call| is_write(call) && call.arguments.contains("collector.db-wal>"),
        syncs: &|call| is_sync(call) && call.arguments.contains("collector.db-wal>"),
        sends: &|call| is_send(call) && on_tcp(call, port) && call.result >= Some(ANSWER_BYTES),
    };
    let proven = syncs_before_sends(&calls, &meaning);
    assert!(matches!(proven, Ok(count) if count >= FLAGS), "{proven:?}");
    let never = Meaning {
        syncs: &|_| false,
        ..meaning
    };
    assert!(syncs_before_sends(&calls, &never).is_err());
}
