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
use pastoral_supervisor::Supervisor;
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

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
    let mailer = config.mail.as_ref().map(Mailer::new).transpose()?;
    say_what_is_missing(&app, &config);
    let allowed = files::raise(&[listener::BOUNDS, devices::BOUNDS]);
    if let Some(words) = allowed.too_low() {
        tracing::warn!("{words}");
        app.faults.begin(Fault::Files, words);
    }
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
    let mut supervisor = Supervisor::new(stop.clone());
    supervisor.stops_on_signal();
    let proxies = Arc::new(Proxies::new(&config.console.proxies));
    let pages = console::router_behind(app.clone(), Arc::clone(&proxies));
    let certificate = web.certificate();
    let console = web.serve(
        for_people,
        pages,
        listener::BOUNDS.within(&allowed),
        proxies,
        stop.clone(),
    );
    supervisor.essential("the console", endless(console));
    supervisor.essential(
        "the device service",
        devices::serve(
            app.clone(),
            authority,
            config.devices.names.clone(),
            for_devices,
            devices::BOUNDS.within(&allowed),
            Arc::clone(&disk),
            stop.clone(),
        ),
    );
    if let Some((watched, file)) = profile {
        let watching = upkeep::watch_profile(app.clone(), file, watched, stop.clone());
        supervisor.essential("the profile's file", endless(watching));
    }
    if let Some(certificate) = certificate {
        let watching = upkeep::watch_certificate(app.clone(), certificate, certificate_files, stop.clone());
        supervisor.essential("the console's certificate", endless(watching));
    }
    supervisor.essential(
        "the disk",
        endless(upkeep::watch_disk(app.clone(), disk, stop.clone())),
    );
    tell_people(&mut supervisor, &app, &config, mailer, &stop);
    supervisor.wait().await
}

/// What the school has still to do, in the log at every start.
fn say_what_is_missing(app: &App, config: &Config) {
    let profile = app.profile.load();
    let missing = profile.accountability_missing();
    if !missing.is_empty() {
        tracing::warn!(
            "no device can be approved before the profile's accountability block says: {}",
            missing.join(", ")
        );
    }
    for words in profile.not_done() {
        tracing::warn!("not done yet: {words}");
    }
    if config.mail.is_none() {
        tracing::warn!("no mail is sent: there is no [mail] in the configuration; notices wait");
    }
    if config.console.has_unnamed_proxy() {
        tracing::warn!("{}", listener::UNNAMED_PROXY);
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{address} cannot be listened on"))
}

/// What tells people and keeps house: each is started again when it fails.
fn tell_people(
    supervisor: &mut Supervisor,
    app: &App,
    config: &Config,
    mailer: Option<Mailer>,
    stop: &CancellationToken,
) {
    let (a, s) = (app.clone(), stop.clone());
    supervisor.restarted("escalation", move || escalate::run(a.clone(), s.clone()));
    let (a, s) = (app.clone(), stop.clone());
    supervisor.restarted("retention", move || retention::run(a.clone(), s.clone()));
    let (a, s) = (app.clone(), stop.clone());
    supervisor.restarted("silence", move || silence::run(a.clone(), s.clone()));
    if let Some(mailer) = mailer {
        let (a, s) = (app.clone(), stop.clone());
        supervisor.restarted("notices", move || {
            worker::run(a.clone(), mailer.clone(), s.clone())
        });
    }
    if let Some(settings) = config.backup.clone() {
        let (a, d, s) = (app.clone(), config.data_dir.clone(), stop.clone());
        supervisor.restarted("backups", move || {
            backup::run(a.clone(), d.clone(), settings.clone(), s.clone())
        });
    }
}

/// A task that fails by nothing of its own.
async fn endless(task: impl Future<Output = ()>) -> anyhow::Result<()> {
    task.await;
    Ok(())
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
    let publics = keys::publics(&mut *opened.store.read().await?, &school_id).await?;
    let list_key = school::list_key(config);
    let rules = Rules::load(&opened.store, &school_id, &opened.profile, &list_key).await?;
    Ok(App {
        store: opened.store.clone(),
        live: Live::default(),
        sealer: Arc::new(Sealer::new(publics)),
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
