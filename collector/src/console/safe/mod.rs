//! The school safe: what no present reader could read, opened with the printed sheet in a signed-in reader's browser.
//!
//! The sheet's key is in the session's memory for a quarter of an hour. Every reader is told that it was typed in; each
//! thing is opened with a reason first, and recorded before it is shown (invariant 5). Whom it is about opens nothing
//! (invariant 4): that is the store's to say, see [`store::safe`](crate::store::safe).

mod concern;
mod records;

pub(super) use concern::{concern, give, open as open_concern};
pub(super) use records::{discard, open as open_record, record};

use super::addresses::SAFE;
use super::answer::{Failure, go, show, show_again};
use super::form::{Fields, TEXT_MOST};
use super::page::Page;
use super::who::SignedIn;
use super::{Console, words};
use crate::access::SAFE_OPEN_MS;
use crate::chain::Deed;
use crate::clock;
use crate::concerns::model::{Duty, ReaderGroup};
use crate::console::said::Done;
use crate::seal;
use crate::seal::GroupPrivateKey;
use crate::seal::sheet::{self, SheetError};
use crate::store::outbox::Matter;
use crate::store::{audit, holders, keys, safe as rows};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest sheet that is read, in bytes.
const SHEET_MOST: usize = 8 * 1024;
const CONCERNS_SHOWN: i64 = 200;
const RECORDS_SHOWN: i64 = 500;

#[derive(Template)]
#[template(path = "safe.html")]
struct SafePage {
    page: Page,
    /// Until when it is open; empty while it is closed.
    until: String,
    keys: String,
    concerns: Vec<ConcernLine>,
    records: Vec<RecordLine>,
}

struct ConcernLine {
    concern_id: String,
    reference: String,
    name: String,
    kind: &'static str,
    severity: String,
    opened: String,
    readers: &'static str,
}

struct RecordLine {
    address: String,
    device: String,
    arrived: String,
    reason: String,
}

/// The page: asks for the sheet, or lists what it opens.
pub(super) async fn safe(
    State(console): State<Console>,
    who: SignedIn,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let mut page = console.page(&who, "The school safe", SAFE).await?;
    page.said(&query);
    show(&draw(&console, &who, page).await?)
}

async fn draw(console: &Console, who: &SignedIn, page: Page) -> Result<SafePage, Failure> {
    let (store, school_id) = (&console.app.store, &console.app.school_id);
    let now = clock::now_ms();
    let Some(since) = who.session.safe.since(now) else {
        return Ok(SafePage {
            keys: seal::fingerprint(&keys::publics(&mut *store.read().await?, school_id).await?),
            until: String::new(),
            concerns: Vec::new(),
            records: Vec::new(),
            page,
        });
    };
    let directory = console.directory().await?;
    let concerns = rows::concerns(&mut *store.read().await?, school_id, who.id(), CONCERNS_SHOWN).await?;
    let records = rows::records(
        &mut *store.read().await?,
        (&directory, school_id),
        who.id(),
        RECORDS_SHOWN,
    )
    .await?;
    let shown: Vec<&str> = concerns.iter().map(|kept| kept.concern_id.as_str()).collect();
    console.visit(who, super::visits::List::Safe, &shown).await?;
    let clock = &page.clock;
    Ok(SafePage {
        until: clock.by(&(since + SAFE_OPEN_MS)),
        keys: String::new(),
        concerns: concerns
            .iter()
            .map(|kept| ConcernLine {
                concern_id: kept.concern_id.clone(),
                reference: kept.reference.to_string(),
                name: kept.name.clone().unwrap_or_else(|| "Nobody known".to_owned()),
                kind: kept.kind.words(),
                severity: format!("{} – {}", kept.severity, words::severity(kept.severity)),
                opened: clock.when(&kept.opened_at),
                readers: if kept.has_readers {
                    "Somebody may read it now, and has no key to it"
                } else {
                    "Nobody may read it"
                },
            })
            .collect(),
        records: records
            .iter()
            .map(|record| RecordLine {
                address: records::address(record),
                device: record.host_name.clone(),
                arrived: clock.when(&record.received_at),
                reason: words::sentence(&record.reason),
            })
            .collect(),
        page,
    })
}

/// The sheet as somebody typed it.
pub(super) async fn unlock(
    State(console): State<Console>,
    who: SignedIn,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let app = &console.app;
    let publics = keys::publics(&mut *app.store.read().await?, &app.school_id).await?;
    let found = read(&fields.secret("sheet"), |text| sheet::read(text, &publics));
    let now = clock::now_ms();
    let deed = if found.is_ok() {
        Deed::SafeOpened
    } else {
        Deed::SafeRefused
    };
    let mut tx = app.store.write().await?;
    let entry = audit::Entry {
        school_id: &app.school_id,
        actor: who.id(),
        deed,
        concern_id: None,
        detail: json!({}),
    };
    audit::append(&mut tx, now, &entry).await?;
    if found.is_ok() {
        let readers = Duty::ALL.map(|duty| Some(duty).filter(|duty| !duty.reader_groups().is_empty()));
        let readers: Vec<Duty> = readers.into_iter().flatten().collect();
        holders::tell(&mut tx, &app.telling(), &readers, &Matter::SafeOpened, now).await?;
    }
    tx.commit().await?;
    app.outbox_wake.notify_one();
    match found {
        Ok(key) => {
            who.session.safe.open(key, now);
            forget_in_time(&who);
            Ok(go(&Done::SafeOpened.at("/safe")))
        }
        Err(fault) => {
            let mut page = console.page(&who, "The school safe", SAFE).await?;
            page.fault("sheet", fault);
            show_again(&draw(&console, &who, page).await?)
        }
    }
}

/// The safe's key out of what was typed, or what to do.
fn read(
    typed: &Zeroizing<String>,
    read: impl Fn(&str) -> Result<Vec<(ReaderGroup, GroupPrivateKey)>, SheetError>,
) -> Result<GroupPrivateKey, String> {
    if typed.len() > SHEET_MOST {
        return Err("That is too long. Type the sheet’s lines only.".to_owned());
    }
    let keys = read(typed).map_err(|error| match error {
        SheetError::None => "Type the chair’s sheet, with the line that begins with “safe”.".to_owned(),
        other => words::sentence(&other.to_string()),
    })?;
    let safe = keys.into_iter().find(|(group, _)| *group == ReaderGroup::Safe);
    safe.map(|(_, key)| key).ok_or_else(|| {
        "This sheet does not open the safe. The chair’s sheet does: its line begins with “safe”.".to_owned()
    })
}

/// The key leaves the memory also when nobody asks for it again.
fn forget_in_time(who: &SignedIn) {
    let session = Arc::downgrade(&who.session);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(SAFE_OPEN_MS.unsigned_abs())).await;
        if let Some(session) = session.upgrade() {
            let _over_by_now = session.safe.since(clock::now_ms());
        }
    });
}

pub(super) async fn close(
    State(_console): State<Console>,
    who: SignedIn,
    _fields: Fields,
) -> Result<Response, Failure> {
    who.session.safe.close();
    Ok(go(&Done::SafeClosed.at("/safe")))
}

/// The reason that somebody wrote on a page and that was not taken: it stands in the form itself.
async fn kept_reason(
    console: &Console,
    who: &SignedIn,
    page: &mut Page,
    address: String,
) -> Result<String, Failure> {
    let kept = console.kept(who, &address).await?;
    page.kept = kept.is_some().then_some((address, String::new()));
    Ok(kept.map_or_else(String::new, |draft| draft.words().to_owned()))
}

/// The reason, for which one opens something, or what is wrong with it.
fn reason(fields: &Fields) -> Result<String, String> {
    match fields.text("words", TEXT_MOST) {
        Ok(words) if words.is_empty() => Err("Write why you must see it now.".to_owned()),
        words => words,
    }
}
