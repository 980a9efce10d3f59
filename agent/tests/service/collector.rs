//! A collector that does what a test tells it: real TLS and gRPC, and answers by script.

use crate::connection::{Anyone, Plain};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::device::device_message::Message as Up;
use pastoral_proto::device::device_service_server::{DeviceService, DeviceServiceServer};
use pastoral_proto::device::*;
use pastoral_proto::{Record, decode_record, limits};
use pastoral_support::authority::Authority;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

type Replies<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

/// What the collector does with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answering {
    Commit,
    /// Quarantines severity 3.
    QuarantineThrees,
    /// Puts everything off.
    NotNow,
}

/// What a test sets and sees.
pub(crate) struct Script {
    pub(crate) enrol_refusal: Option<RefusalReason>,
    pub(crate) hello_refusal: Option<RefusalReason>,
    pub(crate) answering: Answering,
    pub(crate) device_days: Range<i64>,
    /// The same, of a certificate that is renewed.
    pub(crate) renewed_days: Range<i64>,
    pub(crate) audience: String,
    /// Whether another device uses the same identity.
    pub(crate) cloned: bool,
    pub(crate) policy: Option<SignedPolicy>,
    pub(crate) rules: HashMap<Vec<u8>, Vec<u8>>,
    /// Added to the time that the collector says it is.
    pub(crate) clock_off_ms: i64,
    pub(crate) enrolled: Vec<EnrolRequest>,
    pub(crate) hellos: Vec<Hello>,
    pub(crate) renewals: u32,
    known: HashSet<(Vec<u8>, u64)>,
    /// In the order of arrival; what was answered with `committed` only, and each once.
    pub(crate) records: Vec<Record>,
    /// In the order of arrival, again and again if sent so.
    pub(crate) severities: Vec<u32>,
    pub(crate) health: Vec<Health>,
    pub(crate) reports: Vec<PolicyReport>,
    pub(crate) asked: Vec<Account>,
    pub(crate) answers: Vec<CommandAnswer>,
    down: Option<mpsc::Sender<Result<CollectorMessage, Status>>>,
}

#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) authority: Arc<Authority>,
    pub(crate) script: Arc<Mutex<Script>>,
    /// Whether a person has approved the device.
    pub(crate) approved: watch::Sender<bool>,
    pub(crate) port: u16,
    stopped: CancellationToken,
}

impl Collector {
    pub(crate) async fn start(authority: Arc<Authority>, server_days: Range<i64>) -> Self {
        Self::start_at(authority, server_days, 0).await
    }

    pub(crate) async fn start_at(authority: Arc<Authority>, server_days: Range<i64>, port: u16) -> Self {
        let listener = listen(port).await;
        let script = Script {
            enrol_refusal: None,
            hello_refusal: None,
            answering: Answering::Commit,
            device_days: -1..365,
            renewed_days: -1..365,
            audience: "ks2".into(),
            cloned: false,
            policy: None,
            rules: HashMap::new(),
            clock_off_ms: 0,
            enrolled: Vec::new(),
            hellos: Vec::new(),
            renewals: 0,
            known: HashSet::new(),
            records: Vec::new(),
            severities: Vec::new(),
            health: Vec::new(),
            reports: Vec::new(),
            asked: Vec::new(),
            answers: Vec::new(),
            down: None,
        };
        let collector = Self {
            port: listener.local_addr().unwrap().port(),
            script: Arc::new(Mutex::new(script)),
            approved: watch::channel(true).0,
            stopped: CancellationToken::new(),
            authority,
        };
        collector.serve(listener, server_days);
        collector
    }

    fn serve(&self, listener: TcpListener, server_days: Range<i64>) {
        let leaf = self.authority.server("localhost", server_days);
        let chain = vec![
            CertificateDer::from(leaf.der.clone()),
            self.authority.ca_der.clone().into(),
        ];
        let key = PrivateKeyDer::try_from(leaf.key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(Anyone))
            .with_single_cert(chain, key)
            .unwrap();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let (streams, incoming) = mpsc::channel(8);
        let stopped = self.stopped.clone();
        tokio::spawn(async move {
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    () = stopped.cancelled() => return,
                };
                let (acceptor, streams) = (acceptor.clone(), streams.clone());
                let ended = Box::pin(stopped.clone().cancelled_owned());
                let (stream, _) = accepted.unwrap();
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = streams
                            .send(Ok::<_, std::io::Error>(Plain { stream, ended }))
                            .await;
                    }
                });
            }
        });
        let stopped = self.stopped.clone();
        let server = tonic::transport::Server::builder()
            .add_service(DeviceServiceServer::new(self.clone()))
            .serve_with_incoming(ReceiverStream::new(incoming));
        tokio::spawn(async move {
            tokio::select! {
                served = server => served.unwrap(),
                () = stopped.cancelled() => {}
            }
        });
    }

    /// Goes away, in the middle of whatever it does.
    pub(crate) fn stop(&self) {
        self.stopped.cancel();
        self.script.lock().unwrap().down = None;
    }

    pub(crate) fn address(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub(crate) fn token(&self) -> String {
        let secret = BASE64URL_NOPAD.encode(b"an invented secret");
        format!(
            "pst1.t-1.{secret}.{}",
            HEXLOWER.encode(&self.authority.fingerprint())
        )
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap());
    }

    pub(crate) fn see<T>(&self, look: impl FnOnce(&Script) -> T) -> T {
        look(&self.script.lock().unwrap())
    }

    /// Sends to the device that is connected.
    pub(crate) async fn send(&self, message: Down) {
        let down = self.see(|script| script.down.clone()).unwrap();
        down.send(Ok(CollectorMessage {
            message: Some(message),
        }))
        .await
        .unwrap();
    }

    fn now_ms(&self) -> i64 {
        pastoral_agent::clock::now_ms() + self.see(|script| script.clock_off_ms)
    }

    fn refusal(&self, reason: RefusalReason) -> Refusal {
        Refusal {
            reason: reason.into(),
            advice: String::new(),
            collector_time_ms: self.now_ms(),
        }
    }

    fn issue(&self, csr_der: &[u8]) -> Issued {
        let days = self.see(|script| script.device_days.clone());
        Issued {
            device_id: "device-1".into(),
            school_id: "school-1".into(),
            chain_der: self.authority.device(csr_der, days),
            group: "laptops".into(),
        }
    }

    fn answers(&self, envelopes: Envelopes) -> Answers {
        let mut script = self.script.lock().unwrap();
        let answers = envelopes.envelopes.into_iter().map(|envelope| {
            script.severities.push(envelope.severity);
            let outcome = match script.answering {
                Answering::NotNow => answer::Outcome::NotNow(NotNow {
                    reason: "disk full".into(),
                    retry_after_ms: 100,
                }),
                Answering::QuarantineThrees if envelope.severity == 3 => {
                    answer::Outcome::Quarantined(Quarantined {
                        reason: "flag.text: on purpose".into(),
                    })
                }
                _ => {
                    // What a device sends again after a crash, the collector knows.
                    if script.known.insert((envelope.epoch.clone(), envelope.sequence)) {
                        script.records.push(decode_record(&envelope.bytes).unwrap());
                    }
                    answer::Outcome::Committed(Committed {})
                }
            };
            Answer {
                epoch: envelope.epoch,
                sequence: envelope.sequence,
                outcome: Some(outcome),
            }
        });
        Answers {
            answers: answers.collect(),
        }
    }

    fn hear(&self, message: Up) -> Option<Down> {
        match message {
            Up::Hello(hello) => {
                self.set(|script| script.hellos.push(hello));
                Some(match self.see(|script| script.hello_refusal) {
                    Some(reason) => Down::Refusal(self.refusal(reason)),
                    None => Down::Welcome(Welcome {
                        collector_time_ms: self.now_ms(),
                        school_name: "An Invented School".into(),
                        standing: Some(Standing {
                            group: String::new(),
                            cloned: self.see(|script| script.cloned),
                        }),
                    }),
                })
            }
            Up::Envelopes(envelopes) => Some(Down::Answers(self.answers(envelopes))),
            Up::AudienceQuestion(question) => {
                self.set(|script| script.asked.extend(question.account.clone()));
                let audience = self.see(|script| script.audience.clone());
                Some(Down::AudienceAnswer(AudienceAnswer {
                    account: question.account,
                    audience,
                }))
            }
            Up::Health(health) => {
                self.set(|script| script.health.push(health));
                None
            }
            Up::PolicyReport(report) => {
                self.set(|script| script.reports.push(report));
                None
            }
            Up::CommandAnswer(answer) => {
                self.set(|script| script.answers.push(answer));
                None
            }
        }
    }
}

#[tonic::async_trait]
impl DeviceService for Collector {
    type EnrolStream = Replies<EnrolReply>;
    type ConnectStream = Replies<CollectorMessage>;
    type FetchRulesStream = Replies<RulesPiece>;

    async fn enrol(&self, request: Request<EnrolRequest>) -> Result<Response<Self::EnrolStream>, Status> {
        let request = request.into_inner();
        self.set(|script| script.enrolled.push(request.clone()));
        let (replies, outgoing) = mpsc::channel(4);
        let this = self.clone();
        let mut approved = self.approved.subscribe();
        tokio::spawn(async move {
            let reply = |outcome| {
                Ok(EnrolReply {
                    outcome: Some(outcome),
                })
            };
            if let Some(reason) = this.see(|script| script.enrol_refusal) {
                let _ = replies
                    .send(reply(enrol_reply::Outcome::Refusal(this.refusal(reason))))
                    .await;
                return;
            }
            if !*approved.borrow() {
                let pending = EnrolPending {
                    device_id: "device-1".into(),
                    confirm_code: "plum-otter-42".into(),
                };
                let _ = replies.send(reply(enrol_reply::Outcome::Pending(pending))).await;
            }
            if approved.wait_for(|approved| *approved).await.is_ok() {
                let issued = this.issue(&request.csr_der);
                let _ = replies.send(reply(enrol_reply::Outcome::Issued(issued))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewReply>, Status> {
        self.set(|script| {
            script.renewals += 1;
            script.device_days = script.renewed_days.clone();
        });
        let issued = self.issue(&request.into_inner().csr_der);
        Ok(Response::new(RenewReply {
            outcome: Some(renew_reply::Outcome::Issued(issued)),
        }))
    }

    async fn connect(
        &self,
        request: Request<Streaming<DeviceMessage>>,
    ) -> Result<Response<Self::ConnectStream>, Status> {
        let mut incoming = request.into_inner();
        let (down, outgoing) = mpsc::channel(64);
        let this = self.clone();
        tokio::spawn(async move {
            while let Some(Ok(DeviceMessage {
                message: Some(message),
            })) = incoming.next().await
            {
                let hello = matches!(message, Up::Hello(_));
                let Some(reply) = this.hear(message) else { continue };
                let refused = matches!(reply, Down::Refusal(_));
                let _ = down.send(Ok(CollectorMessage { message: Some(reply) })).await;
                if refused {
                    return;
                }
                if hello {
                    this.set(|script| script.down = Some(down.clone()));
                    if let Some(policy) = this.see(|script| script.policy.clone()) {
                        let message = Some(Down::Policy(policy));
                        let _ = down.send(Ok(CollectorMessage { message })).await;
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(outgoing))))
    }

    async fn fetch_rules(
        &self,
        request: Request<FetchRulesRequest>,
    ) -> Result<Response<Self::FetchRulesStream>, Status> {
        let content = self.see(|script| script.rules.get(&request.get_ref().sha256).cloned());
        let content = content.ok_or_else(|| Status::not_found("no such rules"))?;
        let pieces: Vec<_> = content
            .chunks(limits::RULES_PIECE)
            .map(|piece| {
                let content = piece.to_vec();
                Ok(RulesPiece { content })
            })
            .collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
    }
}

/// A collector that has just gone away may still hold its port.
async fn listen(port: u16) -> TcpListener {
    for _ in 0..1000 {
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return listener;
        }
        tokio::task::yield_now().await;
    }
    panic!("port {port} is taken");
}
