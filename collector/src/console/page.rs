//! What every page has around its content, and the pages that say that something did not work.

use super::answer::{Failure, WhyNot};
use super::banner::banner;
use super::who::{SignedIn, Visitor};
use super::words::Clock;
use super::{Console, assets};
use crate::clock;
use crate::console::said::Done;
use crate::store::wanted::{self, Place};
use askama::Template;
use axum::http::HeaderMap;
use std::collections::HashMap;

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

#[derive(Clone)]
pub(super) struct FieldError {
    /// Its name and the id of its element.
    pub(super) field: &'static str,
    /// In words.
    pub(super) words: String,
}

impl Page {
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// Says what was just done, by the code in the address.
    pub(super) fn said(&mut self, query: &HashMap<String, String>) {
        self.said = query
            .get("done")
            .and_then(|code| Done::from_code(code))
            .map_or("", Done::words);
    }

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
        page.banner = banner(self, who, &page.clock).await?;
        let app = &self.app;
        for (place, count) in wanted::of(
            &mut *app.store.read().await?,
            &app.school_id,
            who.id(),
            clock::now_ms(),
        )
        .await?
        {
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

#[derive(Template)]
#[template(path = "why_not.html")]
struct WhyNotPage {
    page: Page,
    words: &'static str,
    /// Where what was typed comes back.
    kept: Option<String>,
}
