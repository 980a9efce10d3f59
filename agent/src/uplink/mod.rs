//! Brings records to the collector, and policy, audiences and commands back: connects, and connects again.

mod backoff;
mod downlink;
pub(crate) mod renewal;
mod stream;
mod window;

use crate::clock;
use crate::condition::{Link, Trouble, TroubleAbout};
use crate::connector::{ConnectError, Connection, connect};
use crate::context::Context;
use crate::identity::Identity;
use crate::tls::{self, Trust};
use backoff::Backoff;
use pastoral_proto::device::device_service_client::DeviceServiceClient;
use pastoral_proto::device::{Refusal, RefusalReason};
use pastoral_proto::limits;
use ring::rand::{SecureRandom as _, SystemRandom};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;

/// After a failure, not even something severe makes the device try again sooner.
const REST: Duration = Duration::from_secs(2);
/// How long a device leaves the connection to another one with its identity.
const TURNS: Duration = Duration::from_secs(30);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// It did not come about.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The collector refused this device.
    #[error("the collector refused this device: {}", .0.reason().as_str_name())]
    Refused(Refusal),
    /// The collector's certificate is right in all but its time, and the collector's clock agrees with ours.
    #[error("the collector's certificate has expired")]
    CollectorExpired,
    /// It broke.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// Something on this device.
    #[error("{0:#}")]
    Own(anyhow::Error),
}

/// The collector's service over one connection.
pub(crate) type Client = DeviceServiceClient<Channel>;

/// Keeps the device connected until told to stop.
pub(crate) async fn run(context: Arc<Context>, token: CancellationToken) -> anyhow::Result<()> {
    let mut identity = context.identity.subscribe();
    let mut backoff = Backoff::default();
    let mut newest_failed = false;
    loop {
        let Some(current) = identity.borrow_and_update().clone() else {
            tokio::select! {
                () = token.cancelled() => return Ok(()),
                changed = identity.changed() => { changed?; continue }
            }
        };
        // The old pair is kept until the new one has connected, and used when the new one does not.
        let pair = if newest_failed { current.pairs.len() - 1 } else { 0 };
        let ended = tokio::select! {
            () = token.cancelled() => return Ok(()),
            // Joined anew: the old identity has nothing more to say.
            _ = identity.changed() => continue,
            ended = stream::run(&context, &current, pair, &mut backoff) => ended,
        };
        context.condition.update(|condition| {
            if matches!(condition.link, Link::Connected { .. }) {
                condition.link = Link::Away;
            }
        });
        let Err(error) = ended else { continue };
        newest_failed = is_about_certificate(&error) && !newest_failed;
        report(&context, &error);
        let wait = match &error {
            // The two would put each other out twice a second.
            LinkError::Refused(refusal) if refusal.reason() == RefusalReason::Cloned => TURNS,
            _ => backoff.failed(random()),
        };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            _ = identity.changed() => identity.mark_changed(),
            () = rest(&context, wait) => {}
        }
    }
}

/// Connects with one of the device's pairs, or with none to join.
pub(crate) async fn client(
    context: &Context,
    identity: &Identity,
    pair: usize,
) -> Result<(Client, Connection), LinkError> {
    let pair = &identity.pairs[pair.min(identity.pairs.len() - 1)];
    let own = Some((pair.chain.as_slice(), pair.key_der.as_slice()));
    let tls =
        tls::client(Trust::Ca(identity.ca_der.clone()), own).map_err(|error| LinkError::Own(error.into()))?;
    let address = identity.address().map_err(LinkError::Own)?;
    let connection = connect(&address, context.config.proxy.as_ref(), &tls).await?;
    let client = DeviceServiceClient::new(connection.channel.clone())
        .max_encoding_message_size(limits::GRPC_MESSAGE)
        .max_decoding_message_size(limits::GRPC_MESSAGE);
    Ok((client, connection))
}

/// What a failed request means: a refusal of our certificate comes as a TLS alert, not as an answer.
pub(crate) fn request_failed(status: &tonic::Status) -> LinkError {
    match crate::connector::alert_in(status) {
        Some(alert) => refused_by(alert),
        None => LinkError::Lost(limits::sentence(status.message())),
    }
}

/// What the TLS alert means by which the collector refused our certificate.
pub(crate) fn refused_by(alert: rustls::AlertDescription) -> LinkError {
    let reason = match alert {
        rustls::AlertDescription::CertificateExpired => RefusalReason::CertificateExpired,
        rustls::AlertDescription::CertificateRevoked => RefusalReason::Revoked,
        _ => RefusalReason::CertificateUnknown,
    };
    LinkError::Refused(Refusal {
        reason: reason.into(),
        ..Refusal::default()
    })
}

/// Whether the collector may take the device's other pair where it did not take this one.
fn is_about_certificate(error: &LinkError) -> bool {
    match error {
        LinkError::Refused(refusal) => matches!(
            refusal.reason(),
            RefusalReason::CertificateUnknown
                | RefusalReason::CertificateExpired
                | RefusalReason::Unspecified
        ),
        LinkError::Connect(ConnectError::Tls(_)) => true,
        _ => false,
    }
}

fn report(context: &Context, error: &LinkError) {
    let trouble = match error {
        LinkError::Connect(ConnectError::NotTheCollector(_)) => Trouble::new(
            error.to_string(),
            "if nothing intercepts the connection, the collector was set up anew: enrol this device again",
        ),
        LinkError::Connect(ConnectError::Proxy(..)) => Trouble::new(
            error.to_string(),
            "let the proxy pass CONNECT to the collector's address and port",
        ),
        LinkError::Connect(_) | LinkError::Lost(_) => Trouble::new(
            error.to_string(),
            "check that the collector runs and that this network lets the device reach it; what is flagged is kept",
        ),
        LinkError::Refused(refusal) => Trouble::refused(refusal, clock::now_ms()),
        LinkError::CollectorExpired => Trouble::new(
            error.to_string(),
            "restart the collector: it renews its own certificate",
        ),
        LinkError::Own(_) => Trouble::new(
            error.to_string(),
            "look into this device's log: journalctl -u pastoral-agent",
        ),
    };
    let about = match error {
        // Connecting again, by turns with the other, does not mend it.
        LinkError::Refused(refusal) if refusal.reason() == RefusalReason::Cloned => TroubleAbout::Clone,
        _ => TroubleAbout::Link,
    };
    context.condition.trouble(about, trouble);
}

/// Waits, unless something severe is kept meanwhile: that is tried at once.
async fn rest(context: &Context, wait: Duration) {
    let mut standing = context.spool.standing();
    let severe = standing.borrow_and_update().severe;
    let until = Instant::now() + wait;
    tokio::time::sleep(wait.min(REST)).await;
    let more = standing.wait_for(|standing| standing.severe != severe);
    let _ = tokio::time::timeout_at(until, more).await;
}

fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without randomness all devices wait the same, and no harm is done.
    let _ = SystemRandom::new().fill(&mut bytes);
    u32::from_be_bytes(bytes)
}
