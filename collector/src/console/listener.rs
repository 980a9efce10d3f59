//! The console's listener: TLS where it is configured, a place for each connection.

use crate::config::Console;
use crate::net::http::{HANDSHAKE_TIME, Protocol, Times, talk};
use crate::net::places::{Bounds, Place, Places};
use crate::net::source::Proxies;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Browsers open up to six connections each, and one for each page that updates itself.
pub const BOUNDS: Bounds = Bounds {
    unproven: 1_000,
    of_a_source: 500,
    proven: 1_000,
    of_an_owner: 64,
};

/// What is said where nobody can be told apart.
pub const UNNAMED_PROXY: &str = "the console has an https address and no certificate of its own, so a reverse proxy \
    stands in front of it, which the configuration does not name: everybody counts as one source, and one laptop can use \
    up what all may try; write its address under [console], such as proxy = [\"127.0.0.1\"]";

/// Serves the console.
pub struct Web {
    certificate: Option<Certificate>,
}

/// Certificate and key that browsers are shown, as they are now.
#[derive(Clone)]
pub struct Certificate {
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
    pub fn read_again(&self) -> anyhow::Result<()> {
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
    pub fn files(console: &Console) -> Vec<PathBuf> {
        let tls = console.tls.iter();
        tls.flat_map(|(chain, key)| [chain.clone(), key.clone()])
            .collect()
    }

    /// Reads certificate and key, where they are configured.
    pub fn new(console: &Console) -> anyhow::Result<Self> {
        let certificate = console
            .tls
            .as_ref()
            .map(|(chain, key)| Certificate::read(chain, key));
        Ok(Self {
            certificate: certificate.transpose()?,
        })
    }

    /// What browsers are shown, where there is TLS.
    pub fn certificate(&self) -> Option<Certificate> {
        self.certificate.clone()
    }

    /// Serves until `stop`. Pages that are open then end with the program.
    pub async fn serve(
        self,
        listener: TcpListener,
        router: Router,
        bounds: Bounds,
        proxies: Arc<Proxies>,
        stop: CancellationToken,
    ) {
        let places = Places::new(bounds);
        let of_proxies = Arc::new(Semaphore::new(bounds.proven));
        loop {
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
            let mut router = router.clone().layer(Extension(ConnectInfo(peer)));
            let (mut place, mut of_proxy) = (None, None);
            if proxies.name(peer.ip()) {
                let Ok(permit) = Arc::clone(&of_proxies).try_acquire_owned() else {
                    tracing::warn!(%peer, "the proxy has too many connections to the console open");
                    continue;
                };
                of_proxy = Some(permit);
            } else {
                let entered = places.enter(peer.ip().into());
                router = router.layer(Extension(entered.proof()));
                place = Some(entered);
            }
            let tls = self.certificate.as_ref().map(Certificate::acceptor);
            let stop = stop.clone();
            tokio::spawn(async move {
                let _counted = of_proxy;
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = connection(tls, stream, router, place) => {}
                }
            });
        }
    }
}

async fn connection(tls: Option<TlsAcceptor>, stream: TcpStream, router: Router, place: Option<Place>) {
    let Some(tls) = tls else {
        return talk(stream, Protocol::Http1, router, place, Times::USUAL).await;
    };
    let handshake = tokio::time::timeout(HANDSHAKE_TIME, tls.accept(stream));
    let shaken = match &place {
        None => handshake.await,
        Some(place) => tokio::select! {
            () = place.gives_way() => return,
            shaken = handshake => shaken,
        },
    };
    match shaken {
        Ok(Ok(stream)) => {
            let protocol = Protocol::agreed(stream.get_ref().1.alpn_protocol());
            talk(stream, protocol, router, place, Times::USUAL).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a handshake with a browser failed"),
        Err(_) => tracing::debug!("a handshake with a browser took too long"),
    }
}
