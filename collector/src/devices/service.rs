//! The gRPC service: who may call what.

use super::accounts::AccountsAsked;
use super::enrol::{self, Standing};
use super::hub::Hub;
use super::listener::Peer;
use super::policy::Policies;
use super::refusal::{self, refusal};
use super::stream;
use crate::app::App;
use crate::ca::{Authority, RENEWABLE_MS};
use crate::clock;
use crate::metering::{Limited, Meter};
use crate::net::places::Proof;
use crate::net::rate::{Rate, Rates};
use crate::net::source::Source;
use crate::store::ingest::Ingest;
use crate::store::{certificates, retire};
use jiff::civil::Date;
use pastoral_proto::device::device_service_server::DeviceService;
use pastoral_proto::device::{
    CollectorMessage, DeviceMessage, EnrolReply, EnrolRequest, FetchRulesRequest, Refusal, RefusalReason,
    RenewReply, RenewRequest, RulesPiece, collector_message, enrol_reply, renew_reply,
};
use pastoral_proto::limits;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

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
/// How long such a stream stays open; the device asks again.
const WAIT: Duration = Duration::from_secs(3600);

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
    pub(super) async fn admit(&self, peer: Option<&Peer>) -> Result<certificates::Standing, Refusal> {
        let standing = self.known(peer).await?;
        if clock::now_ms() >= standing.not_after {
            return Err(refusal(RefusalReason::CertificateExpired));
        }
        Ok(standing)
    }

    /// The same, without looking at expiry.
    async fn known(&self, peer: Option<&Peer>) -> Result<certificates::Standing, Refusal> {
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
        match standing.state.as_str() {
            _ if standing.certificate_revoked => Err(refusal(RefusalReason::Revoked)),
            "approved" => Ok(standing),
            "revoked" => Err(refusal(RefusalReason::Revoked)),
            "rejected" => Err(refusal(RefusalReason::Rejected)),
            _ => Err(refusal(RefusalReason::NotApproved)),
        }
    }

    /// A laptop that was on when it was retired takes a while to be put away; one that goes on speaking is in use.
    async fn spoke_though_retired(&self, standing: &certificates::Standing, retired_at: i64) {
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

/// The service as tonic calls it.
pub(super) struct Service(pub(super) Arc<Shared>);

#[tonic::async_trait]
impl DeviceService for Service {
    type EnrolStream = ReceiverStream<Result<EnrolReply, Status>>;
    type ConnectStream = ReceiverStream<Result<CollectorMessage, Status>>;
    type FetchRulesStream = ReceiverStream<Result<RulesPiece, Status>>;

    async fn enrol(&self, request: Request<EnrolRequest>) -> Result<Response<Self::EnrolStream>, Status> {
        let (replies, stream) = mpsc::channel(2);
        let shared = Arc::clone(&self.0);
        let Ok(permit) = Arc::clone(&shared.waiting).try_acquire_owned() else {
            let _just_made = replies.try_send(Ok(reply(Standing::Refused(refusal(RefusalReason::Busy)))));
            return Ok(Response::new(ReceiverStream::new(stream)));
        };
        let proof = request.extensions().get::<Peer>().map(|peer| peer.proof.clone());
        let request = request.into_inner();
        tokio::spawn(async move {
            let _counted = permit;
            let stop = shared.stop.clone();
            tokio::select! {
                () = stop.cancelled() => {}
                () = replies.closed() => {}
                answered = tokio::time::timeout(WAIT, answer(&shared, &request, proof, &replies)) => {
                    if let Ok(Err(error)) = answered {
                        tracing::error!(%error, "a device that asks to join could not be answered");
                        let busy = reply(Standing::Refused(refusal(RefusalReason::Busy)));
                        let _device_may_be_gone = replies.send(Ok(busy)).await;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewReply>, Status> {
        let standing = self.0.known(request.extensions().get::<Peer>()).await;
        let outcome = match standing {
            Err(refusal) => renew_reply::Outcome::Refusal(refusal),
            Ok(standing) if clock::now_ms() >= standing.not_after + RENEWABLE_MS => {
                renew_reply::Outcome::Refusal(refusal(RefusalReason::CertificateExpired))
            }
            Ok(standing) => {
                let csr = &request.get_ref().csr_der;
                match enrol::renew(&self.0, &standing.device_id, csr).await {
                    Ok(Standing::Issued(issued)) => renew_reply::Outcome::Issued(issued),
                    Ok(Standing::Refused(refusal)) => renew_reply::Outcome::Refusal(refusal),
                    Ok(Standing::Pending(_)) => {
                        renew_reply::Outcome::Refusal(refusal(RefusalReason::NotApproved))
                    }
                    Err(error) => {
                        tracing::error!(%error, "a certificate could not be renewed");
                        renew_reply::Outcome::Refusal(refusal(RefusalReason::Busy))
                    }
                }
            }
        };
        Ok(Response::new(RenewReply {
            outcome: Some(outcome),
        }))
    }

    async fn connect(
        &self,
        request: Request<Streaming<DeviceMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let (replies, stream) = mpsc::channel(4);
        let admitted = self.0.admit(request.extensions().get::<Peer>()).await;
        let counted = |standing: certificates::Standing| {
            self.0.take(&standing.device_id, Limited::Connections)?;
            Ok(standing)
        };
        match admitted.and_then(counted) {
            Ok(standing) => {
                tokio::spawn(stream::run(
                    Arc::clone(&self.0),
                    standing,
                    request.into_inner(),
                    replies,
                ));
            }
            Err(refusal) => {
                let message = CollectorMessage {
                    message: Some(collector_message::Message::Refusal(refusal)),
                };
                let _just_made = replies.try_send(Ok(message));
            }
        }
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn fetch_rules(
        &self,
        request: Request<FetchRulesRequest>,
    ) -> Result<Response<Self::FetchRulesStream>, Status> {
        let admitted = self.0.admit(request.extensions().get::<Peer>()).await;
        let standing = admitted.map_err(|refusal| Status::permission_denied(refusal.advice))?;
        self.0
            .take(&standing.device_id, Limited::Rules)
            .map_err(|refusal| Status::resource_exhausted(refusal.advice))?;
        let content = self.0.policies.rules(&request.get_ref().sha256).await;
        let content = content.ok_or_else(|| {
            Status::not_found("there are no rules with this hash; take the policy in force")
        })?;
        let (pieces, stream) = mpsc::channel(2);
        // Ends with the stream when the device goes away.
        tokio::spawn(async move {
            for piece in content.chunks(limits::RULES_PIECE) {
                let content = piece.to_vec();
                if pieces.send(Ok(RulesPiece { content })).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Answers a device that asks to join: at once, and again when a person has decided.
/// Asks for a device. Wrong tokens are counted for their source, since each is looked up where devices deliver; whoever
/// has a right one has proven that somebody let them in.
async fn ask(shared: &Shared, request: &EnrolRequest, proof: Option<Proof>) -> Result<Standing, sqlx::Error> {
    let source = proof.as_ref().map(Proof::source);
    if source.is_some_and(|source| !shared.wrong_tokens.take(&source, clock::now_ms())) {
        return Ok(Standing::Refused(refusal(RefusalReason::Busy)));
    }
    let standing = enrol::ask(shared, request).await?;
    if !matches!(standing, Standing::Refused(_))
        && let Some(proof) = proof
    {
        shared.wrong_tokens.give_back(&proof.source());
        proof.prove(
            &request
                .token_id
                .as_bytes()
                .iter()
                .chain(&request.csr_der)
                .copied()
                .collect(),
        );
    }
    Ok(standing)
}

async fn answer(
    shared: &Shared,
    request: &EnrolRequest,
    proof: Option<Proof>,
    replies: &mpsc::Sender<Result<EnrolReply, Status>>,
) -> Result<(), sqlx::Error> {
    let mut changes = shared.changes.clone();
    let mut standing = ask(shared, request, proof).await?;
    let mut told = false;
    loop {
        let Standing::Pending(pending) = standing else {
            let _device_may_be_gone = replies.send(Ok(reply(standing))).await;
            return Ok(());
        };
        let device_id = pending.device_id.clone();
        if !told && replies.send(Ok(reply(Standing::Pending(pending)))).await.is_err() {
            return Ok(());
        }
        told = true;
        if changes.changed().await.is_err() {
            return Ok(());
        }
        standing = enrol::stand(shared, &device_id, &request.csr_der).await?;
    }
}

fn reply(standing: Standing) -> EnrolReply {
    let outcome = match standing {
        Standing::Pending(pending) => enrol_reply::Outcome::Pending(pending),
        Standing::Issued(issued) => enrol_reply::Outcome::Issued(issued),
        Standing::Refused(refusal) => enrol_reply::Outcome::Refusal(refusal),
    };
    EnrolReply {
        outcome: Some(outcome),
    }
}
