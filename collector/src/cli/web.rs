//! The console's listener: TLS where it is configured, bounded connections.

use crate::config::Console;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

const CONNECTIONS: usize = 1_000;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const HEADER_TIME: Duration = Duration::from_secs(20);

/// Serves the console.
pub(super) struct Web {
    certificate: Option<Certificate>,
}

/// Certificate and key that browsers are shown, as they are now.
#[derive(Clone)]
pub(super) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    config: Arc<ArcSwap<ServerConfig>>,
}

impl Certificate {
    fn read(chain: &Path, key: &Path) -> anyhow::Result<Self> {
        let config = Arc::new(ArcSwap::from_pointee(server_config(chain, key)?));
        Ok(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            config,
        })
    }

    /// Reads them again; connections from now on are shown the new ones. What cannot be used changes nothing.
    pub(super) fn read_again(&self) -> anyhow::Result<()> {
        self.config
            .store(Arc::new(server_config(&self.chain, &self.key)?));
        Ok(())
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.load_full())
    }
}

fn server_config(chain: &Path, key: &Path) -> anyhow::Result<ServerConfig> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect)
        .with_context(|| format!("{} holds no certificate", chain.display()))?;
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("{} holds no private key", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .context("console.tls_certificate and console.tls_key do not belong together")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

impl Web {
    /// Where certificate and key are read from, where they are configured.
    pub(super) fn files(console: &Console) -> Vec<PathBuf> {
        let tls = console.tls.iter();
        tls.flat_map(|(chain, key)| [chain.clone(), key.clone()])
            .collect()
    }

    /// Reads certificate and key, where they are configured.
    pub(super) fn new(console: &Console) -> anyhow::Result<Self> {
        let certificate = console
            .tls
            .as_ref()
            .map(|(chain, key)| Certificate::read(chain, key));
        Ok(Self {
            certificate: certificate.transpose()?,
        })
    }

    /// What browsers are shown, where there is TLS.
    pub(super) fn certificate(&self) -> Option<Certificate> {
        self.certificate.clone()
    }

    /// Serves until `stop`. Pages that are open then end with the program.
    pub(super) async fn serve(self, listener: TcpListener, router: Router, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let (stream, peer) = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "a connection to the console could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let router = router.clone().layer(Extension(ConnectInfo(peer)));
            let tls = self.certificate.as_ref().map(Certificate::acceptor);
            let stop = stop.clone();
            tokio::spawn(async move {
                let _counted = place;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = connection(tls, stream, router) => {}
                }
            });
        }
    }
}

async fn connection(tls: Option<TlsAcceptor>, stream: TcpStream, router: Router) {
    let Some(tls) = tls else {
        return talk(stream, router).await;
    };
    match tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream)).await {
        Ok(Ok(stream)) => talk(stream, router).await,
        Ok(Err(error)) => tracing::debug!(%error, "a handshake with a browser failed"),
        Err(_) => tracing::debug!("a handshake with a browser took too long"),
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64);
    let service = TowerToHyperService::new(router);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(error = %error, "a connection to the console ended");
    }
}
