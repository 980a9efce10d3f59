//! Whom a request comes from, and whether its browser has proven that it is one of ours.

use super::Console;
use super::answer::Failure;
use super::cookies::{known_cookie, session_cookie};
use super::headers::with_headers;
use crate::access::Sessions;
use crate::clock;
use crate::net::places::{Owner, Proof};
use crate::net::source::Source;
use crate::store::browsers;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ring::digest::{SHA256, digest};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Goes before every request. A browser's connection holds a place, which this makes a proven one; what comes through a
/// proxy holds one for the time of each request.
pub(super) async fn whence(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let source = console.proxies.client(peer, request.headers());
    request.extensions_mut().insert(source);
    let of_connection = request.extensions().get::<Proof>().cloned();
    if let Some(proof) = of_connection {
        console.prove(&proof, request.headers()).await;
        return next.run(request).await;
    }
    let place = console.places.enter(source);
    console.prove(&place.proof(), request.headers()).await;
    tokio::select! {
        () = place.gives_way() => with_headers(Failure::Busy.into_response(), &console),
        response = next.run(request) => response,
    }
}

impl Console {
    async fn prove(&self, proof: &Proof, headers: &HeaderMap) {
        if proof.is_proven() {
            return;
        }
        let secure = self.app.secure_cookies;
        let now = clock::now_ms();
        if let Some(browser) = known_cookie(headers, secure).map(|cookie| owner(&cookie)) {
            let known = async {
                let mut db = self.app.store.read().await?;
                browsers::is_known(&mut db, &self.app.school_id, &browser, now).await
            };
            if known.await.is_ok_and(|known| known) {
                return proof.prove(&browser);
            }
        }
        if let Some(cookie) = session_cookie(headers, secure)
            && self.sessions.look(&cookie, now).is_some()
        {
            proof.prove(&owner(&cookie));
        }
    }

    /// The browser, if the person who signs in with this address has done so with it before.
    pub(super) async fn known_browser(
        &self,
        headers: &HeaderMap,
        email: &str,
    ) -> Result<Option<Owner>, Failure> {
        let Some(cookie) = known_cookie(headers, self.app.secure_cookies) else {
            return Ok(None);
        };
        let (app, browser) = (&self.app, owner(&cookie));
        let known = browsers::is_known_for(
            &mut *app.store.read().await?,
            &app.school_id,
            &browser,
            email,
            clock::now_ms(),
        )
        .await?;
        Ok(known.then_some(browser))
    }

    /// Somebody has signed in with a browser, which is known for them from now on. Gives what its cookie holds: the same
    /// as before where it is known for somebody already, who may be another.
    pub(super) async fn remember_browser(
        &self,
        headers: &HeaderMap,
        person_id: &str,
    ) -> Result<String, Failure> {
        let kept = known_cookie(headers, self.app.secure_cookies);
        if let Some(cookie) = kept {
            let (store, school_id) = (&self.app.store, &self.app.school_id);
            if browsers::is_known(
                &mut *store.read().await?,
                school_id,
                &owner(&cookie),
                clock::now_ms(),
            )
            .await?
            {
                return self.remember(cookie, person_id).await;
            }
        }
        self.remember_anew(person_id).await
    }

    /// The same after what all browsers were known for has ended: a copy of the old cookie must not come back with it.
    pub(super) async fn remember_anew(&self, person_id: &str) -> Result<String, Failure> {
        let cookie = Sessions::random_id().ok_or(Failure::Busy)?;
        self.remember(cookie, person_id).await
    }

    async fn remember(&self, cookie: String, person_id: &str) -> Result<String, Failure> {
        let app = &self.app;
        let mut tx = app.store.write().await?;
        browsers::remember(
            &mut tx,
            &app.school_id,
            &owner(&cookie),
            person_id,
            clock::now_ms(),
        )
        .await?;
        tx.commit().await?;
        Ok(cookie)
    }
}

/// By its hash, as in the store.
pub(super) fn owner(cookie: &str) -> Owner {
    digest(&SHA256, cookie.as_bytes()).as_ref().into()
}

fn source(extensions: &axum::http::Extensions) -> Source {
    let unknown = || IpAddr::V4(Ipv4Addr::UNSPECIFIED).into();
    extensions.get::<Source>().copied().unwrap_or_else(unknown)
}

/// Where a request comes from.
pub(super) struct Address(pub(super) Source);

impl FromRequestParts<Console> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Infallible> {
        Ok(Self(source(&parts.extensions)))
    }
}
