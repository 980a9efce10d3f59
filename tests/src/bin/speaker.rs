//! Speaks to the service as the session helper does, without a desktop: takes titles from standard input, one to a
//! line, and hands them over as fast as they are taken. For the tests of what happens to the service; the real helper
//! has tests of its own.
//!
//! Usage: `speaker SOCKET`. Says `heard` once it is let in, and `ended` when the service is gone.

use anyhow::{Context as _, Result};
use pastoral_proto::LocalFrames;
use pastoral_proto::local::{
    CanarySeen, FromHelper, Heartbeat, HelperHello, TextSeen, ToHelper, from_helper::Message, to_helper,
};
use std::io::{BufRead as _, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Well within what the service waits for.
const BEAT: Duration = Duration::from_secs(2);

type Shared = Arc<Mutex<UnixStream>>;

fn main() -> Result<()> {
    let socket = std::env::args().nth(1).context("usage: speaker SOCKET")?;
    let stream = UnixStream::connect(&socket).with_context(|| format!("cannot open {socket}"))?;
    let hearing = stream.try_clone()?;
    let stream = Arc::new(Mutex::new(stream));
    let hello = HelperHello {
        version: env!("CARGO_PKG_VERSION").into(),
        titles_by: "x11".into(),
        not_watched: Vec::new(),
    };
    say(&stream, Message::Hello(hello))?;
    println!("heard");
    let answering = Arc::clone(&stream);
    thread::spawn(move || answer(hearing, &answering));
    let beating = Arc::clone(&stream);
    thread::spawn(move || {
        while say(
            &beating,
            Message::Heartbeat(Heartbeat {
                desktop_answers: true,
            }),
        )
        .is_ok()
        {
            thread::sleep(BEAT);
        }
    });
    for title in std::io::stdin().lock().split(b'\n') {
        let seen = TextSeen {
            text: title?,
            program: "chromium".into(),
            source: String::new(),
        };
        if say(&stream, Message::Text(seen)).is_err() {
            break;
        }
    }
    // Until it is ended, or the service is.
    loop {
        thread::park();
    }
}

fn say(stream: &Shared, message: Message) -> Result<()> {
    let bytes = LocalFrames::encode(&FromHelper {
        message: Some(message),
    })?;
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(stream.write_all(&bytes)?)
}

/// Shows every canary, and ends with the service.
fn answer(mut hearing: UnixStream, stream: &Shared) {
    let mut frames = LocalFrames::default();
    let mut bytes = [0; 256];
    while let Ok(length @ 1..) = hearing.read(&mut bytes) {
        frames.push(&bytes[..length]);
        while let Ok(Some(ToHelper {
            message: Some(to_helper::Message::Canary(asked)),
        })) = frames.take()
        {
            let _ = say(stream, Message::Canary(CanarySeen { nonce: asked.nonce }));
        }
    }
    println!("ended");
    std::process::exit(0);
}
