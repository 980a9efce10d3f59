//! The devices' listener: our own TLS acceptor in front of tonic, so that certificates can be replaced while it runs.
//!
//! INVARIANT 8: every connection holds a place from its first byte, for a limited time while it has not proven itself:
//! by a certificate of the school's authority, or a token that lets it join. A device that connects again and again is
//! let in only so often.

use crate::clock;
use crate::net::http::HANDSHAKE_TIME;
use crate::net::places::{Bounds, Owner, Place, Places, Proof};
use crate::net::rate::{Rate, Rates};
use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

/// A device has one connection, and for a moment the one before.
pub const BOUNDS: Bounds = Bounds {
    unproven: 1_000,
    of_a_source: 500,
    proven: 10_000,
    of_an_owner: 4,
};
/// For a connection without a certificate to show a token.
const LIFE_UNPROVEN: Duration = Duration::from_secs(30);
/// How long a device whose handshake failed may take to read so.
const LINGER: Duration = Duration::from_secs(1);
/// Connections of one device. Its own agent waits longer between two.
const AGAIN: Rate = Rate {
    at_once: 30,
    every_ms: 5_000,
};
const MOST_DEVICES: usize = 20_000;

/// Who is on the other end, as far as TLS knows.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// SHA-256 of the certificate shown; none when none was.
    pub(super) certificate_sha256: Option<Owner>,
    /// By which the connection may prove itself.
    pub(super) proof: Proof,
}

/// A device's connection, which holds its place as long as it lives.
pub(super) struct DeviceIo {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    /// Ends when the connection has to; none once it has.
    over: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Accepts connections until `stop`, and hands over those that are past their handshake.
pub(super) fn accept(
    listener: TcpListener,
    config: ServerConfig,
    bounds: Bounds,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<DeviceIo>> {
    let (ready, connections) = mpsc::channel(64);
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let places = Places::new(bounds);
        let again = Arc::new(Rates::new(AGAIN, MOST_DEVICES));
        loop {
            let (stream, peer) = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Too many open files, mostly: leave the others time to end.
                        tracing::warn!(%error, "a device's connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let place = places.enter(peer.ip().into());
            let (acceptor, again, ready) = (acceptor.clone(), Arc::clone(&again), ready.clone());
            tokio::spawn(async move {
                let shaken = tokio::select! {
                    () = place.gives_way() => return,
                    shaken = tokio::time::timeout(HANDSHAKE_TIME, shake(acceptor, stream)) => shaken,
                };
                match shaken {
                    Ok(Ok(stream)) => {
                        if let Some(io) = DeviceIo::new(stream, place, &again) {
                            let _gone_when_stopping = ready.send(Ok(io)).await;
                        }
                    }
                    Ok(Err(error)) => tracing::debug!(%error, "a handshake with a device failed"),
                    Err(_) => tracing::debug!("a handshake with a device took too long"),
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, stream)) => {
            let _told_or_not = tokio::time::timeout(LINGER, let_it_read(stream)).await;
            Err(error)
        }
    }
}

/// Lets a device read why its handshake failed: closed with something unread, the connection would be reset, and the
/// alert lost with it.
async fn let_it_read(mut stream: TcpStream) {
    let mut unread = [0; 1024];
    if stream.shutdown().await.is_ok() {
        while stream.read(&mut unread).await.is_ok_and(|read| read > 0) {}
    }
}

impl DeviceIo {
    /// None when its device connects too often.
    fn new(stream: TlsStream<TcpStream>, place: Place, again: &Rates<Owner>) -> Option<Self> {
        let chain = stream.get_ref().1.peer_certificates();
        let certificate = chain.and_then(|chain| chain.first());
        let certificate_sha256: Option<Owner> = certificate.map(|der| digest(&SHA256, der).as_ref().into());
        let proof = place.proof();
        if let Some(device) = &certificate_sha256 {
            if !again.take(device, clock::now_ms()) {
                tracing::debug!("a device connects too often, and has to wait");
                return None;
            }
            proof.prove(device);
        }
        Some(Self {
            stream,
            peer: Peer {
                certificate_sha256,
                proof,
            },
            over: Some(Box::pin(over(place))),
        })
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Some(over) = &mut self.over {
            std::task::ready!(over.as_mut().poll(cx));
        }
        // Asked again after its end, a future would panic.
        self.over = None;
        let why = "it has not proven whose it is in time, or others need its place";
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, why))
    }
}

async fn over(place: Place) {
    let life = async {
        tokio::time::sleep(LIFE_UNPROVEN).await;
        if place.proof().is_proven() {
            std::future::pending().await
        }
    };
    tokio::select! {
        () = place.gives_way() => {}
        () = life => {}
    }
}

impl Connected for DeviceIo {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for DeviceIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.is_over(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for DeviceIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.is_over(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.is_over(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
