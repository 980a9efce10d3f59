//! HTTP with browsers and proxies, every step of it timed.
//!
//! INVARIANT 8, what ends a connection:
//!
//! | what takes too long | after |
//! |---|---|
//! | the TLS handshake | [`HANDSHAKE_TIME`] |
//! | a request's headers, the first one's too, and the pause between two (HTTP/1) | [`Times::header`] |
//! | a request's body | [`Times::body`] |
//! | proving itself | [`Times::unproven`], and [`Times::last_words`] for what is in hand |
//! | answering a ping (HTTP/2) | [`PING_EVERY`] and [`PING_TIME`] |
//!
//! A stream of live updates goes on: it is of somebody who has signed in, and so has proven themselves.

use super::places::Place;
use axum::Router;
use axum::body::Body;
use futures_util::{StreamExt as _, stream};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep, timeout_at};

/// For a TLS handshake, from the connection's beginning.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIME: Duration = Duration::from_secs(20);
/// Bytes of headers.
const HEADERS_MOST: u32 = 32 * 1024;
const STREAMS: u32 = 64;
/// Bytes that may come before they are read.
const WINDOW: u32 = 64 * 1024;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// For a request's headers, from the connection's beginning or the end of the answer before.
    pub header: Duration,
    /// For a request's body.
    pub body: Duration,
    /// For a connection that does not prove whose it is.
    pub unproven: Duration,
    /// For what is in hand then.
    pub last_words: Duration,
}

impl Times {
    /// Those that hold outside of tests.
    pub const USUAL: Self = Self {
        header: Duration::from_secs(20),
        body: Duration::from_secs(20),
        unproven: Duration::from_secs(60),
        last_words: Duration::from_secs(15),
    };
}

/// What is spoken, known from the handshake: guessing it from the first bytes would wait for them without a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, also without TLS.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// What was agreed on by ALPN.
    #[must_use]
    pub fn agreed(alpn: Option<&[u8]>) -> Self {
        match alpn {
            Some(b"h2") => Self::Http2,
            _ => Self::Http1,
        }
    }
}

/// Speaks until either side ends, or the connection has to. A proxy's connection holds no place: its requests do.
pub async fn talk<S>(stream: S, protocol: Protocol, router: Router, place: Option<Place>, times: Times)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = builder(protocol, times);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let Some(place) = place else {
        return ended(connection.await);
    };
    let mut life = pin!(sleep(times.unproven));
    let (mut counts, mut ending) = (true, false);
    loop {
        tokio::select! {
            done = connection.as_mut() => return ended(done),
            () = place.gives_way() => return,
            () = life.as_mut(), if counts => {
                if ending {
                    return;
                }
                if place.proof().is_proven() {
                    counts = false;
                } else {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                    life.as_mut().reset(Instant::now() + times.last_words);
                }
            }
        }
    }
}

fn builder(protocol: Protocol, times: Times) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(times.header)
        .max_buf_size(usize::try_from(HEADERS_MOST).unwrap_or(usize::MAX));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIME)
        .max_header_list_size(HEADERS_MOST)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_concurrent_streams(STREAMS);
    match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    }
}

fn ended(done: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = done {
        tracing::debug!(error = %error, "a connection to the console ended");
    }
}

/// A request's body, which fails when it has not come whole in time.
pub fn in_time(body: Body, time: Duration) -> Body {
    let deadline = Instant::now() + time;
    let pieces = stream::unfold(Some(body.into_data_stream()), move |pieces| async move {
        let mut pieces = pieces?;
        match timeout_at(deadline, pieces.next()).await {
            Ok(piece) => piece.map(|piece| (piece, Some(pieces))),
            Err(late) => Some((Err(axum::Error::new(late)), None)),
        }
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::places::{Bounds, Places};
    use axum::extract::Request;
    use axum::middleware::{self, Next};
    use axum::routing::{get, post};
    use bytes::Bytes;
    use std::net::{IpAddr, Ipv4Addr};
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::sync::{Mutex, mpsc};
    use tokio_stream::wrappers::ReceiverStream;

    const SOON: Duration = Duration::from_millis(200);
    const TIMES: Times = Times {
        header: SOON,
        body: SOON,
        unproven: SOON,
        last_words: SOON,
    };
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Says `pieces` for ever at `/live`.
    fn router(pieces: mpsc::Receiver<Result<Bytes, axum::Error>>) -> Router {
        let pieces = Arc::new(Mutex::new(Some(pieces)));
        let live = move || {
            let pieces = Arc::clone(&pieces);
            async move {
                pieces
                    .lock()
                    .await
                    .take()
                    .map(|pieces| Body::from_stream(ReceiverStream::new(pieces)))
            }
        };
        let in_time = middleware::from_fn(|request: Request, next: Next| {
            next.run(request.map(|body| in_time(body, TIMES.body)))
        });
        Router::new()
            .route("/", get(|| async { "here" }))
            .route("/form", post(|body: Bytes| async move { body }))
            .route("/live", get(async move || live().await.unwrap_or_default()))
            .layer(in_time)
    }

    fn connect(router: &Router, protocol: Protocol, proven: bool) -> DuplexStream {
        let bounds = Bounds {
            unproven: 1,
            of_a_source: 1,
            proven: 1,
            of_an_owner: 1,
        };
        let place = Places::new(bounds).enter(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
        if proven {
            place.proof().prove(&[0][..].into());
        }
        let (ours, theirs) = duplex(64 * 1024);
        tokio::spawn(talk(theirs, protocol, router.clone(), Some(place), TIMES));
        ours
    }

    async fn all_it_says(mut stream: DuplexStream) -> String {
        let mut said = Vec::new();
        let reading = stream.read_to_end(&mut said);
        let _ended = tokio::time::timeout(PATIENCE, reading)
            .await
            .expect("it is never ended");
        String::from_utf8_lossy(&said).into_owned()
    }

    #[tokio::test]
    async fn whoever_is_slow_is_ended_and_a_live_stream_goes_on() {
        let (say, pieces) = mpsc::channel(4);
        let router = router(pieces);
        let mut live = connect(&router, Protocol::Http1, true);
        live.write_all(b"GET /live HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        for (what, bytes, protocol) in [
            ("silence", &b""[..], Protocol::Http1),
            (
                "half a header",
                b"GET / HTTP/1.1\r\nhost: x\r\nslow: ",
                Protocol::Http1,
            ),
            (
                "nothing more after an answer",
                b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
                Protocol::Http1,
            ),
            (
                "half a body",
                b"POST /form HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf",
                Protocol::Http1,
            ),
            ("silence where HTTP/2 was agreed", b"", Protocol::Http2),
            (
                "nothing asked",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
                Protocol::Http2,
            ),
        ] {
            let mut slow = connect(&router, protocol, false);
            slow.write_all(bytes).await.unwrap();
            let said = all_it_says(slow).await;
            assert!(!said.contains("half"), "{what}: {said}");
        }
        let mut head = [0; 12];
        live.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        say.send(Ok(Bytes::from_static(b"still here"))).await.unwrap();
        let mut said = String::new();
        while !said.contains("still here") {
            let mut more = [0; 256];
            let read = tokio::time::timeout(PATIENCE, live.read(&mut more))
                .await
                .unwrap()
                .unwrap();
            assert!(read > 0, "the live stream was ended");
            said.push_str(&String::from_utf8_lossy(&more[..read]));
        }
    }

    #[tokio::test]
    async fn a_quick_request_is_answered_whole() {
        let (_say, pieces) = mpsc::channel(1);
        let mut quick = connect(&router(pieces), Protocol::Http1, false);
        let request =
            b"POST /form HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 5\r\n\r\nwhole";
        quick.write_all(request).await.unwrap();
        assert!(all_it_says(quick).await.ends_with("whole"));
    }
}
