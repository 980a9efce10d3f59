//! A device, as the collector sees one.

use crate::collector::Collector;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hyper_util::rt::TokioIo;
use pastoral_keywords::{Audience, Provenance, Severity, Source, Topic};
use pastoral_proto::device::device_service_client::DeviceServiceClient;
use pastoral_proto::device::{
    self, Answer, CollectorMessage, DeviceMessage, EnrolReply, EnrolRequest, Envelope, Envelopes, Hello,
    Issued, RefusalReason, collector_message::Message as Down, device_message::Message as Up, enrol_reply,
};
use pastoral_proto::{Account, EpochStart, Flag, FlagId, Match, Record, encode_record};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A device's key, and its certificate once it has one.
pub(crate) struct Device {
    pub(crate) key: KeyPair,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) device_id: String,
    pub(crate) group: String,
}

impl Device {
    /// With a new key and nothing else.
    pub(crate) fn new() -> Self {
        Self {
            key: KeyPair::generate().unwrap(),
            chain: Vec::new(),
            device_id: String::new(),
            group: String::new(),
        }
    }

    /// Joined and approved without a person.
    pub(crate) async fn joined(collector: &Collector) -> Self {
        let mut device = Self::new();
        let token = collector.open_token();
        let mut replies = device.ask(collector, &token).await;
        match next(&mut replies).await {
            enrol_reply::Outcome::Issued(issued) => device.take(issued),
            other => panic!("{other:?}"),
        }
        device
    }

    pub(crate) fn csr(&self) -> Vec<u8> {
        CertificateParams::default()
            .serialize_request(&self.key)
            .unwrap()
            .der()
            .to_vec()
    }

    /// Asks to join.
    pub(crate) async fn ask(&self, collector: &Collector, token: &str) -> Streaming<EnrolReply> {
        let parts: Vec<_> = token.split('.').collect();
        let request = EnrolRequest {
            token_id: parts[1].into(),
            token_secret: BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap(),
            csr_der: self.csr(),
            host_name: "laptop-7".into(),
            os: "linux".into(),
            agent_version: "0.1.0".into(),
            device_time_ms: 0,
        };
        self.client(collector)
            .await
            .enrol(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Asks to join with a token that nobody made, and says that it is passed on for somebody else.
    pub(crate) async fn guess_a_token(
        &self,
        client: &mut DeviceServiceClient<Channel>,
        forwarded: &str,
    ) -> RefusalReason {
        let request = EnrolRequest {
            token_id: "guessed".into(),
            token_secret: vec![7; 32],
            csr_der: self.csr(),
            host_name: "laptop-7".into(),
            os: "linux".into(),
            agent_version: "0.1.0".into(),
            device_time_ms: 0,
        };
        let mut request = tonic::Request::new(request);
        let headers = request.metadata_mut();
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        headers.insert("forwarded", format!("for={forwarded}").parse().unwrap());
        let mut replies = client.enrol(request).await.unwrap().into_inner();
        match next(&mut replies).await {
            enrol_reply::Outcome::Refusal(refusal) => refusal.reason(),
            other => panic!("{other:?}"),
        }
    }

    /// Whether a new connection is served at all.
    pub(crate) async fn is_let_in(&self, collector: &Collector) -> bool {
        let Ok(mut client) = self.try_client(collector).await else {
            return false;
        };
        let nothing = device::FetchRulesRequest { sha256: vec![0; 32] };
        match client.fetch_rules(nothing).await {
            Ok(_) => true,
            Err(status) => status.code() == tonic::Code::NotFound,
        }
    }

    pub(crate) fn take(&mut self, issued: Issued) {
        self.chain = issued.chain_der.into_iter().map(CertificateDer::from).collect();
        self.device_id = issued.device_id;
        self.group = issued.group;
    }

    /// Speaks to the collector, with the certificate if there is one.
    pub(crate) async fn client(&self, collector: &Collector) -> DeviceServiceClient<Channel> {
        self.try_client(collector).await.unwrap()
    }

    pub(crate) async fn try_client(
        &self,
        collector: &Collector,
    ) -> Result<DeviceServiceClient<Channel>, tonic::transport::Error> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(
                std::fs::read(collector.data_dir.join("ca/ca.der")).unwrap(),
            ))
            .unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = if self.chain.is_empty() {
            builder.with_no_client_auth()
        } else {
            let key = PrivateKeyDer::try_from(self.key.serialize_der()).unwrap();
            let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
            builder.with_client_cert_resolver(Arc::new(Shown(Arc::new(CertifiedKey::new(
                self.chain[..1].to_vec(),
                key,
            )))))
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let address = collector.devices.clone();
        let connect = tower::service_fn(move |_| {
            let (connector, address) = (connector.clone(), address.clone());
            async move {
                let stream = TcpStream::connect(address).await?;
                let name = ServerName::try_from("localhost").unwrap();
                std::io::Result::Ok(TokioIo::new(connector.connect(name, stream).await?))
            }
        });
        let channel = Endpoint::from_static("http://localhost")
            .connect_with_connector(connect)
            .await?;
        Ok(DeviceServiceClient::new(channel))
    }

    /// Opens the stream and says hello.
    pub(crate) async fn connect(&self, collector: &Collector, epoch: [u8; 16]) -> Stream {
        self.connect_at(collector, epoch, now()).await
    }

    pub(crate) async fn connect_at(
        &self,
        collector: &Collector,
        epoch: [u8; 16],
        device_time_ms: i64,
    ) -> Stream {
        let (up, messages) = mpsc::channel(4);
        let hello = Hello {
            epoch: epoch.to_vec(),
            device_time_ms,
            host_name: "laptop-7".into(),
            os: "linux".into(),
            agent_version: "0.1.0".into(),
            policy_generation: 0,
            policy_counter: 0,
            policy_group: String::new(),
        };
        up.send(DeviceMessage {
            message: Some(Up::Hello(hello)),
        })
        .await
        .unwrap();
        let mut client = self.client(collector).await;
        let down = client
            .connect(ReceiverStream::new(messages))
            .await
            .unwrap()
            .into_inner();
        Stream { up, down, epoch }
    }
}

/// Shows a certificate, whether or not the key belongs to it.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesClientCert for Shown {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A device's open stream.
pub(crate) struct Stream {
    pub(crate) up: mpsc::Sender<DeviceMessage>,
    pub(crate) down: Streaming<CollectorMessage>,
    pub(crate) epoch: [u8; 16],
}

impl Stream {
    /// What comes next.
    pub(crate) async fn next(&mut self) -> Down {
        let message = tokio::time::timeout(PATIENCE, self.down.message())
            .await
            .expect("the collector says nothing");
        message
            .unwrap()
            .expect("the collector ended the stream")
            .message
            .unwrap()
    }

    /// What comes next, leaving out whatever `wanted` does not take.
    pub(crate) async fn until<T>(&mut self, wanted: impl Fn(Down) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    pub(crate) async fn say(&self, message: Up) {
        self.up
            .send(DeviceMessage {
                message: Some(message),
            })
            .await
            .unwrap();
    }

    /// Delivers records, and gives the answers.
    pub(crate) async fn deliver(&mut self, records: &[(u64, &Record)]) -> Vec<Answer> {
        let records: Vec<_> = records
            .iter()
            .map(|(sequence, record)| (*sequence, encode_record(record)))
            .collect();
        self.deliver_bytes(records).await
    }

    pub(crate) async fn deliver_bytes(&mut self, records: Vec<(u64, Vec<u8>)>) -> Vec<Answer> {
        let envelopes = records.into_iter().map(|(sequence, bytes)| Envelope {
            epoch: self.epoch.to_vec(),
            sequence,
            severity: 1,
            bytes,
        });
        self.say(Up::Envelopes(Envelopes {
            envelopes: envelopes.collect(),
        }))
        .await;
        self.until(|message| match message {
            Down::Answers(answers) => Some(answers.answers),
            _ => None,
        })
        .await
    }
}

pub(crate) async fn next(replies: &mut Streaming<EnrolReply>) -> enrol_reply::Outcome {
    let reply = tokio::time::timeout(PATIENCE, replies.message())
        .await
        .expect("the collector says nothing");
    reply
        .unwrap()
        .expect("the collector ended the stream")
        .outcome
        .unwrap()
}

pub(crate) fn now() -> i64 {
    pastoral_collector::clock::now_ms()
}

/// A flag of an account that nobody knows.
pub(crate) fn flag(account: &str, text: &str, severity: u8) -> Record {
    Record::Flag(Flag {
        account: Account {
            authority: "local".into(),
            stable_id: account.into(),
            name: account.into(),
        },
        audience: Audience::Ks2,
        source: Source::Search,
        provenance: Provenance::Typed,
        text: text.into(),
        program: "chromium".into(),
        site: "Example".into(),
        observed_at_ms: now(),
        matches: vec![Match {
            list_id: "pastoral-en".into(),
            list_version: 1,
            term_id: "t1".into(),
            term: "term".into(),
            topic: Topic::SelfHarm,
            severity: Severity::try_from(severity).unwrap(),
            span: 0..1,
            view: "plain".into(),
            reason: "why".into(),
            severity_note: None,
            considered: Vec::new(),
            confidential: false,
        }],
        severity: Severity::try_from(severity).unwrap(),
    })
}

/// The first record of an epoch.
pub(crate) fn start(previous: Option<FlagId>) -> Record {
    Record::EpochStart(EpochStart {
        previous,
        started_at_ms: now(),
    })
}

pub(crate) fn is_committed(answer: &Answer) -> bool {
    matches!(answer.outcome, Some(device::answer::Outcome::Committed(_)))
}

/// The hash of the authority that a token carries.
pub(crate) fn fingerprint(token: &str) -> Vec<u8> {
    HEXLOWER
        .decode(token.split('.').nth(3).unwrap().as_bytes())
        .unwrap()
}
