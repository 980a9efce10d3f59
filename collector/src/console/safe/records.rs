//! A record that could not be read, out of the safe: shown as text, whatever it is.

use super::{kept_reason, reason};
use crate::chain::Deed;
use crate::clock;
use crate::concerns::model::ReaderGroup;
use crate::concerns::naming::Circumstances;
use crate::console::addresses::SAFE;
use crate::console::answer::{Failure, go, show, show_again};
use crate::console::form::Fields;
use crate::console::page::Page;
use crate::console::said::Done;
use crate::console::who::SignedIn;
use crate::console::{Console, words};
use crate::seal::GroupPrivateKey;
use crate::store::people::Directory;
use crate::store::safe::{self as rows, Record, RecordId};
use crate::store::{Write, audit};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use data_encoding::HEXLOWER;
use pastoral_keywords::Provenance;
use serde_json::json;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Characters of a record that are shown.
const SHOWN: usize = 8_000;
/// Whoever is perhaps meant in it is one too many to read it.
const SUSPECT: Circumstances = Circumstances {
    by_adult: true,
    provenance: Provenance::Typed,
    of_abuse: true,
};
/// Stands for what is no readable character.
const UNREADABLE: char = '·';

#[derive(Template)]
#[template(path = "safe_record.html")]
struct RecordPage {
    page: Page,
    address: String,
    device: String,
    arrived: String,
    reason: String,
    opened: Opened,
    before: Vec<Before>,
    /// A reason that was not taken.
    typed: String,
}

/// What stands on the page of the record itself.
enum Opened {
    /// A reason is wanted first.
    Reason,
    /// It names the viewer.
    Names,
    /// Nothing of it was kept, or what is stored was changed.
    Nothing,
    /// The text, and how many characters are left out.
    Text(String, usize),
}

/// Who opened it before, and why.
struct Before {
    when: String,
    who: String,
    why: String,
}

/// The address of a record's page, behind the safe's.
pub(super) fn address(record: &Record) -> String {
    format!(
        "{}.{}.{}",
        record.device_id,
        HEXLOWER.encode(&record.epoch),
        record.sequence
    )
}

fn parse(address: &str) -> Option<RecordId> {
    let (rest, sequence) = address.rsplit_once('.')?;
    let (device_id, epoch) = rest.rsplit_once('.')?;
    Some(RecordId {
        device_id: device_id.to_owned(),
        epoch: HEXLOWER.decode(epoch.as_bytes()).ok()?,
        sequence: sequence.parse().ok()?,
    })
}

/// The page: asks for the reason, or shows the record.
pub(in crate::console) async fn record(
    State(console): State<Console>,
    who: SignedIn,
    Path(address): Path<String>,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (id, record, directory) = found(&console, &who, &address).await?;
    if who.session.safe.since(clock::now_ms()).is_none() {
        return Ok(go(SAFE));
    }
    let mut page = draw(&console, &who, (&id, &record), &directory).await?;
    if matches!(page.opened, Opened::Reason) {
        page.typed = kept_reason(
            &console,
            &who,
            &mut page.page,
            format!("{SAFE}/records/{address}"),
        )
        .await?;
    }
    show(&page)
}

async fn found(
    console: &Console,
    who: &SignedIn,
    address: &str,
) -> Result<(RecordId, Record, Arc<Directory>), Failure> {
    let app = &console.app;
    let id = parse(address).ok_or(Failure::NotFound)?;
    let directory = console.directory().await?;
    let record = rows::record(
        &mut *app.store.read().await?,
        (&directory, &app.school_id),
        who.id(),
        &id,
    )
    .await?;
    Ok((id, record.ok_or(Failure::NotFound)?, directory))
}

async fn draw(
    console: &Console,
    who: &SignedIn,
    (id, record): (&RecordId, &Record),
    directory: &Directory,
) -> Result<RecordPage, Failure> {
    let app = &console.app;
    let page = console.page(who, "A record in the safe", SAFE).await?;
    let address = address(record);
    let (mut opened, mut before) = (Opened::Reason, Vec::new());
    if let Some(key) = who.session.safe.key_for(&address, clock::now_ms()) {
        opened = open_it(&key, who, record, directory);
        if !matches!(opened, Opened::Names) {
            let mut tx = app.store.write().await?;
            note(&mut tx, console, who, (id, Deed::RecordViewed)).await?;
            tx.commit().await?;
            let done = rows::record_actions(&mut *app.store.read().await?, &app.school_id, id).await?;
            before = done
                .iter()
                .map(|action| Before {
                    when: page.clock.exactly(&action.at),
                    who: action.by_name.clone().unwrap_or_else(|| "Somebody".to_owned()),
                    why: why(&key, id, &action.sealed),
                })
                .collect();
        }
    }
    Ok(RecordPage {
        device: record.host_name.clone(),
        arrived: page.clock.exactly(&record.received_at),
        reason: words::sentence(&record.reason),
        address,
        opened,
        before,
        typed: String::new(),
        page,
    })
}

/// INVARIANT 4: whom it names does not read it, nor whose account it speaks of.
fn open_it(key: &GroupPrivateKey, who: &SignedIn, record: &Record, directory: &Directory) -> Opened {
    let Ok(bytes) = key.open(&record.sealed, rows::purpose(&record.device_id).as_bytes()) else {
        return Opened::Nothing;
    };
    let whole = Zeroizing::new(readable(&bytes));
    if whole.is_empty() {
        return Opened::Nothing;
    }
    let is_account = |word: &str| {
        directory
            .person_of_username(word)
            .is_some_and(|person| person.person_id == who.id())
    };
    let words = whole.split(|letter: char| !letter.is_alphanumeric() && !"._-".contains(letter));
    if directory.named_in(&whole, &SUSPECT).contains_key(who.id()) || words.into_iter().any(is_account) {
        return Opened::Names;
    }
    let text: String = whole.chars().take(SHOWN).collect();
    Opened::Text(text, whole.chars().count().saturating_sub(SHOWN))
}

fn why(key: &GroupPrivateKey, id: &RecordId, sealed: &[u8]) -> String {
    let opened = key.open(sealed, rows::reason_purpose(id).as_bytes());
    opened
        .ok()
        .and_then(|words| String::from_utf8(words.to_vec()).ok())
        .unwrap_or_default()
}

/// Bytes as text: what is no character, moves the cursor or turns the direction of writing is a dot, several are one.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for letter in String::from_utf8_lossy(bytes).chars() {
        let shown = match letter {
            '\n' => '\n',
            '\t' => ' ',
            char::REPLACEMENT_CHARACTER | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => {
                UNREADABLE
            }
            '\u{2060}'..='\u{206f}' | '\u{feff}' => UNREADABLE,
            letter if letter.is_control() => UNREADABLE,
            letter => letter,
        };
        if shown != UNREADABLE || !text.ends_with(UNREADABLE) {
            text.push(shown);
        }
    }
    text.trim_matches(|letter: char| letter == UNREADABLE || letter.is_whitespace())
        .to_owned()
}

/// The reason somebody gave: kept beside the record, sealed to the safe.
pub(in crate::console) async fn open(
    State(console): State<Console>,
    who: SignedIn,
    Path(address): Path<String>,
    fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (id, record, directory) = found(&console, &who, &address).await?;
    let now = clock::now_ms();
    if who.session.safe.since(now).is_none() {
        return Ok(go(SAFE));
    }
    let reason = match reason(&fields) {
        Ok(reason) => reason,
        Err(fault) => {
            let mut page = draw(&console, &who, (&id, &record), &directory).await?;
            page.page.fault("words", fault);
            page.typed = fields.get("words").to_owned();
            return show_again(&page);
        }
    };
    let app = &console.app;
    let public = app.sealer.public(ReaderGroup::Safe).map_err(|_| Failure::Busy)?;
    let sealed = public
        .seal(reason.as_bytes(), rows::reason_purpose(&id).as_bytes())
        .map_err(|_| Failure::Busy)?;
    let mut tx = app.store.write().await?;
    rows::add_record_action(&mut tx, &app.school_id, &id, (who.id(), &sealed), now).await?;
    note(&mut tx, &console, &who, (&id, Deed::RecordOpened)).await?;
    tx.commit().await?;
    who.session.safe.give_reason(&address, now);
    Ok(go(&format!("{SAFE}/records/{address}")))
}

/// Removes a record that somebody has read.
pub(in crate::console) async fn discard(
    State(console): State<Console>,
    who: SignedIn,
    Path(address): Path<String>,
    _fields: Fields,
) -> Result<Response, Failure> {
    let who = who.reader()?;
    let (id, record, directory) = found(&console, &who, &address).await?;
    let Some(key) = who.session.safe.key_for(&address, clock::now_ms()) else {
        return Ok(go(SAFE));
    };
    // INVARIANT 4: nobody removes what they may not read.
    if matches!(open_it(&key, &who, &record, &directory), Opened::Names) {
        return Err(Failure::NotFound);
    }
    let mut tx = console.app.store.write().await?;
    rows::discard(&mut tx, &console.app.school_id, &id).await?;
    note(&mut tx, &console, &who, (&id, Deed::RecordDiscarded)).await?;
    tx.commit().await?;
    Ok(go(&Done::RecordDiscarded.at("/safe")))
}

async fn note(
    tx: &mut Write,
    console: &Console,
    who: &SignedIn,
    (id, deed): (&RecordId, Deed),
) -> Result<(), sqlx::Error> {
    let entry = audit::Entry {
        school_id: &console.app.school_id,
        actor: who.id(),
        deed,
        concern_id: None,
        detail: json!({ "device_id": id.device_id }),
    };
    audit::append(tx, clock::now_ms(), &entry).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_shown_as_text_whatever_is_in_it() {
        assert_eq!(
            readable(b"\x00\x01what\xff\xfe was\x1b[31m seen\n"),
            "what· was·[31m seen"
        );
        assert_eq!(readable("a\u{202e}b\u{2066}c\u{feff}".as_bytes()), "a·b·c");
        assert_eq!(readable(&[0xff; 4096]), "");
        assert_eq!(readable("Zoë ‖ 字".as_bytes()), "Zoë ‖ 字");
    }

    #[test]
    fn only_an_address_of_ours_is_a_record() {
        assert_eq!(parse("d-1.0aff.7").unwrap().sequence, 7);
        for wrong in ["", "d", "d.zz.1", "d.0a.x", "..", "0a.1"] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
