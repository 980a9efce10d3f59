//! The gRPC service: who may call what.

use super::enrol::{self, Joining};
use super::listener::Peer;
use super::refusal::refusal;
use super::shared::Shared;
use super::stream;
use crate::ca::RENEWABLE_MS;
use crate::clock;
use crate::metering::Limited;
use crate::net::places::Proof;
use crate::store::certificates;
use pastoral_proto::device::device_service_server::DeviceService;
use pastoral_proto::device::{
    CollectorMessage, DeviceMessage, EnrolReply, EnrolRequest, FetchRulesRequest, RefusalReason, RenewReply,
    RenewRequest, RulesPiece, collector_message, enrol_reply, renew_reply,
};
use pastoral_proto::limits;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// How long the stream of a device that waits for a person's decision stays open; the device asks again.
const WAIT: Duration = Duration::from_secs(3600);

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
            let _just_made = replies.try_send(Ok(reply(Joining::Refused(refusal(RefusalReason::Busy)))));
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
                        let busy = reply(Joining::Refused(refusal(RefusalReason::Busy)));
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
                    Ok(Joining::Issued(issued)) => renew_reply::Outcome::Issued(issued),
                    Ok(Joining::Refused(refusal)) => renew_reply::Outcome::Refusal(refusal),
                    Ok(Joining::Pending(_)) => {
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
        let counted = |standing: certificates::CertificateStanding| {
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

/// Asks for a device. Wrong tokens are counted for their source, since each is looked up where devices deliver; whoever
/// has a right one has proven that somebody let them in.
async fn ask(shared: &Shared, request: &EnrolRequest, proof: Option<Proof>) -> Result<Joining, sqlx::Error> {
    let source = proof.as_ref().map(Proof::source);
    if source.is_some_and(|source| !shared.wrong_tokens.take(&source, clock::now_ms())) {
        return Ok(Joining::Refused(refusal(RefusalReason::Busy)));
    }
    let joining = enrol::ask(shared, request).await?;
    if !matches!(joining, Joining::Refused(_))
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
    Ok(joining)
}

/// Answers a device that asks to join: at once, and again when a person has decided.
async fn answer(
    shared: &Shared,
    request: &EnrolRequest,
    proof: Option<Proof>,
    replies: &mpsc::Sender<Result<EnrolReply, Status>>,
) -> Result<(), sqlx::Error> {
    let mut changes = shared.changes.clone();
    let mut joining = ask(shared, request, proof).await?;
    let mut told = false;
    loop {
        let Joining::Pending(pending) = joining else {
            let _device_may_be_gone = replies.send(Ok(reply(joining))).await;
            return Ok(());
        };
        let device_id = pending.device_id.clone();
        if !told && replies.send(Ok(reply(Joining::Pending(pending)))).await.is_err() {
            return Ok(());
        }
        told = true;
        if changes.changed().await.is_err() {
            return Ok(());
        }
        joining = enrol::stand(shared, &device_id, &request.csr_der).await?;
    }
}

fn reply(joining: Joining) -> EnrolReply {
    let outcome = match joining {
        Joining::Pending(pending) => enrol_reply::Outcome::Pending(pending),
        Joining::Issued(issued) => enrol_reply::Outcome::Issued(issued),
        Joining::Refused(refusal) => enrol_reply::Outcome::Refusal(refusal),
    };
    EnrolReply {
        outcome: Some(outcome),
    }
}
