//! A device that speaks the protocol without an agent: for many at once, and for saying what an agent never would.

use crate::clock;
use anyhow::{Context as _, Result, bail};
use data_encoding::BASE64URL_NOPAD;
use hyper_util::rt::TokioIo;
use pastoral_proto::device::collector_message::Message as Down;
use pastoral_proto::device::device_message::Message as Up;
use pastoral_proto::device::device_service_client::DeviceServiceClient;
use pastoral_proto::device::{
    self as wire, Answers, CollectorMessage, DeviceMessage, EnrolRequest, Envelope, Envelopes, Hello,
    enrol_reply,
};
use rcgen::{CertificateParams, KeyPair};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint, Uri};

/// A key of the device's own and its certificate, with issuers, as DER.
#[derive(Clone, Default)]
pub struct Pair {
    /// PKCS #8.
    pub key: Vec<u8>,
    /// The device's certificate first.
    pub chain: Vec<Vec<u8>>,
}

/// A device that has joined.
#[derive(Clone)]
pub struct Device {
    collector: SocketAddr,
    /// As the collector knows it.
    pub id: String,
    /// What it shows to be it.
    pub pair: Pair,
}

/// An open stream to the collector, past its welcome.
pub struct Stream {
    /// This run of the device.
    pub epoch: Vec<u8>,
    up: mpsc::Sender<DeviceMessage>,
    down: Streaming<CollectorMessage>,
}

/// Joins a school by a token that needs no approval.
pub async fn enrol(collector: SocketAddr, token: &str) -> Result<Device> {
    let mut parts = token.trim().split('.').skip(1);
    let (id, secret) = (
        parts.next().context("no token")?,
        parts.next().context("half a token")?,
    );
    let key = KeyPair::generate()?;
    let request = EnrolRequest {
        token_id: id.into(),
        token_secret: BASE64URL_NOPAD.decode(secret.as_bytes())?,
        csr_der: CertificateParams::default()
            .serialize_request(&key)?
            .der()
            .to_vec(),
        host_name: "laptop".into(),
        os: "Debian GNU/Linux 12".into(),
        agent_version: "0.1.0".into(),
        device_time_ms: clock::now_ms(),
    };
    let mut client = DeviceServiceClient::new(channel(collector, None).await?);
    let mut replies = client.enrol(request).await?.into_inner();
    while let Some(reply) = replies.message().await? {
        match reply.outcome.context("an empty answer")? {
            enrol_reply::Outcome::Pending(_) => {}
            enrol_reply::Outcome::Issued(issued) => {
                let pair = Pair {
                    key: key.serialize_der(),
                    chain: issued.chain_der,
                };
                return Ok(Device {
                    collector,
                    id: issued.device_id,
                    pair,
                });
            }
            enrol_reply::Outcome::Refusal(refusal) => {
                bail!("{}: {}", refusal.reason().as_str_name(), refusal.advice)
            }
        }
    }
    bail!("the collector ended the enrolment without an answer")
}

impl Device {
    /// Connects and says hello.
    pub async fn connect(&self, epoch: Vec<u8>) -> Result<Stream> {
        let mut client = DeviceServiceClient::new(channel(self.collector, Some(&self.pair)).await?);
        let (up, messages) = mpsc::channel(64);
        let hello = Hello {
            epoch: epoch.clone(),
            device_time_ms: clock::now_ms(),
            host_name: "laptop".into(),
            os: "Debian GNU/Linux 12".into(),
            agent_version: "0.1.0".into(),
            policy_generation: 0,
            policy_counter: 0,
            policy_group: String::new(),
        };
        up.send(DeviceMessage {
            message: Some(Up::Hello(hello)),
        })
        .await?;
        let mut down = client.connect(ReceiverStream::new(messages)).await?.into_inner();
        match down.message().await?.and_then(|message| message.message) {
            Some(Down::Welcome(_)) => Ok(Stream { epoch, up, down }),
            Some(Down::Refusal(refusal)) => bail!("{}: {}", refusal.reason().as_str_name(), refusal.advice),
            other => bail!("no welcome but {other:?}"),
        }
    }
}

impl Stream {
    /// Sends records.
    pub async fn send(&self, envelopes: Vec<Envelope>) -> Result<()> {
        let message = DeviceMessage {
            message: Some(Up::Envelopes(Envelopes { envelopes })),
        };
        self.up
            .send(message)
            .await
            .map_err(|_| anyhow::anyhow!("the connection is gone"))
    }

    /// The next answers; what else the collector sends meanwhile is passed over.
    pub async fn answers(&mut self) -> Result<Answers> {
        while let Some(message) = self.down.message().await? {
            if let Some(Down::Answers(answers)) = message.message {
                return Ok(answers);
            }
        }
        bail!("the connection ended")
    }

    /// Two halves, to send and to be answered at the same time.
    #[must_use]
    pub fn split(self) -> (mpsc::Sender<DeviceMessage>, Streaming<CollectorMessage>) {
        (self.up, self.down)
    }

    /// An envelope around a flag of this stream.
    #[must_use]
    pub fn envelope(&self, sequence: u64, flag: wire::Flag) -> Envelope {
        envelope(&self.epoch, sequence, flag)
    }
}

/// An envelope around a flag.
#[must_use]
pub fn envelope(epoch: &[u8], sequence: u64, flag: wire::Flag) -> Envelope {
    let severity = flag.severity;
    let record = wire::Record {
        record: Some(wire::record::Record::Flag(flag)),
    };
    Envelope {
        epoch: epoch.to_vec(),
        sequence,
        severity,
        bytes: prost::Message::encode_to_vec(&record),
    }
}

/// A flag such as agents make: the text is one matching phrase.
#[must_use]
pub fn flag(user: u32, text: &str, topic: &str, severity: u32) -> wire::Flag {
    wire::Flag {
        account: Some(wire::Account {
            authority: "local".into(),
            stable_id: user.to_string(),
            name: format!("pupil{user}"),
        }),
        audience: "ks2".into(),
        source: "search".into(),
        provenance: "typed".into(),
        text: text.into(),
        program: "chromium".into(),
        site: "Google".into(),
        observed_at_ms: clock::now_ms(),
        matches: vec![wire::Match {
            list_id: "pastoral-en-suicide".into(),
            list_version: 1,
            term_id: "kill-myself".into(),
            term: text.into(),
            topic: topic.into(),
            severity,
            start: 0,
            end: u32::try_from(text.len()).unwrap_or(u32::MAX),
            view: "plain".into(),
            reason: "Says or asks about it".into(),
            severity_note: String::new(),
            considered: Vec::new(),
            confidential: false,
        }],
        severity,
    }
}

/// A connection: with a device's certificate, or without, as a stranger.
pub async fn channel(collector: SocketAddr, pair: Option<&Pair>) -> Result<Channel> {
    let stream = TcpStream::connect(collector)
        .await
        .context("the collector does not answer")?;
    stream.set_nodelay(true)?;
    let connector = TlsConnector::from(Arc::new(settings(pair)?));
    let stream = connector
        .connect(ServerName::try_from("localhost")?, stream)
        .await?;
    let mut stream = Some(TokioIo::new(stream));
    let once = tower::service_fn(move |_: Uri| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    });
    let endpoint = Endpoint::from_shared(format!("http://{collector}"))?;
    Ok(endpoint.connect_with_connector(once).await?)
}

fn settings(pair: Option<&Pair>) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCollector));
    let mut settings = match pair {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let chain = pair
                .chain
                .iter()
                .map(|der| CertificateDer::from(der.clone()))
                .collect();
            builder.with_client_auth_cert(
                chain,
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.key.clone())),
            )?
        }
    };
    settings.alpn_protocols = vec![b"h2".to_vec()];
    Ok(settings)
}

/// These devices connect to the collector that the test itself started, and to no other.
#[derive(Debug)]
struct AnyCollector;

impl ServerCertVerifier for AnyCollector {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _issuers: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
