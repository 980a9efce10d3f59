//! The service: puts its parts together, runs them, and stops them in order.

use crate::config::Config;
use crate::context::Context;
use crate::flagging::Flagging;
use crate::helpers::{self, Board, HelperEvent, HelperSettings, Patience};
use crate::spool::{Keeper, KeeperSettings, SpoolHandle};
use crate::watch::search::SearchSites;
use crate::{clock, control, enrolment, health, platform, uplink};
use anyhow::Context as _;
use pastoral_proto::Gap;
use pastoral_supervisor::Supervisor;
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Observations on their way to be matched: few, so that no account is ahead of another by much.
const OBSERVATIONS: usize = 16;

/// Runs the service until it is told to stop.
pub fn run(config: Config) -> anyhow::Result<()> {
    platform::keep_memory_together();
    platform::harden_process().context("cannot harden the service's process")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let cannot = |folder: &std::path::Path| format!("cannot make the folder {}", folder.display());
    std::fs::create_dir_all(&config.run_dir).with_context(|| cannot(&config.run_dir))?;
    platform::make_files_private();
    platform::make_private_folder(&config.state_dir).with_context(|| cannot(&config.state_dir))?;
    let settings = KeeperSettings::new(config.state_dir.clone(), config.spool_bytes);
    let (spool, thread) = Keeper::start(settings).context("cannot start the spool")?;
    let (board, events) = Board::new();
    let context = Arc::new(Context::new(config, spool.clone(), board)?);
    let token = CancellationToken::new();
    let mut supervisor = Supervisor::new(token.clone());
    let (observations, received) = mpsc::channel(OBSERVATIONS);
    start_helpers(&context, &mut supervisor, observations, &token)?;
    start_control(&context, &mut supervisor, &token)?;
    let flagging = Flagging::new(
        Arc::clone(&context.rules),
        Arc::clone(&context.audiences),
        spool.clone(),
    );
    supervisor.essential("flagging", flagging.run(received, token.clone()));
    supervisor.essential("helpers' events", tell_gaps(events, spool.clone(), token.clone()));
    supervisor.essential("the spool", spool.clone().tick(token.clone()));
    supervisor.essential("memory", health::give_memory_back(spool.clone(), token.clone()));
    supervisor.stops_on_signal();
    let (shared, stop) = (Arc::clone(&context), token.clone());
    supervisor.restarted("the uplink", move || {
        uplink::run(Arc::clone(&shared), stop.clone())
    });
    let (shared, stop) = (Arc::clone(&context), token.clone());
    supervisor.restarted("joining", move || {
        enrolment::run(Arc::clone(&shared), stop.clone())
    });
    let (shared, stop) = (Arc::clone(&context), token.clone());
    supervisor.restarted("watching log-ins", move || {
        health::watch_log_ins(Arc::clone(&shared), stop.clone())
    });
    tracing::info!("running");
    let ended = supervisor.wait().await;
    spool.stop().await;
    let _ = thread.join();
    tracing::info!("stopped");
    ended
}

fn start_helpers(
    context: &Arc<Context>,
    supervisor: &mut Supervisor,
    observations: mpsc::Sender<crate::watch::Observation>,
    token: &CancellationToken,
) -> anyhow::Result<()> {
    let name = &context.config.group;
    let group = platform::group_named(name).unwrap_or_else(|| {
        tracing::warn!(
            group = name,
            "there is no such group; helpers must run in the service's own"
        );
        platform::own_group()
    });
    let listener = listen(&context.config.session_socket(), 0o660, Some(group))?;
    let settings = HelperSettings {
        group,
        rules: context.helper_rules.subscribe(),
        sites: Arc::new(SearchSites::shipped()),
        now_ms: clock::now_ms,
        patience: Patience::default(),
    };
    let serving = helpers::serve(
        listener,
        settings,
        observations,
        Arc::clone(&context.board),
        token.clone(),
    );
    supervisor.essential("the helpers' socket", async move {
        serving.await;
        Ok::<_, anyhow::Error>(())
    });
    Ok(())
}

fn start_control(
    context: &Arc<Context>,
    supervisor: &mut Supervisor,
    token: &CancellationToken,
) -> anyhow::Result<()> {
    // Everybody may ask; who asks decides what is answered.
    let listener = listen(&context.config.control_socket(), 0o666, None)?;
    supervisor.essential(
        "the control socket",
        control::serve(listener, Arc::clone(context), token.clone()),
    );
    Ok(())
}

fn listen(path: &std::path::Path, mode: u32, group: Option<u32>) -> anyhow::Result<UnixListener> {
    let listener = platform::bind_socket(path, mode, group)
        .with_context(|| format!("cannot listen at {}", path.display()))?;
    Ok(UnixListener::from_std(listener)?)
}

/// What happens to helpers becomes gaps.
async fn tell_gaps(
    mut events: mpsc::Receiver<HelperEvent>,
    spool: SpoolHandle,
    token: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let event = tokio::select! {
            biased;
            event = events.recv() => event,
            () = token.cancelled() => return Ok(()),
        };
        let Some(event) = event else {
            anyhow::bail!("nobody tells of helpers any more")
        };
        let gap = Gap {
            account: Some(event.account),
            cause: event.fault.cause().into(),
            count: event.fault.count(),
            highest_severity: None,
            from_ms: event.from_ms,
            to_ms: event.to_ms,
        };
        spool.gap(gap).await;
    }
}
