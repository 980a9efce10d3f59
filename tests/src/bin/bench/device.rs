//! From a title's change, by the clock of the program that changes it, to the flag being on disk, by the service's log.

use crate::table::Times;
use anyhow::Result;
use pastoral_support::poll;
use pastoral_support::process::Folder;
use pastoral_support::users::User;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::window::Window;

const TITLES: usize = 1000;
/// `strace` itself slows every call it looks at; it is told to look at no others.
const SLOW_DISK: &[&str] = &[
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    "trace=fsync,fdatasync",
    "-e",
    "inject=fsync,fdatasync:delay_exit=20000",
];

pub(crate) fn measure() -> Result<()> {
    one_by_one(None)?.print("title change → flag on disk");
    one_by_one(Some(SLOW_DISK))?.print("the same, 20 ms added to every fsync");
    Ok(())
}

fn one_by_one(trace: Option<&[&str]>) -> Result<Times> {
    let folder = Folder::new("bench")?;
    let pupil = User::ordinary("pupil", &folder)?;
    let desktop = Desktop::start(&pupil, &folder)?;
    let mut laptop = Laptop::install(&folder)?;
    laptop.log_flags();
    match trace {
        None => laptop.start()?,
        Some(options) => laptop.start_traced(options)?,
    }
    let _helper = laptop.helper(&desktop, &pupil)?;
    let mut window = Window::open(&desktop, &pupil, &folder)?;
    let mut set = Vec::new();
    for number in 0..TITLES {
        set.push(window.search(&format!("i want to die {number}"))?);
        let kept = set.len();
        poll::until_so("the flag to be on disk", || laptop.flags_on_disk().len() >= kept)?;
    }
    let mut times = Times::new()?;
    for (began, (_, on_disk)) in set.iter().zip(laptop.flags_on_disk()) {
        times.add(on_disk - began);
    }
    Ok(times)
}
