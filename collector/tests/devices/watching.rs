//! What the running program notices by itself, and says on its console.

use crate::school::browser::Browser;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use pastoral_support::collector::Collector;
use pastoral_support::poll::comes_true;
use rcgen::KeyPair;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A browser's way to the running program.
fn console(collector: &Collector) -> Router {
    let address = collector.console;
    Router::new().fallback(move |request: Request<Body>| async move { forward(address, request).await })
}

async fn forward(address: SocketAddr, mut request: Request<Body>) -> Response<Body> {
    *request.uri_mut() = format!("http://{address}{}", request.uri()).parse().unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    client.request(request).await.unwrap().map(Body::new)
}

#[tokio::test]
async fn a_broken_profile_is_said_on_the_console_until_it_is_mended() {
    let mut collector = Collector::start();
    let (link, code) = collector
        .link_and_code("ed@oak.example", &collector.init, "Ed Farrow: ")
        .await;
    let mut technician = Browser::new(&console(&collector));
    technician.join(&link, &code).await;
    let said = "The profile’s file is refused, and the last good one stays in force";
    assert!(!technician.get("/health").await.body.contains(said));
    let (good, bad) = ("lock_after_minutes = 30", "lock_after_minutes = \"soon\"");
    collector.change_profile(good, bad);
    collector.until_logged("the last good one stays in force").await;
    let page = technician.get("/health").await.body;
    assert!(page.contains(said) && page.contains("profile.toml:"), "{page}");
    collector.change_profile(bad, "lock_after_minutes = 7");
    collector.until_logged("the profile is in force").await;
    assert!(!technician.get("/health").await.body.contains(said));
    // Also when it is started with it. A restart signs everybody out.
    collector.change_profile("lock_after_minutes = 7", bad);
    collector.kill();
    collector.serve();
    let code = technician.code(1);
    let mut again = Browser::new(&console(&collector));
    let form = again.get("/sign-in").await;
    let fields = [
        ("email", "ed@oak.example".to_owned()),
        ("password", crate::school::browser::PASSWORD.to_owned()),
        ("code", code),
    ];
    again.send("/sign-in", &form.field("csrf"), &fields).await;
    assert!(again.get("/health").await.body.contains(said));
}

/// Puts a new certificate and its key in place.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let key = KeyPair::generate().unwrap();
    let made = rcgen::CertificateParams::new(vec!["localhost".into()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    put(folder, "console.key", &key.serialize_pem());
    put(folder, "console.crt", &made.pem());
    made.der().clone()
}

fn put(folder: &Path, name: &str, text: &str) {
    let beside = folder.join(format!("{name}.new"));
    std::fs::write(&beside, text).unwrap();
    std::fs::rename(beside, folder.join(name)).unwrap();
}

/// Whether the console shows a certificate that is good for one of these.
async fn shows(collector: &Collector, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(collector.console).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .is_ok()
}

#[tokio::test]
async fn the_console_shows_a_new_certificate_as_soon_as_it_is_there_and_never_a_broken_one() {
    let mut collector = Collector::start();
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    collector.kill();
    collector.add_config(&format!(
        "tls_certificate = {:?}\ntls_key = {:?}\n",
        folder.path().join("console.crt"),
        folder.path().join("console.key")
    ));
    collector.serve();
    assert!(shows(&collector, &first).await);
    put(folder.path(), "console.crt", "not a certificate");
    collector.until_logged("the old one stays").await;
    assert!(shows(&collector, &first).await);
    let second = certify(folder.path());
    comes_true("the second one", async || shows(&collector, &second).await).await;
    assert!(!shows(&collector, &first).await);
}
