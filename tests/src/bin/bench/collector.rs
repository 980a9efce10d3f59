//! How many flags a second the collector takes from many devices, each sealed and synced before it is answered; and what
//! a connected device that is idle costs it.

use crate::process_time::{pss, seconds};
use crate::table::figure;
use anyhow::{Result, ensure};
use pastoral_keywords::Topic;
use pastoral_proto::device::device_message::Message as Up;
use pastoral_proto::device::{DeviceMessage, Envelopes, collector_message::Message as Down};
use pastoral_proto::{Record, encode_record};
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, Stream};
use pastoral_support::mail::Mail;
use pastoral_support::process::Folder;
use pastoral_support::records::flag_about;
use pastoral_tests::store::Store;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

const DEVICES: u32 = 200;
const IDLE_DEVICES: u32 = 500;
const PUPILS_EACH: u32 = 5;
/// Of one pupil and sort 500 flags a day are kept in full: so many sorts that none of the measured ones is only counted.
const TOPICS: [Topic; 4] = [Topic::SelfHarm, Topic::Bullying, Topic::Drugs, Topic::Extremism];
const TOGETHER: u64 = 64;
/// Flags of one device on their way at once.
const WINDOW: usize = 512;
const TIME: Duration = Duration::from_secs(30);
const WARM_UP: Duration = Duration::from_secs(5);

pub(crate) fn measure() -> Result<()> {
    let folder = Folder::new("bench")?;
    let mail = Mail::start(&folder)?;
    let mut collector = Collector::of_school(&folder, &mail, &[])?;
    let token = collector.open_token();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let process = collector.process().id();
    let devices = runtime.block_on(enrol(&collector, &token, DEVICES));
    let idle = runtime.block_on(enrol(&collector, &token, IDLE_DEVICES));
    runtime.block_on(flags(&collector, &devices, process))?;
    let counted = Store::of(&collector)?.number("SELECT coalesce(sum(further), 0) FROM flag")?;
    ensure!(
        counted == 0,
        "{counted} flags were counted, not kept: give more pupils or topics"
    );
    collector.kill();
    collector.serve();
    let process = collector.process().id();
    runtime.block_on(idle_cost(&collector, &idle, process))
}

async fn enrol(collector: &Collector, token: &str, count: u32) -> Vec<Device> {
    let mut devices = Vec::new();
    for _ in 0..count {
        devices.push(Device::joined_by(collector, token).await);
    }
    devices
}

async fn flags(served: &Collector, devices: &[Device], collector: u32) -> Result<()> {
    let answered = Arc::new(AtomicU64::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for (number, device) in (0..).zip(devices) {
        let stream = device.welcomed(served, [7; 16]).await;
        tasks.spawn(deliver(stream, number, Arc::clone(&answered)));
    }
    tokio::time::sleep(WARM_UP).await;
    let (before, collector_before, own_before) = (
        answered.load(Ordering::Relaxed),
        seconds(collector)?,
        seconds(std::process::id())?,
    );
    let began = Instant::now();
    tokio::time::sleep(TIME).await;
    let flags = answered.load(Ordering::Relaxed) - before;
    let rate = flags * 1000 / u64::try_from(began.elapsed().as_millis())?;
    let (took, own) = (
        seconds(collector)? - collector_before,
        seconds(std::process::id())? - own_before,
    );
    figure(
        &format!("flags a second, from {DEVICES} devices"),
        &rate.to_string(),
    );
    let percent = |time: f64| format!("{:.0} % of one core", time / TIME.as_secs_f64() * 100.0);
    figure("the collector's processor time meanwhile", &percent(took));
    figure("the load generator's, on the same machine", &percent(own));
    figure(
        "the collector's memory after it",
        &format!("{} KiB", pss(collector)?),
    );
    Ok(())
}

/// Sends without end, with a bounded number of flags on their way.
async fn deliver(stream: Stream, device: u32, answered: Arc<AtomicU64>) -> Result<()> {
    let window = Arc::new(Semaphore::new(WINDOW));
    let room = Arc::clone(&window);
    let sorts = TOPICS
        .iter()
        .flat_map(|topic| (0..PUPILS_EACH).map(move |pupil| (1000 + device * PUPILS_EACH + pupil, topic)));
    let flags: Vec<_> = sorts
        .map(|(pupil, topic)| {
            let flag = flag_about(&format!("pupil{pupil}"), "i hate my life", *topic, 2);
            stream.envelope(0, 2, encode_record(&Record::Flag(flag)))
        })
        .collect();
    let Stream { up, mut down, .. } = stream;
    tokio::spawn(async move {
        while let Ok(Some(message)) = down.message().await {
            if let Some(Down::Answers(answers)) = message.message {
                answered.fetch_add(answers.answers.len() as u64, Ordering::Relaxed);
                room.add_permits(answers.answers.len());
            }
        }
    });
    let mut sequence = 0;
    loop {
        window.acquire_many(u32::try_from(TOGETHER)?).await?.forget();
        let envelopes = (sequence..sequence + TOGETHER)
            .zip(flags.iter().cycle())
            .map(|(sequence, envelope)| pastoral_proto::device::Envelope {
                sequence,
                ..envelope.clone()
            })
            .collect();
        sequence += TOGETHER;
        up.send(DeviceMessage {
            message: Some(Up::Envelopes(Envelopes { envelopes })),
        })
        .await?;
    }
}

async fn idle_cost(served: &Collector, devices: &[Device], collector: u32) -> Result<()> {
    let before = pss(collector)?;
    let mut streams = Vec::new();
    for device in devices {
        streams.push(device.welcomed(served, [8; 16]).await);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = pss(collector)?;
    let each = after.saturating_sub(before) * 1024 / u64::try_from(streams.len())?;
    figure(
        &format!("memory for each of {IDLE_DEVICES} idle devices"),
        &format!("{} KiB", each.div_ceil(1024)),
    );
    Ok(())
}
