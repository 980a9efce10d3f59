//! What the agent takes when nothing happens, and after floods: memory of its own (PSS) and processor time.

use crate::process_time::{pss, seconds};
use crate::table::figure;
use anyhow::Result;
use pastoral_support::poll;
use pastoral_support::process::Process;
use pastoral_tests::desktop::Desktop;
use pastoral_tests::laptop::Laptop;
use pastoral_tests::site::{SERIOUS, SEVERE, Site};
use pastoral_tests::speaker::Speaker;
use std::time::{Duration, Instant};

const TITLES: usize = 100_000;
/// Of one account and sort 200 flags are kept in full, and the rest is counted; a laptop may tell of 200 accounts a day.
const ACCOUNTS: usize = 50;
const FIRST_UID: u32 = 52_000;

pub(crate) fn measure() -> Result<()> {
    let mut site = Site::start("bench")?;
    let desktop = Desktop::start(&site.pupil, &site.folder)?;
    let helper = site.laptop.helper(&desktop, &site.pupil)?;
    at_rest(&mut site.laptop, &helper)?;
    search(&site, SEVERE)?;
    let last = until_settled(&site.laptop)?;
    figure(
        "titles that match, by many accounts, and records still on the device",
        &format!("{TITLES} / {last}"),
    );
    let store = site.store()?;
    figure(
        "of them kept in full, and counted",
        &format!(
            "{} / {}",
            store.flags()?,
            store.number("SELECT coalesce(sum(further), 0) FROM flag")?
        ),
    );
    figure(
        "service after them, memory",
        &mebibytes(pss(site.laptop.process()?.id())?),
    );
    figure("helper after them, memory", &mebibytes(pss(helper.id())?));
    site.collector.kill();
    search(&site, SERIOUS)?;
    let kept = until_settled(&site.laptop)?;
    figure(
        "the collector away: as many again, kept on the device",
        &format!("{TITLES} / {kept}"),
    );
    figure(
        "service while it keeps them, memory",
        &mebibytes(pss(site.laptop.process()?.id())?),
    );
    Ok(())
}

fn at_rest(laptop: &mut Laptop, helper: &Process) -> Result<()> {
    let service = laptop.process()?.id();
    let before = seconds(service)? + seconds(helper.id())?;
    let minute = Instant::now();
    poll::within(Duration::from_secs(90), "a minute to pass", || {
        (minute.elapsed().as_secs() >= 60).then_some(())
    })?;
    let after = seconds(service)? + seconds(helper.id())?;
    figure("service at rest, memory", &mebibytes(pss(service)?));
    figure("helper at rest, memory", &mebibytes(pss(helper.id())?));
    figure(
        "both, processor time in a minute at rest",
        &format!("{:.2} s", after - before),
    );
    Ok(())
}

/// Searches by one account after the other, none like another.
fn search(site: &Site, text: &str) -> Result<()> {
    for (uid, account) in (FIRST_UID..).zip(0..ACCOUNTS) {
        let mut speaker = Speaker::of_uid(&site.laptop, uid, &site.folder)?;
        for number in 0..TITLES / ACCOUNTS {
            speaker.search(&format!("{text} {account} {number}"))?;
        }
    }
    Ok(())
}

/// Waits until the number of records on the device has not changed for ten seconds, and gives it: by then the service has
/// given back what it needed only for the burst.
fn until_settled(laptop: &Laptop) -> Result<u64> {
    let (mut last, mut since) = (None, Instant::now());
    poll::within(
        Duration::from_secs(600),
        "the flags to be kept and delivered",
        || {
            let now = laptop.status().ok()?["detail"]["spool_records"].as_u64();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            last.filter(|_| since.elapsed() >= Duration::from_secs(10))
        },
    )
}

fn mebibytes(kibibytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let value = kibibytes as f64 / 1024.0;
    format!("{value:.1} MiB")
}
