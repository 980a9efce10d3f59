//! A device, as the collector sees one: it speaks the protocol without an agent, for many at once, and for saying what an
//! agent never would. What fails here ends the test, and says why.

use crate::clock::now_ms;
use crate::collector::Collector;
use crate::poll::PATIENCE;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hyper_util::rt::TokioIo;
use pastoral_proto::device::device_service_client::DeviceServiceClient;
use pastoral_proto::device::{
    self, Answer, CollectorMessage, DeviceMessage, EnrolReply, EnrolRequest, Envelope, Envelopes, Hello,
    Issued, RefusalReason, collector_message::Message as Down, device_message::Message as Up, enrol_reply,
};
use pastoral_proto::{Record, encode_record};
use rcgen::{CertificateParams, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::{Channel, Endpoint};

/// What every device calls itself.
const HOST: &str = "laptop-7";

/// A device's key, and its certificate once it has one.
pub struct Device {
    /// Its own.
    pub key: KeyPair,
    /// Its certificate first, then its issuer's.
    pub chain: Vec<CertificateDer<'static>>,
    /// As the collector knows it.
    pub device_id: String,
    /// Its group, by the collector.
    pub group: String,
}

impl Device {
    /// With a new key and nothing else.
    #[must_use]
    pub fn stranger() -> Self {
        Self {
            key: KeyPair::generate().unwrap(),
            chain: Vec::new(),
            device_id: String::new(),
            group: String::new(),
        }
    }

    /// Joined and approved without a person.
    pub async fn joined(collector: &Collector) -> Self {
        Self::joined_by(collector, &collector.open_token()).await
    }

    /// Joined by a token that needs no person.
    pub async fn joined_by(collector: &Collector, token: &str) -> Self {
        let mut device = Self::stranger();
        let mut replies = device.ask(collector, token).await;
        match next(&mut replies).await {
            enrol_reply::Outcome::Issued(issued) => device.take(issued),
            other => panic!("{other:?}"),
        }
        device
    }

    /// Its request for a certificate.
    #[must_use]
    pub fn csr(&self) -> Vec<u8> {
        CertificateParams::default()
            .serialize_request(&self.key)
            .unwrap()
            .der()
            .to_vec()
    }

    /// Asks to join.
    pub async fn ask(&self, collector: &Collector, token: &str) -> Streaming<EnrolReply> {
        let parts: Vec<_> = token.split('.').collect();
        let secret = BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap();
        let request = self.request(parts[1], secret);
        self.client(collector)
            .await
            .enrol(request)
            .await
            .unwrap()
            .into_inner()
    }

    fn request(&self, token_id: &str, token_secret: Vec<u8>) -> EnrolRequest {
        EnrolRequest {
            token_id: token_id.into(),
            token_secret,
            csr_der: self.csr(),
            host_name: HOST.into(),
            os: "linux".into(),
            agent_version: "0.1.0".into(),
            device_time_ms: 0,
        }
    }

    /// Asks to join with a token that nobody made, and says that it is passed on for somebody else.
    pub async fn guess_a_token(
        &self,
        client: &mut DeviceServiceClient<Channel>,
        forwarded: &str,
    ) -> RefusalReason {
        let mut request = tonic::Request::new(self.request("guessed", vec![7; 32]));
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
    pub async fn is_let_in(&self, collector: &Collector) -> bool {
        let Ok(mut client) = self.try_client(collector).await else {
            return false;
        };
        let nothing = device::FetchRulesRequest { sha256: vec![0; 32] };
        match client.fetch_rules(nothing).await {
            Ok(_) => true,
            Err(status) => status.code() == tonic::Code::NotFound,
        }
    }

    /// Keeps what it was issued.
    pub fn take(&mut self, issued: Issued) {
        self.chain = issued.chain_der.into_iter().map(CertificateDer::from).collect();
        self.device_id = issued.device_id;
        self.group = issued.group;
    }

    /// Speaks to the collector, with the certificate if there is one.
    pub async fn client(&self, collector: &Collector) -> DeviceServiceClient<Channel> {
        self.try_client(collector).await.unwrap()
    }

    /// The same, where it may not be served.
    pub async fn try_client(
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
        let address = collector.devices;
        let connect = tower::service_fn(move |_| {
            let connector = connector.clone();
            async move {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let name = ServerName::try_from("localhost").unwrap();
                std::io::Result::Ok(TokioIo::new(connector.connect(name, stream).await?))
            }
        });
        let channel = Endpoint::from_static("http://localhost")
            .connect_with_connector(connect)
            .await?;
        Ok(DeviceServiceClient::new(channel))
    }

    /// Opens the stream, says hello and is welcomed.
    pub async fn welcomed(&self, collector: &Collector, epoch: [u8; 16]) -> Stream {
        let mut stream = self.connect(collector, epoch).await;
        let welcome = stream.next().await;
        assert!(matches!(welcome, Down::Welcome(_)), "no welcome but {welcome:?}");
        stream
    }

    /// Opens the stream and says hello.
    pub async fn connect(&self, collector: &Collector, epoch: [u8; 16]) -> Stream {
        self.connect_at(collector, epoch, now_ms()).await
    }

    /// The same, with the time that the device believes it is.
    pub async fn connect_at(&self, collector: &Collector, epoch: [u8; 16], device_time_ms: i64) -> Stream {
        let (up, messages) = mpsc::channel(64);
        let hello = Hello {
            epoch: epoch.to_vec(),
            device_time_ms,
            host_name: HOST.into(),
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
pub struct Stream {
    /// To the collector.
    pub up: mpsc::Sender<DeviceMessage>,
    /// From the collector.
    pub down: Streaming<CollectorMessage>,
    /// This run of the device.
    pub epoch: [u8; 16],
}

impl Stream {
    /// What comes next.
    pub async fn next(&mut self) -> Down {
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
    pub async fn until<T>(&mut self, wanted: impl Fn(Down) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await) {
                return found;
            }
        }
    }

    /// Says something.
    pub async fn say(&self, message: Up) {
        self.up
            .send(DeviceMessage {
                message: Some(message),
            })
            .await
            .unwrap();
    }

    /// Delivers records, and gives the answers.
    pub async fn deliver(&mut self, records: &[(u64, &Record)]) -> Vec<Answer> {
        let records: Vec<_> = records
            .iter()
            .map(|(sequence, record)| (*sequence, encode_record(record)))
            .collect();
        self.deliver_bytes(records).await
    }

    /// The same, of records as they are written.
    pub async fn deliver_bytes(&mut self, records: Vec<(u64, Vec<u8>)>) -> Vec<Answer> {
        let envelopes = records.into_iter();
        let envelopes = envelopes.map(|(sequence, bytes)| self.envelope(sequence, 1, bytes));
        self.send(envelopes.collect()).await;
        self.answers().await
    }

    /// An envelope around a record of this stream.
    #[must_use]
    pub fn envelope(&self, sequence: u64, severity: u32, bytes: Vec<u8>) -> Envelope {
        Envelope {
            epoch: self.epoch.to_vec(),
            sequence,
            severity,
            bytes,
        }
    }

    /// Sends records, and waits for nothing.
    pub async fn send(&self, envelopes: Vec<Envelope>) {
        self.say(Up::Envelopes(Envelopes { envelopes })).await;
    }

    /// The next answers; what else the collector says meanwhile is passed over.
    pub async fn answers(&mut self) -> Vec<Answer> {
        self.until(|message| match message {
            Down::Answers(answers) => Some(answers.answers),
            _ => None,
        })
        .await
    }
}

/// What is said next about joining.
pub async fn next(replies: &mut Streaming<EnrolReply>) -> enrol_reply::Outcome {
    let reply = tokio::time::timeout(PATIENCE, replies.message())
        .await
        .expect("the collector says nothing");
    reply
        .unwrap()
        .expect("the collector ended the stream")
        .outcome
        .unwrap()
}

/// The hash of the authority that a token carries.
#[must_use]
pub fn fingerprint(token: &str) -> Vec<u8> {
    HEXLOWER
        .decode(token.split('.').nth(3).unwrap().as_bytes())
        .unwrap()
}
