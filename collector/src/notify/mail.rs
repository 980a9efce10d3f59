//! Mail over SMTP. A session is driven step by step, so that it is known at which step a server refused, and kept for
//! the notices that follow at once. A session that waited may have been ended by the server: what fails on one before the
//! message was handed over begins again on a new one, and does not count as a try.

use super::fault::{NotSent, Step};
use super::session::{ANSWER, AWAKE, Fault, Settings, leave, within};
use super::text::Text;
use crate::config::Mail;
use crate::store::outbox::Due;
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::{Extension, MailParameter};
use lettre::{Address, Message};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// How long it may take to take a message: who gives up on one that is taken sends it again.
const TAKING: Duration = Duration::from_secs(5 * 60);
/// How long a session waits for the next notice.
const KEPT: Duration = Duration::from_secs(30);

/// Sends mail as the technician set it.
#[derive(Clone)]
pub struct Mailer {
    settings: Arc<Settings>,
    waiting: Arc<Mutex<Vec<Waiting>>>,
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
        Ok(Self {
            settings: Arc::new(Settings::new(mail)?),
            waiting: Arc::default(),
        })
    }

    /// Sends one notice, under its own Message-ID however often it is tried.
    ///
    /// # Errors
    /// [`NotSent`].
    pub async fn send(&self, notice: &Due, text: &Text, now: i64) -> Result<(), NotSent> {
        let letter = self.letter(notice, text, now)?;
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

    fn letter(&self, notice: &Due, text: &Text, now: i64) -> Result<Letter, NotSent> {
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
            .subject(&text.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text.body.clone())
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
