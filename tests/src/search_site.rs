//! A page on this machine that looks like a search engine and titles its answers as one does.

use anyhow::Result;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The site. It answers for as long as the program runs.
pub struct SearchSite {
    port: u16,
    typed: Typed,
}

/// What the first page's field holds, as the page last said.
type Typed = Arc<Mutex<String>>;

impl SearchSite {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let typed = Typed::default();
        let hears = Arc::clone(&typed);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let hears = Arc::clone(&hears);
                thread::spawn(move || answer(stream, &hears));
            }
        });
        Ok(Self { port, typed })
    }

    /// What stands in the first page's field, as the browser has taken it.
    #[must_use]
    pub fn typed(&self) -> String {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its first page.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

fn answer(stream: TcpStream, typed: &Typed) -> std::io::Result<()> {
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
    let (status, body) = if let Some(searched) = query("/search?q=") {
        ("200 OK", results(&escaped(&searched)))
    } else if let Some(field) = query("/typed?q=") {
        let mut typed = typed.lock().unwrap_or_else(PoisonError::into_inner);
        // What the field says comes by several connections, in any order.
        if field.len() > typed.len() {
            *typed = field;
        }
        ("200 OK", String::new())
    } else if target == "/" {
        ("200 OK", first_page())
    } else {
        ("404 Not Found", String::new())
    };
    let mut stream = &stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Titled as the search engine only once its field has the keyboard, and says what the field holds, so that whoever
/// types can wait for both.
fn first_page() -> String {
    let ready = "<script>let field = document.querySelector('input'), ready = () => document.title = 'Google';\
                 field.oninput = () => fetch('/typed?q=' + encodeURIComponent(field.value));\
                 field.onfocus = ready; if (document.hasFocus() && document.activeElement === field) ready()</script>";
    page("Loading", ready)
}

fn results(query: &str) -> String {
    let found = format!("<p>About 3 results for <em>{query}</em></p><ol><li>One<li>Two<li>Three</ol>");
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
