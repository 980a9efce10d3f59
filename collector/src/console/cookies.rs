//! The cookies by which a browser is known: of its session, of the visit before that, and of having signed in before.

use crate::store::browsers::KNOWN_FOR_MS;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// The cookie that opens a session.
pub(super) fn begin_cookie(secure: bool, id: &str) -> Option<HeaderValue> {
    set_cookie(session_name(secure), id, secure)
}

/// The cookie of somebody who is not signed in.
pub(super) fn visit_cookie(secure: bool, id: &str) -> Option<HeaderValue> {
    set_cookie(visit_name(secure), id, secure)
}

/// Takes the session's cookie away.
pub(super) fn end_cookie(secure: bool) -> Option<HeaderValue> {
    let name = session_name(secure);
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!(
        "{name}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0{secure}"
    ))
    .ok()
}

pub(super) fn session_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    cookie(headers, session_name(secure))
}

/// The cookie by which a browser is known that somebody has signed in with. It outlives the session, and says nothing of
/// who it was.
pub(super) fn stay_known(secure: bool, value: &str) -> Option<HeaderValue> {
    let name = known_name(secure);
    let secure = if secure { "; Secure" } else { "" };
    let seconds = KNOWN_FOR_MS / 1000;
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
    ))
    .ok()
}

/// What that cookie holds, if the browser has one.
pub(super) fn known_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    cookie(headers, known_name(secure))
}

/// Forms belong to the session where there is one, and to the visit before that.
pub(super) fn form_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    session_cookie(headers, secure).or_else(|| cookie(headers, visit_name(secure)))
}

// `__Host-`: set by this very host, over TLS, for all of it. Without TLS only loopback is served, under a plain name.
const fn session_name(secure: bool) -> &'static str {
    if secure { "__Host-pastoral" } else { "pastoral" }
}

const fn known_name(secure: bool) -> &'static str {
    if secure {
        "__Host-pastoral-known"
    } else {
        "pastoral-known"
    }
}

const fn visit_name(secure: bool) -> &'static str {
    if secure {
        "__Host-pastoral-visit"
    } else {
        "pastoral-visit"
    }
}

fn set_cookie(name: &str, value: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}"
    ))
    .ok()
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.find(|(key, _)| *key == name)?.1;
    (value.len() == 64).then(|| value.to_owned())
}

pub(super) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
