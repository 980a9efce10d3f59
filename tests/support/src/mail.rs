//! A real mail server that keeps what it takes.

use crate::poll;
use crate::process::{Folder, Process};
use anyhow::{Context as _, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whom the server that asks for a login lets in.
const USER: &str = "pastoral";
const PASSWORD: &str = "right horse";

/// The mail server and the messages it took.
pub struct Mail {
    process: Process,
    port: u16,
    folder: PathBuf,
    door: Option<Door>,
    own: PathBuf,
    /// Removed with it, where it is its own.
    _alone: Option<Folder>,
}

/// How a server that asks for TLS and a login is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// In the clear first, then TLS.
    Starttls,
    /// TLS from the start.
    Tls,
}

impl Door {
    const fn name(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
        }
    }
}

/// A message as it was received.
#[derive(Debug, Clone)]
pub struct Message {
    /// When the server accepted it, in milliseconds since 1970.
    pub accepted_at: i64,
    /// Whom it was for.
    pub to: String,
    /// All of it, with quoted-printable undone.
    pub text: String,
}

/// How somebody is let in: by a link that is mailed to them, and a code that they are told.
#[derive(Debug, Clone)]
pub struct Invited {
    link: Link,
    /// The code.
    pub code: String,
}

#[derive(Debug, Clone)]
enum Link {
    Mailed { folder: PathBuf, address: String },
    Known(String),
}

impl Invited {
    /// By a link that is known already.
    #[must_use]
    pub fn known(link: &str, code: &str) -> Self {
        Self {
            link: Link::Known(link.into()),
            code: code.into(),
        }
    }

    /// The link's path below the console; waits until it is there.
    pub fn path(&self) -> Result<String> {
        let text = match &self.link {
            Link::Known(link) => link.clone(),
            Link::Mailed { folder, address } => {
                poll::until(&format!("a link to {address}"), || {
                    let messages = messages_in(folder).ok()?.into_iter().rev();
                    let mut texts = messages.filter(|message| message.to.contains(address));
                    texts.find(|message| message.text.contains("/join/"))
                })?
                .text
            }
        };
        let from = text.find("/join/").context("this is no one-time link")?;
        Ok(text[from..].split_whitespace().next().unwrap_or_default().into())
    }
}

impl Message {
    /// Whether it is about how somebody signs in, or what they may.
    #[must_use]
    pub fn is_about_access(&self) -> bool {
        let subject = self.header("Subject").unwrap_or_default();
        subject.contains("access has changed") || subject.contains("how you sign in")
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.text.split("\n\n").next()?;
        headers
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Mail {
    /// Starts it on a free port; messages are kept in `folder`.
    pub fn start(folder: &Folder) -> Result<Self> {
        fs::create_dir(folder.path().join("mail"))?;
        Self::listen(folder.path(), 0, None)
    }

    /// Starts it in a folder of its own.
    pub fn alone() -> Result<Self> {
        let folder = Folder::new("mail")?;
        let mail = Self::start(&folder)?;
        Ok(Self {
            _alone: Some(folder),
            ..mail
        })
    }

    /// Starts one that takes mail only over TLS and from who logs in, with a certificate made for this name, which the
    /// collector's machine trusts.
    pub fn start_guarded(folder: &Folder, door: Door, name: &str) -> Result<Self> {
        fs::create_dir(folder.path().join("mail"))?;
        let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
        fs::write(folder.path().join("mail.crt"), made.cert.pem())?;
        fs::write(folder.path().join("mail.key"), made.signing_key.serialize_pem())?;
        let mail = Self::listen(folder.path(), 0, Some(door))?;
        mail.set_password(PASSWORD)?;
        Ok(mail)
    }

    /// What the collector says as its password from its next start; the right one at first.
    pub fn set_password(&self, password: &str) -> Result<()> {
        Ok(fs::write(self.own.join("mail-password"), password)?)
    }

    /// Makes the password right again.
    pub fn right_password(&self) -> Result<()> {
        self.set_password(PASSWORD)
    }

    /// Where it is and how it is reached, as lines of the collector's `[mail]`.
    #[must_use]
    pub fn settings(&self) -> String {
        let port = self.port;
        match self.door {
            None => format!("host = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"),
            Some(door) => format!(
                "host = \"localhost\"\nport = {port}\ntls = \"{}\"\nuser = \"{USER}\"\npassword_file = {:?}\n",
                door.name(),
                self.own.join("mail-password")
            ),
        }
    }

    /// What makes the collector's machine trust its certificate.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let trusted = self.own.join("mail.crt").to_string_lossy().into_owned();
        let variable = |_| ("SSL_CERT_FILE".to_owned(), trusted.clone());
        self.door.iter().map(variable).collect()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on every message is turned away for good.
    pub fn refuse_for_good(&self) -> Result<()> {
        Ok(fs::write(self.folder.join("refuse"), "550 not here")?)
    }

    /// Until it does again, it knows no recipient.
    pub fn know_nobody(&self) -> Result<()> {
        Ok(fs::write(self.folder.join("stranger"), "550 no such person")?)
    }

    /// It knows everybody again.
    pub fn know_everybody(&self) -> Result<()> {
        Ok(fs::remove_file(self.folder.join("stranger"))?)
    }

    /// Takes the next message and never says so: who sent it cannot know.
    pub fn drop_next_answer(&self) -> Result<()> {
        Ok(fs::write(self.folder.join("drop"), "")?)
    }

    /// Ends the server at once.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill().map(drop)
    }

    /// Starts it again, at the same port, with what it had taken.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = Self::listen(&self.own, self.port, self.door)?.process;
        Ok(())
    }

    /// Every message so far, in the order they came.
    pub fn messages(&self) -> Result<Vec<Message>> {
        messages_in(&self.folder)
    }

    /// Waits for a message to somebody that is not about access.
    pub fn message_to(&self, address: &str) -> Result<Message> {
        poll::until(&format!("mail to {address}"), || {
            self.messages()
                .ok()?
                .into_iter()
                .find(|message| message.to.contains(address) && !message.is_about_access())
        })
    }

    /// Waits until so many have come, and gives all.
    pub async fn arrived(&self, count: usize) -> Result<Vec<Message>> {
        let all = async || self.messages().ok().filter(|all| all.len() >= count);
        poll::until_async(&format!("{count} messages"), all).await
    }

    /// The link by which somebody with this address sets up how they sign in, once it was mailed; with the code that they
    /// are told.
    #[must_use]
    pub fn invited(&self, address: &str, code: &str) -> Invited {
        Invited {
            link: Link::Mailed {
                folder: self.folder.clone(),
                address: address.into(),
            },
            code: code.into(),
        }
    }

    fn listen(own: &Path, port: u16, door: Option<Door>) -> Result<Self> {
        let folder = own.join("mail");
        // Debian's own, which is where its packages go.
        let mut command = Command::new("/usr/bin/python3");
        command
            .args(["-c", include_str!("mail.py")])
            .arg(&folder)
            .arg(port.to_string())
            .args(door.map(Door::name))
            .args(door.map(|_| own))
            .env("LOGIN", format!("{USER}:{PASSWORD}"))
            .stdin(Stdio::null());
        let process = Process::start("the mail server", &mut command, &own.join("mail.log"))?;
        let first: serde_json::Value = serde_json::from_str(&process.line()?)?;
        let port = first["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        Ok(Self {
            process,
            port: port.context("the mail server does not say its port")?,
            folder,
            door,
            own: own.into(),
            _alone: None,
        })
    }
}

/// Every message in a folder, in the order they came.
fn messages_in(folder: &Path) -> Result<Vec<Message>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()) else {
            continue;
        };
        let Some((at, number)) = name.split_once('-') else {
            continue;
        };
        if path.extension().is_none() {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&path)?).replace("\r\n", "\n");
        let to = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("X-Envelope-To: "))
            .unwrap_or_default();
        let order: u64 = number.parse().context("a message without its number")?;
        let message = Message {
            accepted_at: at.parse()?,
            to: to.into(),
            text: without_quoting(&text),
        };
        found.push((message.accepted_at, order, message));
    }
    found.sort_by_key(|(at, order, _)| (*at, *order));
    Ok(found.into_iter().map(|(.., message)| message).collect())
}

/// Undoes quoted-printable, so that what is said can be looked for.
fn without_quoting(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(joined.len());
    let mut rest = joined.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) if first == b'=' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
