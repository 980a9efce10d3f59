//! The way to the collector: TCP, through a proxy where there is one, then TLS, then HTTP/2.

use crate::config::Address;
use crate::tls::{ClientTls, NotTheCollector, TimeFault};
use hyper_util::rt::TokioIo;
use rustls::AlertDescription;
use rustls_pki_types::{CertificateDer, ServerName};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};

const PATIENCE: Duration = Duration::from_secs(15);
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Bytes of a proxy's answer.
const PROXY_ANSWER: usize = 8 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// Nothing answers.
    #[error("{0} does not answer: {1}")]
    Unreachable(String, String),
    /// The proxy does not let us through.
    #[error("the proxy {0} does not let this device through: {1}")]
    Proxy(String, String),
    /// Something answers that is not the school's collector.
    #[error(transparent)]
    NotTheCollector(#[from] NotTheCollector),
    /// TLS fails otherwise.
    #[error("no secure connection: {0}")]
    Tls(String),
}

/// A connection to the collector.
pub(crate) struct Connection {
    pub channel: Channel,
    /// What the collector presented: its certificate, then its issuers.
    pub presented: Vec<CertificateDer<'static>>,
    /// Set when the collector's certificate is right in all but its time.
    pub time_fault: Option<TimeFault>,
    /// Set once the collector has refused our certificate. In TLS 1.3 that comes after the handshake, and the layers
    /// above do not pass it on.
    pub alert: Arc<OnceLock<AlertDescription>>,
}

/// Connects once; a connection that breaks is not mended behind the caller's back.
pub(crate) async fn connect(
    collector: &Address,
    proxy: Option<&Address>,
    tls: &ClientTls,
) -> Result<Connection, ConnectError> {
    let stream = match timeout(PATIENCE, secure(collector, proxy, tls)).await {
        Ok(stream) => stream?,
        Err(_) => {
            return Err(ConnectError::Unreachable(
                collector.authority(),
                "it took too long".into(),
            ));
        }
    };
    let (_, session) = stream.get_ref();
    let presented = session.peer_certificates().unwrap_or_default();
    let presented = presented.iter().map(|der| der.clone().into_owned()).collect();
    let time_fault = tls.time_fault.get().copied();
    let alert = Arc::new(OnceLock::new());
    let mut stream = Some(TokioIo::new(Alerted {
        stream,
        alert: Arc::clone(&alert),
    }));
    let once = tower::service_fn(move |_: Uri| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected)) }
    });
    let broken = |error: tonic::transport::Error| ConnectError::Tls(innermost(&error));
    let channel = endpoint(collector)?
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(PATIENCE)
        .keep_alive_while_idle(true)
        .connect_with_connector(once)
        .await
        .map_err(broken)?;
    Ok(Connection {
        channel,
        presented,
        time_fault,
        alert,
    })
}

/// The secure stream, with an eye on the alert that may come over it.
struct Alerted {
    stream: TlsStream<TcpStream>,
    alert: Arc<OnceLock<AlertDescription>>,
}

impl AsyncRead for Alerted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(alert) = alert_in(error)
        {
            // The first is the reason.
            let _ = self.alert.set(alert);
        }
        read
    }
}

impl AsyncWrite for Alerted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The TLS alert by which the other end refused our certificate, if that is what an error comes from.
#[must_use]
pub(crate) fn alert_in(error: &(dyn std::error::Error + 'static)) -> Option<AlertDescription> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = tls.or_else(|| error.downcast_ref()) {
            return Some(*alert);
        }
        next = error.source();
    }
    None
}

fn endpoint(collector: &Address) -> Result<Endpoint, ConnectError> {
    let unusable = |error: String| ConnectError::Unreachable(collector.authority(), error);
    let origin: Uri = format!("https://{}", collector.authority())
        .parse()
        .map_err(|error: tonic::codegen::http::uri::InvalidUri| unusable(error.to_string()))?;
    // TLS is ours already; to the library this is a plain stream.
    let endpoint = Endpoint::from_shared(format!("http://{}", collector.authority()));
    Ok(endpoint
        .map_err(|error| unusable(error.to_string()))?
        .origin(origin))
}

async fn secure(
    collector: &Address,
    proxy: Option<&Address>,
    tls: &ClientTls,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let stream = match proxy {
        None => open(collector).await?,
        Some(proxy) => through_proxy(proxy, collector).await?,
    };
    let name = ServerName::try_from(collector.host.clone())
        .map_err(|error| ConnectError::Unreachable(collector.authority(), error.to_string()))?;
    let connector = TlsConnector::from(Arc::clone(&tls.config));
    connector
        .connect(name, stream)
        .await
        .map_err(|error| tls_error(&error))
}

async fn open(address: &Address) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await;
    let stream = stream.map_err(|error| ConnectError::Unreachable(address.authority(), error.to_string()))?;
    // A flag is one small write, and must not wait for another.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn through_proxy(proxy: &Address, collector: &Address) -> Result<TcpStream, ConnectError> {
    let mut stream = open(proxy).await?;
    let refused = |what: String| ConnectError::Proxy(proxy.authority(), what);
    let to = collector.authority();
    let request = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| refused(error.to_string()))?;
    let mut answer = Vec::new();
    // Byte by byte, so that nothing of what follows the answer is taken from TLS.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= PROXY_ANSWER {
            return Err(refused("its answer is too long".into()));
        }
        answer.push(
            stream
                .read_u8()
                .await
                .map_err(|error| refused(error.to_string()))?,
        );
    }
    let line = String::from_utf8_lossy(&answer)
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned();
    if line.split_ascii_whitespace().nth(1) == Some("200") {
        Ok(stream)
    } else {
        Err(refused(line))
    }
}

fn tls_error(error: &io::Error) -> ConnectError {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) = tls
        && let Some(refused) = other.0.downcast_ref::<NotTheCollector>()
    {
        return refused.clone().into();
    }
    match tls {
        // What answers speaks no TLS, or not what a collector speaks over it.
        Some(
            rustls::Error::InvalidMessage(_)
            | rustls::Error::NoApplicationProtocol
            | rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol),
        ) => NotTheCollector(error.to_string()).into(),
        _ => ConnectError::Tls(error.to_string()),
    }
}

/// The cause at the end of a chain of errors: the part that says something.
#[must_use]
pub(crate) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
