//! Behind a reverse proxy, on the real listener: whom a request comes from, and who is believed about it.

use super::siege::{Served, on_the_wire};
use super::*;
use crate::school::browser::PASSWORD;
use pastoral_collector::config;
use pastoral_collector::console::listener::{BOUNDS, Web};
use pastoral_collector::net::source::Proxies;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);
const UNNAMED: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 5);
const LAPTOP: &str = "198.51.100.7";
const OFFICE: &str = "198.51.100.8";

async fn served(school: &School) -> Served {
    let proxies = Arc::new(Proxies::new(&[PROXY.into()]));
    let router = console::router_behind(school.app.clone(), Arc::clone(&proxies));
    Served::start(&router, proxies).await
}

/// What a proxy passes on: the client's own header, and behind it the address that the client came from.
fn passed_on(router: &axum::Router, forged: &str, client: &str) -> Browser {
    let mut browser = Browser::new(router);
    browser.forwarded = match forged {
        "" => client.to_owned(),
        forged => format!("{forged}, {client}"),
    };
    browser
}

/// The form that somebody sends who has got the page.
async fn sign_in(
    served: &Served,
    from: Ipv4Addr,
    browser: &mut Browser,
    password: &str,
    code: &str,
) -> Vec<u8> {
    let page = browser.request("GET", "/sign-in").body(String::new()).unwrap();
    let page = served.ask(from, &on_the_wire(&page)).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    browser.take_cookies(&page);
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).unwrap();
    let csrf = csrf.split('"').next().unwrap();
    let fields = [
        ("email", crate::school::email("cy")),
        ("password", password.to_owned()),
        ("code", code.to_owned()),
    ];
    on_the_wire(&browser.form("/sign-in", csrf, &fields))
}

/// Tries passwords until no more are taken, with another invented address in front each time.
async fn guess(served: &Served, router: &axum::Router, from: Ipv4Addr, client: &str) -> String {
    let mut last = String::new();
    for n in 0..8 {
        let invented = format!("192.0.2.{n}");
        let mut browser = match client {
            "" => passed_on(router, "", &invented),
            client => passed_on(router, &invented, client),
        };
        let form = sign_in(served, from, &mut browser, "wrong password!", "123456").await;
        last = served.ask(from, &form).await;
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_behind_one_proxy_count_each_for_themselves_even_on_one_connection() {
    let (school, router) = school().await;
    let [cy] = signed_in(&school, &router, [CY]).await;
    let served = served(&school).await;
    let last = guess(&served, &router, PROXY, LAPTOP).await;
    assert!(
        last.starts_with("HTTP/1.1 429"),
        "whatever it writes first: {last}"
    );
    let (mut laptop, mut office) = (passed_on(&router, "", LAPTOP), passed_on(&router, "", OFFICE));
    let code = cy.code(1);
    let refused = sign_in(&served, PROXY, &mut laptop, PASSWORD, &code).await;
    let taken = sign_in(&served, PROXY, &mut office, PASSWORD, &code).await;
    // A proxy keeps its connections, and passes on for whoever comes next.
    let refused = String::from_utf8(refused)
        .unwrap()
        .replace("connection: close\r\n", "");
    let mut connection = served.connect(PROXY).await.unwrap();
    connection
        .write_all(&[refused.as_bytes(), &taken].concat())
        .await
        .unwrap();
    let mut answers = Vec::new();
    let _closed_without_goodbye = connection.read_to_end(&mut answers).await;
    let answers = String::from_utf8_lossy(&answers);
    let statuses: Vec<_> = answers
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(statuses, ["429", "303"], "{answers}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_nobody_named_is_one_client_whatever_it_says() {
    let (school, router) = school().await;
    let [cy] = signed_in(&school, &router, [CY]).await;
    let served = served(&school).await;
    let last = guess(&served, &router, UNNAMED, "").await;
    assert!(last.starts_with("HTTP/1.1 429"), "{last}");
    // Nor does it pass for somebody behind the proxy that is named.
    let mut as_proxy = passed_on(&router, OFFICE, &PROXY.to_string());
    let form = sign_in(&served, UNNAMED, &mut as_proxy, PASSWORD, &cy.code(1)).await;
    let refused = served.ask(UNNAMED, &form).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    let mut office = passed_on(&router, "", OFFICE);
    let form = sign_in(&served, PROXY, &mut office, PASSWORD, &cy.code(1)).await;
    let taken = served.ask(PROXY, &form).await;
    assert!(taken.starts_with("HTTP/1.1 303"), "{taken}");
}

/// Without TLS, as usual behind a proxy, with the bounds that the console has: 50 requests of one client at a time.
async fn plain(school: &School, stop: &CancellationToken) -> SocketAddr {
    let proxies = Arc::new(Proxies::new(&[PROXY.into()]));
    let router = console::router_behind(school.app.clone(), Arc::clone(&proxies));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let web = Web::new(&config::Console {
        listen: address,
        url: "https://localhost".into(),
        tls: None,
        proxies: vec![PROXY.into()],
    });
    tokio::spawn(
        web.unwrap()
            .serve(listener, router, BOUNDS, proxies, stop.clone()),
    );
    address
}

async fn from_proxy(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((PROXY, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_proxy_a_laptop_that_takes_all_it_can_gives_way_to_itself_and_others_are_served() {
    let (school, router) = school().await;
    let stop = CancellationToken::new();
    let address = plain(&school, &stop).await;
    let mut held = Vec::new();
    for n in 0..60 {
        let mut connection = from_proxy(address).await;
        // Half a body, from another invented address each time.
        let half = format!(
            "POST /sign-in HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 192.0.2.{}, {LAPTOP}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\na=",
            n % 250
        );
        connection.write_all(half.as_bytes()).await.unwrap();
        held.push(connection);
    }
    let mut first = [0; 12];
    held[0].read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 503", "its own oldest had to go");
    let office = passed_on(&router, "", OFFICE);
    let page = office.request("GET", "/sign-in").body(String::new()).unwrap();
    let mut connection = from_proxy(address).await;
    connection.write_all(&on_the_wire(&page)).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    stop.cancel();
}
