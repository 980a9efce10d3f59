//! Who asks.

use super::Console;
use super::addresses::{LIVE, PASSWORD, way_back};
use super::answer::Failure;
use super::cookies::{form_cookie, session_cookie, visit_cookie};
use crate::access::{Session, Sessions};
use crate::clock;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::store::access::{self, Viewer};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use std::sync::Arc;

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
        let viewer =
            access::viewer(&mut *app.store.read().await?, &app.school_id, &session.person_id).await?;
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
        let who = Self::of(console, &parts.headers, path != LIVE).await?;
        let who = who.ok_or_else(|| Failure::SignedOut(way_back(&parts.method, path)))?;
        if who.password_is_overdue(console) && path != PASSWORD {
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
        let set = visit_cookie(secure, &cookie);
        Ok(Self { cookie, set })
    }
}
