//! Why a notice was not taken, told apart as far as the remedies differ.
//!
//! INVARIANT 9: of a server's answer only its codes are kept (RFC 5321, and RFC 3463 after it): its words may hold an
//! address.

use crate::store::outbox::Setback;
use std::fmt;

/// Where in a session with a mail server it stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Connecting, greeting, TLS.
    Start,
    /// Signing in.
    Login,
    /// Saying whom it is from.
    Sender,
    /// Saying whom it is for.
    Recipient,
    /// Handing over the message.
    Message,
}

/// A server's answer: its code, and the three numbers that say more where it gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Such as 550.
    pub code: u16,
    /// Such as 5.7.60.
    pub detail: Option<(u16, u16, u16)>,
}

impl Reply {
    /// Reads an answer's code, and the detail at the beginning of its words.
    #[must_use]
    pub fn read(code: u16, words: &str) -> Self {
        let numbers = words.split_whitespace().next().and_then(|word| {
            let mut numbers = word.splitn(3, '.').map(str::parse);
            let detail = (
                numbers.next()?.ok()?,
                numbers.next()?.ok()?,
                numbers.next()?.ok()?,
            );
            (detail.0 == code / 100).then_some(detail)
        });
        Self {
            code,
            detail: numbers,
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        self.detail.map_or(Ok(()), |(class, subject, detail)| {
            write!(f, " {class}.{subject}.{detail}")
        })
    }
}

/// Why a notice was not taken. Names no person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Nobody can write to them.
    #[error("this person has no e-mail address; write it into the list of people")]
    NoAddress,
    /// The address cannot be one.
    #[error("the address is not one that mail can be sent to; correct it in the list of people")]
    Address,
    /// The server does not take mail for this reader.
    #[error(
        "the mail server refuses this person's address (code {0}); correct it in the list of people, or have the mailbox \
         put right; if every address is refused, the server under [mail] does not pass on our mail"
    )]
    Recipient(Reply),
    /// The server does not let us send as `from`.
    #[error(
        "the mail server does not let us send as `from` under [mail] (code {0}); write the address of `user`, or have \
         `user` allowed to send as it"
    )]
    Sender(Reply),
    /// A limit of the sending mailbox.
    #[error(
        "the mail server refuses it (code {0}): a limit of the sending mailbox is reached, or it is blocked; have the \
         mailbox of `from` under [mail] looked at"
    )]
    Limit(Reply),
    /// The server refused the message.
    #[error("the mail server refused the message (code {0}); check `from` and the other [mail] settings")]
    Refused(Reply),
    /// It is not the server that was meant, or its certificate is out of order.
    #[error(
        "the mail server's certificate is not good for the host under [mail]: write the name it was made for, or have it \
         renewed"
    )]
    Certificate,
    /// The connection cannot be protected as set.
    #[error(
        "the mail server offers no STARTTLS although tls = \"starttls\" under [mail]; use the port that offers it (587), or \
         tls = \"tls\" with its port (465)"
    )]
    NoTls,
    /// The server offers to protect the connection, and then does not.
    #[error(
        "the mail server offers STARTTLS and then refuses it (code {0}); have its certificate looked at, or use tls = \
         \"tls\" with its port (465); nothing was said to it unprotected"
    )]
    TlsRefused(Reply),
    /// The server knows no login.
    #[error(
        "the mail server offers no way to sign in (AUTH) although `user` is set under [mail]; remove `user` and \
         `password_file`, or use the port that offers it (587 or 465)"
    )]
    NoLogin,
    /// The server wants a login, or TLS before it.
    #[error(
        "the mail server wants us to sign in first (code {0}); set `user`, `password_file` and `tls` under [mail]"
    )]
    LoginWanted(Reply),
    /// Nobody of the school can sign in by SMTP.
    #[error(
        "signing in by SMTP is switched off at the mail server for the whole school or this mailbox (code {0}): it is not a \
         wrong password; have authenticated SMTP allowed for the mailbox of `user` under [mail], or use a relay"
    )]
    LoginOff(Reply),
    /// The server does not know us.
    #[error("the mail server does not accept the user and password under [mail] (code {0}); correct them")]
    Login(Reply),
    /// The server wants us to come again later.
    #[error(
        "the mail server asks us to come again later (code {0}), as many do with senders they do not know (greylisting)"
    )]
    Greylisted(Reply),
    /// Too many connections or messages at a time, or it is going down.
    #[error("the mail server takes no more connections or messages at the moment (code {0})")]
    TooMany(Reply),
    /// The server refused for now.
    #[error("the mail server does not take it now (code {0})")]
    Later(Reply),
    /// What answers is no mail server, or `tls` is set wrongly.
    #[error(
        "what answers at the host and port under [mail] does not speak as a mail server does; check `port` and `tls`"
    )]
    NoMailServer,
    /// It answers too slowly.
    #[error("the mail server does not answer in time")]
    Slow,
    /// No server, no connection, or one that broke.
    #[error(
        "the mail server cannot be reached, or ended the connection; check `host` and `port` under [mail]"
    )]
    Unreachable,
}

impl NotSent {
    /// What a server's refusal means.
    #[must_use]
    pub fn refused(step: Step, reply: Reply) -> Self {
        let detail = reply.detail.map(|(_, subject, detail)| (subject, detail));
        match (step, reply.code, detail) {
            (_, 421 | 432, _) | (_, 400..=499, Some((3, 2))) => Self::TooMany(reply),
            (Step::Recipient, 450 | 451, _) | (Step::Message | Step::Sender, 450 | 451, Some((7, _))) => {
                Self::Greylisted(reply)
            }
            (_, 400..=499, _) => Self::Later(reply),
            (Step::Login, _, Some((7, 30 | 139))) => Self::LoginOff(reply),
            (Step::Login, _, _) | (_, 534 | 535 | 538, _) => Self::Login(reply),
            (_, 530, _) => Self::LoginWanted(reply),
            (_, _, Some((7, 60) | (1, 7 | 8) | (2, 252))) => Self::Sender(reply),
            (Step::Recipient, _, _) | (Step::Message, _, Some((1, _))) => Self::Recipient(reply),
            (_, 552, _) | (_, _, Some((2, _) | (3, 4))) => Self::Limit(reply),
            (Step::Sender, _, _) => Self::Sender(reply),
            (Step::Message | Step::Start, _, _) => Self::Refused(reply),
        }
    }

    /// What is written down of it.
    #[must_use]
    pub fn setback(&self) -> Setback {
        let (code, remedy) = self.row();
        Setback {
            code,
            words: self.to_string(),
            refused: matches!(remedy, Remedy::Settings | Remedy::Reader),
            reader: remedy == Remedy::Reader,
        }
    }

    /// The code in the store, and what helps.
    const fn row(&self) -> (&'static str, Remedy) {
        match self {
            Self::NoAddress => ("no-address", Remedy::Reader),
            Self::Address => ("address", Remedy::Reader),
            Self::Recipient(_) => ("recipient", Remedy::Reader),
            Self::Sender(_) => ("sender", Remedy::Settings),
            Self::Limit(_) => ("limit", Remedy::Settings),
            Self::Refused(_) => ("refused", Remedy::Settings),
            Self::LoginWanted(_) => ("login-wanted", Remedy::Settings),
            Self::LoginOff(_) => ("login-off", Remedy::Settings),
            Self::Login(_) => ("login", Remedy::Settings),
            Self::Certificate => ("certificate", Remedy::Server),
            Self::NoTls => ("no-tls", Remedy::Server),
            Self::TlsRefused(_) => ("tls-refused", Remedy::Server),
            Self::NoLogin => ("no-login", Remedy::Server),
            Self::Greylisted(_) => ("greylisted", Remedy::Server),
            Self::TooMany(_) => ("too-many", Remedy::Server),
            Self::Later(_) => ("later", Remedy::Server),
            Self::NoMailServer => ("no-mail-server", Remedy::Server),
            Self::Slow => ("slow", Remedy::Server),
            Self::Unreachable => ("unreachable", Remedy::Server),
        }
    }
}

/// What helps against a fault, by which the pauses between tries grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Remedy {
    /// This reader's address must be put right; others are reached.
    Reader,
    /// A person must put something right before the server takes anything.
    Settings,
    /// The server, or the way to it, may be well again at any time.
    Server,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_answers_is_told_apart_as_far_as_the_remedies_differ() {
        let reads = |step, code, words| NotSent::refused(step, Reply::read(code, words)).row().0;
        for (step, code, words, is) in [
            (
                Step::Message,
                550,
                "5.7.60 SMTP; Client does not have permissions to send as this sender",
                "sender",
            ),
            (Step::Message, 554, "5.2.252 SendAsDenied", "sender"),
            (Step::Message, 554, "5.2.0 STOREDRV.Submission.Exception", "limit"),
            (Step::Message, 552, "message size exceeds fixed limit", "limit"),
            (Step::Message, 552, "5.3.4 too big", "limit"),
            (Step::Message, 554, "looks like spam", "refused"),
            (Step::Message, 550, "5.1.1 no such user", "recipient"),
            (Step::Message, 451, "4.3.0 local error", "later"),
            (
                Step::Message,
                432,
                "4.3.2 Concurrent connections limit exceeded",
                "too-many",
            ),
            (
                Step::Sender,
                553,
                "sender address rejected: not owned by user",
                "sender",
            ),
            (
                Step::Sender,
                530,
                "5.7.0 Must issue a STARTTLS command first",
                "login-wanted",
            ),
            (Step::Sender, 452, "4.3.1 insufficient storage", "later"),
            (Step::Recipient, 550, "no such person", "recipient"),
            (Step::Recipient, 552, "5.2.2 mailbox full", "recipient"),
            (Step::Recipient, 554, "5.7.1 Relay access denied", "recipient"),
            (
                Step::Recipient,
                550,
                "5.1.8 sender's domain does not exist",
                "sender",
            ),
            (Step::Recipient, 450, "4.2.0 greylisted", "greylisted"),
            (Step::Recipient, 451, "4.7.1 come back in 5 minutes", "greylisted"),
            (Step::Recipient, 452, "4.2.2 over quota", "later"),
            (
                Step::Login,
                535,
                "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
                "login-off",
            ),
            (
                Step::Login,
                550,
                "5.7.30 Basic authentication is not supported",
                "login-off",
            ),
            (
                Step::Login,
                535,
                "5.7.8 Username and Password not accepted",
                "login",
            ),
            (
                Step::Login,
                454,
                "4.7.0 Temporary authentication failure",
                "later",
            ),
            (Step::Start, 421, "4.7.0 too many connections", "too-many"),
            (
                Step::Start,
                554,
                "5.7.1 your address is on a blocklist",
                "refused",
            ),
        ] {
            assert_eq!(reads(step, code, words), is, "{code} {words}");
        }
    }

    #[test]
    fn only_the_codes_of_an_answer_are_kept() {
        let reply = Reply::read(550, "5.1.1 <dsl@school.example>: no such user");
        assert_eq!(reply.to_string(), "550 5.1.1");
        for words in [
            "",
            "no such user",
            "4.7.1 another class",
            "5.7 short",
            "5.7.1.2.3",
            "99999.1.1",
        ] {
            assert_eq!(Reply::read(550, words).to_string(), "550", "{words}");
        }
    }
}
