//! What holds for every page: no request forged by another site, nothing typed that is lost, and the headers.

use super::answer::{WhyNot, forged};
use super::drafts::{self, WRITTEN_MOST};
use super::headers::with_headers;
use super::who::SignedIn;
use super::{Console, FORM_MOST};
use crate::net::http::{Times, in_time};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};

/// Goes before and after every page.
pub(super) async fn guard(State(console): State<Console>, request: Request, next: Next) -> Response {
    let asked = request.headers().clone();
    let changes = request.method() != Method::GET && request.method() != Method::HEAD;
    let (mut response, kept) = if changes && !is_own(request.headers(), &console.app.console_url) {
        (forged(), None)
    } else if changes {
        console
            .answer(request.map(|body| in_time(body, Times::USUAL.body)), next)
            .await
    } else {
        (next.run(request).await, None)
    };
    if let Some(why) = response.extensions_mut().remove::<WhyNot>()
        && let Some(html) = console.why_not(&asked, why, kept).await
    {
        let status = response.status();
        response = (status, Html(html)).into_response();
    }
    with_headers(response, &console)
}

impl Console {
    /// The answer of a page; and where what was typed comes back, when it was kept because it was not taken.
    async fn answer(&self, request: Request, next: Next) -> (Response, Option<String>) {
        if !drafts::is_form(&request) {
            return (next.run(request).await, None);
        }
        let headers = request.headers().clone();
        let who = SignedIn::of(self, &headers, false).await.ok().flatten();
        let most = if who.is_some() { WRITTEN_MOST } else { FORM_MOST };
        let (request, sent) = match drafts::note(request, most).await {
            Ok(noted) => noted,
            Err(failure) => return (failure.into_response(), None),
        };
        let mut response = next.run(request).await;
        let Some(sent) = sent else { return (response, None) };
        let kept = self.settle(who.as_ref(), &sent, sent.is_taken(&response)).await;
        if let Some(page) = &kept {
            drafts::tell_signed_out(&mut response, page);
        }
        (response, kept)
    }
}

// Browsers say where a request comes from. Their word for the site goes before the origin, which our own
// `Referrer-Policy` makes `null`; what says neither is held up by the form's token.
fn is_own(headers: &HeaderMap, console_url: &str) -> bool {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = value("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = value("origin").filter(|origin| *origin != "null") else {
        return true;
    };
    let host = value("host").unwrap_or_default();
    let without_scheme = origin.split_once("://").map_or(origin, |(_, host)| host);
    origin == console_url || (!host.is_empty() && without_scheme == host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn with(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_the_console_s_own_pages_may_change_anything() {
        let url = "https://pastoral.oak.example";
        let own = |pairs: &[(&'static str, &'static str)]| is_own(&with(pairs), url);
        assert!(own(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://pastoral.oak.example")
        ]));
        assert!(own(&[
            ("origin", "http://127.0.0.1:8443"),
            ("host", "127.0.0.1:8443")
        ]));
        assert!(own(&[]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[
            ("origin", "https://elsewhere.example"),
            ("host", "pastoral.oak.example")
        ]));
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://pastoral.oak.example")
        ]));
    }
}
