//! What `serve` keeps an eye on while it runs: the profile's file, the console's certificate, the disk.

use super::watch::Watched;
use crate::app::App;
use crate::clock;
use crate::console::listener::Certificate;
use crate::faults::Fault;
use crate::lists::Rules;
use crate::profile::Profile;
use crate::store::disk::Disk;
use crate::store::profile as rows;
use crate::telling::Telling;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const DISK_LOOK: Duration = Duration::from_secs(5);

/// Takes the profile's file into force when it changes.
pub(super) async fn watch_profile(app: App, file: PathBuf, mut watched: Watched, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = watched.changed() => accept_profile(&app, &file).await,
        }
    }
}

/// Shows browsers the console's new certificate when its files change. One that cannot be used changes nothing.
pub(super) async fn watch_certificate(
    app: App,
    certificate: Certificate,
    mut watched: Watched,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = watched.changed() => {}
        }
        match certificate.read_again() {
            Ok(()) => {
                tracing::info!("the console shows its new certificate");
                app.faults.end(Fault::Certificate);
            }
            Err(error) => {
                tracing::error!("the console's new certificate is refused, and the old one stays: {error:#}");
                let words =
                    format!("The console’s new certificate is refused, and the old one stays: {error:#}.");
                app.faults.begin(Fault::Certificate, words);
            }
        }
    }
}

/// Says on the console while the disk is full.
pub(super) async fn watch_disk(app: App, disk: Arc<Disk>, stop: CancellationToken) {
    loop {
        disk.look();
        if disk.is_low() {
            let words = "The collector’s disk is full. Only severe flags are taken until there is room: somebody must \
                         make room on it now.";
            app.faults.begin(Fault::Disk, words);
        } else {
            app.faults.end(Fault::Disk);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(DISK_LOOK) => {}
        }
    }
}

/// INVARIANT 6: a profile that is wrong is refused with the reason, and the last good one stays in force.
pub(super) async fn accept_profile(app: &App, file: &Path) {
    let name = file.display().to_string();
    let parsed = std::fs::read_to_string(file)
        .map_err(anyhow::Error::from)
        .and_then(|text| Ok(Profile::parse(&text, &name)?));
    let profile = match parsed {
        Ok(profile) => profile,
        Err(error) => {
            tracing::error!("the profile is refused, and the last good one stays in force: {error:#}");
            let words =
                format!("The profile’s file is refused, and the last good one stays in force: {error:#}.");
            app.faults.begin(Fault::Profile, words);
            return;
        }
    };
    if profile.toml == app.profile.load().toml {
        app.faults.end(Fault::Profile);
        return;
    }
    let rules = match Rules::load(&app.store, &app.school_id, &profile, &app.list_key).await {
        Ok(rules) => rules,
        Err(error) => {
            tracing::error!("the profile is refused, and the last good one stays in force: {error:#}");
            let words =
                format!("The profile’s file is refused, and the last good one stays in force: {error:#}.");
            app.faults.begin(Fault::Profile, words);
            return;
        }
    };
    let profile = Arc::new(profile);
    match keep_profile(app, &profile).await {
        Ok(()) => {
            tracing::info!(file = %name, "the profile is in force");
            app.profile.store(profile);
            app.lists.store(Arc::new(rules));
            app.faults.end(Fault::Profile);
        }
        Err(error) => {
            tracing::error!(%error, "the profile could not be kept; the last good one stays in force");
            let words = "The profile could not be kept in the store; the last good one stays in force.";
            app.faults.begin(Fault::Profile, words);
        }
    }
}

async fn keep_profile(app: &App, profile: &Arc<Profile>) -> Result<(), sqlx::Error> {
    let telling = Telling {
        profile: Arc::clone(profile),
        ..app.telling()
    };
    let mut tx = app.store.write().await?;
    rows::accept(&mut tx, &telling, "pastoral", clock::now_ms()).await?;
    tx.commit().await?;
    app.outbox_wake.notify_one();
    app.escalation_wake.notify_one();
    Ok(())
}
