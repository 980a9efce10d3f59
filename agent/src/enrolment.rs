//! Joining a school: the command records what was asked, and the service carries it through, over restarts and for as
//! long as a person takes to decide.
//!
//! # Format
//! `enrolment.json` in the state folder: the collector, the token's parts, the device's new key and certificate request,
//! and how far it is. The request stays the same over restarts, so that the collector knows the device again. The file
//! is removed when the device has joined.

use crate::clock;
use crate::condition::{Link, Trouble, TroubleAbout};
use crate::config::Address;
use crate::connector::{ConnectError, connect};
use crate::context::Context;
use crate::files::{read_state_file, write_state_file};
use crate::identity::{Identity, Pair, Request};
use crate::platform;
use crate::tls::{self, Trust};
use crate::token::Token;
use anyhow::Context as _;
use data_encoding::{BASE64, HEXLOWER};
use notify::Watcher as _;
use pastoral_proto::device::device_service_client::DeviceServiceClient;
use pastoral_proto::device::enrol_reply::Outcome;
use pastoral_proto::device::{EnrolRequest, Issued, RefusalReason};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

pub(crate) const FILE: &str = "enrolment.json";
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What was asked, and how far it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Enrolment {
    collector: String,
    token_id: String,
    token_secret: String,
    ca_sha256: String,
    key: String,
    csr: String,
    pub progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Progress {
    /// The service has yet to reach the collector.
    Asked,
    /// A person has to approve the device.
    Pending {
        /// As the collector will know it.
        device_id: String,
        /// To be compared with the one on the collector.
        confirm_code: String,
    },
    /// It was refused, or what answers is not the collector: it is not asked again.
    Refused(Trouble),
}

impl Enrolment {
    pub(crate) fn new(collector: &str, token: &Token) -> anyhow::Result<Self> {
        let address = Address::parse("https", collector).context("--collector")?;
        let request = Request::new()?;
        Ok(Self {
            collector: format!("https://{}", address.authority()),
            token_id: token.id.clone(),
            token_secret: BASE64.encode(&token.secret),
            ca_sha256: HEXLOWER.encode(&token.ca_sha256),
            key: BASE64.encode(&request.key_der),
            csr: BASE64.encode(&request.csr_der),
            progress: Progress::Asked,
        })
    }

    /// What was asked and is not done; none when there is nothing.
    pub(crate) fn load(state_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = state_dir.join(FILE);
        let bytes = read_state_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let Some(bytes) = bytes.map(Zeroizing::new) else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            anyhow::anyhow!(
                "{} is damaged at line {}; enrol again",
                path.display(),
                error.line()
            )
        })
    }

    pub(crate) fn save(&self, state_dir: &Path) -> anyhow::Result<()> {
        let bytes = Zeroizing::new(serde_json::to_vec_pretty(self)?);
        write_state_file(&state_dir.join(FILE), &bytes)
            .with_context(|| format!("cannot write {}", state_dir.join(FILE).display()))
    }
}

/// Carries enrolments through until told to stop.
pub(crate) async fn run(context: Arc<Context>, token: CancellationToken) -> anyhow::Result<()> {
    let changed = Arc::new(Notify::new());
    let _watcher = watch(&context.config.state_dir, Arc::clone(&changed))?;
    let mut pause = FIRST_PAUSE;
    loop {
        let asked = Enrolment::load(&context.config.state_dir).unwrap_or_else(|error| {
            let to_do = "enrol this device again";
            context
                .condition
                .trouble(TroubleAbout::Joining, Trouble::new(format!("{error:#}"), to_do));
            None
        });
        show(&context, asked.as_ref());
        let open = asked.filter(|asked| !matches!(asked.progress, Progress::Refused(_)));
        let Some(asked) = open else {
            pause = FIRST_PAUSE;
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                () = changed.notified() => continue,
            }
        };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = asked_anew(&context, &asked, &changed) => { pause = FIRST_PAUSE; continue }
            ended = attempt(&context, &asked) => match ended {
                Ok(()) => { pause = FIRST_PAUSE; continue }
                Err(trouble) => context.condition.trouble(TroubleAbout::Joining, trouble),
            }
        }
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = asked_anew(&context, &asked, &changed) => pause = FIRST_PAUSE,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// Hears when the file changes. The folder is watched, not the file: the file is replaced.
fn watch(state_dir: &Path, changed: Arc<Notify>) -> anyhow::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let concerns = |event: notify::Event| {
            // Our own look at the file is not a change of it.
            !event.kind.is_access()
                && event
                    .paths
                    .iter()
                    .any(|path| path.file_name().is_some_and(|name| name == FILE))
        };
        if event.map_or(true, concerns) {
            changed.notify_one();
        }
    })?;
    watcher
        .watch(state_dir, notify::RecursiveMode::NonRecursive)
        .context("cannot watch the state folder")?;
    Ok(watcher)
}

/// Waits until another enrolment than this one is asked for.
async fn asked_anew(context: &Context, current: &Enrolment, changed: &Notify) {
    loop {
        changed.notified().await;
        let now = Enrolment::load(&context.config.state_dir).ok().flatten();
        if now.is_none_or(|now| now.csr != current.csr) {
            return;
        }
    }
}

fn show(context: &Context, asked: Option<&Enrolment>) {
    let joined = context.identity.borrow().is_some();
    match asked.map(|asked| &asked.progress) {
        Some(Progress::Refused(trouble)) => context.condition.trouble(TroubleAbout::Joining, trouble.clone()),
        Some(Progress::Pending { confirm_code, .. }) if !joined => pending(context, confirm_code),
        _ if joined => context.condition.well(TroubleAbout::Joining),
        _ => {}
    }
}

fn pending(context: &Context, confirm_code: &str) {
    let confirm_code = confirm_code.to_owned();
    context
        .condition
        .update(|condition| condition.link = Link::AwaitingApproval { confirm_code });
    context.condition.well(TroubleAbout::Joining);
}

/// Asks once, and waits for as long as the collector keeps the question open.
async fn attempt(context: &Context, asked: &Enrolment) -> Result<(), Trouble> {
    let own = |error: anyhow::Error| Trouble::new(format!("{error:#}"), "enrol this device again");
    let address = Address::parse("https", &asked.collector).map_err(own)?;
    let fingerprint = HEXLOWER
        .decode(asked.ca_sha256.as_bytes())
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    let fingerprint: [u8; 32] = fingerprint.ok_or_else(|| own(anyhow::anyhow!("{FILE} is damaged")))?;
    let tls = tls::client(Trust::Fingerprint(fingerprint), None).map_err(|error| own(error.into()))?;
    let connection = match connect(&address, context.config.proxy.as_ref(), &tls).await {
        Ok(connection) => connection,
        Err(error) => {
            let trouble = no_connection(&error);
            if matches!(error, ConnectError::NotTheCollector(_)) {
                give_up(context, asked, &trouble).map_err(own)?;
            }
            return Err(trouble);
        }
    };
    if connection.time_fault.is_some() {
        return Err(Trouble::new(
            "the collector's certificate is not valid at the time that this device's clock shows",
            "set this device's clock, and let it keep time by NTP",
        ));
    }
    let mut client = DeviceServiceClient::new(connection.channel.clone());
    let request = request(asked).map_err(own)?;
    let lost = |status: tonic::Status| {
        Trouble::new(
            format!(
                "the connection to the collector was lost while joining: {}",
                status.message()
            ),
            "nothing: this device asks again by itself",
        )
    };
    let mut replies = client.enrol(request).await.map_err(lost)?.into_inner();
    while let Some(reply) = replies.message().await.map_err(lost)? {
        match reply.outcome {
            Some(Outcome::Pending(reply)) => {
                let (device_id, confirm_code) = (reply.device_id, reply.confirm_code);
                let mut waiting = asked.clone();
                pending(context, &confirm_code);
                waiting.progress = Progress::Pending {
                    device_id,
                    confirm_code,
                };
                waiting.save(&context.config.state_dir).map_err(own)?;
            }
            Some(Outcome::Issued(issued)) => {
                let ca = tls::find_by_fingerprint(&connection.presented, &fingerprint);
                let ca = ca.map(|ca| ca.to_vec()).unwrap_or_default();
                return joined(context, asked, &issued, ca).map_err(own);
            }
            Some(Outcome::Refusal(refusal)) => {
                let trouble = Trouble::refused(&refusal, clock::now_ms());
                if is_final(refusal.reason()) {
                    give_up(context, asked, &trouble).map_err(own)?;
                }
                return Err(trouble);
            }
            None => {}
        }
    }
    Err(lost(tonic::Status::unavailable(
        "it was ended before anybody decided",
    )))
}

fn request(asked: &Enrolment) -> anyhow::Result<EnrolRequest> {
    Ok(EnrolRequest {
        token_id: asked.token_id.clone(),
        token_secret: BASE64.decode(asked.token_secret.as_bytes())?,
        csr_der: BASE64.decode(asked.csr.as_bytes())?,
        host_name: platform::host_name(),
        os: platform::os_name(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        device_time_ms: clock::now_ms(),
    })
}

fn joined(context: &Context, asked: &Enrolment, issued: &Issued, ca_der: Vec<u8>) -> anyhow::Result<()> {
    let key_der = Zeroizing::new(BASE64.decode(asked.key.as_bytes())?);
    let pair = Pair::issued(issued, key_der, &ca_der)?;
    let identity = Identity {
        school_id: issued.school_id.clone(),
        device_id: issued.device_id.clone(),
        group: issued.group.clone(),
        collector: asked.collector.clone(),
        ca_der,
        pairs: vec![pair],
    };
    identity.save(&context.config.state_dir)?;
    std::fs::remove_file(context.config.state(FILE)).context("cannot remove the request to join")?;
    tracing::info!("this device has joined the school");
    context.condition.well(TroubleAbout::Joining);
    context.condition.update(|condition| condition.link = Link::Away);
    context.joined(identity);
    Ok(())
}

/// Asking again the same way is of no use: whoever waits is told so.
fn give_up(context: &Context, asked: &Enrolment, trouble: &Trouble) -> anyhow::Result<()> {
    let mut refused = asked.clone();
    refused.progress = Progress::Refused(trouble.clone());
    // The secret is of no more use.
    refused.token_secret = String::new();
    refused.save(&context.config.state_dir)
}

/// Whether asking again the same way is of no use.
fn is_final(reason: RefusalReason) -> bool {
    matches!(
        reason,
        RefusalReason::TokenUnknown
            | RefusalReason::TokenUsedUp
            | RefusalReason::TokenExpired
            | RefusalReason::Rejected
            | RefusalReason::Revoked
            | RefusalReason::Malformed
    )
}

fn no_connection(error: &ConnectError) -> Trouble {
    let to_do = match error {
        ConnectError::NotTheCollector(_) => {
            "check the address given with --collector, and that the token is of this very collector; then enrol again"
        }
        ConnectError::Proxy(..) => "let the proxy pass CONNECT to the collector's address and port",
        ConnectError::Unreachable(..) | ConnectError::Tls(_) => {
            "check the address given with --collector and the network; this device asks again by itself"
        }
    };
    Trouble::new(error.to_string(), to_do)
}
