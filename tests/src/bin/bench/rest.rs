//! What the agent takes when nothing happens: memory of its own (PSS) and processor time.

use crate::process_time::{pss, seconds};
use crate::table::figure;
use anyhow::Result;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::poll;
use pastoral_tests::process::Folder;
use pastoral_tests::users::User;
use pastoral_tests::window::Window;
use std::time::{Duration, Instant};

const FLAGS: usize = 100_000;

pub(crate) fn measure() -> Result<()> {
    let folder = Folder::new("bench")?;
    let pupil = User::ordinary("pupil", &folder)?;
    let desktop = Desktop::start(&pupil, &folder)?;
    let mut laptop = Laptop::install(&folder)?;
    laptop.start()?;
    let helper = laptop.helper(&desktop, &pupil)?;
    let (service_time, helper_time) = (seconds(laptop.process()?.id())?, seconds(helper.id())?);
    let minute = Instant::now();
    poll::within(Duration::from_secs(90), "a minute to pass", || {
        (minute.elapsed().as_secs() >= 60).then_some(())
    })?;
    let service_time = seconds(laptop.process()?.id())? - service_time;
    let helper_time = seconds(helper.id())? - helper_time;
    figure(
        "service at rest, memory",
        &mebibytes(pss(laptop.process()?.id())?),
    );
    figure("helper at rest, memory", &mebibytes(pss(helper.id())?));
    figure(
        "both, processor time in a minute at rest",
        &format!("{:.2} s", service_time + helper_time),
    );
    let mut window = Window::open(&desktop, &pupil, &folder)?;
    for number in 0..FLAGS {
        window.search(&format!("i want to die {number}"))?;
    }
    let records = |laptop: &Laptop| laptop.status().ok()?["detail"]["spool_records"].as_u64();
    let mut last = None;
    poll::within(Duration::from_secs(300), "the flags to be kept", || {
        let now = records(&laptop);
        let steady = now.is_some() && now == last;
        last = now;
        steady.then_some(())
    })?;
    figure(
        "flags then raised, and kept on the device",
        &format!("{FLAGS} / {}", last.unwrap_or_default()),
    );
    figure(
        "service after them, memory",
        &mebibytes(pss(laptop.process()?.id())?),
    );
    figure("helper after them, memory", &mebibytes(pss(helper.id())?));
    Ok(())
}

fn mebibytes(kibibytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let value = kibibytes as f64 / 1024.0;
    format!("{value:.1} MiB")
}
