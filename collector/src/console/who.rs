//! Who asks, and what they typed.

use super::page::Failure;
use super::{Console, page, whence, words};
use crate::access::{Session, Sessions};
use crate::clock;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::net::source::Source;
use crate::people::FILE_MOST;
use crate::store::access::{self, Viewer};
use crate::store::browsers::KNOWN_FOR_MS;
use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The longest text somebody may type into a form, in characters.
pub(super) const TEXT_MOST: usize = 4_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A signed-in person. Pages that are not for them answer that they are not found.
pub(super) struct SignedIn {
    pub(super) viewer: Viewer,
    pub(super) session: Arc<Session>,
    pub(super) cookie: String,
}

impl SignedIn {
    /// Whose session the cookie is; none when nobody is signed in by it. A page left open that updates itself is not use.
    pub(super) async fn of(
        console: &Console,
        headers: &HeaderMap,
        is_use: bool,
    ) -> Result<Option<Self>, sqlx::Error> {
        let Some(cookie) = session_cookie(headers, console.app.secure_cookies) else {
            return Ok(None);
        };
        let now = clock::now_ms();
        let session = if is_use {
            console.sessions.get(&cookie, now)
        } else {
            console.sessions.look(&cookie, now)
        };
        let Some(session) = session else { return Ok(None) };
        let app = &console.app;
        let viewer = access::viewer(app.store.read(), &app.school_id, &session.person_id).await?;
        if viewer.is_none() {
            // Their last duty ended, or they were disabled.
            console.sessions.end(&cookie);
        }
        Ok(viewer.map(|viewer| Self {
            viewer,
            session,
            cookie,
        }))
    }

    /// When the school wants a new password of them (P39); none when it does not by time.
    pub(super) fn password_due_at(&self, console: &Console) -> Option<i64> {
        let days = console.app.profile.load().handling.password_days?;
        Some(self.viewer.password_set_at + i64::from(days) * DAY_MS)
    }

    /// Whether their password is older than the school allows.
    pub(super) fn password_is_overdue(&self, console: &Console) -> bool {
        self.password_due_at(console)
            .is_some_and(|due| due <= clock::now_ms())
    }

    /// Whether any of their duties reads concerns.
    pub(super) fn is_reader(&self) -> bool {
        self.viewer.duties.iter().any(|duty| *duty != Duty::Technician)
    }

    /// Whether any of their duties reads pupils' concerns.
    pub(super) fn reads_pupils(&self) -> bool {
        let mut groups = self.viewer.duties.iter().flat_map(|duty| duty.reader_groups());
        groups.any(|group| *group == ReaderGroup::Pupil)
    }

    /// Whether they have a duty.
    pub(super) fn has(&self, duty: Duty) -> bool {
        self.viewer.duties.contains(&duty)
    }

    /// Who they are in the store.
    pub(super) fn id(&self) -> &str {
        &self.viewer.person_id
    }

    /// Refuses everybody who reads no concerns.
    pub(super) fn reader(self) -> Result<Self, Failure> {
        if self.is_reader() {
            Ok(self)
        } else {
            Err(Failure::NotFound)
        }
    }
}

impl FromRequestParts<Console> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let path = parts.uri.path();
        let who = Self::of(console, &parts.headers, path != super::LIVE).await?;
        let who = who.ok_or_else(|| Failure::SignedOut(page::way_back(&parts.method, path)))?;
        if who.password_is_overdue(console) && path != super::PASSWORD {
            return Err(Failure::PasswordDue);
        }
        // INVARIANT 4: before anything is drawn for them.
        if who.is_reader() {
            console.examine(&who.session).await?;
        }
        Ok(who)
    }
}

/// Somebody who is not signed in: known by a cookie of this browser, so that forms cannot be forged.
pub(super) struct Visitor {
    /// The cookie's value.
    pub(super) cookie: String,
    /// To be set, when the browser had none.
    pub(super) set: Option<HeaderValue>,
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let secure = console.app.secure_cookies;
        if let Some(cookie) = form_cookie(&parts.headers, secure) {
            return Ok(Self { cookie, set: None });
        }
        let cookie = Sessions::random_id().ok_or(Failure::Busy)?;
        let set = set_cookie(visit_name(secure), &cookie, secure);
        Ok(Self { cookie, set })
    }
}

/// The form that somebody sent, its token checked against their cookie; empty where nobody sent one.
#[derive(Default, Clone)]
pub(super) struct Fields(HashMap<String, Zeroizing<String>>);

impl Fields {
    /// A field as it is; empty when it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.as_str())
    }

    /// A field without the space around it.
    pub(super) fn trimmed(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// All that was typed, to be shown again in a form.
    pub(super) fn typed(&self) -> Vec<(String, String)> {
        let typed = self.0.iter().filter(|(name, _)| *name != "csrf");
        typed
            .map(|(name, value)| (name.clone(), value.as_str().to_owned()))
            .collect()
    }

    /// A password or code.
    pub(super) fn secret(&self, name: &str) -> Zeroizing<String> {
        Zeroizing::new(self.get(name).to_owned())
    }

    /// What somebody wrote, without the space around it; otherwise how much too long it is.
    pub(super) fn text(&self, name: &str, most: usize) -> Result<String, String> {
        let text = self.trimmed(name).replace("\r\n", "\n");
        match text.chars().count() {
            length if length > most => Err(format!(
                "What you wrote is {} too long. Shorten it to {most} characters.",
                words::count((length - most).try_into().unwrap_or(i64::MAX), "character")
            )),
            _ => Ok(text),
        }
    }

    /// The numbers of the boxes that were ticked, of those whose names begin so.
    pub(super) fn ticked(&self, begin: &str) -> BTreeSet<usize> {
        let ticked = self.0.iter().filter(|(_, value)| value.trim() == "yes");
        ticked
            .filter_map(|(name, _)| name.strip_prefix(begin)?.parse().ok())
            .collect()
    }

    /// What was kept of a form.
    pub(super) fn kept(fields: impl Iterator<Item = (String, Zeroizing<String>)>) -> Self {
        Self(fields.collect())
    }
}

impl FromRequest<Console> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let cookie = form_cookie(request.headers(), console.app.secure_cookies);
        let form = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(pairs) = form.map_err(|_| Failure::BadForm)?;
        let fields = Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name, Zeroizing::new(value)))
                .collect(),
        );
        let cookie = cookie.ok_or(Failure::Forged)?;
        if !console.sessions.form_token_fits(&cookie, fields.get("csrf")) {
            return Err(Failure::Forged);
        }
        Ok(fields)
    }
}

/// Files that somebody sent with a form, its token checked before they are read.
pub(super) struct Files(pub(super) Vec<(String, Vec<u8>)>);

/// What stands around files in a form.
const FORM_AROUND: u64 = 16 * 1024;

impl FromRequest<Console> for Files {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let cookie = form_cookie(request.headers(), console.app.secure_cookies).ok_or(Failure::Forged)?;
        let kind = request.headers().get(header::CONTENT_TYPE);
        let boundary = kind
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| multer::parse_boundary(kind).ok())
            .ok_or(Failure::BadForm)?;
        // INVARIANT 8: not more is read than is ever taken.
        let most = u64::try_from(FILE_MOST)
            .unwrap_or(u64::MAX)
            .saturating_add(FORM_AROUND);
        let limits = multer::Constraints::new().size_limit(multer::SizeLimit::new().whole_stream(most));
        let body = request.into_body().into_data_stream();
        let mut form = multer::Multipart::with_constraints(body, boundary, limits);
        let token = form
            .next_field()
            .await
            .map_err(no_form)?
            .ok_or(Failure::BadForm)?;
        let is_token = token.name() == Some("csrf");
        let token = token.text().await.map_err(no_form)?;
        if !is_token || !console.sessions.form_token_fits(&cookie, &token) {
            return Err(Failure::Forged);
        }
        let mut files = Vec::new();
        while let Some(field) = form.next_field().await.map_err(no_form)? {
            let name = field.file_name().unwrap_or_default().to_owned();
            let bytes = field.bytes().await.map_err(no_form)?;
            // A browser sends an empty file where none was chosen.
            if !name.is_empty() {
                files.push((name, bytes.to_vec()));
            }
        }
        Ok(Self(files))
    }
}

fn no_form(error: multer::Error) -> Failure {
    match error {
        multer::Error::StreamSizeExceeded { .. } => Failure::TooLarge,
        _ => Failure::BadForm,
    }
}

/// Where a request comes from.
pub(super) struct Address(pub(super) Source);

impl FromRequestParts<Console> for Address {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Infallible> {
        Ok(Self(whence::source(&parts.extensions)))
    }
}

/// The cookie that opens a session.
pub(super) fn begin_cookie(secure: bool, id: &str) -> Option<HeaderValue> {
    set_cookie(session_name(secure), id, secure)
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

/// The session's cookie of a request.
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

// Forms belong to the session where there is one, and to the visit before that.
fn form_cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
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
