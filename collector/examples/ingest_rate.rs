//! How many flags a second are sealed, placed into concerns and synced to disk, handed in as devices' streams do.
//! `cargo run --release -p pastoral-collector --example ingest_rate [FLAGS] [DEVICES]`

use arc_swap::ArcSwap;
use pastoral_collector::app::App;
use pastoral_collector::clock::now_ms;
use pastoral_collector::concerns::model::ReaderGroup;
use pastoral_collector::lists::Rules;
use pastoral_collector::live::Live;
use pastoral_collector::profile::Profile;
use pastoral_collector::seal::GroupPrivateKey;
use pastoral_collector::seal::content::Sealer;
use pastoral_collector::seal::specialist::ListKey;
use pastoral_collector::store::Store;
use pastoral_collector::store::disk::Disk;
use pastoral_collector::store::ingest::{Answer, Incoming, Ingest};
use pastoral_keywords::{Audience, Provenance, Severity, Source, Topic};
use pastoral_proto::{Account, Flag, Match, Record, encode_record};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const MESSAGE: usize = 50;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let flags = arguments.next().transpose()?.unwrap_or(100_000);
    let devices = arguments.next().transpose()?.unwrap_or(200);
    let folder = tempfile::tempdir_in(".")?;
    let app = school(&folder).await?;
    let disk = Arc::new(Disk::watch(folder.path()));
    let (ingest, _writer) = Ingest::start(app.ingest(), disk, Arc::default(), CancellationToken::new());
    let started = Instant::now();
    let mut streams = tokio::task::JoinSet::new();
    for device in 0..devices {
        let ingest = ingest.clone();
        let count = flags / devices;
        streams.spawn(async move { stream(&ingest, device, count).await });
    }
    let mut latencies = Vec::new();
    while let Some(stream) = streams.join_next().await {
        latencies.extend(stream?);
    }
    let took = started.elapsed();
    latencies.sort();
    let committed = (latencies.len() * MESSAGE) as f64;
    println!(
        "{committed} flags of {devices} devices in {took:.2?}: {:.0} a second; a message of {MESSAGE} is answered in {:.1?} (median), {:.1?} (p99)",
        committed / took.as_secs_f64(),
        latencies[latencies.len() / 2],
        latencies[latencies.len() * 99 / 100]
    );
    Ok(())
}

/// One device, which sends its next message once the last is answered.
async fn stream(ingest: &Ingest, device: usize, count: usize) -> Vec<Duration> {
    let mut latencies = Vec::new();
    for message in 0..count / MESSAGE {
        let records = (0..MESSAGE)
            .map(|at| record(device, message * MESSAGE + at))
            .collect();
        let asked = Instant::now();
        let answers = ingest.commit(records).await;
        assert!(
            answers.iter().all(|answer| *answer == Answer::Committed),
            "{answers:?}"
        );
        latencies.push(asked.elapsed());
    }
    latencies
}

fn record(device: usize, sequence: usize) -> Incoming {
    let severity = Severity::ALL[sequence % 3];
    let flag = Record::Flag(Flag {
        account: Account {
            authority: "local".into(),
            stable_id: "1001".into(),
            name: format!("user-{device}"),
        },
        audience: Audience::Ks2,
        source: Source::Search,
        provenance: Provenance::Typed,
        text: format!("an invented search about a term, number {sequence}"),
        program: "chromium".into(),
        site: "Example".into(),
        observed_at_ms: now_ms(),
        matches: vec![Match {
            list_id: "pastoral-en".into(),
            list_version: 1,
            term_id: "a-term".into(),
            term: "a term".into(),
            topic: Topic::Bullying,
            severity,
            span: 28..34,
            view: "plain".into(),
            reason: "an invented reason".into(),
            severity_note: None,
            considered: Vec::new(),
            confidential: false,
        }],
        severity,
    });
    Incoming {
        device_id: format!("device-{device}").into(),
        group: "pupils".into(),
        epoch: vec![7; 16],
        sequence: sequence as u64,
        bytes: encode_record(&flag),
        clock_offset_ms: 0,
    }
}

async fn school(folder: &tempfile::TempDir) -> anyhow::Result<App> {
    let store = Store::open(&folder.path().join("collector.db")).await?;
    let profile = Profile::parse(Profile::shipped("purley-oaks").unwrap_or_default(), "purley-oaks")?;
    let mut tx = store.write().await?;
    sqlx::query("INSERT INTO school (school_id, name, profile, created_at) VALUES ('s', 'School', ?, 0)")
        .bind(&profile.toml)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO person (school_id, person_id, source_id, role, given_name, family_name, email)
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
         SELECT 's', 'p' || i, 'p' || i, 'staff', 'Given' || i, 'Family' || i, i || '@school.example' FROM n",
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO duty (school_id, duty_id, person_id, duty, granted_by, granted_at)
         VALUES ('s', 'd', 'p1', 'headteacher', 'init', 0)",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let publics: HashMap<_, _> = ReaderGroup::ALL
        .into_iter()
        .map(|group| (group, GroupPrivateKey::generate().1))
        .collect();
    Ok(App {
        store,
        live: Live::default(),
        school_id: "s".into(),
        school_name: "School".into(),
        profile: Arc::new(ArcSwap::from_pointee(profile)),
        lists: Arc::new(ArcSwap::from_pointee(Rules::build(
            Vec::new(),
            Vec::new(),
            &[],
            0,
            "",
        )?)),
        list_key: ListKey::new(std::env::temp_dir()),
        sealer: Arc::new(Sealer::new(publics)),
        console_url: "http://localhost".into(),
        outbox_wake: Arc::new(Notify::new()),
        escalation_wake: Arc::new(Notify::new()),
        secure_cookies: false,
        faults: Arc::default(),
    })
}
