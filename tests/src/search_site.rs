//! A page on this machine that looks like a search engine and titles its answers as one does.

use crate::desktop::Desktop;
use anyhow::{Context as _, Result};
use pastoral_support::poll;
use pastoral_support::users::User;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The site. It answers for as long as the program runs.
pub struct SearchSite {
    port: u16,
    heard: Arc<Heard>,
}

/// What the site was asked for.
#[derive(Default)]
struct Heard {
    typed: Typed,
    pictures: AtomicUsize,
}

/// What the first page's field holds, and when, in microseconds, the page said so.
type Typed = Mutex<(u64, String)>;

/// How long a person looks at a field before they type into it again.
const A_LOOK: Duration = Duration::from_secs(15);

/// How often a person types words that do not arrive.
const TRIES: u32 = 4;

/// Pixels of the picture that every page of answers shows, each way.
const PICTURE_SIDE: u32 = 96;

impl SearchSite {
    /// Starts it on a free port.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let heard = Arc::new(Heard::default());
        let hears = Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hears = Arc::clone(&hears);
                thread::spawn(move || answer(stream, &hears));
            }
        });
        Ok(Self { port, heard })
    }

    /// What stands in the first page's field, as the browser has taken it.
    fn typed(&self) -> String {
        let typed = self.heard.typed.lock();
        typed.unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// Types into the first page's field as a person does, who looks at what stands there and types it again if a busy
    /// machine lost a key.
    pub fn take_words(&self, desktop: &Desktop, pupil: &User, words: &str) -> Result<()> {
        let arrived = || (self.typed() == words).then_some(());
        let mut looked = Ok(());
        for _ in 0..TRIES {
            desktop.hands(pupil, &["key", "ctrl+a"])?;
            desktop.hands(pupil, &["type", "--delay", "20", words])?;
            looked = poll::within(A_LOOK, "the words in the page's field", arrived);
            if looked.is_ok() {
                break;
            }
        }
        looked.with_context(|| format!("the field holds `{}`", self.typed()))
    }

    /// How often a browser fetched the picture that pages of answers show.
    #[must_use]
    pub fn pictures_sent(&self) -> usize {
        self.heard.pictures.load(Ordering::Relaxed)
    }

    /// Its first page.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// The colours of that picture, as its file holds them: letters in no order, which cannot be made much smaller.
#[must_use]
pub fn picture_bytes() -> String {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        char::from(b'a' + u8::try_from(state % 26).unwrap_or_default())
    };
    (0..PICTURE_SIDE * PICTURE_SIDE * 3).map(|_| next()).collect()
}

/// The picture's file: a bitmap of 24 bits.
fn picture() -> Vec<u8> {
    const HEAD: u32 = 54;
    let colours = picture_bytes();
    let size = HEAD + PICTURE_SIDE * PICTURE_SIDE * 3;
    let mut file = b"BM".to_vec();
    let words = [
        size,
        0,
        HEAD,
        40,
        PICTURE_SIDE,
        PICTURE_SIDE,
        24 << 16 | 1,
        0,
        0,
        0,
        0,
        0,
        0,
    ];
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    file.extend(colours.as_bytes());
    file
}

fn answer(stream: TcpStream, heard: &Heard) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut lines = BufReader::new(&stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let target = request.split(' ').nth(1).unwrap_or("/");
    let query = |path: &str| {
        let (_, query) = target.split_once(path)?;
        Some(decoded(query.split('&').next().unwrap_or_default()))
    };
    if target == "/picture.bmp" {
        send(&stream, "200 OK", "image/bmp", &picture())?;
        heard.pictures.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    }
    let (status, body) = if let Some(searched) = query("/search?q=") {
        ("200 OK", results(&escaped(&searched)))
    } else if let Some(said) = target.strip_prefix("/typed?") {
        if let Some((at, field)) = said.split_once("&q=") {
            let said = (at.parse().unwrap_or_default(), decoded(field));
            let mut typed = heard.typed.lock().unwrap_or_else(PoisonError::into_inner);
            // What the field says comes by several connections, in any order.
            if said.0 >= typed.0 {
                *typed = said;
            }
        }
        ("200 OK", String::new())
    } else if target == "/" {
        ("200 OK", first_page())
    } else {
        ("404 Not Found", String::new())
    };
    send(&stream, status, "text/html; charset=utf-8", body.as_bytes())
}

fn send(mut stream: &TcpStream, status: &str, kind: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// Titled as the search engine only once its field has the keyboard, and says what the field holds, so that whoever
/// types can wait for both.
fn first_page() -> String {
    let ready = "<script>let field = document.querySelector('input'), ready = () => document.title = 'Google',\
                 now = () => Math.round(1000 * (performance.timeOrigin + performance.now()));\
                 field.oninput = () => fetch(`/typed?${now()}&q=` + encodeURIComponent(field.value));\
                 field.onfocus = ready; if (document.hasFocus() && document.activeElement === field) ready()</script>";
    page("Loading", ready)
}

fn results(query: &str) -> String {
    let found = format!(
        "<p>About 3 results for <em>{query}</em></p><img src=/picture.bmp alt='A picture'><ol><li>One<li>Two<li>Three</ol>"
    );
    page(&format!("{query} - Google Search"), &found)
}

fn page(title: &str, found: &str) -> String {
    format!(
        "<!doctype html><html lang=en><title>{title}</title><style>body{{font:16px sans-serif;margin:4em}}</style>\
         <form action=/search><input name=q autofocus autocomplete=off size=60 aria-label=Search><button>Search</button></form>\
         {found}</html>"
    )
}

fn decoded(query: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = query.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, code.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
