//! How Pastoral itself is: mail, devices, cover, and what is wrong.

use super::answer::{Failure, show};
use super::page::Page;
use super::who::SignedIn;
use super::{Console, words};
use crate::clock;
use crate::concerns::model::Duty;
use crate::devices::roll::{self, told_apart};
use crate::store::outbox::Undelivered;
use crate::store::{audit, devices, gaps, outbox, overview};
use askama::Template;
use axum::extract::State;
use axum::response::Response;

const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
const NOTICES_SHOWN: i64 = 50;
const GAPS_SHOWN: i64 = 50;

#[derive(Template)]
#[template(path = "health.html")]
struct HealthPage {
    page: Page,
    mail: Vec<String>,
    unsent: Vec<Unsent>,
    devices: String,
    gaps: Vec<String>,
    chain: String,
    cover: String,
    profile: String,
    not_done: Vec<String>,
    is_reader: bool,
}

struct Unsent {
    what: &'static str,
    concern_id: Option<String>,
    to: String,
    since: String,
    state: String,
    error: String,
}

pub(super) async fn health(State(console): State<Console>, who: SignedIn) -> Result<Response, Failure> {
    let app = &console.app;
    let page = console.page(&who, "Health", "/health").await?;
    let unsent = match who.is_reader() {
        true => unsent(&console, &page, who.id()).await?,
        false => Vec::new(),
    };
    let profile = app.profile.load();
    let mut db = app.store.read().await?;
    let roll = roll::call(&mut db, &app.school_id, &profile.cover, clock::now_ms()).await?;
    drop(db);
    let chain = match audit::last_head_sent(&app.store, &app.school_id).await? {
        Some(at) => format!(
            "The head of the audit log was last mailed to headteacher and chair {}.",
            page.clock.when(&at)
        ),
        None => "The head of the audit log has not been mailed yet; it is sent once a day.".to_owned(),
    };
    show(&HealthPage {
        mail: mail(&console, &page, &who, unsent.is_empty()).await?,
        unsent,
        devices: roll.headline(),
        gaps: gaps(&console, &page).await?,
        chain,
        cover: words::cover(&profile, &page.clock),
        not_done: profile.not_done(),
        profile: format!("{}, profile {}", profile.school, profile.name),
        is_reader: who.is_reader(),
        page,
    })
}

// A technician learns whether mail gets out, not how much there is to tell (P41). INVARIANT 4: when mail last left would
// tell everybody of concerns that are not theirs; only the daily mail says it.
async fn mail(
    console: &Console,
    page: &Page,
    who: &SignedIn,
    none_unsent: bool,
) -> Result<Vec<String>, Failure> {
    let (app, store) = (&console.app, &mut *console.app.store.read().await?);
    let mut mail = Vec::new();
    mail.push(match overview::daily_mail_left(store, &app.school_id).await? {
        Some(at) => format!("The daily mail last went out {}.", page.clock.when(&at)),
        None => "No daily mail has gone out yet.".to_owned(),
    });
    if who.has(Duty::Technician) && overview::mail_is_failing(store, &app.school_id, who.id(), true).await? {
        mail.push(
            "Some mail could not be delivered. Check the mail server and the settings under [mail]."
                .to_owned(),
        );
        let why = outbox::last_error(&app.store, &app.school_id).await?;
        mail.extend(why.map(|why| format!("The last one: {why}.")));
    }
    if who.is_reader() && none_unsent {
        mail.push("Nothing of yours waits to be sent again.".to_owned());
    }
    Ok(mail)
}

async fn unsent(console: &Console, page: &Page, viewer: &str) -> Result<Vec<Unsent>, Failure> {
    let app = &console.app;
    let mut connection = app.store.read().await?;
    let notices = outbox::undelivered(&mut connection, &app.school_id, viewer, NOTICES_SHOWN).await?;
    let people = overview::everybody(&mut connection, &app.school_id).await?;
    let name = |id: &Option<String>| {
        let person = people
            .iter()
            .find(|person| Some(&person.person_id) == id.as_ref());
        person.map_or_else(|| "somebody who left".to_owned(), |person| person.name.clone())
    };
    Ok(notices
        .into_iter()
        .map(|notice| in_words(page, notice, &name))
        .collect())
}

fn in_words(page: &Page, notice: Undelivered, name: &impl Fn(&Option<String>) -> String) -> Unsent {
    Unsent {
        what: notice.sort.words(),
        to: name(&notice.person_id),
        since: page.clock.when(&notice.created_at),
        state: format!(
            "Tried {}, and again {}{}",
            words::count(notice.attempts, "time"),
            page.clock.when(&notice.due_at),
            match notice.skipped_at {
                Some(at) => format!(
                    ". Cannot be reached, so the next person was told {}",
                    page.clock.when(&at)
                ),
                None => String::new(),
            }
        ),
        concern_id: notice.concern_id,
        error: match notice.last_error.as_str() {
            "" => String::new(),
            error => words::sentence(error),
        },
    }
}

async fn gaps(console: &Console, page: &Page) -> Result<Vec<String>, Failure> {
    let since = clock::now_ms() - WEEK_MS;
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let mut found = gaps::since(&mut *store.read().await?, school_id, since, GAPS_SHOWN + 1).await?;
    let more = i64::try_from(found.len()).is_ok_and(|found| found > GAPS_SHOWN);
    found.truncate(usize::try_from(GAPS_SHOWN).unwrap_or(usize::MAX));
    let names = told_apart(&devices::list(&mut *store.read().await?, school_id).await?);
    let mut says: Vec<String> = found
        .iter()
        .map(|gap| words::gap(gap, &names, &page.clock))
        .collect();
    if more {
        says.push(format!("There are more than these {GAPS_SHOWN}, of longer ago."));
    }
    let (_, unreadable) = gaps::count_since(&mut *store.read().await?, school_id, since).await?;
    if unreadable > 0 {
        let records = words::count(unreadable, "record");
        says.push(format!(
            "{records} that could not be read arrived in the last 7 days: kept sealed."
        ));
    }
    if says.is_empty() {
        says.push("No device reported a gap in the last 7 days.".to_owned());
    }
    Ok(says)
}
