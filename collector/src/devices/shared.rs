//! What enrolment, streams and the service share, and whom of the devices they let in.

use super::accounts::AccountsAsked;
use super::hub::Hub;
use super::listener::Peer;
use super::policy::Policies;
use super::refusal::{self, refusal};
use crate::app::App;
use crate::ca::Authority;
use crate::clock;
use crate::metering::{Limited, Meter};
use crate::net::rate::{Rate, Rates};
use crate::net::source::Source;
use crate::store::devices::DeviceState;
use crate::store::ingest::Ingest;
use crate::store::{certificates, retire};
use jiff::civil::Date;
use pastoral_proto::device::{Refusal, RefusalReason};
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

/// Devices that wait for a person's decision with an open stream.
const WAITING: usize = 256;
/// Wrong tokens shown from one source.
const WRONG_TOKENS: Rate = Rate {
    at_once: 60,
    every_ms: 1_000,
};
const SOURCES: usize = 10_000;
/// A retired device's words are written down at most this often, and not just after it was retired.
const RETIRED_AGAIN_MS: i64 = 60 * 60 * 1000;

/// Everything the device service works with.
pub(super) struct Shared {
    pub(super) app: App,
    pub(super) authority: Authority,
    pub(super) hub: Hub,
    pub(super) ingest: Ingest,
    /// What each device uses of what is limited.
    pub(super) meter: Arc<Meter>,
    pub(super) policies: Policies,
    pub(super) accounts: AccountsAsked,
    /// Counts changes of the store.
    pub(super) changes: watch::Receiver<u64>,
    pub(super) waiting: Arc<Semaphore>,
    pub(super) wrong_tokens: Rates<Source>,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn waiting() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(WAITING))
    }

    pub(super) fn wrong_tokens() -> Rates<Source> {
        Rates::new(WRONG_TOKENS, SOURCES)
    }

    /// The day it is at the school.
    pub(super) fn day(&self, now: i64) -> Option<Date> {
        self.app.profile.load().cover.day(now)
    }

    /// INVARIANT 8: counts one of something that is limited, or says why the device has to wait.
    pub(super) fn take(&self, device_id: &str, what: Limited) -> Result<(), Refusal> {
        let now = clock::now_ms();
        let taken = self.meter.take(self.day(now), device_id, what, now);
        taken.map_err(|held_back| refusal::beyond(held_back.what))
    }

    /// INVARIANT 7: the device its certificate names, as the rows know it, or why not.
    pub(super) async fn admit(
        &self,
        peer: Option<&Peer>,
    ) -> Result<certificates::CertificateStanding, Refusal> {
        let standing = self.known(peer).await?;
        if clock::now_ms() >= standing.not_after {
            return Err(refusal(RefusalReason::CertificateExpired));
        }
        Ok(standing)
    }

    /// The same, without looking at expiry.
    pub(super) async fn known(
        &self,
        peer: Option<&Peer>,
    ) -> Result<certificates::CertificateStanding, Refusal> {
        let sha256 = peer.and_then(|peer| peer.certificate_sha256.as_ref());
        let Some(sha256) = sha256 else {
            return Err(refusal(RefusalReason::CertificateUnknown));
        };
        let standing = certificates::standing(&self.app.store, &self.app.school_id, sha256)
            .await
            .map_err(|error| {
                tracing::error!(%error, "a device could not be looked up");
                refusal(RefusalReason::Busy)
            })?;
        let Some(standing) = standing else {
            return Err(refusal(RefusalReason::CertificateUnknown));
        };
        if let Some(retired_at) = standing.retired_at {
            self.spoke_though_retired(&standing, retired_at).await;
            return Err(refusal::retired());
        }
        match standing.state {
            _ if standing.certificate_revoked => Err(refusal(RefusalReason::Revoked)),
            DeviceState::Approved => Ok(standing),
            DeviceState::Revoked => Err(refusal(RefusalReason::Revoked)),
            DeviceState::Rejected => Err(refusal(RefusalReason::Rejected)),
            DeviceState::Pending => Err(refusal(RefusalReason::NotApproved)),
        }
    }

    /// A laptop that was on when it was retired takes a while to be put away; one that goes on speaking is in use.
    async fn spoke_though_retired(&self, standing: &certificates::CertificateStanding, retired_at: i64) {
        let now = clock::now_ms();
        let last = standing.retired_heard_at.unwrap_or(retired_at);
        if now < last.saturating_add(RETIRED_AGAIN_MS) {
            return;
        }
        let noted = retire::spoke(&self.app.store, &self.app.school_id, &standing.device_id, now).await;
        if let Err(error) = noted {
            tracing::error!(%error, "it could not be noted that a retired device spoke");
        }
    }
}
