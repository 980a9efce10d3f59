//! A mail server that answers as a test tells it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a server does about a line.
pub(crate) enum Does {
    /// As servers do.
    Usual,
    /// Answers this.
    Says(&'static str),
    /// Answers these bytes.
    SaysBytes(Vec<u8>),
    /// Answers this one byte at a time.
    Drips(&'static str),
    /// Ends the connection without a word.
    Ends,
    /// Answers this, and ends the connection.
    SaysAndEnds(&'static str),
    /// Never answers.
    Waits,
}

/// A line that a client sent; the greeting has an empty one, the end of a message a dot.
pub(crate) struct Heard<'a> {
    /// Which connection, from 0.
    pub(crate) connection: usize,
    /// Which message of its connection, from 0.
    pub(crate) message: usize,
    pub(crate) line: &'a str,
}

type Script = Box<dyn Fn(&Heard<'_>) -> Does + Send + Sync>;

pub(crate) struct Scripted {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    connections: AtomicUsize,
    taken: Mutex<Vec<String>>,
}

impl Scripted {
    pub(crate) async fn start(script: impl Fn(&Heard<'_>) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            connections: AtomicUsize::new(0),
            taken: Mutex::default(),
        });
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                let connection = shared.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move { shared.converse(stream, connection).await });
            }
        });
        Self { port, shared }
    }

    /// Messages that were taken.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.shared.taken.lock().unwrap().clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Shared {
    async fn converse(&self, stream: TcpStream, connection: usize) -> Option<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let (mut message, mut line, mut data) = (0, String::new(), None::<String>);
        loop {
            let is_end = data.is_some() && line == ".";
            if let Some(text) = data.as_mut().filter(|_| !is_end) {
                text.push_str(&line);
                text.push('\n');
            } else {
                let heard = Heard {
                    connection,
                    message,
                    line: &line,
                };
                let does = (self.script)(&heard);
                let drips = matches!(does, Does::Drips(_));
                let (says, ends) = match does {
                    Does::Usual => (usual(&line).into(), line == "QUIT"),
                    Does::Says(says) | Does::Drips(says) => (says.into(), false),
                    Does::SaysBytes(says) => (says, false),
                    Does::SaysAndEnds(says) => (says.into(), true),
                    Does::Ends => return None,
                    Does::Waits => std::future::pending().await,
                };
                if is_end {
                    let text = data.take().unwrap_or_default();
                    message += 1;
                    if says.starts_with(b"2") {
                        self.taken.lock().unwrap().push(text);
                    }
                } else if says.starts_with(b"354") {
                    data = Some(String::new());
                }
                let says = [&says[..], b"\r\n"].concat();
                for part in says.chunks(if drips { 1 } else { says.len() }) {
                    write.write_all(part).await.ok()?;
                    tokio::task::yield_now().await;
                }
                if ends {
                    return None;
                }
            }
            line = lines.next_line().await.ok()??;
        }
    }
}

pub(crate) fn usual(line: &str) -> &'static str {
    match line.get(..4).unwrap_or(line) {
        "" => "220 scripted.test ESMTP",
        "EHLO" => "250-scripted.test\r\n250-SIZE 1000000\r\n250 8BITMIME",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        "AUTH" => "235 welcome",
        _ => "250 fine",
    }
}
