//! Signing in and out.

use super::Console;
use super::addresses::is_way_back;
use super::answer::{Failure, go, show, show_again};
use super::cookies::{begin_cookie, end_cookie, session_cookie, stay_known, with_cookie};
use super::form::Fields;
use super::page::Page;
use super::sealing::seal_pending;
use super::whence::Address;
use super::who::Visitor;
use crate::access::{Refused, Session, SignIn, siege};
use crate::clock;
use crate::net::source::Source;
use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use std::collections::HashMap;

/// What is said where a code of the phone is some minutes off.
pub(super) const PHONE_CLOCK: &str = "The code is right for another time: the clock of your phone is wrong. Set it to \
                                      set itself (“automatic date and time”), then type the next code.";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    page: Page,
    email: String,
    back: String,
    /// Somebody was signed out while they wrote.
    kept: bool,
}

pub(super) async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let back = query
        .get("back")
        .filter(|path| is_way_back(path))
        .cloned()
        .unwrap_or_default();
    let page = console.visitor_page(&visitor, "Sign in");
    let response = show(&SignInPage {
        page,
        email: String::new(),
        back,
        kept: query.contains_key("kept"),
    })?;
    Ok(with_cookie(response, visitor.set))
}

/// What somebody typed.
pub(super) async fn sign_in(
    State(console): State<Console>,
    visitor: Visitor,
    Address(address): Address,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    let email = fields.trimmed("email").to_owned();
    let known = console.known_browser(&headers, &email).await?;
    let work = match &known {
        Some(_) => &console.work_of_known,
        None => &console.work,
    };
    let now = clock::now_ms();
    let attempt = match console.limits.begin(address, &email, known, now) {
        Ok(attempt) => attempt,
        Err(refused) => {
            tell_of_siege(&console, refused.siege, &email, address, now);
            return Err(Failure::TooMany);
        }
    };
    let typed = SignIn {
        email: email.clone(),
        password: fields.secret("password"),
        code: fields.secret("code"),
    };
    match crate::access::sign_in(&console.app, work, &console.limits, typed, now).await {
        Ok(session) => {
            attempt.was_right();
            enter(&console, &headers, session, fields.get("back")).await
        }
        Err(Refused::Busy) => Err(Failure::Busy),
        Err(Refused::Store(error)) => Err(error.into()),
        Err(refused) => {
            tell_of_siege(&console, attempt.is_siege(), &email, address, now);
            let mut page = console.visitor_page(&visitor, "Sign in");
            match refused {
                Refused::PhoneClock => page.fault("code", PHONE_CLOCK),
                _ => page.fault(
                    "email",
                    "The e-mail address, password or code is not right. A code serves once: wait for the next.",
                ),
            }
            show_again(&SignInPage {
                page,
                email,
                back: fields.get("back").to_owned(),
                kept: false,
            })
        }
    }
}

async fn enter(
    console: &Console,
    headers: &HeaderMap,
    session: Session,
    back: &str,
) -> Result<Response, Failure> {
    let browser = console.remember_browser(headers, &session.person_id).await?;
    seal_pending(console, &session).await?;
    let id = console.begin(session).await?;
    let next = if is_way_back(back) { back } else { "/" };
    let secure = console.app.secure_cookies;
    let response = with_cookie(go(next), begin_cookie(secure, &id));
    Ok(with_cookie(response, stay_known(secure, &browser)))
}

impl Console {
    /// Begins a session, whose forms are this person's from now on; gives its cookie.
    pub(super) async fn begin(&self, session: Session) -> Result<String, Failure> {
        let person_id = session.person_id.clone();
        let id = self
            .sessions
            .begin(session, clock::now_ms())
            .ok_or(Failure::Busy)?;
        self.writes(&id, &person_id).await?;
        Ok(id)
    }
}

// Beside the answer, so that the time it takes does not say whether there is anybody to be told.
fn tell_of_siege(console: &Console, is_siege: bool, email: &str, from: Source, now_ms: i64) {
    if is_siege && console.limits.may_be_told(email, now_ms) {
        let (app, email) = (console.app.clone(), email.to_owned());
        tokio::spawn(async move {
            if let Err(error) = siege::tell(&app, &email, from, now_ms).await {
                tracing::error!(%error, "nobody could be told that others try to sign in as them");
            }
        });
    }
}

pub(super) async fn sign_out(
    State(console): State<Console>,
    headers: HeaderMap,
    _fields: Fields,
) -> Result<Response, Failure> {
    let secure = console.app.secure_cookies;
    if let Some(cookie) = session_cookie(&headers, secure) {
        console.sessions.end(&cookie);
    }
    Ok(with_cookie(go("/sign-in"), end_cookie(secure)))
}
