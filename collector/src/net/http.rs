//! HTTP with browsers and proxies, every step of it timed.
//!
//! INVARIANT 8, what ends a connection:
//!
//! | what takes too long | after |
//! |---|---|
//! | the TLS handshake | [`HANDSHAKE_TIME`] |
//! | a request's headers, the first one's too, and the pause between two (HTTP/1) | [`HEADER_TIME`] |
//! | a request's body | [`BODY_TIME`] |
//! | proving itself | [`LIFE_UNPROVEN`], and [`LAST_WORDS`] for what is in hand |
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
/// For a request's headers, from the connection's beginning or the end of the answer before.
const HEADER_TIME: Duration = Duration::from_secs(20);
/// For a request's body.
const BODY_TIME: Duration = Duration::from_secs(20);
/// For a connection that does not prove whose it is.
const LIFE_UNPROVEN: Duration = Duration::from_secs(60);
const LAST_WORDS: Duration = Duration::from_secs(15);
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIME: Duration = Duration::from_secs(20);
/// Bytes of headers.
const HEADERS_MOST: u32 = 32 * 1024;
const STREAMS: u32 = 64;
/// Bytes that may come before they are read.
const WINDOW: u32 = 64 * 1024;

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
pub async fn talk<S>(stream: S, protocol: Protocol, router: Router, place: Option<Place>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let builder = builder(protocol);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let Some(place) = place else {
        return ended(connection.await);
    };
    let mut life = pin!(sleep(LIFE_UNPROVEN));
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
                    life.as_mut().reset(Instant::now() + LAST_WORDS);
                }
            }
        }
    }
}

fn builder(protocol: Protocol) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
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
pub fn in_time(body: Body) -> Body {
    let deadline = Instant::now() + BODY_TIME;
    let pieces = stream::unfold(Some(body.into_data_stream()), move |pieces| async move {
        let mut pieces = pieces?;
        match timeout_at(deadline, pieces.next()).await {
            Ok(piece) => piece.map(|piece| (piece, Some(pieces))),
            Err(late) => Some((Err(axum::Error::new(late)), None)),
        }
    });
    Body::from_stream(pieces)
}
