//! Devices: joining, their connections, their policy, and what they deliver.

mod accounts;
pub mod approval;
pub mod command;
mod enrol;
pub mod health;
mod hub;
mod listener;
mod policy;
mod refusal;
pub mod roll;
mod service;
mod shared;
mod stream;
mod tls;
pub mod verdict;

use crate::app::App;
use crate::ca::Authority;
use crate::clock;
use crate::metering::{Meter, Written};
use crate::net::places::Bounds;
use crate::store::Read;
use crate::store::devices as rows;
use crate::store::disk::Disk;
use crate::store::ingest::{Ingest, reckon_missing};
use crate::store::{commands, heard, uses};
use anyhow::Context as _;
use hub::{Hub, Told};
pub use listener::BOUNDS;
use pastoral_proto::device::RefusalReason;
use pastoral_proto::device::device_service_server::DeviceServiceServer;
use pastoral_proto::limits;
use policy::Policies;
use service::Service;
use shared::Shared;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tls::ServerCertificate;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How soon a decision made on the command line or the console reaches a waiting device.
const LOOK: Duration = Duration::from_millis(250);
const WRITE_DOWN: Duration = Duration::from_secs(1);
const HOUSEKEEPING: Duration = Duration::from_secs(60);
const ALIVE_AFTER: Duration = Duration::from_secs(30);
const DEAD_AFTER: Duration = Duration::from_secs(20);

/// Serves devices until `stop`.
///
/// # Errors
/// When the authority's files or the store fail, or the listener ends.
pub async fn serve(
    app: App,
    authority: Authority,
    names: Vec<String>,
    listener: TcpListener,
    bounds: Bounds,
    disk: Arc<Disk>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let now = clock::now_ms();
    let certificate = ServerCertificate::new(&authority.server(&names, now)?, authority.certificate())?;
    let config = tls::server_config(authority.certificate(), Arc::clone(&certificate))?;
    let signer = authority.policy_signer(now)?;
    let mut tx = app.store.write().await?;
    rows::none_connected(&mut tx, &app.school_id).await?;
    let today = app.profile.load().cover.day(now);
    let used = match today {
        Some(today) => uses::of_day(&mut tx, &app.school_id, today).await?,
        None => Written::default(),
    };
    let allowed = allowed_today(&mut tx, &app, now).await?;
    tx.commit().await?;
    let meter = Arc::new(Meter::of(today, used, allowed));
    let (changed, changes) = watch::channel(0);
    let (ingest, writer) = Ingest::start(app.ingest(), Arc::clone(&disk), Arc::clone(&meter), stop.clone());
    let shared = Arc::new(Shared {
        policies: Policies::new(app.clone(), signer),
        app,
        authority,
        hub: Hub::default(),
        ingest,
        meter,
        accounts: accounts::AccountsAsked::default(),
        changes,
        waiting: Shared::waiting(),
        wrong_tokens: Shared::wrong_tokens(),
        stop: stop.clone(),
    });
    let watching = tokio::spawn(watch_store(Arc::clone(&shared), changed));
    let writing = tokio::spawn(write_down(Arc::clone(&shared)));
    let keeping = tokio::spawn(keep_house(Arc::clone(&shared), certificate, names, disk));
    let connections = listener::accept(listener, config, bounds, stop.clone());
    let service = DeviceServiceServer::new(Service(Arc::clone(&shared)))
        .max_decoding_message_size(limits::GRPC_MESSAGE)
        .max_encoding_message_size(limits::GRPC_MESSAGE);
    // INVARIANT 8: every connection has few streams, small windows and a keepalive, and ends when nobody is there.
    let serving = tonic::transport::Server::builder()
        .max_concurrent_streams(8)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(512 * 1024)
        .http2_max_header_list_size(8 * 1024)
        .http2_keepalive_interval(Some(ALIVE_AFTER))
        .http2_keepalive_timeout(Some(DEAD_AFTER))
        .add_service(service)
        .serve_with_incoming_shutdown(connections, stop.clone().cancelled_owned());
    tokio::select! {
        served = serving => served.context("the devices' listener ended")?,
        ended = watching => ended.context("watching the store ended")??,
        ended = writing => ended.context("writing down what devices said ended")?,
        ended = keeping => ended.context("housekeeping ended")?,
        ended = writer => ended.context("the writer ended")?,
    }
    anyhow::ensure!(
        stop.is_cancelled(),
        "a part of the device service ended by itself"
    );
    write_seen(&shared).await;
    Ok(())
}

/// Carries decisions and new policies to the devices they concern, whichever program made them.
async fn watch_store(shared: Arc<Shared>, changed: watch::Sender<u64>) -> anyhow::Result<()> {
    let mut watcher = shared.app.store.watcher().await?;
    let in_force = || (shared.app.profile.load_full(), shared.app.lists.load_full());
    let mut pushed = in_force();
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        match watcher.look().await {
            Ok(true) => {
                changed.send_modify(|count| *count += 1);
                if let Err(error) = close_shut_out(&shared).await {
                    tracing::error!(%error, "devices that may no longer connect could not be looked up");
                }
                if let Err(error) = send_commands(&shared).await {
                    tracing::error!(%error, "what devices are asked could not be looked up");
                }
                if let Err(error) = allow_more(&shared).await {
                    tracing::error!(%error, "what devices are allowed could not be looked up");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::error!(%error, "the store cannot be watched just now"),
        }
        let now = in_force();
        if !(Arc::ptr_eq(&now.0, &pushed.0) && Arc::ptr_eq(&now.1, &pushed.1)) {
            pushed = now;
            push_policies(&shared).await;
        }
    }
}

async fn close_shut_out(shared: &Shared) -> Result<(), sqlx::Error> {
    for device_id in rows::shut_out(&shared.app.store, &shared.app.school_id).await? {
        shared.hub.tell(
            &device_id,
            Told::Close(Box::new(refusal::refusal(RefusalReason::Revoked))),
        );
    }
    Ok(())
}

/// Hands commands to the devices that are connected. One that is not is asked when it connects, if that is in time.
async fn send_commands(shared: &Shared) -> Result<(), sqlx::Error> {
    let app = &shared.app;
    for asked in commands::to_send(&app.store, &app.school_id, clock::now_ms()).await? {
        let message = command::message(asked.command, &asked.command_id);
        if shared.hub.tell(&asked.device_id, Told::Do(Box::new(message))) {
            let mut tx = app.store.write().await?;
            commands::sent(&mut tx, &app.school_id, &asked.command_id).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}

/// The devices that a person allowed more on the day it is.
async fn allowed_today(db: &mut Read, app: &App, now: i64) -> Result<HashSet<String>, sqlx::Error> {
    let cover = &app.profile.load().cover;
    let today = cover.day(now);
    let allowed = uses::allowed(db, &app.school_id).await?;
    Ok(allowed
        .into_iter()
        .filter(|(_, at)| cover.day(*at) == today)
        .map(|(device_id, _)| device_id)
        .collect())
}

async fn allow_more(shared: &Shared) -> Result<(), sqlx::Error> {
    let now = clock::now_ms();
    let mut db = shared.app.store.read().await?;
    let allowed = allowed_today(&mut db, &shared.app, now).await?;
    shared.meter.allow(shared.day(now), allowed);
    Ok(())
}

async fn push_policies(shared: &Shared) {
    for group in shared.hub.groups() {
        match shared.policies.for_group(&group).await {
            Ok(made) => shared.hub.tell_group(&group, &Told::Policy(made.signed)),
            Err(error) => tracing::error!(%error, "no policy could be made; devices keep the one they have"),
        }
    }
}

async fn write_down(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(WRITE_DOWN);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => write_seen(&shared).await,
        }
    }
}

async fn write_seen(shared: &Shared) {
    let now = clock::now_ms();
    let seen = shared.hub.take_unwritten(now);
    let used = shared.meter.take_unwritten(shared.day(now), now);
    if seen.is_empty() && used == Written::default() {
        return;
    }
    let written = async {
        let mut tx = shared.app.store.write().await?;
        rows::write_seen(&mut tx, &shared.app.school_id, &seen, now).await?;
        let cover = &shared.app.profile.load().cover;
        // A day on which it said how it is: an open stream alone proves nothing.
        for seen in seen.iter().filter(|seen| seen.health.is_some()) {
            if let Some(day) = cover.day(now) {
                heard::note(&mut tx, &shared.app.school_id, &seen.device_id, day).await?;
            }
        }
        uses::write(&mut tx, &shared.app.school_id, &used).await?;
        tx.commit().await
    };
    match written.await {
        // Counts alone are told to nobody: their pace would tell of what is delivered.
        Ok(()) if seen.is_empty() && used.uses.iter().all(|used| used.held_back_at.is_none()) => {}
        Ok(()) => shared.app.live.tell(crate::live::LiveChange {
            school_id: shared.app.school_id.to_string(),
            concern_id: None,
        }),
        Err(error) => {
            tracing::error!(%error, "what devices said could not be written down; it is tried again");
            shared.hub.put_back(seen);
            shared.meter.put_back(&used);
        }
    }
}

async fn keep_house(
    shared: Arc<Shared>,
    certificate: Arc<ServerCertificate>,
    names: Vec<String>,
    disk: Arc<Disk>,
) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = clock::now_ms();
        shared.app.sealer.forget_old();
        disk.look();
        let renewed = shared
            .authority
            .server(&names, now)
            .and_then(|pair| certificate.replace(&pair, shared.authority.certificate()));
        if let Err(error) = renewed {
            tracing::error!(%error, "the collector's certificate could not be looked after");
        }
        let reckoned = async {
            let mut tx = shared.app.store.write().await?;
            reckon_missing(&mut tx, &shared.app.school_id, now).await?;
            commands::end_overdue(&mut tx, &shared.app.school_id, now).await?;
            let profile = shared.app.profile.load();
            if let Some(today) = profile.cover.day(now) {
                if profile.cover.is_open(now) {
                    heard::note_minute(&mut tx, &shared.app.school_id, today).await?;
                }
                heard::forget(&mut tx, &shared.app.school_id, today).await?;
            }
            tx.commit().await
        };
        if let Err(error) = reckoned.await {
            tracing::error!(%error, "missing records could not be reckoned");
        }
    }
}
