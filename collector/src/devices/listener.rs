//! The devices' listener: our own TLS acceptor in front of tonic, so that certificates can be replaced while it runs.
//!
//! INVARIANT 8: handshakes, connections without a certificate and connections altogether are bounded, each on its own,
//! so that strangers cannot keep devices out.

use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;

const HANDSHAKES: usize = 256;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
/// How long a device whose handshake failed may take to read so.
const LINGER: Duration = Duration::from_secs(1);
const CONNECTIONS: usize = 10_000;
const CONNECTIONS_WITHOUT_CERTIFICATE: usize = 512;

/// Who is on the other end, as far as TLS knows.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// SHA-256 of the certificate shown; none when none was.
    pub(super) certificate_sha256: Option<Arc<[u8]>>,
}

/// A device's connection, which counts against the bounds as long as it lives.
pub(super) struct DeviceIo {
    stream: TlsStream<TcpStream>,
    peer: Peer,
    _permits: Vec<OwnedSemaphorePermit>,
}

/// Accepts connections until `stop`, and hands over those that are past their handshake.
pub(super) fn accept(
    listener: TcpListener,
    config: ServerConfig,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<DeviceIo>> {
    let (ready, connections) = mpsc::channel(64);
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
        let bounds = Bounds {
            all: Arc::new(Semaphore::new(CONNECTIONS)),
            strangers: Arc::new(Semaphore::new(CONNECTIONS_WITHOUT_CERTIFICATE)),
        };
        loop {
            let Ok(turn) = Arc::clone(&handshakes).acquire_owned().await else {
                return;
            };
            let stream = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Too many open files, mostly: leave the others time to end.
                        tracing::warn!(%error, "a device's connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let (acceptor, bounds, ready) = (acceptor.clone(), bounds.clone(), ready.clone());
            tokio::spawn(async move {
                let shaken = tokio::time::timeout(HANDSHAKE_TIME, shake(acceptor, stream, &bounds)).await;
                drop(turn);
                match shaken {
                    Ok(Ok(io)) => {
                        let _gone_when_stopping = ready.send(Ok(io)).await;
                    }
                    Ok(Err(error)) => tracing::info!(%error, "a handshake with a device failed"),
                    Err(_) => tracing::info!("a handshake with a device took too long"),
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

#[derive(Clone)]
struct Bounds {
    all: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream, bounds: &Bounds) -> io::Result<DeviceIo> {
    let full = |_| io::Error::other("too many connections at once");
    let mut permits = vec![Arc::clone(&bounds.all).try_acquire_owned().map_err(full)?];
    stream.set_nodelay(true)?;
    let stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((error, stream)) => {
            let _told_or_not = tokio::time::timeout(LINGER, let_it_read(stream)).await;
            return Err(error);
        }
    };
    let certificate = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|chain| chain.first());
    let certificate_sha256 = certificate.map(|der| digest(&SHA256, der).as_ref().into());
    if certificate_sha256.is_none() {
        permits.push(Arc::clone(&bounds.strangers).try_acquire_owned().map_err(full)?);
    }
    Ok(DeviceIo {
        stream,
        peer: Peer { certificate_sha256 },
        _permits: permits,
    })
}

/// Lets a device read why its handshake failed: closed with something unread, the connection would be reset, and the
/// alert lost with it.
async fn let_it_read(mut stream: TcpStream) {
    let mut unread = [0; 1024];
    if stream.shutdown().await.is_ok() {
        while stream.read(&mut unread).await.is_ok_and(|read| read > 0) {}
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
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for DeviceIo {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
