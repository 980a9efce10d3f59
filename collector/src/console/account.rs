//! A person's own sign-in: password and recovery codes.

use super::Console;
use super::join::CodesPage;
use super::page::{Failure, Page, go, show, show_again};
use super::who::{Address, Fields, SignedIn};
use super::words;
use crate::access::{self, Refused};
use crate::clock;
use crate::store::{access as rows, overview};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::collections::HashMap;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    email: String,
    password: String,
    overdue: bool,
    codes: String,
}

/// The page.
pub(super) async fn account(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    show(&page)
}

/// Changes the password.
pub(super) async fn password(
    State(console): State<Console>,
    who: SignedIn,
    Address(address): Address,
    fields: Fields,
) -> Result<Response, Failure> {
    if !console.limits.allow(address, who.id()) {
        return Err(Failure::TooMany);
    }
    if fields.get("password") != fields.get("again") {
        return again(&console, &who, "again", "The two passwords are not the same.").await;
    }
    let (present, new) = (fields.secret("present"), fields.secret("password"));
    let changed = access::change_password(
        &console.app,
        &console.work,
        who.id(),
        present,
        new,
        clock::now_ms(),
    )
    .await;
    match changed {
        Ok(()) => {
            console.sessions.end_all(who.id(), Some(&who.cookie));
            Ok(go("/account?done=password"))
        }
        Err(Refused::NewPassword) => {
            again(
                &console,
                &who,
                "password",
                "The password must have at least 12 characters.",
            )
            .await
        }
        Err(refused) => again_after(&console, &who, "present", refused).await,
    }
}

/// Makes new recovery codes.
pub(super) async fn recovery_codes(
    State(console): State<Console>,
    who: SignedIn,
    Address(address): Address,
    fields: Fields,
) -> Result<Response, Failure> {
    if !console.limits.allow(address, who.id()) {
        return Err(Failure::TooMany);
    }
    let present = fields.secret("codes-present");
    let made =
        access::new_recovery_codes(&console.app, &console.work, who.id(), present, clock::now_ms()).await;
    match made {
        Ok(codes) => {
            let page = console.page(&who, "Your recovery codes", "/account").await?;
            show(&CodesPage {
                page,
                codes: codes.shown(),
                next: "/account",
            })
        }
        Err(refused) => again_after(&console, &who, "codes-present", refused).await,
    }
}

async fn again_after(
    console: &Console,
    who: &SignedIn,
    field: &'static str,
    refused: Refused,
) -> Result<Response, Failure> {
    match refused {
        Refused::Busy => Err(Failure::Busy),
        Refused::Store(error) => Err(error.into()),
        _ => again(console, who, field, "Your present password is not right.").await,
    }
}

async fn again(
    console: &Console,
    who: &SignedIn,
    field: &'static str,
    fault: &'static str,
) -> Result<Response, Failure> {
    let mut page = draw(console, who).await?;
    page.page.fault(field, fault);
    show_again(&page)
}

async fn draw(console: &Console, who: &SignedIn) -> Result<AccountPage, Failure> {
    let (store, school_id) = (console.app.store.read(), &console.app.school_id);
    let page = console.page(who, "Your sign-in", "/account").await?;
    let set_at = overview::password_set_at(store, school_id, who.id())
        .await?
        .unwrap_or_default();
    let left = rows::recovery_codes_left(store, school_id, who.id()).await?;
    let days = console.app.profile.load().handling.password_days;
    let due = days.map(|days| set_at + i64::from(days) * DAY_MS);
    let password = match due {
        Some(due) => format!(
            "Set {}. Your school wants a new one by {}.",
            page.clock.day(&set_at),
            page.clock.day(&due)
        ),
        None => format!("Set {}.", page.clock.day(&set_at)),
    };
    Ok(AccountPage {
        email: who.viewer.email.clone(),
        overdue: due.is_some_and(|due| due < clock::now_ms()),
        codes: format!("You have {} left.", words::count(left, "recovery code")),
        password,
        page,
    })
}
