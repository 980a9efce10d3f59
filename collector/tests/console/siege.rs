//! Signing in under attack: by somebody who wants the headteacher locked out, and by a laptop behind the school's own
//! router. Against the real listener where connections are concerned.

use super::*;
use crate::school::browser::PASSWORD;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use pastoral_collector::console::listener::Web;
use pastoral_collector::net::places::Bounds;
use pastoral_collector::net::source::Proxies;
use pastoral_collector::{access, config};
use rustls::pki_types::ServerName;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// Small, so that a test can fill them many times over.
const BOUNDS: Bounds = Bounds {
    unproven: 60,
    of_a_source: 30,
    proven: 60,
    of_an_owner: 16,
};
const PATIENCE: Duration = Duration::from_secs(60);
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

async fn wrong_passwords(router: &axum::Router, times: usize) -> StatusCode {
    let mut last = StatusCode::OK;
    for _ in 0..times {
        let mut stranger = Browser::new(router);
        last = stranger.sign_in("cy", "wrong password!", "123456").await.status;
    }
    last
}

#[tokio::test]
async fn nobody_locks_out_a_browser_that_its_owner_has_signed_in_with() {
    let (school, router) = school().await;
    let [mut cy] = signed_in(&school, &router, [CY]).await;
    assert_eq!(wrong_passwords(&router, 8).await, StatusCode::TOO_MANY_REQUESTS);
    cy.post("/account", "/sign-out", &[]).await;
    let code = cy.code(1);
    let mut without = Browser::new(&router);
    let refused = without.sign_in("cy", PASSWORD, &code).await;
    assert_eq!(
        refused.status,
        StatusCode::TOO_MANY_REQUESTS,
        "from where it is guessed"
    );
    let known = cy.sign_in("cy", PASSWORD, &code).await;
    assert_eq!(known.location(), "/");
}

#[tokio::test]
async fn a_known_browser_is_one_only_for_its_owner_and_until_the_password_changes() {
    let (school, router) = school().await;
    let [cy, mut ann] = signed_in(&school, &router, [CY, ANN]).await;
    assert_eq!(wrong_passwords(&router, 8).await, StatusCode::TOO_MANY_REQUESTS);
    let mut as_cy = ann.clone();
    as_cy.forget_session();
    let refused = as_cy.sign_in("cy", PASSWORD, &cy.code(1)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "known for another");
    let mut elsewhere = ann.clone();
    let new = "another horse battery";
    let fields = [("present", PASSWORD), ("password", new), ("again", new)];
    let changed = ann.post("/account/password", "/account/password", &fields).await;
    assert_eq!(changed.location(), "/account?done=password");
    for _ in 0..8 {
        Browser::new(&router)
            .sign_in("ann", "wrong password!", "123456")
            .await;
    }
    elsewhere.forget_session();
    let refused = elsewhere.sign_in("ann", new, &ann.code(1)).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "known no more");
    ann.forget_session();
    let known = ann.sign_in("ann", new, &ann.code(1)).await;
    assert_eq!(known.location(), "/", "the one in hand stays known");
}

#[tokio::test]
async fn a_try_that_is_refused_says_the_same_of_an_address_that_nobody_has() {
    let (school, router) = school().await;
    let [_cy] = signed_in(&school, &router, [CY]).await;
    let mut seen = Vec::new();
    for person in ["cy", "nobody"] {
        let mut statuses = Vec::new();
        for _ in 0..8 {
            statuses.push(
                Browser::new(&router)
                    .sign_in(person, "wrong password!", "123456")
                    .await
                    .status,
            );
        }
        seen.push(statuses);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn whoever_is_besieged_is_told_once_and_nobody_learns_who_exists() {
    let (school, router) = school().await;
    let [_cy] = signed_in(&school, &router, [CY]).await;
    for _ in 0..30 {
        for person in ["cy", "nobody"] {
            Browser::new(&router)
                .sign_in(person, "wrong password!", "123456")
                .await;
        }
    }
    let told = "SELECT count(*) FROM outbox WHERE notice = 'siege'";
    let count = async |query: &'static str| -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&mut *school.app.store.read().await.unwrap())
            .await
            .unwrap()
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while count(told).await == 0 {
        assert!(std::time::Instant::now() < deadline, "nobody is told");
        tokio::task::yield_now().await;
    }
    let now = pastoral_collector::clock::now_ms();
    let from = std::net::IpAddr::from(ATTACKER).into();
    let email = crate::school::email("cy");
    access::siege::tell(&school.app, &email, from, now).await.unwrap();
    assert_eq!(count(told).await, 1);
    let letter = &crate::school::letters::waiting(&school.app, "siege").await[0];
    let body = &letter.words;
    assert_eq!(letter.person_id, "cy");
    assert!(
        body.contains("wrong passwords for you") && !body.contains("127.0.0"),
        "{body}"
    );
    assert_eq!(
        count("SELECT count(*) FROM audit WHERE action = 'sign-in-siege'").await,
        1
    );
}

#[tokio::test]
async fn behind_a_named_proxy_each_client_counts_for_itself_and_nobody_chooses_who_they_are() {
    let (school, _) = school().await;
    let proxy: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    let proxies = Arc::new(Proxies::new(&[proxy.ip()]));
    let router = pastoral_collector::console::router_behind(school.app.clone(), proxies);
    let [cy] = signed_in(&school, &router, [CY]).await;
    let try_as = async |peer: &str, forwarded: &str, password: &str, code: &str| {
        let peer: SocketAddr = peer.parse().unwrap();
        let mut browser = Browser::new(&router.clone().layer(axum::Extension(ConnectInfo(peer))));
        browser.forwarded = forwarded.to_owned();
        browser.sign_in("cy", password, code).await
    };
    let mut last = StatusCode::OK;
    for n in 0..8 {
        let invented = format!("192.0.2.{n}, 198.51.100.7");
        last = try_as("10.0.0.1:1", &invented, "wrong password!", "123456")
            .await
            .status;
    }
    assert_eq!(
        last,
        StatusCode::TOO_MANY_REQUESTS,
        "what the client writes first changes nothing"
    );
    for n in 0..8 {
        let invented = format!("198.51.100.{n}");
        last = try_as("10.0.0.9:1", &invented, "wrong password!", "123456")
            .await
            .status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "only the proxy is believed");
    let other = try_as("10.0.0.1:2", "198.51.100.8", PASSWORD, &cy.code(1)).await;
    assert_eq!(other.location(), "/");
}

/// The console behind its real listener, with TLS.
pub(super) struct Served {
    address: SocketAddr,
    tls: TlsConnector,
    stop: CancellationToken,
}

impl Served {
    pub(super) async fn start(router: &axum::Router, proxies: Arc<Proxies>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = (folder.path().join("crt"), folder.path().join("key"));
        std::fs::write(&files.0, made.cert.pem()).unwrap();
        std::fs::write(&files.1, made.signing_key.serialize_pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let web = Web::new(&config::Console {
            listen: address,
            url: "https://localhost".into(),
            tls: Some(files),
            proxies: Vec::new(),
        });
        let stop = CancellationToken::new();
        let serving = web
            .unwrap()
            .serve(listener, router.clone(), BOUNDS, proxies, stop.clone());
        tokio::spawn(serving);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(client));
        Self { address, tls, stop }
    }

    async fn tcp(&self, from: Ipv4Addr) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect(self.address).await
    }

    pub(super) async fn connect(&self, from: Ipv4Addr) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = self.tcp(from).await?;
        self.tls
            .connect(ServerName::try_from("localhost").unwrap(), stream)
            .await
    }

    /// Tries again like a browser does, which meets a connection that had to give way.
    pub(super) async fn ask(&self, from: Ipv4Addr, request: &[u8]) -> String {
        for _ in 0..20 {
            let asked = async {
                let mut stream = self.connect(from).await?;
                stream.write_all(request).await?;
                let mut answer = Vec::new();
                let _closed_without_goodbye = stream.read_to_end(&mut answer).await;
                std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
            };
            match tokio::time::timeout(PATIENCE, asked)
                .await
                .expect("the console does not answer")
            {
                Ok(answer) if !answer.is_empty() => return answer,
                _ => {}
            }
        }
        panic!("every connection was ended");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(super) fn on_the_wire(request: &axum::http::Request<String>) -> Vec<u8> {
    let mut text = format!(
        "{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n",
        request.method(),
        request.uri()
    );
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    text.push_str(&format!(
        "content-length: {}\r\n\r\n{}",
        request.body().len(),
        request.body()
    ));
    text.into_bytes()
}

/// Everything one laptop can do, again and again until it is dropped.
fn worst(served: &Arc<Served>, from: Ipv4Addr) -> Vec<tokio::task::JoinHandle<()>> {
    let kinds: [&[u8]; 6] = [
        // Silence, half a handshake, half a header, half a body, an idle connection that may stay, nonsense.
        b"",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /sign-in HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
        b"POST /sign-in HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\na=",
        b"GET /sign-in HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    (0..60)
        .map(|n| {
            let (served, bytes) = (Arc::clone(served), kinds[n % kinds.len()]);
            tokio::spawn(async move {
                loop {
                    tokio::task::yield_now().await;
                    let mut rest = [0; 4096];
                    if n % kinds.len() < 2 {
                        let Ok(mut stream) = served.tcp(from).await else {
                            continue;
                        };
                        let _may_be_closed = stream.write_all(bytes).await;
                        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                    } else {
                        let Ok(mut stream) = served.connect(from).await else {
                            continue;
                        };
                        let _may_be_closed = stream.write_all(bytes).await;
                        while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
                    }
                }
            })
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_one_laptop_does_its_worst_readers_read_and_others_sign_in() {
    let (school, router) = school().await;
    let [ann, mut bo, cy] = signed_in(&school, &router, [ANN, BO, CY]).await;
    bo.forget_session();
    let served = Arc::new(Served::start(&router, Arc::default()).await);
    let queue =
        |browser: &Browser| on_the_wire(&browser.request("GET", "/queue").body(String::new()).unwrap());
    let mut live = served.connect(ATTACKER).await.unwrap();
    let request = ann.request("GET", "/queue/live").body(String::new()).unwrap();
    live.write_all(&on_the_wire(&request)).await.unwrap();
    let mut first = [0; 12];
    live.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let attack = worst(&served, ATTACKER);
    for _ in 0..5 {
        let read = served.ask(ATTACKER, &queue(&ann)).await;
        assert!(
            read.starts_with("HTTP/1.1 200"),
            "who is signed in, behind the same router: {read}"
        );
        wrong_passwords(&router, 2).await;
    }
    let known = bo.request("GET", "/sign-in").body(String::new()).unwrap();
    let form = served.ask(ATTACKER, &on_the_wire(&known)).await;
    assert!(
        form.starts_with("HTTP/1.1 200"),
        "a known browser behind the same router: {form}"
    );
    let mut stranger = Browser::new(&router);
    let form = stranger.request("GET", "/sign-in").body(String::new()).unwrap();
    let page = served.ask(ELSEWHERE, &on_the_wire(&form)).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    stranger.take_cookies(&page);
    let csrf = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let fields = [
        ("email", crate::school::email("cy")),
        ("password", PASSWORD.to_owned()),
        ("code", cy.code(1)),
    ];
    let sign_in = stranger.form("/sign-in", csrf, &fields);
    let came_in = served.ask(ELSEWHERE, &on_the_wire(&sign_in)).await;
    assert!(
        came_in.starts_with("HTTP/1.1 303"),
        "a new sign-in from elsewhere: {came_in}"
    );
    let mut more = [0; 1];
    let ended = tokio::time::timeout(Duration::ZERO, async {
        while live.read(&mut more).await.is_ok_and(|read| read > 0) {}
    });
    assert!(ended.await.is_err(), "the page that updates itself went on");
    assert!(attack.iter().all(|task| !task.is_finished()));
    attack.iter().for_each(tokio::task::JoinHandle::abort);
}
