//! Mail over SMTP, on connections that are kept open between notices.

use crate::config::{Mail, MailTls};
use crate::store::outbox::Due;
use anyhow::Context as _;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use std::error::Error as _;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

const CONNECTIONS: u32 = 4;
const TIMEOUT: Duration = Duration::from_secs(30);
/// How codes begin that are about the login (RFC 4954).
const LOGIN_REFUSED: &str = "53";

/// Sends mail as the technician set it.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why a notice was not taken. Names no person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The address or the message cannot be sent by anybody.
    #[error("the address is not one that mail can be sent to; correct it in the list of people")]
    Address,
    /// The server refused for good.
    #[error("the mail server refused it for good (code {0}); check the address and the [mail] settings")]
    Refused(String),
    /// It is not the server that was meant, or its certificate is out of order.
    #[error(
        "the mail server's certificate is not good for the host under [mail]: write the name it was made for, or have it \
         renewed; it is tried again"
    )]
    Certificate,
    /// The server does not know us. That is put right by the technician, so nothing is given up for it early.
    #[error(
        "the mail server does not accept the user and password under [mail] (code {0}); correct them; it is tried again"
    )]
    Login(String),
    /// The server refused for now.
    #[error("the mail server does not take it now (code {0}); it is tried again")]
    Later(String),
    /// No server, no connection, or one that broke.
    #[error("the mail server cannot be reached; it is tried again")]
    Unreachable,
}

impl NotSent {
    /// Whether trying again is unlikely to help.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        matches!(self, Self::Address | Self::Refused(_))
    }
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
        let tls = || {
            TlsParameters::new(mail.host.clone()).with_context(|| {
                format!(
                    "`host` in [mail] cannot be checked by TLS: {}; write the server's name",
                    mail.host
                )
            })
        };
        let tls = match mail.tls {
            MailTls::None => Tls::None,
            MailTls::Starttls => Tls::Required(tls()?),
            MailTls::Tls => Tls::Wrapper(tls()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.host.as_str())
            .port(mail.port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(
                PoolConfig::new()
                    .max_size(CONNECTIONS)
                    .idle_timeout(Duration::from_secs(120)),
            );
        if let Some((user, file)) = &mail.login {
            let password = std::fs::read_to_string(file)
                .with_context(|| format!("`password_file` in [mail] cannot be read: {}", file.display()))?;
            builder = builder.credentials(Credentials::new(user.clone(), password.trim_end().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from,
        })
    }

    /// Sends one notice, under its own Message-ID however often it is tried.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, notice: &Due) -> Result<(), NotSent> {
        let to = notice.address.parse().map_err(|_| NotSent::Address)?;
        let date = UNIX_EPOCH + Duration::from_millis(notice.created_at.try_into().unwrap_or_default());
        let message = Message::builder()
            .message_id(Some(notice.message_id.clone()))
            .date(date)
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&notice.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(notice.body.clone())
            .map_err(|_| NotSent::Address)?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let code = error.status().map(|code| code.to_string()).unwrap_or_default();
                Err(if is_about_certificate(&error) {
                    NotSent::Certificate
                } else if code.starts_with(LOGIN_REFUSED) {
                    NotSent::Login(code)
                } else if error.is_permanent() {
                    NotSent::Refused(code)
                } else if error.is_transient() {
                    NotSent::Later(code)
                } else {
                    NotSent::Unreachable
                })
            }
        }
    }
}

/// Whether a connection failed because the server's certificate was not good.
fn is_about_certificate(error: &lettre::transport::smtp::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        // What an I/O error was made of is not among its causes.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if matches!(tls, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}
