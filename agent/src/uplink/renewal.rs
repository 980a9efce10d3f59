//! A new certificate for a new key, asked for with the old one, which may have expired.

use super::{Client, LinkError, request_failed};
use crate::clock;
use crate::context::Context;
use crate::identity::{Identity, Pair, Request};
use pastoral_proto::device::{RenewRequest, renew_reply::Outcome};
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks for a new certificate and keeps it beside the old one, which stays until the new one has connected.
///
/// # Errors
/// See [`LinkError`]; the old pair then stays as it is.
pub(super) async fn renew(
    context: &Context,
    identity: &Identity,
    used: &Pair,
    client: &mut Client,
) -> Result<(), LinkError> {
    let request = Request::new().map_err(LinkError::Own)?;
    let asked = client.renew(RenewRequest {
        csr_der: request.csr_der,
    });
    let reply = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(reply) => reply.map_err(|status| request_failed(&status))?.into_inner(),
        Err(_) => return Err(LinkError::Lost("the collector does not answer".into())),
    };
    let issued = match reply.outcome {
        Some(Outcome::Issued(issued)) => issued,
        Some(Outcome::Refusal(refusal)) => return Err(LinkError::Refused(refusal)),
        None => return Err(LinkError::Lost("the collector's answer is empty".into())),
    };
    let pair = Pair::issued(&issued, request.key_der, &identity.ca_der).map_err(LinkError::Own)?;
    if (&issued.device_id, &issued.school_id) != (&identity.device_id, &identity.school_id) {
        return Err(LinkError::Own(anyhow::anyhow!(
            "the new certificate is for another device"
        )));
    }
    let mut renewed = identity.clone();
    renewed.pairs = vec![pair, used.clone()];
    renewed.group = issued.group;
    renewed.save(&context.config.state_dir).map_err(LinkError::Own)?;
    context.renewals.issued();
    tracing::info!("the device's certificate is renewed");
    // Whoever is connected connects again with it.
    context.identity.send_replace(Some(Arc::new(renewed)));
    Ok(())
}

/// How long until this pair is to be renewed; none if it is time.
pub(super) fn time_left(pair: &Pair) -> Option<Duration> {
    let left_ms = pair.renew_at_ms() - clock::now_ms();
    u64::try_from(left_ms)
        .ok()
        .filter(|ms| *ms > 0)
        .map(Duration::from_millis)
}

/// Whether the pair's certificate has expired, so that it can do nothing but be renewed.
pub(super) fn has_expired(pair: &Pair) -> bool {
    pair.not_after_ms <= clock::now_ms()
}
