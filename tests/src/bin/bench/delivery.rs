//! From the moment a device sends a flag: to the collector's answer over TLS, to a reader's open page, to the mail
//! server's acceptance.

use crate::table::Times;
use anyhow::{Context as _, Result};
use pastoral_keywords::Topic;
use pastoral_proto::device::Envelope;
use pastoral_proto::{Record, encode_record};
use pastoral_support::clock;
use pastoral_support::collector::Collector;
use pastoral_support::device::{Device, Stream};
use pastoral_support::mail::Mail;
use pastoral_support::poll;
use pastoral_support::process::Folder;
use pastoral_support::records::{flag, flag_about};
use pastoral_support::school;
use pastoral_tests::reader::Reader;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const PROBES: u32 = 1000;
const READERS_PROBES: u32 = 60;
/// Of one pupil 500 flags alike are kept in full a day: so many that none of the measured ones is only counted.
const PROBED_PUPILS: u32 = 4;
const LOAD_DEVICES: u32 = 20;
const LOAD_PUPILS: u32 = 8;
/// Each of them sends this many every `EVERY`: 5,000 a second together.
const AT_ONCE: u64 = 25;
const EVERY: Duration = Duration::from_millis(100);

pub(crate) fn measure() -> Result<()> {
    let folder = Folder::new("bench")?;
    let mail = Mail::start(&folder)?;
    let collector = Collector::of_school(&folder, &mail, &[])?;
    let head = Reader::join(
        &collector.url(),
        school::HEADTEACHER,
        &collector.invited(&mail, &school::HEADTEACHER),
    )?;
    let token = collector.open_token();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let probe = runtime.block_on(Device::joined_by(&collector, &token));
    let mut stream = runtime.block_on(probe.welcomed(&collector, [1; 16]));

    runtime
        .block_on(answered(&mut stream, 0))?
        .print("flag → answered, idle");
    let load = Load::start(&runtime, &collector, &token)?;
    let times = runtime.block_on(answered(&mut stream, 10_000))?;
    let rate = load.stop(&runtime);
    times.print(&format!("flag → answered, at {rate} flags a second"));
    readers(&runtime, &mut stream, &head, &mail)
}

/// One flag after the other, of a few pupils.
async fn answered(stream: &mut Stream, first: u64) -> Result<Times> {
    let mut times = Times::new()?;
    for number in 0..PROBES {
        let pupil = 1000 + number % PROBED_PUPILS;
        let envelope = suicidal(stream, first + u64::from(number), pupil, 3);
        let sent = Instant::now();
        stream.send(vec![envelope]).await;
        stream.answers().await;
        times.add(i64::try_from(sent.elapsed().as_micros())?);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(times)
}

fn suicidal(stream: &Stream, sequence: u64, pupil: u32, severity: u8) -> Envelope {
    let flag = flag_about(
        &format!("pupil{pupil}"),
        "i want to die",
        Topic::Suicide,
        severity,
    );
    stream.envelope(sequence, severity.into(), encode_record(&Record::Flag(flag)))
}

/// Every flag is of another pupil, so that each opens a concern: it appears on the page and causes a notice.
fn readers(runtime: &Runtime, stream: &mut Stream, head: &Reader, mail: &Mail) -> Result<()> {
    let (mut seen_after, mut mailed_after) = (Times::new()?, Times::new()?);
    let page = watch(head)?;
    for number in 0..READERS_PROBES {
        let user = 50_000 + number;
        let before = mail.messages()?.len();
        let envelope = suicidal(stream, 100_000 + u64::from(number), user, 5);
        let sent = clock::now_us();
        runtime.block_on(stream.send(vec![envelope]));
        runtime.block_on(stream.answers());
        let name = format!("pupil{user}");
        loop {
            let (at, heard) = page
                .recv_timeout(Duration::from_secs(30))
                .context("the page shows nothing new")?;
            if heard.contains(&name) {
                seen_after.add(at - sent);
                break;
            }
        }
        let message = poll::until("a notice", || mail.messages().ok()?.get(before).cloned())?;
        mailed_after.add(message.accepted_at * 1000 - sent);
    }
    seen_after.print("flag → visible on an open page");
    mailed_after.print("flag → accepted by the mail server");
    Ok(())
}

/// Listens as an open queue does; gives each event with the time it was whole.
fn watch(head: &Reader) -> Result<Receiver<(i64, String)>> {
    let mut stream = head.stream("/queue/live")?;
    let (sender, events) = channel();
    thread::spawn(move || {
        let (mut heard, mut buffer) = (String::new(), vec![0; 256 * 1024]);
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
            while let Some(end) = heard.find("\n\n") {
                let event = heard[..end].to_owned();
                heard.drain(..end + 2);
                if sender.send((clock::now_us(), event)).is_err() {
                    return;
                }
            }
        }
    });
    Ok(events)
}

/// Devices that keep the collector at work.
struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    began: Instant,
    tasks: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Load {
    fn start(runtime: &Runtime, collector: &Collector, token: &str) -> Result<Self> {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = Vec::new();
        for number in 0..LOAD_DEVICES {
            let device = runtime.block_on(Device::joined_by(collector, token));
            let stream = runtime.block_on(device.welcomed(collector, [2; 16]));
            tasks.push(runtime.spawn(load(stream, number, Arc::clone(&stop), Arc::clone(&answered))));
        }
        Ok(Self {
            stop,
            answered,
            began: Instant::now(),
            tasks,
        })
    }

    /// Ends it, and says how many flags a second were answered.
    fn stop(self, runtime: &Runtime) -> u64 {
        let rate = self.answered.load(Ordering::Relaxed) * 1000
            / u64::try_from(self.began.elapsed().as_millis())
                .unwrap_or(1)
                .max(1);
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            // What a device had left when it was told to stop is of no interest.
            let _ = runtime.block_on(task);
        }
        rate
    }
}

async fn load(
    mut stream: Stream,
    device: u32,
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
) -> Result<()> {
    let mut beat = tokio::time::interval(EVERY);
    let (mut sequence, mut waiting) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        tokio::select! {
            _ = beat.tick() => {
                let first = 10_000 + device * LOAD_PUPILS;
                let pupils = (first..first + LOAD_PUPILS).cycle();
                let envelopes = (sequence..sequence + AT_ONCE)
                    .zip(pupils)
                    .map(|(number, pupil)| {
                        let flag = flag(&format!("pupil{pupil}"), "i hate my life", 2);
                        stream.envelope(number, 2, encode_record(&flag))
                    })
                    .collect();
                sequence += AT_ONCE;
                waiting += AT_ONCE;
                stream.send(envelopes).await;
            }
            answers = stream.answers(), if waiting > 0 => {
                let count = u64::try_from(answers.len())?;
                waiting -= count.min(waiting);
                answered.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}
