//! What every page has around its content, and the pages that say that something did not work.

use super::Console;
use super::who::{SignedIn, Visitor};
use super::words::Clock;
use super::{assets, said};
use crate::clock;
use crate::concerns::model::Duty;
use crate::store::keys::NotSealed;
use crate::store::wanted::{self, Place};
use crate::store::{keys, overview, person_keys};
use askama::Template;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use std::collections::HashMap;

/// How long before it is due somebody hears that their password must be changed.
const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// A link in the navigation.
pub(super) struct Tab {
    pub(super) label: &'static str,
    pub(super) address: &'static str,
    pub(super) current: bool,
    /// How much waits there for the viewer's agreement.
    pub(super) wanted: i64,
}

/// What every page has around its content.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) school: String,
    pub(super) who: Option<String>,
    pub(super) duties: String,
    pub(super) tabs: Vec<Tab>,
    /// What is wrong and somebody must see to.
    pub(super) banner: Vec<String>,
    /// What was just done.
    pub(super) said: &'static str,
    /// What somebody wrote here before, that was not taken and is in the form again: the page and the words.
    pub(super) kept: Option<(String, String)>,
    /// What stopped a form.
    pub(super) errors: Vec<FieldError>,
    pub(super) csrf: String,
    pub(super) clock: Clock,
}

/// What is wrong with a field.
#[derive(Clone)]
pub(super) struct FieldError {
    /// Its name and the id of its element.
    pub(super) field: &'static str,
    /// In words.
    pub(super) words: String,
}

impl Page {
    /// The address of an asset.
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Says what was just done, by the code in the address.
    pub(super) fn said(&mut self, query: &HashMap<String, String>) {
        self.said = query.get("done").map_or("", |code| said::words(code));
    }

    /// What is wrong with a field.
    pub(super) fn error(&self, field: &str) -> Option<&str> {
        self.errors
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.words.as_str())
    }

    /// Says what is wrong with a field.
    pub(super) fn fault(&mut self, field: &'static str, words: impl Into<String>) {
        self.errors.push(FieldError {
            field,
            words: words.into(),
        });
    }
}

impl Console {
    /// The page around somebody's content.
    pub(super) async fn page(
        &self,
        who: &SignedIn,
        title: impl Into<String>,
        address: &str,
    ) -> Result<Page, Failure> {
        let mut page = self.page_without_banner(who, title, address);
        page.banner = self.banner(who).await?;
        let app = &self.app;
        for (place, count) in wanted::of(app.store.read(), &app.school_id, who.id(), clock::now_ms()).await? {
            let there = |tab: &&mut Tab| tab.address == address_of(place);
            page.tabs
                .iter_mut()
                .filter(there)
                .for_each(|tab| tab.wanted = count);
        }
        Ok(page)
    }

    fn page_without_banner(&self, who: &SignedIn, title: impl Into<String>, address: &str) -> Page {
        let mut page = self.bare_page(title);
        page.csrf = self.sessions.form_token(&who.cookie);
        page.who = Some(who.viewer.name.clone());
        page.duties = who
            .viewer
            .duties
            .iter()
            .map(|duty| duty.words())
            .collect::<Vec<_>>()
            .join(", ");
        page.tabs = tabs(who, address);
        page
    }

    /// A page that says why another is not shown, with the menu for whoever is signed in.
    pub(super) async fn why_not(
        &self,
        headers: &HeaderMap,
        why: WhyNot,
        kept: Option<String>,
    ) -> Option<String> {
        let who = SignedIn::of(self, headers, false).await.ok()?;
        let page = match &who {
            Some(who) => self.page_without_banner(who, why.title, ""),
            None => self.bare_page(why.title),
        };
        WhyNotPage {
            page,
            words: why.words,
            kept,
        }
        .render()
        .ok()
    }

    /// The page around what somebody sees who is not signed in.
    pub(super) fn visitor_page(&self, visitor: &Visitor, title: impl Into<String>) -> Page {
        let mut page = self.bare_page(title);
        page.csrf = self.sessions.form_token(&visitor.cookie);
        page
    }

    /// The school's clock, now.
    pub(super) fn clock(&self) -> Clock {
        Clock::new(self.app.profile.load().cover.time_zone.clone(), clock::now_ms())
    }

    fn bare_page(&self, title: impl Into<String>) -> Page {
        Page {
            title: title.into(),
            school: self.app.school_name.to_string(),
            who: None,
            duties: String::new(),
            tabs: Vec::new(),
            banner: Vec::new(),
            said: "",
            kept: None,
            errors: Vec::new(),
            csrf: String::new(),
            clock: self.clock(),
        }
    }

    async fn banner(&self, who: &SignedIn) -> Result<Vec<String>, Failure> {
        let app = &self.app;
        let mut banner = Vec::new();
        if who.is_reader() {
            let unread = overview::without_reader(app.store.read(), &app.school_id, who.id()).await?;
            if unread > 0 {
                let (are, them) = if unread == 1 {
                    ("concern is", "it")
                } else {
                    ("concerns are", "them")
                };
                banner.push(format!(
                    "{unread} {are} waiting that nobody can read: nobody who may see {them} has both an e-mail address \
                     and a sign-in. Under People, see who has not set up a sign-in, or give somebody a duty to read."
                ));
            }
        }
        if who.is_reader()
            && (who.session.keys_differ || keys::are_in_doubt(app.store.read(), &app.school_id).await?)
        {
            banner.push(
                "What is new is sealed for a key that is not the readers’: somebody may have put in their own, to read it. \
                 Record nothing more, and tell the headteacher and the chair of governors now, not the technician."
                    .to_owned(),
            );
        }
        if who.is_reader() {
            let mut connection = app.store.read().acquire().await?;
            if person_keys::are_in_doubt(&mut connection, &app.school_id).await? {
                banner.push(
                    "Somebody signed in with another key than the one recorded of them; the audit log says who. Nothing is \
                     sealed to them until two readers have reset their sign-in, under People."
                        .to_owned(),
                );
            }
        }
        let runs_it = who.has(Duty::Headteacher) || who.has(Duty::Technician);
        banner.extend(app.faults.words(runs_it));
        if (who.has(Duty::Headteacher) || who.has(Duty::Chair))
            && overview::chain_is_broken(app.store.read(), &app.school_id).await?
        {
            banner.push(
                "The audit log was changed, or entries are missing. Keep the mails about the audit record, and have \
                 somebody other than the technician compare a backup with them: “pastoral-collector audit verify”, on \
                 another computer, says where."
                    .to_owned(),
            );
        }
        if runs_it {
            let missing = app.profile.load().accountability_missing();
            if !missing.is_empty() {
                banner.push(format!(
                    "No device can be approved yet. The school's profile must first state: {}.",
                    missing.join("; ")
                ));
            }
        }
        if let Some(due) = who
            .password_due_at(self)
            .filter(|due| due - clock::now_ms() < SOON_MS)
        {
            let by = self.clock().day(&due);
            banner.push(format!(
                "Your password must be changed by {by}: see Your sign-in."
            ));
        }
        if overview::mail_is_failing(
            app.store.read(),
            &app.school_id,
            who.id(),
            who.has(Duty::Technician),
        )
        .await?
        {
            banner.push(
                "Mail is not getting out, so people may not be told of concerns. See Health.".to_owned(),
            );
        }
        Ok(banner)
    }
}

fn tabs(who: &SignedIn, address: &str) -> Vec<Tab> {
    let tab = |label, to: &'static str| Tab {
        label,
        address: to,
        current: address == to,
        wanted: 0,
    };
    let mut tabs = Vec::new();
    if who.is_reader() {
        tabs.extend([
            tab("Concerns", "/queue"),
            tab("Closed", "/closed"),
            tab("Record a concern", "/concerns/new"),
        ]);
    }
    tabs.extend([
        tab("Devices", "/devices"),
        tab("People", "/people"),
        tab("Lists", "/lists"),
        tab("Health", "/health"),
        tab("Audit log", "/audit"),
        tab("Your sign-in", "/account"),
    ]);
    tabs
}

const fn address_of(place: Place) -> &'static str {
    match place {
        Place::Concerns => "/queue",
        Place::People => "/people",
        Place::Lists => "/lists",
        Place::Devices => "/devices",
    }
}

/// Renders a page.
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

/// Where to go after signing in: only the page of a concern, to which notices lead, or of the lists.
pub(super) fn way_back(method: &Method, path: &str) -> Option<String> {
    let is_such = path.starts_with("/concerns/") || path.starts_with("/lists/");
    (method == Method::GET && is_such && is_way_back(path)).then(|| path.to_owned())
}

/// Whether an address may be gone to after signing in: one of these, or another where somebody was writing.
pub(super) fn is_way_back(path: &str) -> bool {
    let is_name = |part: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        !part.is_empty() && part.len() <= 128 && part.bytes().all(is_part)
    };
    let parts: Vec<_> = path.split('/').collect();
    match parts[..] {
        ["", "queue" | "people"] => true,
        ["", "concerns" | "lists" | "people", id] => is_name(id),
        ["", "concerns", id, "reassign" | "identify"] => is_name(id),
        ["", "lists", list, term] => is_name(list) && is_name(term),
        ["", "safe", "concerns" | "records", what] => is_name(what),
        _ => false,
    }
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
            Self::PasswordDue => go(super::PASSWORD),
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
    title: &'static str,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "why_not.html")]
struct WhyNotPage {
    page: Page,
    words: &'static str,
    /// Where what was typed comes back.
    kept: Option<String>,
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
