//! Sessions with a mail server: how one begins, and why a command failed.

use super::fault::{NotSent, Reply, Step};
use super::wire::Wire;
use crate::config::{Mail, MailTls};
use anyhow::Context as _;
use lettre::message::Mailbox;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long a server may take for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(60);
/// How long it may take for its first answer on a session that waited. Then a new one is better.
pub(super) const AWAKE: Duration = Duration::from_secs(1);
/// Lines of a reply.
const LINES: usize = 100;

/// How mail is sent.
pub(super) struct Settings {
    server: (String, u16),
    tls: MailTls,
    protection: Option<(TlsConnector, ServerName<'static>)>,
    login: Option<Credentials>,
    pub(super) from: Mailbox,
}

impl Settings {
    pub(super) fn new(mail: &Mail) -> anyhow::Result<Self> {
        let from = format!("Pastoral <{}>", mail.from).parse().with_context(|| {
            format!(
                "`from` in [mail] is not an e-mail address: {}; write one such as pastoral@school.example",
                mail.from
            )
        })?;
        let login = mail.login.as_ref().map(|(user, file)| {
            let password = std::fs::read_to_string(file)
                .with_context(|| format!("`password_file` in [mail] cannot be read: {}", file.display()))?;
            anyhow::Ok(Credentials::new(user.clone(), password.trim_end().to_owned()))
        });
        Ok(Self {
            server: (mail.host.clone(), mail.port),
            tls: mail.tls,
            protection: (mail.tls != MailTls::None)
                .then(|| protection(&mail.host))
                .transpose()?,
            login: login.transpose()?,
            from,
        })
    }

    /// A new session: connected, protected and signed in as set.
    pub(super) async fn begin(&self) -> Result<AsyncSmtpConnection, NotSent> {
        let hello = ClientId::default();
        let mut session = self.connect(&hello).await?;
        if let Some(login) = &self.login {
            if session
                .server_info()
                .get_auth_mechanism(DEFAULT_MECHANISMS)
                .is_none()
            {
                leave(session).await;
                return Err(NotSent::NoLogin);
            }
            within(ANSWER, session.auth(DEFAULT_MECHANISMS, login))
                .await
                .map_err(|failed| failed.at(Step::Login))?;
        }
        Ok(session)
    }

    async fn connect(&self, hello: &ClientId) -> Result<AsyncSmtpConnection, NotSent> {
        let at_start = |fault: Fault| fault.at(Step::Start);
        let (host, port) = (self.server.0.as_str(), self.server.1);
        let mut stream = in_time(TcpStream::connect((host, port)))
            .await
            .map_err(at_start)?;
        let peer = stream.peer_addr().map_err(|_| NotSent::Unreachable)?;
        let Some(protection) = &self.protection else {
            return greeted(Wire::new(stream, peer, b""), hello).await;
        };
        // Who has asked for TLS is not greeted again.
        let mut first: &[u8] = b"";
        if self.tls == MailTls::Starttls {
            timeout(ANSWER, ask_for_tls(&mut Wire::new(&mut stream, peer, b""), hello))
                .await
                .map_err(|_| NotSent::Slow)??;
            first = b"220 protected\r\n";
        }
        let stream = in_time(protect(stream, protection)).await.map_err(at_start)?;
        greeted(Wire::new(stream, peer, first), hello).await
    }
}

async fn greeted<S>(wire: Wire<S>, hello: &ClientId) -> Result<AsyncSmtpConnection, NotSent>
where
    Wire<S>: lettre::transport::smtp::client::AsyncTokioStream + 'static,
{
    let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(wire), hello);
    within(ANSWER, greeted)
        .await
        .map_err(|failed| failed.at(Step::Start))
}

/// Asks in the clear for a protected connection. Nothing else is said: a server that refuses gets neither password nor
/// message.
async fn ask_for_tls(wire: &mut Wire<&mut TcpStream>, hello: &ClientId) -> Result<(), NotSent> {
    let mut replies = BufReader::new(wire);
    expect(&mut replies, 220).await?;
    say(&mut replies, &format!("EHLO {hello}")).await?;
    let offers = expect(&mut replies, 250).await?;
    if !offers.iter().any(|offer| offer.eq_ignore_ascii_case("STARTTLS")) {
        let _it_ends_either_way = say(&mut replies, "QUIT").await;
        return Err(NotSent::NoTls);
    }
    say(&mut replies, "STARTTLS").await?;
    match expect(&mut replies, 220).await {
        Ok(_) => Ok(()),
        Err(Fault::Reply(reply)) => Err(NotSent::TlsRefused(reply)),
        Err(fault) => Err(fault.at(Step::Start)),
    }
}

type Replies<'a, 'b> = BufReader<&'a mut Wire<&'b mut TcpStream>>;

async fn say(replies: &mut Replies<'_, '_>, line: &str) -> Result<(), Fault> {
    let stream = replies.get_mut().inner();
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    Ok(stream.flush().await?)
}

/// The words of the reply with this code.
async fn expect(replies: &mut Replies<'_, '_>, code: u16) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for _ in 0..LINES {
        let mut line = String::new();
        if replies.read_line(&mut line).await? == 0 {
            return Err(Fault::Broken);
        }
        let number = line.get(..3).and_then(|number| number.parse().ok());
        let words = line.get(4..).unwrap_or_default().trim();
        let Some(number @ 200..=599) = number else {
            return Err(Fault::Garbled);
        };
        all.push(words.to_owned());
        match line.as_bytes().get(3) {
            Some(b'-') => {}
            _ if number == code => return Ok(all),
            _ => return Err(Fault::Reply(Reply::read(number, words))),
        }
    }
    Err(Fault::Garbled)
}

fn protection(host: &str) -> anyhow::Result<(TlsConnector, ServerName<'static>)> {
    let name = ServerName::try_from(host.to_owned()).with_context(|| {
        format!("`host` in [mail] cannot be checked by TLS: {host}; write the server's name")
    })?;
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::error!(
            "this machine trusts no authority for certificates, so no mail leaves; install ca-certificates"
        );
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

async fn protect(
    stream: TcpStream,
    (connector, name): &(TlsConnector, ServerName<'static>),
) -> io::Result<TlsStream<TcpStream>> {
    connector.connect(name.clone(), stream).await
}

/// Ends a session as is polite, without waiting for a server that does not answer.
pub(super) async fn leave(mut session: AsyncSmtpConnection) {
    let _it_ends_either_way = timeout(AWAKE, session.quit()).await;
}

/// How a command failed.
pub(super) enum Fault {
    Reply(Reply),
    Certificate,
    Garbled,
    Slow,
    Broken,
}

impl Fault {
    pub(super) fn at(self, step: Step) -> NotSent {
        match self {
            Self::Reply(reply) => NotSent::refused(step, reply),
            Self::Certificate => NotSent::Certificate,
            Self::Garbled => NotSent::NoMailServer,
            Self::Slow => NotSent::Slow,
            Self::Broken => NotSent::Unreachable,
        }
    }
}

impl From<Fault> for NotSent {
    fn from(fault: Fault) -> Self {
        fault.at(Step::Start)
    }
}

impl From<smtp::Error> for Fault {
    fn from(error: smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let words = error.source().map(ToString::to_string).unwrap_or_default();
            return Self::Reply(Reply::read(code.into(), &words));
        }
        // A connection that ends in the middle of an answer is reported as an answer too.
        if error.is_response() && !error.to_string().contains("incomplete") {
            return Self::Garbled;
        }
        if error.is_timeout() {
            return Self::Slow;
        }
        error
            .source()
            .and_then(|cause| cause.downcast_ref::<io::Error>())
            .map_or(Self::Broken, Self::of_io)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::of_io(&error)
    }
}

impl Fault {
    /// What an I/O error was made of is not among its causes.
    fn of_io(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(_)) => Self::Certificate,
            Some(_) => Self::Garbled,
            None => Self::Broken,
        }
    }
}

pub(super) async fn within<T>(
    time: Duration,
    step: impl Future<Output = Result<T, smtp::Error>>,
) -> Result<T, Fault> {
    match timeout(time, step).await {
        Ok(done) => done.map_err(Fault::from),
        Err(_) => Err(Fault::Slow),
    }
}

async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, Fault> {
    match timeout(ANSWER, step).await {
        Ok(done) => done.map_err(Fault::from),
        Err(_) => Err(Fault::Slow),
    }
}
