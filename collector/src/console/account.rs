//! A person's own sign-in: password and recovery codes.

use super::answer::{Failure, go, show, show_again};
use super::cookies::{stay_known, with_cookie};
use super::form::Fields;
use super::join::CodesPage;
use super::page::Page;
use super::whence::{Address, owner};
use super::who::SignedIn;
use super::{Console, words};
use crate::access::{self, Attempt, Refused, fingerprint};
use crate::clock;
use crate::console::said::Done;
use crate::net::source::Source;
use crate::store::codes;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    email: String,
    password: String,
    codes: String,
    /// What people compare by voice.
    key: String,
}

pub(super) async fn account(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let mut page = draw(&console, &who).await?;
    page.page.said(&query);
    show(&page)
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    page: Page,
    email: String,
    overdue: bool,
}

/// Only the form for a new password: also for somebody whose password is too old for every other page.
pub(super) async fn password_form(
    State(console): State<Console>,
    who: SignedIn,
) -> Result<Response, Failure> {
    show(&draw_password(&console, &who).await?)
}

pub(super) async fn password(
    State(console): State<Console>,
    who: SignedIn,
    Address(address): Address,
    fields: Fields,
) -> Result<Response, Failure> {
    let attempt = own_try(&console, &who, address)?;
    if fields.get("password") != fields.get("again") {
        return password_again(&console, &who, "again", "The two passwords are not the same.").await;
    }
    let (present, new) = (fields.secret("present"), fields.secret("password"));
    let changed = access::change_password(
        &console.app,
        &console.work_of_known,
        who.id(),
        present,
        new,
        clock::now_ms(),
    )
    .await;
    match changed {
        Ok(()) => {
            attempt.was_right();
            console.sessions.end_all(who.id(), Some(&who.cookie));
            let browser = console.remember_anew(who.id()).await?;
            let cookie = stay_known(console.app.secure_cookies, &browser);
            Ok(with_cookie(go(&Done::Password.at("/account")), cookie))
        }
        Err(refused) => {
            let (field, words) = match refused {
                Refused::NewPassword(advice) => ("password", advice),
                Refused::SamePassword => (
                    "password",
                    "Choose another password than the present one.".to_owned(),
                ),
                refused => return password_again(&console, &who, "present", wrong_password(refused)?).await,
            };
            password_again(&console, &who, field, words).await
        }
    }
}

async fn password_again(
    console: &Console,
    who: &SignedIn,
    field: &'static str,
    fault: impl Into<String>,
) -> Result<Response, Failure> {
    let mut page = draw_password(console, who).await?;
    page.page.fault(field, fault);
    show_again(&page)
}

async fn draw_password(console: &Console, who: &SignedIn) -> Result<PasswordPage, Failure> {
    let mut page = console.page(who, "Change your password", "").await?;
    let overdue = who.password_is_overdue(console);
    if overdue {
        // Every one of them would lead back here, and the page itself says what is wrong.
        page.tabs.clear();
        page.banner.clear();
    }
    Ok(PasswordPage {
        page,
        email: who.viewer.email.clone(),
        overdue,
    })
}

pub(super) async fn recovery_codes(
    State(console): State<Console>,
    who: SignedIn,
    Address(address): Address,
    fields: Fields,
) -> Result<Response, Failure> {
    let attempt = own_try(&console, &who, address)?;
    let present = fields.secret("codes-present");
    let made = access::new_recovery_codes(
        &console.app,
        &console.work_of_known,
        who.id(),
        present,
        clock::now_ms(),
    )
    .await;
    match made {
        Ok(codes) => {
            attempt.was_right();
            let page = console.page(&who, "Your recovery codes", "/account").await?;
            show(&CodesPage {
                page,
                codes: codes.shown(),
                next: "/account",
            })
        }
        Err(refused) => {
            let mut page = draw(&console, &who).await?;
            page.page.fault("codes-present", wrong_password(refused)?);
            show_again(&page)
        }
    }
}

// By the session: what others do to the account does not keep its owner from changing the password.
fn own_try(console: &Console, who: &SignedIn, address: Source) -> Result<Attempt, Failure> {
    let session = Some(owner(&who.cookie));
    let attempt = console.limits.begin(address, who.id(), session, clock::now_ms());
    attempt.map_err(|_| Failure::TooMany)
}

fn wrong_password(refused: Refused) -> Result<&'static str, Failure> {
    match refused {
        Refused::Busy => Err(Failure::Busy),
        Refused::Store(error) => Err(error.into()),
        _ => Ok("Your present password is not right."),
    }
}

async fn draw(console: &Console, who: &SignedIn) -> Result<AccountPage, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let page = console.page(who, "Your sign-in", "/account").await?;
    let set_at = page.clock.day(&who.viewer.password_set_at);
    let left = codes::recovery_codes_left(&mut *store.read().await?, school_id, who.id()).await?;
    let password = match who.password_due_at(console) {
        Some(due) => format!(
            "Set {set_at}. Your school wants a new one by {}.",
            page.clock.day(&due)
        ),
        None => format!("Set {set_at}."),
    };
    Ok(AccountPage {
        email: who.viewer.email.clone(),
        codes: format!("You have {} left.", words::count(left, "recovery code")),
        key: who
            .session
            .own
            .as_ref()
            .map(|own| fingerprint(&own.public().to_bytes()))
            .unwrap_or_default(),
        password,
        page,
    })
}
