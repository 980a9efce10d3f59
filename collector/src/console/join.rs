//! Using a one-time link: a password, codes on the phone, recovery codes.

use super::Console;
use super::answer::{Failure, show, show_again};
use super::cookies::{begin_cookie, stay_known, with_cookie};
use super::form::Fields;
use super::page::Page;
use super::sealing::seal_pending;
use super::sign_in::PHONE_CLOCK;
use super::whence::Address;
use super::who::Visitor;
use crate::access::{self, Link, Refused, SecondFactor, Session};
use crate::clock;
use crate::store::{access as rows, invitations, members};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    page: Page,
    action: String,
    name: String,
    email: String,
    duties: String,
    /// Who tells the code.
    code_with: String,
    resets: bool,
    secret: String,
    spaced_secret: String,
    qr: String,
}

#[derive(Template)]
#[template(path = "join_closed.html")]
struct ClosedPage {
    page: Page,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "codes.html")]
pub(super) struct CodesPage {
    pub(super) page: Page,
    pub(super) codes: Vec<String>,
    pub(super) next: &'static str,
}

const LOCKED: &str = "The code was wrong too often, and this link opens nothing any more. Ask for a new one.";

/// The form behind a link.
pub(super) async fn form(
    State(console): State<Console>,
    visitor: Visitor,
    Address(address): Address,
    Path(link): Path<String>,
) -> Result<Response, Failure> {
    if !console.limits.allow(address, &link) {
        return Err(Failure::TooMany);
    }
    let page = console.visitor_page(&visitor, "Set up how you sign in");
    let factor = SecondFactor::generate().ok_or(Failure::Busy)?;
    let response = match filled(&console, page, &link, &factor).await? {
        Ok(page) => show(&page)?,
        Err(closed) => show_again(&closed)?,
    };
    Ok(with_cookie(response, visitor.set))
}

/// What somebody typed.
pub(super) async fn join(
    State(console): State<Console>,
    visitor: Visitor,
    Address(address): Address,
    Path(path): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    if !console.limits.allow(address, &path) {
        return Err(Failure::TooMany);
    }
    let link = Link::parse(&path).ok_or(Failure::NotFound)?;
    let factor = SecondFactor::from_text(fields.trimmed("secret")).ok_or(Failure::BadForm)?;
    let mut page = console.visitor_page(&visitor, "Set up how you sign in");
    if fields.get("password") != fields.get("again") {
        page.fault("again", "The two passwords are not the same.");
        return again(&console, page, &path, &factor).await;
    }
    let present = Some(fields.secret("present")).filter(|present| !present.is_empty());
    let joined = access::accept(
        &console.app,
        &console.work,
        link,
        access::Typed {
            heard: fields.secret("heard"),
            password: fields.secret("password"),
            present_password: present,
            code: fields.secret("code"),
        },
        &factor,
        clock::now_ms(),
    )
    .await;
    let (session, codes) = match joined {
        Ok(joined) => joined,
        Err(refused) => {
            let (field, words) = fault(refused)?;
            page.fault(field, words);
            return again(&console, page, &path, &factor).await;
        }
    };
    let page = console.visitor_page(&visitor, "Your recovery codes");
    let response = show(&CodesPage {
        page,
        codes: codes.shown(),
        next: "/",
    })?;
    begin(&console, session, response).await
}

/// The field that something is wrong with, and what.
fn fault(refused: Refused) -> Result<(&'static str, String), Failure> {
    Ok(match refused {
        Refused::VoiceCode(0) => ("heard", LOCKED.to_owned()),
        Refused::VoiceCode(left) => ("heard", wrong_voice(left)),
        Refused::Code => (
            "code",
            "The code is not right. Type the 6 digits that the app shows now.".to_owned(),
        ),
        Refused::PhoneClock => ("code", PHONE_CLOCK.to_owned()),
        Refused::NewPassword(advice) => ("password", advice),
        Refused::PresentPassword => ("present", "Your present password is not right.".to_owned()),
        Refused::Busy => return Err(Failure::Busy),
        Refused::Store(error) => return Err(error.into()),
        Refused::Link | Refused::Wrong | Refused::SamePassword => {
            ("password", "This link cannot be used any more.".to_owned())
        }
    })
}

/// Their first session, in a browser that is known from now on.
async fn begin(console: &Console, session: Session, response: Response) -> Result<Response, Failure> {
    seal_pending(console, &session).await?;
    // A password that was lost may be in other hands: what it opened ends.
    console.sessions.end_all(&session.person_id, None);
    let browser = console.remember_anew(&session.person_id).await?;
    let id = console.begin(session).await?;
    let secure = console.app.secure_cookies;
    let response = with_cookie(response, begin_cookie(secure, &id));
    Ok(with_cookie(response, stay_known(secure, &browser)))
}

async fn again(
    console: &Console,
    page: Page,
    link: &str,
    factor: &SecondFactor,
) -> Result<Response, Failure> {
    match filled(console, page, link, factor).await? {
        Ok(page) => show_again(&page),
        Err(closed) => show_again(&closed),
    }
}

async fn filled(
    console: &Console,
    page: Page,
    path: &str,
    factor: &SecondFactor,
) -> Result<Result<JoinPage, ClosedPage>, Failure> {
    let app = &console.app;
    let Some(link) = Link::parse(path) else {
        return Err(Failure::NotFound);
    };
    let invitation = invitations::find(
        &mut *app.store.read().await?,
        &app.school_id,
        link.invitation_id(),
    )
    .await?;
    let Some(invitation) = invitation.filter(|invitation| link.fits(&invitation.link_hash)) else {
        let words = "It was used already, stopped, or not copied whole. If you have set up your sign-in, sign in. \
                     Otherwise ask a colleague who reads in Pastoral to propose a new one.";
        return Ok(Err(ClosedPage { page, words }));
    };
    if !invitation.is_usable(clock::now_ms()) {
        let words = if invitation.wrong_codes >= invitations::MOST_WRONG_CODES {
            LOCKED
        } else if invitation.ready_at.is_none() {
            "A second person must first agree. Try again then."
        } else {
            "It has run out. Ask a colleague who reads in Pastoral to propose a new one."
        };
        return Ok(Err(ClosedPage { page, words }));
    }
    let mut connection = app.store.read().await?;
    let person = members::find(&mut connection, &app.school_id, &invitation.person_id).await?;
    let person = person.ok_or(Failure::NotFound)?;
    let duties: Vec<_> = person.duties.iter().map(|duty| duty.words()).collect();
    let teller = rows::name_and_email(&mut connection, &app.school_id, &invitation.code_with).await?;
    drop(connection);
    let code_with = teller.map_or_else(|| "whoever set this up".to_owned(), |(name, _)| name);
    let (name, email) = (person.name(), person.email);
    let secret = factor.text().to_string();
    let spaced = secret
        .as_bytes()
        .chunks(4)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>()
        .join(" ");
    Ok(Ok(JoinPage {
        qr: factor.qr_svg(&email, &page.school).ok_or(Failure::Template)?,
        action: link.path(),
        duties: duties.join(" and "),
        code_with,
        resets: person.can_sign_in,
        secret,
        spaced_secret: spaced,
        name,
        email,
        page,
    }))
}

fn wrong_voice(left: i64) -> String {
    format!(
        "The code is not the one that belongs to this link. It has ten letters and digits, and comes by voice from the \
         person named here. After {left} more wrong ones the link opens nothing."
    )
}
