//! `serve`: runs the collector.

use super::watch::Watched;
use super::{school, upkeep};
use crate::app::App;
use crate::ca::Authority;
use crate::config::Config;
use crate::console::listener;
use crate::faults::Fault;
use crate::lists::Rules;
use crate::live::Live;
use crate::net::files;
use crate::net::source::Proxies;
use crate::notify::mail::Mailer;
use crate::notify::worker;
use crate::seal::content::Sealer;
use crate::store::disk::Disk;
use crate::store::keys;
use crate::{backup, console, devices, escalate, retention, silence};
use anyhow::Context as _;
use arc_swap::ArcSwap;
use nix::fcntl::{Flock, FlockArg};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const LAST_WORK: Duration = Duration::from_secs(10);

/// Runs until told to stop.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let _alone = lock(&config.data_dir)?;
    let opened = school::open(&config).await?;
    let authority = Authority::open(&config.data_dir, &opened.school.school_id)?;
    let disk = Arc::new(Disk::watch(&config.data_dir));
    let app = app(&config, &opened).await?;
    // Watched before it is read: no change falls in between.
    let profile = config
        .profile
        .clone()
        .map(|file| (Watched::new(vec![file.clone()]), file));
    if let Some((_, file)) = &profile {
        upkeep::accept_profile(&app, file).await;
    }
    let missing = app.profile.load().accountability_missing();
    if !missing.is_empty() {
        tracing::warn!(
            "no device can be approved before the profile's accountability block says: {}",
            missing.join(", ")
        );
    }
    for words in app.profile.load().not_done() {
        tracing::warn!("not done yet: {words}");
    }
    let mailer = config.mail.as_ref().map(Mailer::new).transpose()?;
    if mailer.is_none() {
        tracing::warn!("no mail is sent: there is no [mail] in the configuration; notices wait");
    }
    if config.console.has_unnamed_proxy() {
        tracing::warn!("{}", listener::UNNAMED_PROXY);
    }
    let allowed = files::raise(&[listener::BOUNDS, devices::BOUNDS]);
    if let Some(words) = allowed.too_low() {
        tracing::warn!("{words}");
        app.faults.begin(Fault::Files, words);
    }
    let bind = async |address| {
        TcpListener::bind(address)
            .await
            .with_context(|| format!("{address} cannot be listened on"))
    };
    let for_devices = bind(config.devices.listen).await?;
    let for_people = bind(config.console.listen).await?;
    let certificate_files = Watched::new(listener::Web::files(&config.console));
    let web = listener::Web::new(&config.console)?;
    println!(
        "{}",
        serde_json::json!({
            "devices": for_devices.local_addr()?.to_string(),
            "console": for_people.local_addr()?.to_string(),
        })
    );
    let stop = CancellationToken::new();
    let tasks = tokio_util::task::TaskTracker::new();
    let keep = |name, task: Task| tasks.spawn(keep_running(name, task, stop.clone()));
    let (a, s) = (app.clone(), stop.clone());
    keep(
        "escalation",
        Box::new(move || Box::pin(escalate::run(a.clone(), s.clone()))),
    );
    let (a, s) = (app.clone(), stop.clone());
    keep(
        "retention",
        Box::new(move || Box::pin(retention::run(a.clone(), s.clone()))),
    );
    let (a, s) = (app.clone(), stop.clone());
    keep(
        "silence",
        Box::new(move || Box::pin(silence::run(a.clone(), s.clone()))),
    );
    if let Some(mailer) = mailer {
        let (a, s) = (app.clone(), stop.clone());
        keep(
            "notices",
            Box::new(move || Box::pin(worker::run(a.clone(), mailer.clone(), s.clone()))),
        );
    }
    if let Some(settings) = config.backup.clone() {
        let (a, d, s) = (app.clone(), config.data_dir.clone(), stop.clone());
        keep(
            "backups",
            Box::new(move || Box::pin(backup::run(a.clone(), d.clone(), settings.clone(), s.clone()))),
        );
    }
    if let Some((watched, file)) = profile {
        tasks.spawn(upkeep::watch_profile(app.clone(), file, watched, stop.clone()));
    }
    if let Some(certificate) = web.certificate() {
        tasks.spawn(upkeep::watch_certificate(
            app.clone(),
            certificate,
            certificate_files,
            stop.clone(),
        ));
    }
    tasks.spawn(upkeep::watch_disk(app.clone(), Arc::clone(&disk), stop.clone()));
    let proxies = Arc::new(Proxies::new(&config.console.proxies));
    let pages = console::router_behind(app.clone(), Arc::clone(&proxies));
    let bounds = listener::BOUNDS.within(&allowed);
    let console = tokio::spawn(web.serve(for_people, pages, bounds, proxies, stop.clone()));
    let names = config.devices.names.clone();
    let devices = tokio::spawn(devices::serve(
        app,
        authority,
        names,
        for_devices,
        devices::BOUNDS.within(&allowed),
        disk,
        stop.clone(),
    ));
    let ended = until_stopped(devices, console).await;
    stop.cancel();
    tasks.close();
    let _what_takes_longer_is_done_next_time = tokio::time::timeout(LAST_WORK, tasks.wait()).await;
    ended
}

async fn until_stopped(
    mut devices: tokio::task::JoinHandle<anyhow::Result<()>>,
    mut console: tokio::task::JoinHandle<()>,
) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = &mut devices => {
            ended.context("the device service broke")??;
            anyhow::bail!("the device service ended by itself")
        }
        ended = &mut console => {
            ended.context("the console broke")?;
            anyhow::bail!("the console ended by itself")
        }
    }
}

/// One collector to a data folder.
pub(super) fn lock(data_dir: &Path) -> anyhow::Result<Flock<std::fs::File>> {
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path);
    let file = file.with_context(|| {
        format!(
            "{} cannot be opened; run `pastoral-collector init` first, or name --data-dir",
            path.display()
        )
    })?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| anyhow::anyhow!("another collector is already running on {}", data_dir.display()))
}

async fn app(config: &Config, opened: &school::Opened) -> anyhow::Result<App> {
    let school_id: Arc<str> = opened.school.school_id.as_str().into();
    let publics = keys::publics(opened.store.read(), &school_id).await?;
    let list_key = school::list_key(config);
    let rules = Rules::load(&opened.store, &school_id, &opened.profile, &list_key).await?;
    Ok(App {
        store: opened.store.clone(),
        live: Live::default(),
        sealer: Arc::new(Sealer::new(Arc::clone(&school_id), publics)),
        school_id,
        school_name: opened.school.name.as_str().into(),
        profile: Arc::new(ArcSwap::new(Arc::clone(&opened.profile))),
        lists: Arc::new(ArcSwap::from_pointee(rules)),
        list_key,
        console_url: config.console.url.as_str().into(),
        outbox_wake: Arc::new(Notify::new()),
        escalation_wake: Arc::new(Notify::new()),
        faults: Arc::default(),
        secure_cookies: config.console.tls.is_some() || config.console.url.starts_with("https://"),
    })
}

type Task =
    Box<dyn FnMut() -> std::pin::Pin<Box<dyn Future<Output = Result<(), sqlx::Error>> + Send>> + Send>;

/// A task that ends by itself is started again, later and later.
async fn keep_running(name: &'static str, mut task: Task, stop: CancellationToken) {
    let mut wait = Duration::from_secs(1);
    while !stop.is_cancelled() {
        match task().await {
            Ok(()) if stop.is_cancelled() => return,
            Ok(()) => tracing::error!(name, "ended by itself; it is started again"),
            Err(error) => tracing::error!(name, %error, "failed; it is started again"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(Duration::from_secs(60));
    }
}
