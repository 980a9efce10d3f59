//! What is answered: a page, the way to another, or why there is none.

use super::addresses::PASSWORD;
use super::assets;
use crate::store::keys::NotSealed;
use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

pub(super) fn show(template: &impl Template) -> Result<Response, Failure> {
    Ok(Html(template.render().map_err(|_| Failure::Template)?).into_response())
}

/// Renders a page whose form was not taken.
pub(super) fn show_again(template: &impl Template) -> Result<Response, Failure> {
    let html = Html(template.render().map_err(|_| Failure::Template)?);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
}

/// Sends the browser on after a form, so that reloading sends nothing twice.
pub(super) fn go(address: &str) -> Response {
    Redirect::to(address).into_response()
}

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is signed in; where to go afterwards.
    SignedOut(Option<String>),
    /// There is no such page for this person. Never says whether there is one for another.
    NotFound,
    /// Their password is older than the school allows.
    PasswordDue,
    /// The form's token does not belong to this browser.
    Forged,
    /// The form cannot be read.
    BadForm,
    /// The files are larger than any that is taken.
    TooLarge,
    /// Too many attempts.
    TooMany,
    /// Too much to do at the moment.
    Busy,
    /// A template could not be rendered.
    Template,
    /// The store.
    Store(sqlx::Error),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error)
    }
}

impl From<NotSealed> for Failure {
    fn from(error: NotSealed) -> Self {
        match error {
            NotSealed::Store(error) => Self::Store(error),
            NotSealed::Seal(_) => Self::Busy,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::SignedOut(back) => {
                let back = back.map(|path| format!("?back={path}")).unwrap_or_default();
                go(&format!("/sign-in{back}"))
            }
            Self::PasswordDue => go(PASSWORD),
            Self::NotFound => plain(
                StatusCode::NOT_FOUND,
                "Page not found",
                "There is no such page, or it is not for you to see.",
            ),
            Self::Forged => forged(),
            Self::BadForm => plain(
                StatusCode::BAD_REQUEST,
                "That could not be read",
                "What was sent is too long or not a form. Go back and try again.",
            ),
            Self::TooLarge => plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The files are too large",
                "Together they may have 32 MB. Nothing was changed.",
            ),
            Self::TooMany => plain(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many attempts",
                "Wait a minute, then try again. If somebody else keeps trying, use a browser that you have signed in \
                 with before, or another network.",
            ),
            Self::Busy => plain(
                StatusCode::SERVICE_UNAVAILABLE,
                "Pastoral is busy",
                "Wait a moment, then try again.",
            ),
            Self::Template => {
                tracing::error!("a page could not be rendered");
                broken()
            }
            Self::Store(error) => {
                tracing::error!(%error, "the console could not use the store");
                broken()
            }
        }
    }
}

/// A request that another site made, or a form of a session that is over.
pub(super) fn forged() -> Response {
    plain(
        StatusCode::FORBIDDEN,
        "This form is out of date",
        "You may have signed in again since it was opened. Go back, reload the page and try again. Nothing was changed.",
    )
}

/// Nothing under this address.
pub(super) async fn not_found() -> Failure {
    Failure::NotFound
}

/// Why a page is not shown, for whoever draws the page that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct WhyNot {
    pub(super) title: &'static str,
    pub(super) words: &'static str,
}

#[derive(Template)]
#[template(path = "plain.html")]
struct Plain {
    title: &'static str,
    words: &'static str,
    stylesheet: String,
}

fn broken() -> Response {
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong",
        "Nothing was changed. Try again; if it happens again, tell your technician the time.",
    )
}

// What is sent where nothing better can be drawn, because the store or a template fails. `guard` puts a page with the menu
// in its place.
fn plain(status: StatusCode, title: &'static str, words: &'static str) -> Response {
    let page = Plain {
        title,
        words,
        stylesheet: assets::address("console.css"),
    };
    let html = page.render().unwrap_or_else(|_| words.to_owned());
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut response = (status, kind, html).into_response();
    response.extensions_mut().insert(WhyNot { title, words });
    response
}
