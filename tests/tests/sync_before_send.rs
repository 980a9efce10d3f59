//! A kill cannot show a sync that is missing; a trace of the system calls can: what is acknowledged was synced before.

use pastoral_tests::laptop::Laptop;
use pastoral_tests::process::Folder;
use pastoral_tests::speaker::Speaker;
use pastoral_tests::users::User;

#[test]
fn a_flag_is_synced_when_the_service_says_that_it_is_on_disk() {
    let folder = Folder::new("sync").unwrap();
    let mut laptop = Laptop::install(&folder).unwrap();
    let trace = folder.path().join("trace");
    laptop.log_flags();
    laptop
        .start_traced(&[
            "-y",
            "-e",
            "trace=fsync,fdatasync,write",
            "-o",
            &trace.to_string_lossy(),
        ])
        .unwrap();
    let pupil = User::ordinary("pupil", &folder).unwrap();
    let mut speaker = Speaker::start(&laptop, &pupil, &folder).unwrap();
    speaker.search("i want to die").unwrap();
    pastoral_tests::poll::until_so("the flag on disk", || !laptop.flags_on_disk().is_empty()).unwrap();
    let trace = std::fs::read_to_string(trace).unwrap();
    let said = trace.find("a flag is on disk").unwrap();
    assert!(trace[..said].contains("/spool/db>) = 0"));
}
