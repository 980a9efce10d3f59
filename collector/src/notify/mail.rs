//! Mail over SMTP. A session is driven step by step, so that it is known at which step a server refused, and kept for
//! the notices that follow at once. A session that waited may have been ended by the server: what fails on one before the
//! message was handed over begins again on a new one, and does not count as a try.

use super::fault::{NotSent, Reply, Step};
use crate::config::{Mail, MailTls};
use crate::store::outbox::Due;
use anyhow::Context as _;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::{Address, Message};
use std::error::Error as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::time::timeout;

/// How long a server may take for an answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long it may take to take a message: who gives up on one that is taken sends it again.
const TAKING: Duration = Duration::from_secs(5 * 60);
/// How long it may take for its first answer on a session that waited. Then a new one is better.
const AWAKE: Duration = Duration::from_secs(1);
/// How long a session waits for the next notice.
const KEPT: Duration = Duration::from_secs(30);

/// Sends mail as the technician set it.
#[derive(Clone)]
pub struct Mailer {
    settings: Arc<Settings>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

struct Settings {
    host: String,
    port: u16,
    tls: MailTls,
    parameters: Option<TlsParameters>,
    login: Option<Credentials>,
    from: Mailbox,
}

struct Waiting {
    session: AsyncSmtpConnection,
    since: Instant,
}

/// A message, ready to be handed over.
struct Letter {
    to: Address,
    bytes: Vec<u8>,
}

/// What came of handing a message over.
enum Failed {
    /// Before the message was handed over, at a session that no longer works.
    Ended(NotSent),
    /// The server's answer, or what happened after the message was handed over.
    Answered(NotSent),
}

impl Mailer {
    /// Prepares the connection; nothing is sent.
    ///
    /// # Errors
    /// When the sender's address, the password file or the server's name are no good.
    pub fn new(mail: &Mail) -> anyhow::Result<Self> {
        let from = format!("Pastoral <{}>", mail.from).parse().with_context(|| {
            format!(
                "`from` in [mail] is not an e-mail address: {}; write one such as pastoral@school.example",
                mail.from
            )
        })?;
        let parameters = || {
            TlsParameters::new(mail.host.clone()).with_context(|| {
                format!(
                    "`host` in [mail] cannot be checked by TLS: {}; write the server's name",
                    mail.host
                )
            })
        };
        let login = mail.login.as_ref().map(|(user, file)| {
            let password = std::fs::read_to_string(file)
                .with_context(|| format!("`password_file` in [mail] cannot be read: {}", file.display()))?;
            anyhow::Ok(Credentials::new(user.clone(), password.trim_end().to_owned()))
        });
        let settings = Settings {
            host: mail.host.clone(),
            port: mail.port,
            tls: mail.tls,
            parameters: (mail.tls != MailTls::None).then(parameters).transpose()?,
            login: login.transpose()?,
            from,
        };
        Ok(Self {
            settings: Arc::new(settings),
            waiting: Arc::default(),
        })
    }

    /// Sends one notice, under its own Message-ID however often it is tried.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, notice: &Due, now: i64) -> Result<(), NotSent> {
        let letter = self.letter(notice, now)?;
        while let Some(session) = self.take_waiting() {
            match self.hand_over(session, &letter, true).await {
                Ok(()) => return Ok(()),
                Err(Failed::Answered(error)) => return Err(error),
                Err(Failed::Ended(_)) => {}
            }
        }
        let session = self.settings.begin().await?;
        self.hand_over(session, &letter, false)
            .await
            .map_err(|failed| match failed {
                Failed::Ended(error) | Failed::Answered(error) => error,
            })
    }

    fn letter(&self, notice: &Due, now: i64) -> Result<Letter, NotSent> {
        if notice.address.trim().is_empty() {
            return Err(NotSent::NoAddress);
        }
        let to: Address = notice.address.trim().parse().map_err(|_| NotSent::Address)?;
        let date = UNIX_EPOCH + Duration::from_millis(now.try_into().unwrap_or_default());
        let message = Message::builder()
            .message_id(Some(notice.message_id.clone()))
            .date(date)
            .from(self.settings.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(&notice.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(notice.body.clone())
            .map_err(|_| NotSent::Address)?;
        Ok(Letter {
            to,
            bytes: message.formatted(),
        })
    }

    async fn hand_over(
        &self,
        mut session: AsyncSmtpConnection,
        letter: &Letter,
        waited: bool,
    ) -> Result<(), Failed> {
        let from = &self.settings.from.email;
        let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        let mut parameters = Vec::new();
        if !ascii(from) || !ascii(&letter.to) {
            if !session.server_info().supports_feature(Extension::SmtpUtfEight) {
                self.keep(session);
                return Err(Failed::Answered(NotSent::Address));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let from = MailFrom::new(Some(from.clone()), parameters);
        let first = if waited { AWAKE } else { ANSWER };
        answer(Step::Sender, 250, first, session.command(from))
            .await
            .map_err(|failed| match failed {
                // Perhaps only this session may take no more messages.
                Failed::Answered(error) if waited => Failed::Ended(error),
                failed => failed,
            })?;
        let to = Rcpt::new(letter.to.clone(), Vec::new());
        if let Err(failed) = answer(Step::Recipient, 250, ANSWER, session.command(to)).await {
            leave(session).await;
            return Err(failed);
        }
        answer(Step::Message, 354, ANSWER, session.command(Data)).await?;
        let taken = answer(Step::Message, 250, TAKING, session.message(&letter.bytes)).await;
        // Whether a server has taken what it was handed over is not known before it says so.
        taken.map_err(|failed| match failed {
            Failed::Ended(error) | Failed::Answered(error) => Failed::Answered(error),
        })?;
        self.keep(session);
        Ok(())
    }

    fn take_waiting(&self) -> Option<AsyncSmtpConnection> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|waiting| waiting.since.elapsed() < KEPT);
        waiting.pop().map(|waiting| waiting.session)
    }

    fn keep(&self, session: AsyncSmtpConnection) {
        let since = Instant::now();
        let waiting = Waiting { session, since };
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(waiting);
        let waiting = Arc::clone(&self.waiting);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            let over: Vec<_> = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extract_if(.., |waiting| waiting.since <= since)
                .collect();
            for waiting in over {
                leave(waiting.session).await;
            }
        });
    }
}

impl Settings {
    /// A new session: connected, protected and signed in as set.
    async fn begin(&self) -> Result<AsyncSmtpConnection, NotSent> {
        let hello = ClientId::default();
        let wrapped = self.parameters.clone().filter(|_| self.tls == MailTls::Tls);
        let server = (self.host.as_str(), self.port);
        let connect = AsyncSmtpConnection::connect_tokio1(server, Some(ANSWER), &hello, wrapped, None);
        let mut session = within(ANSWER, connect)
            .await
            .map_err(|failed| failed.at(Step::Start))?;
        if let (MailTls::Starttls, Some(parameters)) = (self.tls, self.parameters.clone()) {
            if !session.can_starttls() {
                leave(session).await;
                return Err(NotSent::NoTls);
            }
            within(ANSWER, session.starttls(parameters, &hello))
                .await
                .map_err(|failed| failed.at(Step::Start))?;
        }
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
}

/// Ends a session as is polite, without waiting for a server that does not answer.
async fn leave(mut session: AsyncSmtpConnection) {
    let _it_ends_either_way = timeout(AWAKE, session.quit()).await;
}

/// How a command failed.
enum Fault {
    Reply(Reply),
    Certificate,
    Garbled,
    Slow,
    Broken,
}

impl Fault {
    fn at(self, step: Step) -> NotSent {
        match self {
            Self::Reply(reply) => NotSent::refused(step, reply),
            Self::Certificate => NotSent::Certificate,
            Self::Garbled => NotSent::NoMailServer,
            Self::Slow => NotSent::Slow,
            Self::Broken => NotSent::Unreachable,
        }
    }
}

impl From<smtp::Error> for Fault {
    fn from(error: smtp::Error) -> Self {
        if let Some(code) = error.status() {
            let words = error.source().map(ToString::to_string).unwrap_or_default();
            return Self::Reply(Reply::read(code.into(), &words));
        }
        match tls_fault(&error) {
            Some(rustls::Error::InvalidCertificate(_)) => Self::Certificate,
            Some(_) => Self::Garbled,
            None if error.is_timeout() => Self::Slow,
            // A connection that ends in the middle of an answer is reported as an answer too.
            None if error.is_response() && !error.to_string().contains("incomplete") => Self::Garbled,
            None => Self::Broken,
        }
    }
}

async fn within<T>(time: Duration, step: impl Future<Output = Result<T, smtp::Error>>) -> Result<T, Fault> {
    match timeout(time, step).await {
        Ok(done) => done.map_err(Fault::from),
        Err(_) => Err(Fault::Slow),
    }
}

/// Waits for the answer to a command, which must be the one expected.
async fn answer(
    step: Step,
    expected: u16,
    time: Duration,
    command: impl Future<Output = Result<smtp::response::Response, smtp::Error>>,
) -> Result<(), Failed> {
    let ended = match within(time, command).await {
        Ok(reply) if u16::from(reply.code()) == expected || (expected == 250 && reply.has_code(251)) => {
            return Ok(());
        }
        // 221: the server says farewell, to whatever it is asked.
        Ok(_) => Fault::Broken,
        Err(Fault::Reply(reply)) if reply.code != 421 => {
            return Err(Failed::Answered(NotSent::refused(step, reply)));
        }
        Err(fault) => fault,
    };
    Err(Failed::Ended(ended.at(step)))
}

/// What TLS made of it, if that is why a connection failed.
fn tls_fault(error: &smtp::Error) -> Option<&rustls::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        // What an I/O error was made of is not among its causes.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if tls.is_some() {
            return tls;
        }
        cause = error.source();
    }
    None
}
